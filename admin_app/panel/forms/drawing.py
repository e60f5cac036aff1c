"""What the templates of a form are given, wherever it stands."""

from __future__ import annotations

from typing import Any

from admin_app.panel.forms.editing import Outcome
from admin_app.panel.forms.fieldsets import arranged
from admin_app.panel.forms.once import form_key


async def drawn(outcome: Outcome) -> dict[str, Any]:
    """The form as it is to be shown: its parts in their places, and what is wrong with them."""
    form, filled = outcome.form, outcome.filled
    filled.once = filled.once or form_key()
    shapes = await form.shapes(filled)
    apart = set()
    for each in filled.merge.conflicts if filled.merge else ():
        each.shape = next(shape for shape in shapes if shape.part is each.part)
        apart.add(each.part.name)
    faults = [fault for each in shapes if each.errors for fault in each.part.faults(each.errors)]
    return {
        "resource": form.resource,
        "record": outcome.record,
        "form": form,
        "filled": filled,
        "shapes": shapes,
        "sheets": arranged(form.resource, shapes, apart),
        "faults": faults,
    }
