"""Every word of the panel comes out in the reader's language, and every value as they write it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from conftest import FreshSettings
from messages import PANEL, declared, messages, plurals
from panel import Client, House, house, prepare_library, session_of
from ports import http_client

from admin_app.declaration import Base, Field, Kind, Registry, Resource
from admin_app.declaration.fields import Shape
from admin_app.models import Author
from admin_app.models.russian import RUSSIAN
from admin_app.panel.declared import counted, in_language
from admin_app.panel.display import day, moment, size_words, told, wire_shown
from admin_app.panel.language import (
    Language,
    in_zone,
    languages,
    number,
    retold,
    say_many,
    speaking,
    with_declared,
)
from admin_app.panel.texts import canonical, text_of, wire_of

_HOLE = re.compile(r"\{(\w+)\}")


def resources() -> list[Resource]:
    """Those of the example library."""
    every = Registry.from_base(Base, ["admin_app.models"]).values()
    return [each for each in every if not each.own]


def pseudo() -> dict[str, str | tuple[str, ...]]:
    """Everything there is to be said, each in brackets that show that it was translated."""
    found: dict[str, str | tuple[str, ...]] = {
        each: f"⟦{each}⟧" for each in {**messages(), **declared(resources())}
    }
    library = {one: f"{one}s" for one in declared(resources()) if one.startswith("{count}")}
    for one, many in {**library, **plurals()}.items():
        found[one] = (f"⟦{one}⟧", f"⟦{many}⟧")
    return found


def russian() -> Language:
    """Russian, with the words of the library."""
    return with_declared(resources())["ru"]


def test_catalogue_is_complete() -> None:
    """Russian has every message, none that is not said, and the same holes in each."""
    found, wanted = languages()["ru"].messages, messages()
    assert sorted(wanted.keys() - found.keys()) == []
    assert sorted(found.keys() - wanted.keys()) == []
    several = plurals()
    for message, translation in found.items():
        forms = (translation,) if isinstance(translation, str) else translation
        assert isinstance(translation, tuple) == (message in several), message
        assert len(forms) == (3 if message in several else 1), message
        holes = {*_HOLE.findall(message), *_HOLE.findall(several.get(message, ""))}
        for form in forms:
            assert {*_HOLE.findall(form)} <= holes, message
            assert message in several or {*_HOLE.findall(form)} == holes, message
            assert form.strip() == form != "", message


def test_library_speaks_russian() -> None:
    """Every label, help, heading and choice of the library is Russian too, and nothing more."""
    wanted = declared(resources())
    known = {**RUSSIAN, **languages()["ru"].messages}
    assert sorted(wanted.keys() - known.keys()) == []
    assert sorted(RUSSIAN.keys() - wanted.keys()) == []


# What pages show that is nobody's to translate.
_DATA = re.compile(
    r"nothing|Book \d\d|Said \d\d|Ann (Uno|Tre)|Bea Due|England|Russia|Rea|r@example\.org"
    r"|line (one|two)"
    r"|administrator|editor|viewer|ana|vic|nob|admin-app|Admin|Library|eng|UTC|MB|KB|CSV|Excel|XLSX|NDJSON|JSON"
    r"|Ctrl|Esc|Enter|Tab|Delete|English|Русский|Esperanto|Latina|curl|Python|TypeScript|import"
    r"|admin_\w+|added_by_id|[a-z]+_[a-z_]+|[0-9a-f]{8}-[0-9a-f-]{27}|127\.0\.0\.1|python-httpx/[\d.]+"
)


class _Texts(HTMLParser):
    """What of a page people read or hear."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        told = ("aria-label", "title", "placeholder", "alt")
        self.found += [value for name in told if (value := given.get(name))]
        if tag in {"script", "style", "code", "pre", "textarea", "kbd"}:
            self._silent.append(tag)
        elif given.get("id") == "zone" or "code" in (given.get("class") or "").split():
            # Names as programs have them.
            self._silent.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._silent:
            self.found.append(" ".join(data.split()))


def untranslated(html: str) -> list[str]:
    """The words of a page that stand outside the brackets."""
    found = []
    for text in _Texts(html).found:
        left = text
        while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", "", left)) != left:
            left = shorter
        if re.search(r"[^\W\d_]", _DATA.sub("", left)):
            found.append(text)
    return found


