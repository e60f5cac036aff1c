"""Saved views as a list meets them: which it is shown as, which it opens with, their addresses."""

from __future__ import annotations

from admin_app.declaration import Resource
from admin_app.desk import OPENS, Place, SavedView
from admin_app.panel.list_address import NO_VIEW, VIEW, brought, carried, kept
from admin_app.panel.visit import Pairs, Urls, id_from


def preference(resource: Resource) -> str:
    """The name under which the number of the view is kept that a list opens with."""
    return f"{OPENS}{resource.name}"


def address_text(pairs: Pairs) -> str:
    """A list's parameters as a view keeps them."""
    return carried(kept(pairs))


def pairs_of(view: SavedView) -> list[tuple[str, str]]:
    """The parameters of a view's list."""
    return brought(view.query)


def default_view(resource: Resource, place: Place) -> SavedView | None:
    """The view that the list opens with for whoever's place this is."""
    return _numbered(resource, place, place.preferences.get(preference(resource)))


def view_shown(resource: Resource, pairs: Pairs, place: Place) -> SavedView | None:
    """The view that an address is of; a number that is nobody's, or not to be seen, is of none."""
    return _numbered(resource, place, id_from(dict(pairs).get(VIEW, "")))


def is_changed(view: SavedView, pairs: Pairs) -> bool:
    """Whether a list is not the one that was saved."""
    return {*kept(pairs)} != {*pairs_of(view)}


def everything(urls: Urls, resource: Resource, place: Place) -> str:
    """The address of the list of all records, past the view that it opens with."""
    past = [(VIEW, NO_VIEW)] if default_view(resource, place) else []
    return urls.list(resource, past)


def _numbered(resource: Resource, place: Place, number: object) -> SavedView | None:
    return next((each for each in place.views_of(resource.name) if each.id == number), None)
