"""A new record's form that is filled in by its address, as the links that lead to it ask for."""

from __future__ import annotations

import json
from collections.abc import Iterable

from admin_app.panel.forms.filled import Filled
from admin_app.panel.forms.form import RecordForm
from admin_app.panel.forms.part import Part
from admin_app.panel.forms.parts import FieldPart, SecretPart
from admin_app.panel.forms.relations import RelationPart


def prefill(form: RecordForm, filled: Filled, pairs: Iterable[tuple[str, str]]) -> None:
    """Fill in what the pairs give: fields by their text, relations by the keys of records.

    What the form does not ask for is left out, whether there is such a field or not.
    """
    parts = {each.name: each for each in form.parts}
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        if name in parts:
            given.setdefault(name, []).append(text)
    for name, texts in given.items():
        found = _text(parts[name], texts)
        if found is not None:
            filled.texts[name] = found


def _text(part: Part, texts: list[str]) -> str | None:
    if isinstance(part, RelationPart):
        keys = [each for each in dict.fromkeys(texts) if part.target.key_or_none(each) is not None]
        return json.dumps(keys if part.many else keys[-1:])
    if isinstance(part, FieldPart) and not isinstance(part, SecretPart):
        return texts[-1]
    return None
