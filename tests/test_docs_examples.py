"""The documentation is a test subject: its requests and commands are understood, its links land."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from api import Api
from conftest import FreshSettings
from together import house

from admin_app.cli import app

PROJECT = Path(__file__).parent.parent
PAGES = sorted(
    [
        PROJECT / "README.md",
        PROJECT / "CONTRIBUTING.md",
        PROJECT / "SECURITY.md",
        *PROJECT.glob("docs/**/*.md"),
    ]
)
UNDERSTOOD = {200, 201, 204, 404}
"""Of a record that is not there nothing else can be said; a mistake is 400, 415 or 422."""
AFTER = {"&&", "|", ">", ";"}
FILES = {"@books.csv": "source_id,title\n77,Emma\n"}


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The code of a page, line by line, those that go on put together."""
    pattern = rf"^```(?:{'|'.join(languages)})\n(.*?)^```"
    for block in re.findall(pattern, page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        yield from block.replace("\\\n", " ").splitlines()


def requests() -> list[str]:
    """Every request of the documentation that is about the library."""
    return [
        line
        for page in PAGES
        for line in blocks(page, "sh")
        if line.startswith("curl ") and "/products" not in line
    ]


def commands() -> list[tuple[str, ...]]:
    """Every command of the documentation, word by word."""
    found = []
    for page in PAGES:
        for line in blocks(page, "sh", "console"):
            if "admin-app " not in line:
                continue
            words = shlex.split(line.replace("$(", " ").replace("…", ""), comments=True)
            parts = " ".join("\n" if each in AFTER else shlex.quote(each) for each in words)
            calls = [each.partition("admin-app ")[2] for each in parts.split("\n")]
            found += [tuple(shlex.split(each)) for each in calls if each]
    return found


async def _send(api: Api, line: str) -> int:
    """What a request that is written for curl is answered."""
    words = iter(shlex.split(line.replace("…", ""))[1:])
    method, target, headers, data, query = "", "", [], [], False
    for word in words:
        if word in {"-d", "--data-binary", "--data-urlencode"}:
            data.append(next(words))
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers.append((name.lower(), value))
        elif word == "-X":
            method = next(words)
        elif word == "-G":
            query = True
        else:
            assert word.startswith("http"), word
            target = word.partition("/api/v1/")[2]
    if query:
        target, data = f"{target}?{'&'.join(data)}", []
    body = "".join(FILES.get(each, each) for each in data)
    given = [each for each in headers if each[0] != "authorization"]
    sent: dict[str, Any] = {"raw": body.encode()} if body else {}
    method = method or ("POST" if body else "GET")
    answer = await api.call(method, target, headers=given, **sent)
    assert answer.status in UNDERSTOOD, (line, answer)
    return answer.status


async def test_every_request_is_understood(fresh_settings: FreshSettings) -> None:
    """No request that the documentation shows is refused for what it says."""
    lines = requests()
    assert len(lines) >= 10
    async with house(fresh_settings, "sqlite") as api:
        found = [await _send(api, line) for line in lines]
        assert found.count(404) * 2 < len(found)


@pytest.mark.parametrize("line", dict.fromkeys(commands()), ids=" ".join)
def test_every_command_is_one(line: tuple[str, ...]) -> None:
    """Each command that the documentation shows exists, with the options it is shown with."""
    words = [each.rstrip(")") for each in line]
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", ()):
        command = command.commands[words.pop(0)]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    asked = {each.partition("=")[0] for each in words if each.startswith("--")}
    assert asked <= known | {"--help"}, (line, known)
    assert getattr(command, "invoke_without_command", True) or not hasattr(command, "commands")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_lands(page: Path) -> None:
    """Every link to a part of a page leads to a heading of it."""
    links = re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text("utf-8"))
    missing = [
        f"{name}#{part}"
        for name, part in links
        if "://" not in name and part not in headings(page.parent / name if name else page)
    ]
    assert missing == []


def headings(page: Path) -> set[str]:
    """The headings of a page as they are linked to."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in found}
