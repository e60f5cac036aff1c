"""What is true of the panel for every type, key and relation there is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import pytest
from conftest import KINDS, FreshSettings
from panel import Form, House, menagerie
from playwright.async_api import Browser
from zoo import RESOURCES

from admin_app.declaration import SYSTEM
from admin_app.panel.display import lasting


@pytest.fixture(params=KINDS)
async def zoo(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[House]:
    async with menagerie(fresh_settings, request.param) as made:
        yield made


async def keys(made: House) -> list[tuple[str, str]]:
    """Every record there is, as (resource, key)."""
    found = []
    for name in RESOURCES:
        resource = made.records.registry[name]
        query = made.records.query(SYSTEM, resource, [("limit", "200")])
        page = await made.records.page(SYSTEM, resource, query)
        found += [(name, resource.key_text(resource.key_of(values))) for values in page.rows]
    return found


def path_of(made: House, page: str, resource: str, key: str) -> str:
    from admin_app.panel.visit import Urls  # noqa: PLC0415 - the addresses are what is tested

    return Urls("/admin").to(resource, page, key)


async def test_every_page_opens(zoo: House) -> None:
    """Every list, record, form and delete page of every kind of declaration is a page."""
    async with zoo.client() as client:
        for name in RESOURCES:
            assert (await client.get(f"/admin/{name}/list")).status_code == 200, name
            assert (await client.get(f"/admin/{name}/create")).status_code == 200, name
        for name, key in await keys(zoo):
            answer = await client.get(path_of(zoo, "details", name, key))
            assert answer.status_code == 200, (name, key)
            title = (await zoo.get(name, key)).title
            (head,) = re.findall(r"<h1>(.*?)</h1>", answer.text, re.DOTALL)
            assert " ".join(unescape(head).split()) == " ".join(title.split()), (name, key)
            answer = await client.http.get(f"/admin/{name}/delete", params={"key": key})
            assert answer.status_code == 200, (name, key)


async def test_unchanged_save_changes_nothing(zoo: House) -> None:
    """A form that is opened and saved untouched writes no change, for every type and key."""
    async with zoo.client() as client:
        for name, key in await keys(zoo):
            before = await zoo.get(name, key)
            path = path_of(zoo, "edit", name, key)
            form = await client.form(path)
            answer = await client.post(path, form.fields())
            assert answer.status_code == 303, (name, key, answer.text)
            after = await zoo.get(name, key)
            assert after.body == before.body
    assert await zoo.changes() == []


@pytest.mark.slow
async def test_unchanged_save_in_chromium(zoo: House, browser: Browser) -> None:
    """A browser, with its own ideas of dates, times and line breaks, changes nothing either."""
    # Its controls differ by kind of value only, so the specimens have every one of them.
    found = [each for each in await keys(zoo) if each[0] in {"specimen", "keeper", "computing"}]
    async with zoo.page(browser) as page:
        for name, key in found:
            before = await zoo.get(name, key)
            await page.goto(path_of(zoo, "edit", name, key), wait_until="domcontentloaded")
            async with page.expect_navigation(wait_until="commit"):
                await page.locator("[data-save]").click()
            assert page.url.endswith(path_of(zoo, "details", name, key))
            assert (await zoo.get(name, key)).body == before.body
    assert await zoo.changes() == []


TYPED: dict[str, list[tuple[str, Any]]] = {
    "whole": [(" 12 ", 12), ("-7", -7), ("", None)],
    "big": [("9223372036854775807", 2**63 - 1)],
    "exact": [
        *[("1.5", "1.5000"), ("-0.0001", "-0.0001"), ("1,5", "1.5000"), ("0,125", "0.1250")],
        ("", None),
    ],
    "ratio": [("1e3", 1000.0), (".5", 0.5), ("-12,75", -12.75)],
    "name": [("  spaced ", "  spaced "), ("", None)],
    "text": [("a\r\nb", "a\nb"), ("", None)],
    "flag": [("true", True), ("false", False), ("", None)],
    "sure": [("true", True), ("false", False)],
    "day": [("2026-02-28", "2026-02-28"), ("", None)],
    "clock": [("10:11:12.5", "10:11:12.500000"), ("10:11", "10:11:00")],
    "local": [
        ("2026-01-02T03:04", "2026-01-02T03:04:00"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05"),
    ],
    "instant": [
        ("2026-01-02T03:04:05.123456", "2026-01-02T03:04:05.123456Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
    ],
    "lapse": [
        ("PT1H", "PT1H"), ("-P1D", "-P1D"), ("1 d 2 h 30 min", "P1DT2H30M"),
        ("-2 weeks 1,5 s", "-P14DT1.5S"), ("90m", "PT1H30M"),
    ],
    "mood": [("wild & free", "wild & free"), ("", None)],
    "rank": [("2", 2)],
    "level": [("3", 3)],
    "grade": [("b+", "b+")],
    "document": [
        ("", None), ("[]", []), ("{}", {}), ("false", False), ("0", 0), ('"null"', "null"),
        ('""', ""), ('{"a": [1, null]}', {"a": [1, None]}),
    ],
    "token": [("123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000")],
    "tags": [('["a", ""]', ["a", ""]), ("[]", []), ("", None)],
}  # fmt: skip


async def test_what_is_typed_is_stored(zoo: House) -> None:
    """What is typed into a field of each kind is stored as what it means."""
    path = path_of(zoo, "edit", "specimen", "1")
    resource = zoo.records.registry["specimen"]
    async with zoo.client() as client:
        for name, cases in TYPED.items():
            for text, expected in cases:
                form = await client.form(path)
                answer = await client.post(path, form.changed(**{name: text}))
                assert answer.status_code == 303, (name, text, Form(answer.text).html)
                record = await zoo.get("specimen", "1")
                assert resource.wire(name, record.values[name]) == expected, (name, text)


WRONG: dict[str, list[str]] = {
    "short": ["", "x" * 13, "nul\0"],
    "small": ["32768", "1.5", "abc", "1" * 5000, "٣"],
    "exact": ["1.23456", "x", "NaN", "1e400", "1,234"],
    "ratio": ["inf", "nan", "1e999", "1,234", "1,2,3"],
    "day": ["31.02.2024", "2024-02-30", "0000-01-01", "x"],
    "clock": ["25:00", "10:11:12+01:00", "soon"],
    "local": ["2024-02-30T10:00", "yesterday", "2024-01-01T00:00Z"],
    "instant": ["2024-02-30T10:00", "tomorrow", "0001-01-01T00:00+14:00"],
    "lapse": ["one day", "1 month", "2 h 1 d", "P", "P9999999D"],
    "mood": ["furious"],
    "rank": ["9", "x"],
    "flag": ["perhaps"],
    "document": ["{", "NaN", '"\\ud800"', "[" * 70 + "]" * 70, '"\\u0000"', "1" * 5000],
    "token": ["x"],
    "tags": ["one, two", "{}", '["too long to be a tag"]', "[1]"],
}


async def test_what_is_wrong_is_kept_and_said(zoo: House) -> None:
    """A wrong value is refused at its field, the text that was typed stays, nothing is written."""
    path = path_of(zoo, "edit", "specimen", "1")
    async with zoo.client() as client:
        form = await client.form(path)
        for name, texts in WRONG.items():
            for text in texts:
                fields = form.changed(**{name: text, "text": "typed besides"})
                answer = await client.post(path, fields)
                assert answer.status_code in {400, 422}, (name, text[:50], answer.status_code)
                shown = Form(answer.text)
                assert f'id="f-{name}-error"' in shown.html, (name, text[:50])
                assert f'href="#f-{name}"' in answer.text
                kept = dict(shown.fields())
                assert kept["f-text"] == "typed besides"
                if "\0" not in text:
                    assert kept[f"f-{name}"] == text, (name, text[:50])
    assert await zoo.changes() == []


async def test_bytes(zoo: House) -> None:
    """Bytes go up and come down unchanged as a file that no browser shows, and can be cleared."""
    path = path_of(zoo, "edit", "specimen", "1")
    async with zoo.client() as client:
        for content in (b"<script>alert(1)</script>", b"", bytes(range(64))):
            form = await client.form(path)
            answer = await client.http.post(
                path,
                data=dict(form.fields()),
                files={"f-blob": ("x.html", content, "text/html")},
                headers={"Sec-Fetch-Site": "same-origin"},
            )
            assert answer.status_code == 303
            answer = await client.get(
                path_of(zoo, "file/blob", "specimen", "1").replace("%2F", "/")
            )
            assert answer.content == content
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["content-disposition"].startswith("attachment")
            assert answer.headers["x-content-type-options"] == "nosniff"
        form = await client.form(path)
        assert (await client.post(path, [*form.fields(), ("f-blob-clear", "1")])).status_code == 303
        assert (await zoo.get("specimen", "1")).values["blob"] is None
        assert (await client.get("/admin/specimen/file/blob/1")).status_code == 404
        assert (await client.get("/admin/specimen/file/short/1")).status_code == 404
        form = await client.form(path)
        answer = await client.http.post(
            path,
            data=dict(form.fields()),
            files={"f-blob": ("x", b"x" * 65)},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status_code == 422
        assert 'id="f-blob-error"' in answer.text


async def test_lost_file_is_asked_for_again(zoo: House) -> None:
    """A file that came along with something wrong is asked for again, and only then."""
    path = path_of(zoo, "edit", "specimen", "1")
    again = "Choose the file again."
    async with zoo.client() as client:
        form = await client.form(path)
        answer = await client.post(path, form.changed(document="{"))
        assert answer.status_code == 422
        assert again not in answer.text
        for files, fields, words in (
            ({"f-blob": ("x", b"12345")}, {"document": "{"}, again),
            ({"f-blob": ("x", b"12345")}, {"small": "99999"}, again),
            ({"f-blob": ("", b"")}, {"small": "99999"}, ""),
            ({"f-blob": ("x", b"x" * 65)}, {}, "At most 64 bytes."),
            ({"f-blob": ("x", b"x" * 65)}, {"document": "{"}, "At most 64 bytes."),
            ({"f-name": ("x", b"12345")}, {}, ""),
        ):
            answer = await client.http.post(
                path,
                data=dict(form.changed(**fields)),
                files=files,
                headers={"Sec-Fetch-Site": "same-origin"},
            )
            assert answer.status_code == 422
            found = re.findall(r'id="f-blob-error">.*?<span>(.*?)</span>', answer.text)
            assert found == ([words] if words else []), (fields, found)
        cleared = [*form.changed(document="{"), ("f-blob-clear", "1")]
        answer = await client.post(path, cleared)
        assert (answer.status_code, again in answer.text) == (422, False)
        held = (await zoo.get("specimen", "1")).values["blob"] is not None
        assert ("f-blob-clear" in dict(Form(answer.text).fields())) is held
    assert await zoo.changes() == []


async def test_lost_secret_is_asked_for_again(zoo: House) -> None:
    """So is a secret, which is not sent back either."""
    path = path_of(zoo, "edit", "computing", "1")
    async with zoo.client() as client:
        form = await client.form(path)
        answer = await client.post(path, form.changed(secret="hunter-two-two", price="x"))
        assert re.findall(r'id="f-secret-error">.*?<span>(.*?)</span>', answer.text) == [
            "Type it again."
        ]
        assert "Type it again." not in (await client.post(path, form.changed(price="x"))).text


async def test_sizes_in_history_are_those_of_the_page(zoo: House) -> None:
    """The history tells bytes in the words of the record's page."""
    key = (await zoo.add("specimen", {"short": "sizes", "sure": True})).key_text
    path = path_of(zoo, "edit", "specimen", key)
    async with zoo.client() as client:
        sizes = ("0 bytes", "1 byte", *(f"{size} bytes" for size in range(2, 8)), "64 bytes")
        for size in sizes:
            form = await client.form(path)
            answer = await client.http.post(
                path,
                data=dict(form.fields()),
                files={"f-blob": ("x", b"x" * int(size.split()[0]))},
                headers={"Sec-Fetch-Site": "same-origin"},
            )
            assert answer.status_code == 303
            text = (await client.get(answer.headers["location"])).text
            facts, history = text.split('<ol class="history">')
            assert re.search(rf'Blob</dt><dd><span class="prose">{size}</span>', facts), size
            after = re.search(r"<ins>(.*?)</ins>", history)
            assert after is not None
            assert re.sub("<[^>]*>", "", after[1]) == size


