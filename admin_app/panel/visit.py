"""``Visit``: the context of one request of a signed-in person, and the addresses of pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, urlencode

from starlette.datastructures import FormData
from starlette.requests import Request

from admin_app.access import csrf_token
from admin_app.access.confirmation import require_confirmed
from admin_app.declaration import Action, Actor, Key, Origin, Registry, Resource
from admin_app.desk import Place, SavedView, place_of
from admin_app.errors import ForbiddenError
from admin_app.panel.declared import in_language
from admin_app.records import Records, Representation

REASON_FIELD = "_reason"
MAX_REASON = 500
Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Visit:
    """The context of one request of a signed-in person."""

    request: Request
    actor: Actor
    secret: str
    """The session's secret: what its form tokens and notices are made from."""

    @property
    def records(self) -> Records:
        records: Records = self.request.state.records
        return records

    @property
    def registry(self) -> Registry:
        """The resources as the actor sees them, in their language."""
        return in_language(self.records.registry_for(self.actor))

    @property
    def origin(self) -> Origin:
        return origin_of(self.request)

    @cached_property
    def csrf(self) -> str:
        return csrf_token(self.secret)

    def may(self, resource: Resource, action: str) -> bool:
        """Whether the action is allowed on some of the records at least."""
        return action in self.records.allowed(self.actor, resource)

    def offered(self, resource: Resource) -> frozenset[str]:
        """The actions that a page offers: the allowed ones, but reading alone in read-only mode."""
        allowed = self.records.allowed(self.actor, resource)
        return allowed & {"read"} if self.request.state.settings.server.read_only else allowed

    def require(self, resource: Resource, wanted: Action) -> None:
        """Raise ``ForbiddenError`` where the action is allowed on none of the records."""
        if not self.may(resource, wanted):
            declared = resource.declared.get(wanted)
            action = declared.label.lower() if declared else wanted
            msg = f"You may not {action} {resource.label_plural.lower()}."
            raise ForbiddenError(msg)

    def confirm_first(self, resource: Resource) -> None:
        """Ask before a form is filled in what would be asked when it comes back.

        Raises ``ConfirmationRequiredError``.
        """
        if resource.own:
            require_confirmed(self.actor)

    @property
    def urls(self) -> Urls:
        return Urls(base_of(self.request))

    async def place(self) -> Place:
        """The person's preferences and the views shown: read once, whoever asks how often."""
        state = self.request.state
        found = getattr(state, "place", None)
        if not isinstance(found, Place):
            resource = str(self.request.path_params.get("identity", ""))
            view = id_from(self.request.query_params.get("view", ""))
            found = state.place = await place_of(state.database, self.actor, resource, view)
        return found


async def record_at(visit: Visit, resource: Resource) -> Representation:
    """The record in the page's address. Raises ``NotFoundError``."""
    key = resource.parse_key(visit.request.path_params["pk"])
    return await visit.records.get(visit.actor, resource, key)


def origin_of(request: Request) -> Origin:
    """The origin of this request's writes, with the reason if its form gives one."""
    form = getattr(request.state, "form", None)
    reason = form.get(REASON_FIELD, "") if isinstance(form, FormData) else ""
    reason = str(reason).replace("\0", " ")
    return Origin(
        "panel",
        request.state.request_id,
        reason=" ".join(reason.split())[:MAX_REASON],
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
    )


def id_from(text: str) -> int:
    """The id in a form or an address; one that nothing has if the text is no id."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0  # noqa: PLR2004


def base_of(request: Request) -> str:
    """The path at which the panel is mounted."""
    return str(request.scope["root_path"])


def here(request: Request) -> str:
    """The address that was asked for, without its host."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def visit_of(request: Request) -> Visit | None:
    """The visit that authentication has put on the request, if it did."""
    found = getattr(request.state, "visit", None)
    return found if isinstance(found, Visit) else None


def visiting(request: Request) -> Visit:
    """The visit of a request that has passed authentication."""
    visit = visit_of(request)
    if visit is None:
        msg = "a page that needs somebody signed in was reached without login_required"
        raise RuntimeError(msg)
    return visit


@dataclass(frozen=True, slots=True)
class Urls:
    """Paths of pages, never with a host: what the request calls itself is not believed."""

    base: str

    def home(self) -> str:
        return f"{self.base}/"

    def to(self, *parts: str, pairs: Pairs = ()) -> str:
        """A path below the panel, with a query."""
        path = "/".join((self.base, *(quote(part, safe=",~") for part in parts)))
        query = urlencode(list(pairs), safe=",:", errors="replace")
        return f"{path}?{query}" if query else path

    def list(self, resource: Resource, pairs: Pairs = ()) -> str:
        return self.to(resource.name, "list", pairs=pairs)

    def view(self, view: SavedView) -> str:
        """The list of a saved view, which carries its number to be known again."""
        query = f"{view.query}&view={view.id}" if view.query else f"view={view.id}"
        return f"{self.to(view.resource, 'list')}?{query}"

    def create(self, resource: Resource) -> str:
        return self.to(resource.name, "create")

    def details(self, resource: Resource, key: Key) -> str:
        return self.to(resource.name, "details", resource.key_text(key))

    def edit(self, resource: Resource, key: Key) -> str:
        return self.to(resource.name, "edit", resource.key_text(key))

    def editing(self, resource: Resource, key: Key) -> str:
        return self.to(resource.name, "editing", resource.key_text(key))

    def delete(self, resource: Resource, key: Key) -> str:
        return self.to(resource.name, "delete", pairs=[("key", resource.key_text(key))])

    def file(self, resource: Resource, key: Key, field: str) -> str:
        return self.to(resource.name, "file", field, resource.key_text(key))

    def aside(self, resource: Resource) -> str:
        """Where a record's form is found that stands beside another; a key follows."""
        return self.to(resource.name, "side")

    def inline(self, resource: Resource, relation: str, record: Representation | None) -> str:
        key = (record.key_text,) if record else ()
        return self.to(resource.name, "inline", relation, *key)

    def lookup(self, resource: Resource, relation: str) -> str:
        return self.to(resource.name, "ajax", "lookup", pairs=[("name", relation)])
