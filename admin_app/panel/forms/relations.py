"""``RelationPart``: the question which records a record points to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import FormData

from admin_app.declaration import Key, Relation, Resource
from admin_app.errors import NotFoundError
from admin_app.panel.forms.part import Part, Values
from admin_app.panel.sent_forms import texts_in
from admin_app.panel.texts import TextError


class RelationPart(Part):
    """A look-up: the keys of the chosen records, as a JSON list of their text forms."""

    template = "lookup"

    def __init__(
        self,
        owner: Resource,
        relation: Relation,
        target: Resource,
        *,
        required: bool,
        veiled: bool = False,
        creatable: bool = False,
    ) -> None:
        super().__init__(relation, required=required and not veiled)
        self.owner = owner
        self.needed_in_sight = required
        """Whether it cannot be emptied where it can be seen; out of sight it reads as empty."""
        self.creatable = creatable
        """Whether a record that is missing may be made beside the form."""
        self.relation = relation
        self.target = target
        self.many = relation.keyed
        self.names = (relation.name,) if relation.keyed else relation.fields

    def stored(self, values: Values) -> str:
        return json.dumps([self.target.key_text(key) for key in values[self.relation.name]])

    def sent(self, form: FormData) -> str | None:
        if self.control not in form:
            return None
        keys = list(dict.fromkeys(each for each in texts_in(form, self.control) if each))
        return json.dumps(keys if self.many else keys[-1:])

    def same(self, text: str) -> str:
        return json.dumps(sorted(self.keys(text)))

    def initial(self) -> str:
        return "[]"

    def blank(self, text: str) -> bool:
        return not self.keys(text)

    def keys(self, text: str) -> list[str]:
        """The chosen keys in their text form."""
        found: list[str] = json.loads(text)
        return found

    def chosen(self, text: str) -> list[Key]:
        """The chosen keys, without what is no key."""
        return list(self.target.keys_among(self.keys(text)))

    def wire(self, text: str) -> dict[str, Any]:
        try:
            keys = [self.target.parse_key(each) for each in self.keys(text)]
        except NotFoundError as error:
            raise TextError(error.detail) from error
        if self.many:
            return {self.name: [self.target.reference_wire(key) for key in keys]}
        parts: Sequence[Any] = (
            self.target.key_wire(keys[0]) if keys else [None] * len(self.relation.fields)
        )
        return dict(zip(self.relation.fields, parts, strict=True))
