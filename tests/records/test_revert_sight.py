"""What an undoing may change of a record, and what it tells of what others have done to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from api import Api, make_role, zoo_on
from conftest import KINDS, FreshSettings

from admin_app.declaration import Grant

NAME = frozenset({"name"})


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    """A cage that was made and then renamed."""
    async with zoo_on(fresh_settings, request.param) as found:
        cage = await found.add("cages", {"name": "first"})
        await found.call("PATCH", f"cages/{cage['id']}", {"name": "second"})
        yield found


async def as_somebody(api: Api, *grants: Grant) -> None:
    """Whoever calls has these grants from now on."""
    await make_role(api.database, "some", *grants)
    api.token = await api.token_of("bob", "some")


async def history(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.get("cages/1/history"))["data"]
    return found


async def test_a_state_takes_the_rights_of_what_it_changes(api: Api) -> None:
    """A field that one may read and not change is put back by none of the ways there are."""
    renamed, made = await history(api)
    await as_somebody(api, Grant("cage", "read"), Grant("cage", "update", None, NAME))
    for body in ({"to": made["id"]}, {"before": renamed["id"]}, {"change": renamed["id"]}):
        problem = (await api.call("POST", "cages/1/revert", body)).problem(403)
        assert "name" in problem["detail"]
    assert (await api.get("cages/1"))["name"] == "second"


async def test_what_changed_out_of_sight(api: Api) -> None:
    """That a created record has changed since is said, but not in which field nor to what."""
    *_, made = await history(api)
    await as_somebody(api, Grant("cage", "read", None, NAME), Grant("cage", "delete"))
    answer = await api.call("POST", f"change-sets/{made['change_set']}/revert")
    assert answer.status == 409
    (conflict,) = answer.json["conflicts"]
    assert (conflict["code"], conflict["key"]) == ("changed", "1")
    assert {conflict[name] for name in ("field", "was", "left", "now")} == {None}
    assert b"first" not in answer.body
    assert b"second" not in answer.body
    assert (await api.get("cages/1"))["id"] == 1


async def test_what_stands_in_the_way_out_of_sight(api: Api) -> None:
    """What went along and cannot come back is told of as the act alone, not as what it was."""
    keeper = await api.add("keepers", {"name": "boss"})
    await api.add("passports", {"number": "unseen", "keeper_id": keeper["id"]})
    other = await api.add("keepers", {"name": "other"})
    grants = [Grant("keeper", each) for each in ("read", "create", "update", "delete")]
    editor = api.token
    await as_somebody(api, *grants)
    assert (await api.call("DELETE", f"keepers/{keeper['id']}")).status == 204
    change_set = (await api.changes(resource="keeper"))[-1]["change_set"]
    caller, api.token = api.token, editor
    await api.add("passports", {"number": "unseen", "keeper_id": other["id"]})
    api.token = caller
    answer = await api.call("POST", f"change-sets/{change_set}/revert")
    assert answer.status == 409
    (conflict,) = answer.json["conflicts"]
    assert (conflict["resource"], conflict["title"]) == ("keeper", "boss")
    assert b"assport" not in answer.body
    assert b"unseen" not in answer.body
    skipping = {"skip_conflicts": True}
    answer = await api.call("POST", f"change-sets/{change_set}/revert", skipping)
    assert (answer.status, answer.json["skipped"]) == (200, [conflict])
    assert (await api.get(f"keepers/{keeper['id']}"))["name"] == "boss"
