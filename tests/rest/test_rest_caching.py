"""Answers that the caller has already, and in which form they are given."""

from __future__ import annotations

from typing import Any

from api import Answer, Api, allow, forbid, make_role, zoos
from conftest import FreshSettings

from admin_app.declaration import Grant


async def fill(api: Api) -> None:
    await api.add("labels", {"code": "l", "name": "first"})
    for n in range(3):
        await api.add("keepers", {"name": f"k{n}", "labels": ["l"]})
    await api.add("unversioned", {"name": "x"})


def same_but_for_the_body(answer: Answer, other: Answer) -> bool:
    own = {"x-request-id", "content-length", "content-type", "ratelimit", "link", "truncated"}
    own |= {"vary"}  # A long body could be compressed as well.
    first, second = (
        {name: value for name, value in each.headers if name not in own} for each in (answer, other)
    )
    return first == second


async def test_what_is_known_is_not_sent_again(fresh_settings: FreshSettings) -> None:
    """Records, pages, aggregates and the document have a tag; who sends it back gets 304."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await fill(api)
            for target in (
                "keepers/1",
                "keepers/1?fields=name",
                "keepers/1?include=labels",
                "unversioned/1",
                "unversioned/1?fields=name",
                "keepers?limit=2&include=staff",
                "keepers/aggregate?count=*",
                "openapi.json",
            ):
                first = await api.call("GET", target)
                tag = first.header("etag") or ""
                assert tag.startswith('"'), target
                assert (first.header("vary") or "").startswith("Authorization, Accept")
                for known in (tag, f"W/{tag}", f'"a, b", W/"x",{tag}', "*"):
                    again = await api.call("GET", target, headers=[("if-none-match", known)])
                    assert (again.status, again.body) == (304, b""), (target, known)
                    assert again.header("content-type") is None
                    assert same_but_for_the_body(first, again)
                several = [("if-none-match", '"x"'), ("if-none-match", tag)]
                assert (await api.call("GET", target, headers=several)).status == 304
                for other in ('"x"', tag.strip('"'), f'{tag[:-1]}x"', "", '"', "W/", '"*"'):
                    again = await api.call("GET", target, headers=[("if-none-match", other)])
                    assert (again.status, again.body) == (200, first.body), (target, other)
                head = await api.call("HEAD", target)
                assert (head.status, head.body) == (200, b"")
                assert head.header("content-length") == str(len(first.body))
                assert head.header("etag") == tag
                head = await api.call("HEAD", target, headers=[("if-none-match", tag)])
                assert head.status == 304


async def test_a_tag_is_of_one_answer(fresh_settings: FreshSettings) -> None:
    """Whatever changes an answer changes its tag, also where the record's version is the same."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await fill(api)
            plain = await api.call("GET", "keepers/1")
            shaped = await api.call("GET", "keepers/1?include=labels")
            page = await api.call("GET", "keepers?include=labels")
            again = await api.call("GET", "keepers/1?include=labels")
            assert again.header("etag") == shaped.header("etag")
            await api.call("PATCH", "labels/l", {"name": "second"})
            for target, before, changed in (
                ("keepers/1", plain, False),
                ("keepers/1?include=labels", shaped, True),
                ("keepers?include=labels", page, True),
            ):
                now = await api.call("GET", target)
                assert (now.header("etag") != before.header("etag")) is changed, target
            made = await api.call("POST", "texts", {"code": "k", "name": "one"})
            assert (await api.call("GET", "texts/k")).header("etag") == made.header("etag")
            label = await api.call("POST", "labels", {"code": "k", "name": "one"})
            await api.call("DELETE", "labels/k")
            other = await api.call("POST", "labels", {"code": "k", "name": "two"})
            assert label.json["version"] == other.json["version"] == 1
            assert label.header("etag") != other.header("etag")


async def test_rights_change_a_tag(fresh_settings: FreshSettings) -> None:
    """Who comes to see more of a record is sent it, though it has not changed."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await fill(api)
            await make_role(
                api.database, "part", Grant("keeper", "read", None, frozenset({"name"}))
            )
            api.token = await api.token_of("part", "part")
            first = await api.call("GET", "keepers/1")
            known = [("if-none-match", first.header("etag") or "")]
            assert (await api.call("GET", "keepers/1", headers=known)).status == 304
            await forbid(api.database, "part", Grant("keeper", "read"))
            await allow(api.database, "part", Grant("keeper", "read"))
            again = await api.call("GET", "keepers/1", headers=known)
            assert (again.status, again.json["name"]) == (200, "k0")
            assert again.json["version"] == first.json["version"]


async def test_any_shape_tells_the_state(fresh_settings: FreshSettings) -> None:
    """A write takes the tag of the record in whatever shape it was read, and no other."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await fill(api)
            for name, member in (("keepers/1", "name"), ("unversioned/1", "name")):
                for shape in ("", "?fields=name", "?include=labels" if "keep" in name else ""):
                    tag = (await api.call("GET", name + shape)).header("etag") or ""
                    for wrong in (f"W/{tag}", tag.strip('"'), f'"x{tag[1:]}', '""', f"{tag[:-1]}"):
                        answer = await api.call(
                            "PATCH", name, {member: "no"}, headers=[("if-match", wrong)]
                        )
                        answer.problem(412, "version_mismatch")
                    right = [("if-match", f'"other", {tag}')]
                    written = await api.call("PATCH", name, {member: shape + "y"}, headers=right)
                    assert written.status == 200, (name, shape)
                    answer = await api.call("PATCH", name, {member: "z"}, headers=right)
                    answer.problem(412)


ACCEPTED: tuple[tuple[str, str | None], ...] = (
    ("", "application/json"),
    ("*/*", "application/json"),
    ("nonsense", "application/json"),
    ("application/json", "application/json"),
    ("application/*;q=0.5, text/*;q=0.4", "application/json"),
    ("text/*", "text/csv; charset=utf-8"),
    ("TEXT/CSV", "text/csv; charset=utf-8"),
    ("text/csv, */*;q=0.8", "text/csv; charset=utf-8"),
    ("text/csv;q=0.5, application/json;q=0.6", "application/json"),
    ("application/json;q=0, */*", "text/csv; charset=utf-8"),
    ("application/json;q=0, text/csv;q=0, */*;q=0.1", "application/x-ndjson"),
    ("application/x-ndjson", "application/x-ndjson"),
    ("application/json; charset=utf-8", "application/json"),
    ("text/html", None),
    ("image/*", None),
    ("*/*;q=0", None),
    ("application/json;q=0.000", None),
)


async def test_forms(fresh_settings: FreshSettings) -> None:
    """A list is answered in the form liked best; none that is taken is refused with those known."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await fill(api)
            for accepted, media_type in ACCEPTED:
                headers: list[Any] = [("accept", accepted)]
                answer = await api.call("GET", "labels?limit=5", headers=headers)
                if media_type is None:
                    assert "text/csv" in answer.problem(406, "not_acceptable")["detail"]
                else:
                    assert answer.status == 200
                    assert answer.header("content-type") == media_type, accepted
            for target in ("labels/l", "keepers/aggregate?count=*"):
                answer = await api.call("GET", target, headers=[("accept", "text/csv")])
                answer.problem(406, "not_acceptable")
