"""``ResourceOptions``: the optional declarations of a model beyond its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from admin_app.declaration.actor import ACTIONS
from admin_app.declaration.forms import Section, Tab, Tone, When
from admin_app.declaration.hooks import AfterCommit, Hook
from admin_app.declaration.inlines import Inline
from admin_app.declaration.widgets import Widget


@dataclass(frozen=True, kw_only=True)
class ResourceOptions:
    """Sparse options of a resource, declared as ``__resource__`` on the model.

    Names of fields are attribute names of the model; a relation's field is ``relation.field``.
    Mistakes are reported by ``Registry.from_base``, all at once.
    """

    name: str | None = None
    """Singular name in the command line, permissions and changes; default: class in snake case."""
    plural: str | None = None
    """Name in paths; default: the plural of ``name``."""
    label: str | None = None
    """What people read for one record; default: ``name`` in words."""
    label_plural: str | None = None
    title: str | None = None
    """The field that names a record for people; default: the first of name, title, label, text …"""
    detail: str | Sequence[str] | None = None
    """A field or several that are shown beside the title in look-ups, to tell namesakes apart."""
    inlines: Sequence[str | Inline] = ()
    """One-to-many relations whose records are written in the form of their record."""
    list: Sequence[str] = ()
    """Fields and relations shown as columns of the panel's list; default: the first seven."""
    search: Sequence[str] = ()
    """Text fields, also ``relation.field``, searched word by word; default: the title."""
    full_text: bool = False
    """Whether the record's own fields among them have a full-text index, searched by prefix."""
    filters: Sequence[str] = ()
    """Fields offered as filters in the panel; REST filters by every readable one."""
    sort: Sequence[str] = ()
    """Default order, ``-`` for descending; the key always comes last."""
    page_size: int = 25
    """Records of a page where the request does not say."""
    page_limit: int = 200
    """The most records of a page."""
    labels: Mapping[str, str] = field(default_factory=dict)
    help: Mapping[str, str] = field(default_factory=dict)
    form: Sequence[str | Section | Tab] = ()
    """Layout of the panel's form; fields that it does not name come at the end."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Units by field, shown beside the numbers."""
    shown_when: Mapping[str, When] = field(default_factory=dict)
    """Conditions by field under which the panel's form shows it."""
    colors: Mapping[str, Mapping[Any, Tone]] = field(default_factory=dict)
    """By field, the tone of each choice or boolean value: good, warn, bad, info or muted."""
    sensitive: Sequence[str] = ()
    """Fields never shown in lists, exports, changes or logs in clear."""
    actions: Sequence[str] = ACTIONS
    """The actions that exist here at any surface, names of your own included; grants allow them."""
    rules: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Named row rules: from the model class to a condition, with ``actor`` for who acts."""
    trash: str | None = None
    """A nullable instant: what is deleted has it set and can be restored, until it is purged."""
    before_write: Hook | None = None
    """Called before every write, at any surface, and may refuse it."""
    after_commit: AfterCommit | None = None
    """Called with what has been written, at any surface, once it is committed."""
    require_if_match: bool = False
    """Whether REST requires ``If-Match`` to change or delete a record."""
    translations: Mapping[str, Mapping[str, str | tuple[str, ...]]] = field(default_factory=dict)
    """By the code of a language: labels, help, choices and whatever else is said here in English,
    with what it is in that language. ``"{count} book"`` has every plural form, in CLDR's order."""
    reason: Literal["never", "optional", "required"] = "never"
    """Whether a change by hand or over REST can, or must, be given a reason."""
    widgets: Sequence[Widget] = ()
    """Figures and charts of the panel's first page."""
    menu: str | None = None
    """Heading in the panel's menu under which the resource stands."""
    icon: str | None = None
    """Name of an icon of the panel's sprite."""