async def test_all_that_is_wrong_is_said_at_once(zoo: House) -> None:
    """What cannot be read hides nothing else that is wrong, and none of the form is written."""
    wrong = {
        "document": "{", "tags": "one, two", "small": "99999", "day": "x", "mood": "furious",
        "name": "x" * 21,
    }  # fmt: skip
    async with zoo.client() as client:
        for path in (path_of(zoo, "edit", "specimen", "1"), "/admin/specimen/create"):
            form = await client.form(path)
            answer = await client.post(path, form.changed(**wrong, short="", text="good"))
            assert answer.status_code == 422
            found = set(re.findall(r'id="f-(\w+)-error"', answer.text))
            assert found == {*wrong, "short"}, path
            answer = await client.post(path, form.changed(document="{", short="s", text="good"))
            assert answer.status_code == 422
            assert re.findall(r'id="f-(\w+)-error"', answer.text) == ["document"]
            kept = dict(Form(answer.text).fields())
            assert (kept["f-document"], kept["f-text"]) == ("{", "good")
        path = "/admin/visit/create"
        form = await client.form(path)
        fields = [*form.changed(keeper="x", note="n"), ("f-label-term", "nosuch")]
        answer = await client.post(path, fields)
        assert answer.status_code == 422
        assert set(re.findall(r'id="f-(\w+)-error"', answer.text)) == {"keeper", "label"}
        assert "A value is needed." not in answer.text
    assert await zoo.changes() == []


