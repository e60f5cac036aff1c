"""``Record``: one record as a read or a write answers it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from admin_app.declaration import Key, Resource


@dataclass(frozen=True, slots=True)
class Record:
    """A record's key, its values by field and set, and the same as JSON."""

    resource: Resource = field(repr=False)
    key: Key
    values: dict[str, Any]
    body: bytes = field(repr=False)

    @property
    def etag(self) -> str:
        """A strong validator (RFC 9110 §8.8.3): the version, else a digest of the answer."""
        if self.resource.version is not None:
            return f'"{self.values[self.resource.version]}"'
        return f'"{hashlib.blake2b(self.body, digest_size=12).hexdigest()}"'

    @property
    def key_text(self) -> str:
        return self.resource.key_text(self.key)

    @property
    def title(self) -> str:
        return self.resource.title_of(self.values)


def record(resource: Resource, values: dict[str, Any]) -> Record:
    """Make the answer of a row: serialised here, so that what cannot be is never committed."""
    return Record(resource, resource.key_of(values), values, resource.read.dump(values))
