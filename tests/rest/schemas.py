"""Values checked against the schemas of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema_rs

DOCUMENT = "urn:api"


def checks_of(document: Any) -> Callable[..., Callable[[Any], None]]:
    """What makes the check of a schema, given the names on the way to its place in the document.

    The document is taken in once: with each schema anew it would take a hundred times as long.
    """
    registry = jsonschema_rs.Registry([(DOCUMENT, document)], draft=jsonschema_rs.Draft202012)

    def check_of(*names: str) -> Callable[[Any], None]:
        place = "".join(f"/{each.replace('~', '~0').replace('/', '~1')}" for each in names)
        found = jsonschema_rs.Draft202012Validator(
            {"$ref": f"{DOCUMENT}#{place}"}, validate_formats=True, registry=registry
        )
        check: Callable[[Any], None] = found.validate
        return check

    return check_of
