"""What the buttons of an inline do: they change the form alone, and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from starlette.datastructures import FormData

from admin_app.errors import NotFoundError
from admin_app.panel.forms.form import RecordForm
from admin_app.panel.forms.inline_rows import Row
from admin_app.panel.forms.inline_view import Line, last_of, view_of, whole
from admin_app.panel.forms.inlines import InlinePart
from admin_app.panel.forms.relations import RelationPart
from admin_app.panel.language import retold
from admin_app.panel.sent_forms import text_in

ACT = "_inline"
FIND = "_find"


async def acted(page: RecordForm, form: FormData) -> bool:
    """Do what a button of an inline asks for, if it was one that was pressed."""
    for part in page.parts:
        if isinstance(part, InlinePart):
            wanted = text_in(form, ACT).removeprefix(f"{part.control} ")
            if wanted != text_in(form, ACT):
                await act(part, wanted)
                return True
            if await _found(part, text_in(form, FIND)):
                return True
    return False


async def _found(part: InlinePart, name: str) -> bool:
    """Answer the look-up of a row whose "Find" was pressed."""
    for row in part.rows:
        for asked in row.form.parts:
            if asked.control == name and isinstance(asked, RelationPart):
                await row.form.find(asked, row.filled)
                return True
    return False


async def act(part: InlinePart, wanted: str) -> None:
    """Do it: ``add``, ``edit k7``, ``shut n1``, ``at`` a cursor. What makes no sense does nothing.

    A stored record is named by ``k`` and its key, a row of the form by ``n`` and its number.
    """
    act, _, handle = wanted.partition(" ")
    if act == "add" and part.addable:
        await _add(part)
    elif act == "at":
        _turn(part, handle)
    elif act in {"up", "down"} and part.movable:
        await _move(part, handle, -1 if act == "up" else 1)
    elif act in {"edit", "remove", "shut", "undo"}:
        await _touch(part, act, handle)


async def _add(part: InlinePart) -> None:
    row = part.add()
    part.focus = row.handle
    name = part.order_field
    if name in row.filled.texts:
        last = await last_of(part)
        known = (whole(text) for text in _positions(part.rows, name))
        taken = [each for each in known if each is not None]
        row.filled.texts[name] = str(max([last, *taken]) + 1)


def _positions(rows: Sequence[Row], name: str | None) -> list[str]:
    return [each.filled.texts.get(name or "", "") for each in rows]


def _turn(part: InlinePart, cursor: str) -> None:
    """Show another page, and take along what was changed on this one."""
    part.at = cursor
    part.rows = [each for each in part.rows if not each.key or each.gone or each.changes(None)]
    for each in part.rows:
        each.open = each.open and not each.key


async def _touch(part: InlinePart, act: str, handle: str) -> None:
    try:
        row = await _row(part, handle, act)
    except NotFoundError as error:
        part.notes.append(retold(error.detail))
        return
    if row is None:
        return
    part.focus = row.handle
    if act == "edit":
        row.open = True
    elif act == "remove":
        row.gone, row.open = True, False
    elif act == "shut":
        row.open = False
        _forget(part, row, unless=row.changes(part.order_field if not row.key else None))
    elif row.gone:
        row.gone, row.open = False, not row.key
        _forget(part, row, unless=not row.key or row.changes(None))
    else:
        _forget(part, row, unless=False)


async def _row(part: InlinePart, handle: str, act: str) -> Row | None:
    if handle[:1] == "n":
        return next((each for each in part.rows if each.handle == handle), None)
    needed = {"edit": "update", "remove": "delete"}.get(act)
    if handle[:1] == "k" and needed and part.may(needed):
        return await part.take(handle[1:])
    return None


def _forget(part: InlinePart, row: Row, *, unless: bool) -> None:
    if not unless:
        part.rows.remove(row)
        part.focus = f"k{row.key}" if row.key else ""


async def _move(part: InlinePart, handle: str, step: int) -> None:
    lines = [each for each in (await view_of(part)).lines if each.place is not None]
    index = next((at for at, each in enumerate(lines) if each.handle == handle), -1)
    other = index + step
    if index < 0 or not 0 <= other < len(lines):
        return
    numbers = _numbers(lines)
    lines[index], lines[other] = lines[other], lines[index]
    for line, number in zip(lines, numbers, strict=True):
        if line.position != number:
            row = line.row or await part.take(line.handle[1:])
            name = part.order_field or ""
            row.filled.texts[name] = str(number)
            row.filled.sent.add(name)
            if line.handle == handle:
                part.focus = row.handle
    part.rows.sort(key=lambda each: each.number)


def _numbers(lines: Sequence[Line]) -> list[int]:
    """The positions that lines share out: their own, where these tell them apart."""
    known = [each.position for each in lines if each.position is not None]
    if len(known) == len(lines) and all(one < other for one, other in pairwise(known)):
        return known
    first = min(known, default=1)
    return list(range(first, first + len(lines)))
