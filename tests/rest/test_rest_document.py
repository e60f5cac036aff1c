"""What the OpenAPI document promises clients: names, marks, examples, problems."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from typing import Any

import jsonschema_rs
import pytest
from api import Api, prepare_zoo, serving
from conftest import FreshSettings
from corpus import resolved

from admin_app.declaration.mistakes import OUR_SCHEMAS, SCHEMAS
from admin_app.errors import error_classes

MODELS = ("admin_app.models", "zoo")


@pytest.fixture
async def api(fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    """The library and the zoo; the caller is an editor."""
    async with serving(fresh_settings("sqlite", "zoo", prepare_zoo), models=MODELS) as running:
        yield running


def validator(schemas: Any) -> Any:
    """Validates an object of values, each by the schema of its name."""
    named = {name: {"$ref": f"#/components/schemas/{name}"} for name in schemas}
    whole = {"properties": named, "components": {"schemas": schemas}}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def responses(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Every response of every operation, references followed."""
    for item in document["paths"].values():
        for operation in item.values():
            for status, each in operation["responses"].items() if "responses" in operation else ():
                name = each.get("$ref", "").rpartition("/")[2]
                found = document["components"]["responses"][name] if name else each
                yield operation["operationId"], status, found


async def test_the_document(api: Api) -> None:
    """Schemas have valid examples, marks, names of their own; problems are told by their code."""
    document = await api.get("openapi.json")
    schemas = document["components"]["schemas"]
    assert document["info"]["version"] == version("admin-app")
    assert document["servers"] == [{"url": "/"}]
    check_examples(document)
    check_marks(schemas)
    check_problems(document)
    tagged = {tag for item in document["paths"].values() for tag in tags(item)}
    assert tagged == {each["name"] for each in document["tags"]}
    assert all(each["description"] for each in document["tags"])
    models = {each.model.__name__ for each in api.registry.values()}
    own = {f"{model}{suffix}" for model in models for suffix in SCHEMAS}
    theirs = re.compile("|".join(sorted(models, key=len, reverse=True)))
    # No class can be called as what has a dot in its name.
    named = {each for each in schemas if "." not in each}
    fixed = {each for each in named if each not in own and not theirs.match(each)}
    assert fixed <= {*OUR_SCHEMAS}, "a model of such a name would take its place"


def tags(item: Any) -> list[str]:
    return [tag for each in item.values() if "tags" in each for tag in each["tags"]]


def check_examples(document: Any) -> None:
    schemas = document["components"]["schemas"]
    examples = {name: each["examples"][0] for name, each in schemas.items() if "examples" in each}
    validator(schemas).validate(examples)
    assert len(examples) > 100
    for name in ("Book", "BookPage", "BookCreate", "BookUpdate", "Specimen", "SpecimenCreate"):
        assert schemas[name]["examples"], name


def check_marks(schemas: Any) -> None:
    assert schemas["Book"]["properties"]["version"]["readOnly"] is True
    assert "readOnly" not in schemas["Book"]["properties"]["title"]
    assert schemas["ComputingCreate"]["properties"]["secret"]["writeOnly"] is True
    assert "secret" not in schemas["Computing"]["properties"]
    assert schemas["Book"]["properties"]["id"]["format"] in {"int32", "int64"}
    named = {"$ref": "#/components/schemas/BookFormat"}
    for name in ("Book", "BookCreate", "BookUpdate"):
        assert named in schemas[name]["properties"]["format"]["anyOf"], name


def check_problems(document: Any) -> None:
    schemas = document["components"]["schemas"]
    codes = {each.code: each for each in error_classes()}
    for name, schema in schemas.items():
        if name.endswith("Problem"):
            code = schema["properties"]["code"]["const"]
            assert schema["properties"]["status"]["const"] == int(codes[code].status)
    for operation, status, each in responses(document):
        if status[0] in "45":
            (content,) = each["content"].items()
            assert content[0] == "application/problem+json", operation
            kinds = content[1]["schema"].get("oneOf", [content[1]["schema"]])
            for kind in kinds:
                found = schemas[kind["$ref"].rpartition("/")[2]]
                assert found["properties"]["status"]["const"] == int(status), operation


async def test_said_once(api: Api) -> None:
    """What operations share is said once, and nothing is said of a component that is not used."""
    text = (await api.call("GET", "openapi.json")).body.decode()
    document = json.loads(text)
    components = document["components"]
    for kind in ("headers", "parameters", "responses"):
        for name, each in components[kind].items():
            used = text.count(f'"#/components/{kind}/{name}"')
            assert used > 1 or name.endswith("Error"), (kind, name)
            assert each.get("description") or kind == "parameters", (kind, name)
    assert len(text) / len(api.registry) < 80_000, len(text)
    listed = document["paths"]["/api/v1/books"]["get"]["parameters"]
    names = {resolved(document, each)["name"] for each in listed}
    filters = {each for each in names if "__" in each}
    assert filters <= {*components["schemas"]["BookConditions"]["properties"]}
    for path, method in (
        ("books", "patch"),
        ("books", "delete"),
        ("books/facets", "get"),
        ("books/aggregate", "get"),
    ):
        given = document["paths"][f"/api/v1/{path}"][method]["parameters"]
        told = {each["name"]: each for each in (resolved(document, one) for one in given)}
        assert told["conditions"]["schema"]["$ref"].endswith("/BookConditions")
        assert (told["conditions"]["style"], told["conditions"]["explode"]) == ("form", True)


async def test_problems_are_as_documented(api: Api) -> None:
    """A refusal is of the schema of its code, and of no other."""
    document = await api.get("openapi.json")
    schemas = document["components"]["schemas"]
    problems = {name: each for name, each in schemas.items() if name.startswith("Problem")}
    problems |= {name: each for name, each in schemas.items() if name.endswith("Problem")}
    validate = validator(problems)
    await api.add("specimens", {"short": "x"})
    for method, target, body, name in (
        ("GET", "specimens?nope=1", None, "BadRequest"),
        ("GET", "specimens/99", None, "NotFound"),
        ("POST", "specimens", {"short": 1}, "InvalidInput"),
    ):
        problem = (await api.call(method, target, body)).json
        fitting = [each for each in problems if validate.is_valid({each: problem})]
        assert fitting == [f"{name}Problem"]
