"""What an inline shows: a page of the records there are, and what somebody has made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from admin_app.declaration import Field, Relation
from admin_app.errors import BadRequestError
from admin_app.panel.display import Shown, brief, shortened, shown, total_words
from admin_app.panel.forms.filled import Shape
from admin_app.panel.forms.inline_rows import Row
from admin_app.panel.language import say
from admin_app.panel.links import Titles, related, titles_of
from admin_app.records import Representation
from admin_app.records.reads.pages import Page

if TYPE_CHECKING:
    from admin_app.panel.forms.inlines import InlinePart

PAGE = 10
LINKS = 2
MOST_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Line:
    """A record in an inline."""

    handle: str
    """How buttons name it."""
    title: str
    cells: Sequence[Shown]
    href: str | None = None
    row: Row | None = None
    """Set where somebody has touched it."""
    shapes: Sequence[Shape] = ()
    """Its questions, while it is open."""
    state: str = ""
    """``new``, ``changed`` or ``gone``."""
    position: int | None = None
    """The number that it is ordered by."""
    place: int | None = None
    """Which of those that can be moved it is."""

    @property
    def open(self) -> bool:
        return self.row is not None and self.row.open


@dataclass(frozen=True, slots=True)
class View:
    """The lines of an inline, and where others begin."""

    columns: Sequence[Field | Relation]
    lines: Sequence[Line]
    previous: str | None = None
    next: str | None = None
    total: int | None = None
    """How many there are, as far as it was counted; none where all of them are shown."""

    @property
    def count(self) -> str:
        """The same in words."""
        return total_words(self.total or 0)

    @property
    def moved(self) -> int:
        """How many of the lines can be moved."""
        return sum(each.place is not None for each in self.lines)


async def view_of(part: InlinePart) -> View:
    """Read what an inline shows."""
    page = await page_of(part)
    records = [Representation(page.resource, values) for values in page.rows] if page else []
    titles = await _titles(part, [each.values for each in records])
    touched = {each.key: each for each in part.rows if each.key}
    here = {each.key_text for each in records}
    lines = [await _row_line(part, each) for key, each in touched.items() if key not in here]
    movable: list[Line] = []
    for each in records:
        row = touched.get(each.key_text)
        movable.append(await _line(part, each, row, titles))
    movable += [await _row_line(part, each) for each in part.rows if not each.key]
    if part.movable:
        movable.sort(key=lambda each: (each.position is None, each.position or 0))
        movable = [replace(each, place=index) for index, each in enumerate(movable)]
    lines += movable
    if page is None:
        return View(part.columns, lines)
    total = await _total(part) if page.next or page.previous else None
    return View(part.columns, lines, page.previous, page.next, total)


async def page_of(part: InlinePart) -> Page | None:
    """The page of records that is looked at; none of a record that is not there yet."""
    filters = _filters(part)
    if filters is None:
        return None
    limit = str(min(PAGE, part.target.options.page_limit))
    given = [*filters, ("limit", limit)]
    if part.order_field:
        given.append(("sort", part.order_field))
    try:
        return await _read(part, [*given, ("cursor", part.at)] if part.at else given)
    except BadRequestError:
        if not part.at:
            raise
        part.at = ""  # A page that was left long ago begins at the first one again.
        return await _read(part, given)


async def _read(part: InlinePart, pairs: Sequence[tuple[str, str]]) -> Page:
    records, actor = part.visit.records, part.visit.actor
    return await records.page(actor, part.target, records.query(actor, part.target, pairs))


async def _total(part: InlinePart) -> int | None:
    pairs = [*(_filters(part) or ()), ("limit", "1"), ("count", "capped")]
    return (await _read(part, pairs)).total


async def last_of(part: InlinePart) -> int:
    """The highest number that a record is ordered by."""
    filters, name = _filters(part), part.order_field
    if filters is None or name is None:
        return 0
    query = [*filters, (f"{name}__isnull", "false"), ("sort", f"-{name}"), ("limit", "1")]
    rows = (await _read(part, query)).rows
    return int(rows[0][name]) if rows else 0


def _filters(part: InlinePart) -> list[tuple[str, str]] | None:
    if part.record is None or part.children is None:
        return None
    return part.children.filters(part.owner, part.record.values)


async def _titles(part: InlinePart, rows: Sequence[Mapping[str, Any]]) -> dict[str, Titles]:
    return {
        each.name: await titles_of(part.visit, each, rows, most=LINKS)
        for each in part.columns
        if isinstance(each, Relation) and (each.keyed or each.fields)
    }


async def _line(
    part: InlinePart, record: Representation, row: Row | None, titles: Mapping[str, Titles]
) -> Line:
    """A record that is there, with what the form says of it."""
    values, visit = record.values, part.visit
    cells = []
    for each in part.columns:
        if isinstance(each, Relation):
            cells.append(related(visit, each, values, titles.get(each.name, {}), most=LINKS))
        else:
            cells.append(brief(each, shown(record.resource, each, values)))
    title = shortened(Shown(record.title)).text
    href = visit.urls.details(part.target, record.key)
    if row is None:
        position = values[part.order_field] if part.order_field else None
        return Line(f"k{record.key_text}", title, cells, href, position=position)
    return await _with_row(part, row, title, cells, href)


async def _row_line(part: InlinePart, row: Row) -> Line:
    """A record that stands on another page, or nowhere yet."""
    noun = part.target.label
    title = f"{noun} {row.key}" if row.key else say("New {noun}", noun=noun.lower())
    return await _with_row(part, row, title, [Shown()] * len(part.columns), None)


async def _with_row(
    part: InlinePart, row: Row, title: str, cells: Sequence[Shown], href: str | None
) -> Line:
    answers = {name: each for each in row.form.parts for name in (each.name, *each.names)}
    new = []
    for column, cell in zip(part.columns, () if row.open else cells, strict=not row.open):
        asked = None if row.gone else answers.get(column.name)
        told = await row.form.words(asked, row.filled.texts[asked.name]) if asked else cell
        new.append(shortened(told))
    state = "gone" if row.gone else "" if not part.says(row) else "changed"
    if not row.key and not row.gone:
        state = "new"
    shapes = await row.form.shapes(row.filled) if row.open and not row.gone else ()
    own = answers.get(part.target.title)
    if own is not None and not row.key:
        title = shortened(await row.form.words(own, row.filled.texts[own.name])).text or title
    return Line(row.handle, title, new, href, row, shapes, state, _position(part, row))


def _position(part: InlinePart, row: Row) -> int | None:
    return whole(row.filled.texts.get(part.order_field or "", ""))


def whole(text: str) -> int | None:
    """The number that a text is, where a database could hold it."""
    try:
        return int(text) if len(text) < MOST_DIGITS else None
    except ValueError:
        return None
