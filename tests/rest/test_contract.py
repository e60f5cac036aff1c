"""What has changed between two documents: each kind of change is found, and judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Commands, write_settings
from conftest import FreshSettings

from admin_app.cli.contract import compare

Edit = Callable[[Any], object]
BOOKS, BOOK = "/api/books", "/api/books/{key}"


def schema_of(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "additionalProperties": False}


def content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


LANGUAGE = {"enum": ["de", "en"], "type": "string"}
PROBLEM = {"$ref": "#/components/responses/Problem"}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Library", "version": "1"},
    "servers": [{"url": "/"}],
    "paths": {
        BOOKS: {
            "get": {
                "operationId": "listBooks",
                "parameters": [
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": {"type": "integer", "maximum": 200, "default": 50},
                    },
                    {"name": "language", "in": "query", "schema": LANGUAGE},
                ],
                "responses": {
                    "200": {
                        "headers": {"Link": {"schema": {"type": "string"}}},
                        "content": content("Book"),
                    },
                    "400": PROBLEM,
                },
            },
            "post": {
                "operationId": "createBook",
                "requestBody": {"required": True, "content": content("BookCreate")},
                "responses": {"201": {"content": content("Book")}, "422": PROBLEM},
            },
        },
        BOOK: {
            "parameters": [
                {"name": "key", "in": "path", "required": True, "schema": {"type": "integer"}}
            ],
            "delete": {"operationId": "deleteBook", "responses": {"204": {}}},
        },
    },
    "components": {
        "responses": {
            "Problem": {
                "content": {
                    "application/problem+json": {
                        "schema": schema_of(code={"type": "string", "enum": ["a"]})
                    }
                }
            }
        },
        "schemas": {
            "Book": {
                **schema_of(
                    id={"type": "integer", "format": "int32"},
                    title={"type": "string", "maxLength": 200},
                    language=LANGUAGE,
                    year={"anyOf": [{"type": "integer"}, {"type": "null"}]},
                    tags={"type": "array", "items": {"type": "string"}},
                    parent={"anyOf": [{"$ref": "#/components/schemas/Book"}, {"type": "null"}]},
                ),
                "required": ["id", "title", "language", "year", "tags", "parent"],
            },
            "BookCreate": {
                **schema_of(
                    title={"type": "string", "maxLength": 200},
                    language=LANGUAGE,
                    year={"anyOf": [{"type": "integer"}, {"type": "null"}]},
                    tags={"type": "array", "items": {"type": "string"}, "maxItems": 9},
                    pages={"type": "integer"},
                ),
                "required": ["title"],
            },
        },
    },
}


def schema(document: Any, name: str) -> Any:
    return document["components"]["schemas"][name]


def member(document: Any, path: str) -> Any:
    name, _, field = path.partition(".")
    return schema(document, name)["properties"][field]


def operation(document: Any, method: str, path: str = BOOKS) -> Any:
    return document["paths"][path][method]


def limit(document: Any) -> Any:
    return operation(document, "get")["parameters"][0]


def put(found: Callable[[Any], Any], **values: Any) -> Edit:
    """Set members of what is found; names may end in ``_``."""
    return lambda document: found(document).update(
        {name.rstrip("_"): value for name, value in values.items()}
    )


def of(path: str, **values: Any) -> Edit:
    return put(lambda document: member(document, path), **values)


def drop(name: str, field: str) -> Edit:
    def edit(document: Any) -> None:
        found = schema(document, name)
        del found["properties"][field]
        found["required"] = [each for each in found["required"] if each != field]

    return edit


def require(name: str, *fields: str) -> Edit:
    return lambda document: schema(document, name).update(required=list(fields))


def add(name: str, *, required: bool = False) -> Edit:
    def edit(document: Any) -> None:
        found = schema(document, name)
        found["properties"]["new"] = {"type": "string"}
        found["required"] += ["new"] if required else []

    return edit


def parameter(**values: Any) -> Edit:
    new = {"name": "new", "in": "query", "schema": {"type": "string"}, **values}
    return lambda document: operation(document, "get")["parameters"].append(new)


def narrower(path: str) -> Edit:
    return of(path, enum=["de"])


def wider(path: str) -> Edit:
    return of(path, enum=["de", "en", "fr"])


BREAKING: dict[str, Edit] = {
    "a path is gone": lambda document: document["paths"].pop(BOOK),
    "an operation is gone": lambda document: document["paths"][BOOKS].pop("post"),
    "an operation has another name": put(lambda all_: operation(all_, "get"), operationId="x"),
    "the address has changed": lambda document: document.update(servers=[{"url": "/x"}]),
    "a parameter is gone": lambda document: operation(document, "get")["parameters"].pop(),
    "a new parameter is required": parameter(required=True),
    "a parameter becomes required": put(limit, required=True),
    "a parameter has another type": put(limit, schema={"type": "string"}),
    "a parameter's bound is tighter": put(limit, schema={"type": "integer", "maximum": 9}),
    "a parameter's default is another": lambda document: limit(document)["schema"].update(
        default=9
    ),
    "a parameter's list is written otherwise": put(limit, explode=False),
    "a key has another type": lambda document: document["paths"][BOOK]["parameters"][0].update(
        schema={"type": "string"}
    ),
    "a status of success is another": lambda document: operation(document, "post").update(
        responses={"200": {"content": content("Book")}, "422": PROBLEM}
    ),
    "an answer lacks a header": lambda document: operation(document, "get")["responses"]["200"].pop(
        "headers"
    ),
    "an answer lacks a media type": lambda document: operation(document, "get")["responses"][
        "200"
    ].update(content={"text/csv": {}}),
    "an answer lacks a member": drop("Book", "year"),
    "an answer may leave a member out": require("Book", "id", "language", "year", "tags", "parent"),
    "an answer's member has another type": of("Book.title", type_="integer"),
    "an answer's member has another format": of("Book.id", format_="int64"),
    "an answer's member can be null": of("Book.id", type_=["integer", "null"]),
    "an answer's choices are more": wider("Book.language"),
    "an answer's member is one of anything": lambda document: member(document, "Book.language").pop(
        "enum"
    ),
    "an answer's items have another type": of("Book.tags", items={"type": "integer"}),
    "a body lacks a member": drop("BookCreate", "pages"),
    "a body needs a new member": add("BookCreate", required=True),
    "a body needs a member": require("BookCreate", "title", "pages"),
    "a body's member has another type": of("BookCreate.pages", type_="string"),
    "a body's member cannot be null": of("BookCreate.year", anyOf=[{"type": "integer"}]),
    "a body's choices are fewer": narrower("BookCreate.language"),
    "a body's member becomes a choice": of("BookCreate.title", enum=["a"]),
    "a body's member is shorter": of("BookCreate.title", maxLength=20),
    "a body's member gets a form": of("BookCreate.title", pattern="^a$"),
    "a body's list is shorter": of("BookCreate.tags", maxItems=3),
    "a body's media type is gone": lambda document: operation(document, "post").update(
        requestBody={"required": True, "content": {"text/csv": {}}}
    ),
    "a body is gone": lambda document: operation(document, "post").pop("requestBody"),
}
SAFE: dict[str, Edit] = {
    "a path is new": lambda document: document["paths"].update(
        {"/api/new": {"get": {"operationId": "new", "responses": {"200": {}}}}}
    ),
    "a parameter is new": parameter(),
    "a parameter's bound is wider": put(
        limit, schema={"type": "integer", "maximum": 999, "default": 50}
    ),
    "an answer has a new member": add("Book", required=True),
    "an answer's choices are fewer": narrower("Book.language"),
    "an answer's member is never null": of("Book.year", anyOf=[{"type": "integer"}]),
    "an answer has another media type too": lambda document: operation(document, "get")[
        "responses"
    ]["200"]["content"].update({"text/csv": {}}),
    "a body takes a new member": add("BookCreate"),
    "a body no longer needs a member": require("BookCreate"),
    "a body's choices are more": wider("BookCreate.language"),
    "a body's member is longer": of("BookCreate.title", maxLength=999),
    "a body's member can be null": of("BookCreate.pages", type_=["integer", "null"]),
    "a body's whole number can be any": of("BookCreate.pages", type_="number"),
    "there is another refusal": lambda document: operation(document, "get")["responses"].update(
        {"409": PROBLEM}
    ),
    "a refusal has another code": lambda document: document["components"]["responses"]["Problem"][
        "content"
    ]["application/problem+json"]["schema"]["properties"]["code"].update(enum=["a", "b"]),
}
NOTHING: dict[str, Edit] = {
    "nothing": lambda document: None,
    "words": lambda document: operation(document, "get").update(summary="x", description="y"),
    "the version": lambda document: document["info"].update(version="2"),
    "an example": put(lambda document: schema(document, "Book"), examples=[{}]),
    "the order": lambda document: operation(document, "get")["parameters"].reverse(),
}


def edited(edit: Edit) -> Any:
    document = json.loads(json.dumps(DOCUMENT))  # What two places share is one in each.
    edit(document)
    return document


@pytest.mark.parametrize("what", BREAKING)
def test_breaking(what: str) -> None:
    """The change is found, and is breaking."""
    found = compare(DOCUMENT, edited(BREAKING[what]))
    assert found
    assert found[0].breaking, found


@pytest.mark.parametrize("what", SAFE)
def test_safe(what: str) -> None:
    """The change is found, and nothing of it is breaking."""
    found = compare(DOCUMENT, edited(SAFE[what]))
    assert found
    assert not any(each.breaking for each in found), found


@pytest.mark.parametrize("what", NOTHING)
def test_nothing(what: str) -> None:
    """What no client notices is no change."""
    assert compare(DOCUMENT, edited(NOTHING[what])) == []


def test_names_of_schemas() -> None:
    """A schema that is called otherwise, and one for what stood inline, are what they were."""
    renamed = json.dumps(DOCUMENT).replace('"Book"', '"Buch"').replace('/Book"', '/Buch"')
    assert compare(DOCUMENT, json.loads(renamed)) == []
    document = json.loads(json.dumps(DOCUMENT))
    document["components"]["schemas"]["Language"] = LANGUAGE
    for each in ("Book", "BookCreate"):
        properties = schema(document, each)["properties"]
        properties["language"] = {"$ref": "#/components/schemas/Language"}
    assert compare(DOCUMENT, document) == []


def test_the_commands(
    fresh_settings: FreshSettings,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The document is written without a server, as a user sees it too, and compared with a file."""
    admin_app = Commands(write_settings(fresh_settings("sqlite")), capfd, monkeypatch)
    written = admin_app.fine("openapi")
    file = tmp_path / "old.json"
    file.write_text(written, "utf-8")
    document = json.loads(written)
    assert document["openapi"] == "3.1.0"
    assert "/api/v1/admin_users" in document["paths"]
    assert admin_app.fine("openapi", "diff", str(file)) == "Nothing has changed.\n"
    admin_app.fine("user", "create", "vic", "--role", "viewer", "--no-password")
    seen = admin_app.fine("openapi", "--as", "vic")
    assert "post" not in json.loads(seen)["paths"]["/api/v1/books"]
    narrow = tmp_path / "vic.json"
    narrow.write_text(seen, "utf-8")
    done = admin_app("openapi", "diff", str(file), str(narrow))
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("Breaking: ")
    assert "  POST /api/v1/books\n    is gone\n" in done.out
    assert admin_app.fine("openapi", "diff", str(narrow), str(file)).startswith("Safe: ")
    narrow.write_text("[]", "utf-8")
    for name in (str(narrow), "/nowhere.json"):
        refused = admin_app("openapi", "diff", name)
        assert (refused.code, refused.out) == (1, "")
    assert admin_app("openapi", "--as", "nobody").code == 1
