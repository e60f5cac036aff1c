"""The OpenAPI document: valid, complete, and true of every answer."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import hypothesis
import pytest
import schemathesis
from api import PREFIX, prepare_zoo, serving, zoo_on
from conftest import KINDS, FreshSettings, Kind, run
from corpus import resolved
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given
from listening import listening, token
from schemas import checks_of
from schemathesis import GenerationMode, checks
from schemathesis.core.errors import UnsupportedSchema
from schemathesis.core.result import Ok
from zoo import RESOURCES, sample

from admin_app.rest.dispatch import ResourceRoutes
from admin_app.settings import AppSection

MODELS = ("admin_app.models", "zoo")


EXAMPLES = 2
"""Cases of each operation and mode."""


FRESH = "FRESH_SEEDS" in os.environ
"""Whether to send others than the last time."""


PAGES = (f"{PREFIX}/docs", "/errors/", "/docs")
"""What is for people: no operation of the API."""


CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


@pytest.fixture
async def document(fresh_settings: FreshSettings) -> Any:
    """The document of the library and the zoo."""
    async with serving(fresh_settings("sqlite", "zoo", prepare_zoo), models=MODELS) as api:
        return await api.get("openapi.json")


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


def test_it_is_valid(document: Any) -> None:
    """The document is OpenAPI 3.1, and every reference in it leads somewhere."""
    assert document["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document).validate()
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        found = document
        for part in reference.split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]


def test_operations(document: Any) -> None:
    """Operations are called as the contract says, and no two are called the same."""
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert {"listBooks", "getBook", "createBook", "updateBook", "deleteBook"} <= set(names)
    assert {"listOddNames", "getOddName"} <= set(names)
    for path, method, operation in operations(document):
        assert operation["summary"], path
        given = [resolved(document, each) for each in operation.get("parameters", ())]
        parameters = [(each["in"], each["name"]) for each in given]
        assert len(set(parameters)) == len(parameters), (path, method)
        assert "401" in operation["responses"], (path, method)


async def test_it_lists_what_is_served(fresh_settings: FreshSettings) -> None:
    """Every route under the prefix is in the document and every operation of it is served."""

    def routes(found: Any) -> Iterator[APIRoute]:
        for each in found:
            if isinstance(each, APIRoute):
                yield each
            elif hasattr(each, "original_router"):
                yield from routes(each.original_router.routes)
            elif isinstance(each, ResourceRoutes):
                yield from routes(each.routes)

    async with zoo_on(fresh_settings, "sqlite") as api:
        document = await api.get("openapi.json")
        served = {
            (each.path if each.path.startswith("/") else f"/{each.path}", method.lower())
            for each in routes(api.app.routes)
            for method in each.methods or ()
        }
        served = {
            (path if path.startswith(PREFIX) else f"{PREFIX}{path}", method)
            for path, method in served
            if path not in {"/healthz", "/readyz", "/", "/broken"} and not path.startswith(PAGES)
        }
        listed = {(path, method) for path, method, _ in operations(document)}
        # OpenAPI has a place for QUERY from 3.2 on; the POST beside it is there.
        served = {(path, method) for path, method in served if method != "query"}
        # What an editor may not do is not in an editor's document.
        theirs = ("/admin", "/access/explain", "/actions/")
        assert {each for each in served if not any(part in each[0] for part in theirs)} == listed


async def test_samples_fit_their_schemas(fresh_settings: FreshSettings) -> None:
    """What is sent and answered fits the schemas that the document gives for it."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        check_of = checks_of(await api.get("openapi.json"))
        for name in RESOURCES:
            resource = api.registry[name]
            model = resource.model.__name__
            given, answered, page = (
                check_of("components", "schemas", each)
                for each in (f"{model}Create", model, f"{model}Page")
            )
            for body in sample(name):
                given(body)
                answered(await api.add(resource.plural, body))
            page(await api.get(resource.plural))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_as_documented(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Whatever is sent, valid or not, the answer's status, type and body are in the document."""
    settings = fresh_settings(kind, "zoo", prepare_zoo)
    settings = settings.model_copy(update={"app": AppSection(models=MODELS)})
    headers = {"Authorization": f"Bearer {run(token(settings))}"}
    seen: Counter[int] = Counter()
    with listening(settings) as address:
        schema = schemathesis.openapi.from_url(f"{address}{PREFIX}/openapi.json", headers=headers)
        sent = count = 0
        for found in schema.get_all_operations():
            count += 1
            assert isinstance(found, Ok)
            operation = found.ok()
            for mode in GenerationMode:

                @hypothesis.settings(
                    max_examples=EXAMPLES,
                    database=None,
                    deadline=None,
                    derandomize=not FRESH,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(operation.as_strategy(generation_mode=mode))
                def send(case: schemathesis.Case[Any]) -> None:
                    answer = case.call(headers=headers)
                    if "x-request-id" not in answer.headers:
                        # A head of more than 64 KiB: the server's own answer, before ours.
                        assert answer.status_code == 400
                        return
                    case.validate_response(answer, checks=CHECKS)
                    seen[answer.status_code] += 1

                # Of some schemas it cannot make what does not fit them.
                with suppress(UnsupportedSchema):
                    send()
                    sent += 1
    assert sent > 0.95 * count * len(GenerationMode), (sent, count)
    assert sum(seen.values()) > 300
    assert {200, 201, 204, 400, 404, 422} <= set(seen), seen