async def test_empty_text_is_not_null(zoo: House) -> None:
    """An empty text and none at all look alike and stay what they are."""
    found = {}
    for name, key in await keys(zoo):
        if name == "odd_name":
            found[key] = (await zoo.get(name, key)).values["meta"]
    assert "" in found.values()
    assert None in found.values()
    async with zoo.client() as client:
        for key, meta in found.items():
            path = path_of(zoo, "edit", "odd_name", key)
            form = await client.form(path)
            answer = await client.post(path, form.changed(page="77"))
            assert answer.status_code == 303
            assert (await zoo.get("odd_name", key)).values["meta"] == meta
    (first, *_) = await zoo.changes()
    assert set(first.after) == {"page"}


async def test_stale_save_without_a_version(zoo: House) -> None:
    """Where no version is counted a save over somebody's change is refused all the same."""
    path = path_of(zoo, "edit", "unversioned", "1")
    async with zoo.client() as client:
        mine, theirs = await client.form(path), await client.form(path)
        assert (await client.post(path, theirs.changed(number="5"))).status_code == 303
        answer = await client.post(path, mine.changed(number="6"))
        assert answer.status_code == 409
        assert (await zoo.get("unversioned", "1")).values["number"] == 5
        over = [*Form(answer.text).fields(), ("f-number-keep", "mine")]
        assert (await client.post(path, over)).status_code == 303
        assert (await zoo.get("unversioned", "1")).values["number"] == 6