PAGES = (
    "/admin/",
    "/admin/search?term=Ann",
    "/admin/shortcuts",
    "/admin/account",
    "/admin/book/list",
    "/admin/book/list?year__gte=1910&format=ebook&authors=1&lost_on__isnull=true&added_at=month-1m",
    "/admin/book/list?title=nothing",
    "/admin/book/list?nothing=1",
    "/admin/comment/list?trash=only",
    "/admin/book/columns",
    "/admin/book/views",
    "/admin/book/filter",
    "/admin/book/filter?field=format",
    "/admin/book/filter?field=added_at",
    "/admin/book/filter?field=authors",
    "/admin/book/filter?field=year",
    "/admin/book/advanced",
    "/admin/book/create",
    "/admin/book/edit/1",
    "/admin/book/details/1",
    "/admin/book/history/1",
    "/admin/book/calls/1",
    "/admin/book/export",
    "/admin/book/import",
    "/admin/book/delete?key=1",
    "/admin/author/delete?key=1",
    "/admin/book/bulk/edit?key=1&key=2",
    "/admin/book/bulk/delete?key=1&key=2",
    "/admin/comment/bulk/restore?all=1&list=trash%3Donly",
    "/admin/book/action/mark-lost?key=1",
    "/admin/book/action/mark-found?key=1&key=2",
    "/admin/admin_user/list",
    "/admin/admin_user/details/2",
    "/admin/admin_role/create",
    "/admin/access/matrix",
    "/admin/access/matrix?edit=1",
    "/admin/access/explain",
    "/admin/access/explain?user=vic&resource=book&action=update&key=1",
    "/admin/access/explain?resource=book&key=1",
    "/admin/book/details/999",
    "/admin/nothing",
    "/admin/confirm",
)


