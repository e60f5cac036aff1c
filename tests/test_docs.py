"""The documentation is a test subject: its links lead somewhere and its examples run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
CHECK = """
import os, sys, traceback
from pathlib import Path
import admin_app.access.tables
from admin_app import Base
from admin_app.declaration import Registry
for folder in map(Path, sys.argv[1:]):
    if os.fork():
        os.wait()
        continue
    sys.path.insert(0, str(folder))
    try:
        (folder / "resources").write_text(" ".join(Registry.from_base(Base, ["example"])))
    except BaseException:
        (folder / "mistake").write_text(traceback.format_exc())
    os._exit(0)
"""
"""Takes each folder's example in, in a process of its own, which need not import us again."""


def examples() -> list[tuple[str, str]]:
    """Every Python block of the documentation, with where it stands."""
    found = []
    for page in PAGES:
        blocks = re.findall(
            r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )
        found += [(f"{page.name}-{number}", block) for number, block in enumerate(blocks)]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    """Every relative link of a page names a file that exists."""
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_every_declaration_resolves(tmp_path: Path) -> None:
    """Every Python example can be imported and becomes resources without a mistake."""
    folders = []
    for place, source in examples():
        folders.append(tmp_path / place)
        folders[-1].mkdir()
        (folders[-1] / "example.py").write_text(source, "utf-8")
    subprocess.run([sys.executable, "-W", "error", "-c", CHECK, *folders], check=True)
    for folder in folders:
        mistake = folder / "mistake"
        assert not mistake.exists(), mistake.read_text("utf-8")
        assert (folder / "resources").read_text("utf-8").strip(), folder.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_module_that_is_named_is_there(page: Path) -> None:
    """Every Python file that a page names with its folder exists."""
    rooms = (PROJECT, PROJECT / "admin_app", PROJECT / "admin_app/records")
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", page.read_text("utf-8"))
    own = [each for each in named if not each.startswith("shop/")]
    assert [each for each in own if not any((room / each).exists() for room in rooms)] == []


def test_every_decision_is_in_the_index_in_order() -> None:
    """The index of decisions lists each of them once, by number and under its own title."""
    folder = PROJECT / "docs/decisions"
    decisions = sorted(folder.glob("0*.md"))
    titles = [each.read_text("utf-8").partition("\n")[0] for each in decisions]
    expected = [
        f"| [{each.name[:4]}]({each.name}) | {title.removeprefix(f'# {each.name[:4]} ')} |"
        for each, title in zip(decisions, titles, strict=True)
    ]
    rows = (folder / "README.md").read_text("utf-8").splitlines()
    assert [each for each in rows if each.startswith("| [")] == expected


def test_every_module_has_its_place_in_the_code_map() -> None:
    """The architecture page names every room and every module that stands alone."""
    text = (PROJECT / "docs/architecture.md").read_text("utf-8")
    modules = {
        path.name if path.is_file() else f"{path.name}/"
        for path in (PROJECT / "admin_app").iterdir()
        if not path.name.startswith("_")
    }
    assert [name for name in sorted(modules) if name.rstrip("/") not in text] == []