async def test_create_with_every_key(zoo: House) -> None:
    """A record is created through the form whatever its key is, and its page is found."""
    async with zoo.client() as client:
        for resource, fields in (
            ("text", {"code": "x/y,z ~.", "name": "odd"}),
            ("dated", {"day": "2020-02-29"}),
            ("composite", {"room": "r,1", "number": "-3", "name": "n"}),
            ("unique", {"name": "by itself"}),
            ("visit", {"keeper": "2", "label": "l~11", "note": "now"}),
            ("part", {"composite": "a,1", "position": "9"}),
            ("renamed", {"label": "third", "first": "1", "second": "2"}),
        ):
            path = f"/admin/{resource}/create"
            form = await client.form(path)
            answer = await client.post(path, form.changed(**fields))
            assert answer.status_code == 303, (resource, answer.text)
            assert (await client.get(answer.headers["location"])).status_code == 200


async def test_secrets_are_never_shown(zoo: House) -> None:
    """A sensitive value is written and cleared, and appears on no page."""
    path = path_of(zoo, "edit", "computing", "1")
    async with zoo.client() as client:
        form = await client.form(path)
        assert dict(form.fields()).get("f-secret", "") == ""
        secret = "hunter-two-two"
        answer = await client.post(path, form.changed(secret=secret, price="x"))
        assert answer.status_code == 422
        assert secret not in answer.text
        answer = await client.post(path, form.changed(secret=secret))
        assert answer.status_code == 303
        for page in (path, path_of(zoo, "details", "computing", "1"), "/admin/computing/list"):
            text = (await client.get(page)).text
            assert secret not in text
        form = await client.form(path)
        assert (await client.post(path, form.fields())).status_code == 303
        assert len(await zoo.changes()) == 1
        cleared = [*form.fields(), ("f-secret-clear", "1")]
        assert (await client.post(path, cleared)).status_code == 303


async def test_relations_in_the_form(zoo: House) -> None:
    """To-one and many-to-many relations of every key are set, changed and emptied by look-ups."""
    path = path_of(zoo, "edit", "keeper", "2")
    async with zoo.client() as client:
        form = await client.form(path)
        answer = await client.post(
            path, form.changed(boss="", labels=["", "query~0"], composites=["", "a,1", "~4,0"])
        )
        assert answer.status_code == 422
        assert 'id="f-labels-error"' in answer.text
        answer = await client.post(
            path, form.changed(boss="", labels=["", "~3query"], composites=["", "a,1", "~4,0"])
        )
        assert answer.status_code == 303
        values = (await zoo.get("keeper", "2")).values
        assert values["boss_id"] is None
        assert values["labels"] == ["query"]
        assert sorted(values["composites"]) == ["a,1", "~4,0"]
        form = await client.form(path)
        answer = await client.post(path, form.changed(labels="", composites="", friends=["", "1"]))
        assert answer.status_code == 303
        values = (await zoo.get("keeper", "2")).values
        assert (values["labels"], values["composites"], values["friends"]) == ([], [], [1])


def test_durations_in_words() -> None:
    """A duration is shown in the words in which it is typed; what is none is left alone."""
    for wire, words in (
        *(("P1DT2H30M", "1 d 2 h 30 min"), ("-PT0.5S", "-0.5 s"), ("PT0S", "0 s"), ("P0D", "0 s")),
        *(("P1Y3DT10M", "368 d 10 min"), ("P10D", "10 d"), ("soon", "soon"), ("P1M", "P1M")),
    ):
        assert lasting(wire) == words