@pytest.fixture
async def bracketed(
    fresh_settings: FreshSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """The library, which has one more language: a pseudo-language."""
    options = Author.__resource__
    monkeypatch.setattr(
        Author,
        "__resource__",
        replace(options, translations={**options.translations, "eo": pseudo()}),
    )
    # The same models under other names: applications are shared by what they are made of.
    models = ("admin_app.models", "admin_app.models.author")
    async with house(fresh_settings("sqlite", "panel_library", prepare_library), models) as made:
        yield made


@asynccontextmanager
async def reading(
    home: House, code: str, name: str = "ana", zone: str = ""
) -> AsyncIterator[Client]:
    """Somebody signed in who reads another language."""
    cookies = {"session": name and session_of(name), "language": code, "zone": zone}
    async with http_client(home.url) as http:
        for cookie, value in cookies.items():
            if value:
                http.cookies.set(cookie, value, domain="127.0.0.1")
        yield Client(http)


async def test_every_word_is_translated(bracketed: House) -> None:
    """Each text, name and hint of each page is in the reader's language, or somebody's data."""
    left: dict[str, list[str]] = {}
    async with reading(bracketed, "eo") as client:
        for path in PAGES:
            answer = await client.get(path)
            assert answer.status_code < 500, path
            left[path] = untranslated(answer.text)
        form = await client.form("/admin/book/create")
        answer = await client.post("/admin/book/create", form.changed(year="x", rating="9,99,9"))
        assert answer.status_code == 422
        left["a form with errors"] = untranslated(answer.text)
        form = await client.form("/admin/book/edit/1")
        answer = await client.post("/admin/book/edit/1", form.changed(title="Book 99"))
        assert answer.status_code == 303
        for path in (answer.headers["location"], "/admin/book/history/1", "/admin/"):
            left[f"{path} after a change"] = untranslated((await client.get(path)).text)
    async with reading(bracketed, "eo", "vic") as client:
        left["refused"] = untranslated((await client.get("/admin/book/edit/1")).text)
    async with reading(bracketed, "eo", "") as client:
        left["sign in"] = untranslated((await client.get("/admin/login")).text)
        answer = await client.sign_in("ana", "wrong")
        assert answer.status_code == 401
        left["not signed in"] = untranslated(answer.text)
    assert {path: words for path, words in left.items() if words} == {}


async def test_russian_pages(home: House) -> None:
    """Lists, records, refusals and counts are Russian, with dates and numbers as Russians write."""
    async with reading(home, "ru", zone="Europe/Moscow") as client:
        page = (await client.get("/admin/book/list")).text
        assert '<html lang="ru" dir="ltr">' in page
        assert "Твёрдый переплёт" not in page
        assert "1–25 из 30" in page
        for words in ("Книги", "Авторы", "Электронная книга", "Создать: книга", "4,50"):
            assert words in page, words
        page = (await client.get("/admin/book/details/1")).text
        assert re.search(r"Добавлена</dt><dd><span[^>]*>\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d", page)
        page = (await client.get("/admin/author/delete?key=1")).text
        assert "Удалить: Ann Uno?" in page
        answer = await client.get("/admin/book/list?year__gte=1910&format=ebook")
        assert "Год не меньше 1910" in answer.text
        assert "Формат: Электронная книга" in answer.text
        answer = await client.get("/admin/book/details/999")
        assert answer.status_code == 404
        assert "Здесь ничего нет" in answer.text
        assert "Не найдено: книга." in answer.text
        headers = {"Accept": "application/json"}
        answer = await client.http.get("/admin/book/details/999", headers=headers)
        assert answer.json()["detail"] == "Не найдено: книга."
        script = re.search(r'src="([^"]*panel\.ru\.js[^"]*)"', page)
        assert script is not None
        assert "Найдено: {count}" in (await client.get(script[1])).text
    async with reading(home, "ru", "vic") as client:
        answer = await client.get("/admin/book/edit/1")
        assert answer.status_code == 403
        assert "Недостаточно прав: книги, действие «изменение»." in answer.text


async def test_numbers_as_russians_write_them(home: House) -> None:
    """A form takes a decimal comma, and what it shows is sent back untouched without a write."""
    async with reading(home, "ru", zone="Europe/Lisbon") as client:
        form = await client.form("/admin/book/create")
        sent = form.changed(title="Запятая", rating="3,251", pages="1\N{NO-BREAK SPACE}234")
        answer = await client.post("/admin/book/create", sent)
        assert answer.status_code == 422
        assert "Не более 3 цифр." in answer.text
        sent = form.changed(title="Запятая", rating="3,25", pages="1\N{NO-BREAK SPACE}234")
        answer = await client.post("/admin/book/create", sent)
        assert answer.status_code == 303
        path = answer.headers["location"].partition("?")[0]
        page = (await client.get(path)).text
        assert "Создано" in page
        assert "3,25" in page
        form = await client.form(path.replace("details", "edit"))
        before = len(await home.changes())
        answer = await client.post(path.replace("details", "edit"), form.fields())
        assert answer.status_code == 303
        assert len(await home.changes()) == before


async def test_languages_at_the_door(home: House) -> None:
    """The sign-in page offers the languages; a choice stays, and an unknown one changes nothing."""
    async with home.client("") as client:
        page = (await client.get("/admin/login?next=/admin/book/list")).text
        assert "Sign in" in page
        assert "Русский" in page
        answer = await client.get("/admin/login?lang=ru&next=/admin/book/list")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/admin/login?next=%2Fadmin%2Fbook%2Flist"
        assert "Войти" in (await client.get(answer.headers["location"])).text
        answer = await client.get("/admin/login?lang=tlh&next=//elsewhere")
        assert answer.headers["location"] == "/admin/login?next=%2Fadmin%2F"
        assert "Войти" in (await client.get("/admin/login")).text
        answer = await client.sign_in("ana", "wrong")
        assert "Неверное имя или пароль." in answer.text
    async with home.client("") as client:
        client.http.headers["Accept-Language"] = "ru-RU,ru;q=0.9,en;q=0.5"
        assert "Войти" in (await client.get("/admin/login")).text


def _field(kind: Kind) -> Field:
    return Field(name="it", shape=Shape(kind=kind), label="It", expression=None)


INSTANT = _field(Kind.INSTANT)


@pytest.mark.parametrize(
    ("zone", "wire", "text"),
    [
        ("UTC", "2026-01-31T11:30:00Z", "2026-01-31T11:30:00"),
        ("Europe/Moscow", "2026-01-31T11:30:00Z", "2026-01-31T14:30:00"),
        ("Asia/Kathmandu", "2026-01-31T20:00:00.500000Z", "2026-02-01T01:45:00.5"),
        # In Lisbon, the hour from one to two comes twice on this day.
        ("Europe/Lisbon", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00"),
        ("Europe/Lisbon", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00+00:00"),
        # There is no year 0, nor one after 9999, so these are told in UTC.
        ("America/New_York", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("Asia/Tokyo", "9999-12-31T23:00:00Z", "9999-12-31T23:00:00Z"),
    ],
)
def test_instants_in_forms(zone: str, wire: str, text: str) -> None:
    """A form shows an instant on the reader's clock, and reads the same one back from it."""
    with in_zone(zone):
        assert text_of(INSTANT, wire) == text
        back = datetime.fromisoformat(wire_of(INSTANT, text)).astimezone(UTC)
        assert back == datetime.fromisoformat(wire)
        assert canonical(INSTANT, text) == canonical(INSTANT, f"{text}")


def test_hours_that_come_twice_stay_apart() -> None:
    """Of an hour that a clock shows twice, the second is no answer that equals the first."""
    with in_zone("Europe/Lisbon"):
        first, second = (
            canonical(INSTANT, text_of(INSTANT, f"2026-10-25T0{hour}:30:00Z")) for hour in (0, 1)
        )
        assert first != second
        # A browser writes times its own way.
        assert canonical(INSTANT, "2026-10-25T01:30") == first


def test_values_are_written_as_the_reader_does() -> None:
    """Dates, numbers, sizes, choices and points in time follow the language and the zone."""
    at = datetime(2026, 1, 31, 11, 30, 5, tzinfo=UTC)
    assert moment("2026-01-31T11:30:05Z") == "2026-01-31 11:30:05 UTC"
    assert told(at) == "2026-01-31 11:30 UTC"
    assert number(1234567) == "1,234,567"
    assert size_words(1536) == "1.5 KB"
    with speaking(russian()), in_zone("Europe/Moscow"):
        assert day("2026-01-31") == "31.01.2026"
        assert moment("2026-01-31T11:30:05Z") == "31.01.2026 14:30:05 MSK"
        assert moment("2026-01-31T11:30:05") == "31.01.2026 11:30:05"
        assert told(at) == "31.01.2026 14:30 MSK"
        assert number(1234567) == "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567"
        assert size_words(1536) == "1,5 КБ"
        assert wire_shown(_field(Kind.DECIMAL), "12.50").text == "12,50"
        assert wire_shown(_field(Kind.BOOLEAN), value=True).text == "Да"
        assert wire_shown(_field(Kind.DATE), "2026-01-31").text == "31.01.2026"
    with in_zone("Asia/Kathmandu"):
        assert moment("2026-01-31T11:30:00Z") == "2026-01-31 17:15:00 UTC+0545"


def test_counts_have_their_forms() -> None:
    """What goes with a count has the form that the language wants, also of declared names."""
    (book,) = (each for each in resources() if each.name == "book")
    assert counted(1, book) == "1 book"
    assert counted(1200, book) == "1,200 books"
    with speaking(russian()):
        words = [counted(count, book) for count in (1, 2, 5, 11, 21, 1200)]
        assert words[:5] == ["1 книга", "2 книги", "5 книг", "11 книг", "21 книга"]
        assert words[5] == "1\N{NO-BREAK SPACE}200 книг"
        assert say_many("{count} day ago", "{count} days ago", 3) == "3 дня назад"
    with speaking(Language("ru", {"Books": "Книги"})):
        # Nobody has declared the forms: the count stands beside the name.
        assert counted(3, book) == "книги: 3"


def test_refusals_are_retold() -> None:
    """A refusal of a lower floor is known by its words, whatever values stand in it."""
    with speaking(russian()):
        assert retold("At most 20 characters.") == "Не более 20 символов."
        assert retold("Another book already has this value.") == "Это значение уже занято: книга."
        held = retold("This book is in use by 3 comments, 12 books.")
        assert held == "Запись (книга) используется: отзывы: 3, книги: 12."
        assert retold("1 comment points to it.") == "На неё указывает: отзыв: 1."
        assert retold("This book is in use by comments.") == "Запись (книга) используется: отзывы."
        hidden = retold("This book is in use by records out of your sight.")
        assert hidden == "Запись (книга) используется: недоступные вам записи."
        assert retold("There is a user Book already.") == "Пользователь Book уже есть."
        assert retold("There is no such field. Did you mean born?") == (
            "Такого поля нет. Может быть, born?"
        )
        assert retold("Nobody said this. Did you mean born?").startswith("Nobody")
        assert retold("Nobody has ever said this.") == "Nobody has ever said this."
        assert retold("x" * 100_000) == "x" * 100_000
    assert retold("At most 20 characters.") == "At most 20 characters."


def test_declared_names_are_translated_once() -> None:
    """A registry in a language is made once, says the same of everything else, and is its own."""
    registry = Registry.from_base(Base, ["admin_app.models"])
    assert in_language(registry) is registry
    with speaking(with_declared(registry.values())["ru"]):
        found = in_language(registry)
        assert found is in_language(registry)
        book, plain = found["book"], registry["book"]
        assert (book.label, book.fields["title"].label) == ("Книга", "Название")
        assert book.fields["title"] == plain.fields["title"]
        assert book.key == plain.key
        assert book.options.widgets[0].title == "Утраченные книги"
        assert book.declared["mark-lost"].label == "Отметить утраченной"
    assert registry["book"].label == "Book"


def test_styles_know_no_left_and_right() -> None:
    """A style that names a side of the page would stand wrong where lines run from the right."""
    physical = re.compile(
        r"(?:^|[;{\s])(?:(?:margin|padding|border)-(?:left|right)\b|(?:left|right):"
        r"|text-align: (?:left|right)|float: (?:left|right)|border-(?:top|bottom)-(?:left|right)-)"
    )
    for path in sorted((PANEL / "static" / "panel.css").glob("*.css")):
        for number_, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            assert not physical.search(line), f"{path.name}:{number_}: {line}"
