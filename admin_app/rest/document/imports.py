"""Taking records in from a file, as the document tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from admin_app.declaration import Resource
from admin_app.records.transfer import ENCODINGS, FORMATS, MODES
from admin_app.records.transfer.importer import MOST_ATOMIC
from admin_app.records.transfer.trial import MOST_TRIED
from admin_app.rest.answers import CSV, JSON, NDJSON, XLSX
from admin_app.rest.document.parts import (
    STRING,
    WRITING,
    Document,
    add_schema,
    operation,
    parameter_of,
    ref,
)
from admin_app.rest.document.problems import refusals
from admin_app.rest.endpoints import camel
from admin_app.rest.imports import DELIMITERS, IMPORTED, MULTIPART

_BYTES: Document = {"type": "string", "format": "binary"}
_ROWS: Document = {"type": "array", "items": {"type": "object"}}
_BODY: Document = {
    "required": True,
    "content": {
        CSV: {"schema": STRING},
        NDJSON: {"schema": STRING},
        JSON: {"schema": _ROWS},
        XLSX: {"schema": _BYTES},
        MULTIPART: {
            "schema": {"type": "object", "properties": {"file": _BYTES}, "required": ["file"]}
        },
    },
}
_TAKEN: Document = {
    "change_set": {"type": "string", "format": "uuid", "description": "What was done until then."},
    **{name: {"type": "integer"} for name in ("created", "changed", "unchanged", "refused")},
}
_ABOUT = f"""\
Each row is created, or updates the record that it is about. Without `map` each column goes to the
field of its name or label, as an export writes them; `match` names the fields that say which record
is meant (else the key, if the file has it). All rows are kept or none, at most {MOST_ATOMIC:,};
with `atomic=false` some hundred at a time, and refused rows are told of. An answer 422 points at
`/line/field`.
"""


def _one_of(choices: Sequence[str], usual: str | None = None) -> Document:
    found: Document = {"type": "string", "enum": [*choices]}
    return found if usual is None else {**found, "default": usual}


_PARAMETERS = [
    parameter_of("format", _one_of(FORMATS), "Of the file; else what its media type says."),
    parameter_of("encoding", _one_of(ENCODINGS), "Of text; else what its bytes tell."),
    parameter_of("delimiter", _one_of([*DELIMITERS]), "Of CSV; else what its first line tells."),
    parameter_of("header", {"type": "boolean", "default": True}, "The first row names columns."),
    parameter_of("sheet", STRING, "Of a workbook, by name; else the first."),
    parameter_of(
        "map",
        {"type": "array", "items": STRING},
        "FIELD=COLUMN, or FIELD alone, and steps behind bars: trim, integer, split:SEPARATOR, "
        "by:FIELD, create, constant:VALUE, default:VALUE, keep. Once for each field.",
    ),
    parameter_of("skip", {"type": "array", "items": STRING}, "Columns to pass over, without map."),
    parameter_of("match", STRING, "Fields that say which record a row is about, joined by commas."),
    parameter_of("mode", _one_of(MODES, "both"), "Only create, or only update."),
    parameter_of("atomic", {"type": "boolean", "default": True}, "All rows or none."),
    parameter_of(
        "dry_run",
        {"type": "boolean", "default": False},
        f"Tell what it would do of the first {MOST_TRIED:,} rows, and keep nothing.",
    ),
]


def add_import(resource: Resource, place: str, paths: Document, schemas: Document) -> None:
    """Add the path of a resource's imports, and what is answered."""
    add_schema(schemas, IMPORTED, "serialization")
    stopped: Any = schemas["ImportStoppedProblem"]
    stopped["properties"].update(_TAKEN)
    answered = {
        "description": "What became of the rows.",
        "content": {"application/json": {"schema": ref(IMPORTED.name)}},
    }
    paths[f"{place}/import"] = {
        "post": {
            **operation(
                resource,
                f"import{camel(resource.plural)}",
                f"Take {resource.label_plural.lower()} in from a file",
                {"200": answered, **refusals(WRITING)},
            ),
            "description": _ABOUT,
            "parameters": [*_PARAMETERS],
            "requestBody": _BODY,
        }
    }
