"""Typed clients made from the document by others' generators, and used against a live server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from api import prepare_zoo
from conftest import KINDS, PROJECT, FreshSettings, run
from listening import listening, token

FILES = PROJECT / "tests" / "clients"
UNREACHABLE = 120
"""Seconds after which a registry counts as out of reach."""


def ran(*command: str | Path, folder: Path) -> str:
    """What a program printed that must have succeeded."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def installed(*command: str | Path, folder: Path) -> None:
    """Install from a registry; skip the test where that cannot be reached."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=UNREACHABLE
        )
    except subprocess.TimeoutExpired:
        pytest.skip("The package registry does not answer.")
    if done.returncode:
        pytest.skip(f"The generator cannot be installed: {done.stderr.strip()[-300:]}")


@contextmanager
def library(fresh_settings: FreshSettings) -> Iterator[list[tuple[str, str]]]:
    """The library on both databases: each address, with a token of an editor."""
    first, second = (fresh_settings(kind, "zoo", prepare_zoo) for kind in KINDS)
    with listening(first) as one, listening(second) as other:
        yield [(one, run(token(first))), (other, run(token(second)))]


def document(address: str, secret: str, file: Path) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    answer = httpx.get(f"{address}/api/v1/openapi.json", headers=headers)
    file.write_text(json.dumps(answer.json()), "utf-8")


@pytest.mark.slow
def test_a_python_client(fresh_settings: FreshSettings, tmp_path: Path) -> None:
    """openapi-python-client makes a package that mypy finds nothing wrong with, and it works."""
    installed(sys.executable, "-m", "venv", "venv", folder=tmp_path)
    programs = tmp_path / "venv" / "bin"
    requirements = FILES / "requirements.txt"
    installed(programs / "pip", "install", "--quiet", "-r", requirements, folder=tmp_path)
    with library(fresh_settings) as servers:
        document(*servers[0], tmp_path / "openapi.json")
        said = ran(
            *(programs / "openapi-python-client", "generate", "--meta", "none"),
            *("--path", "openapi.json", "--output-path", "library_client"),
            *("--config", FILES / "generator.yml"),
            folder=tmp_path,
        )
        # JSON Patch is left out, as generator.yml says; it finds fault with nothing else.
        assert said.count("WARNING") == said.count("type application/x-left-out") > 0, said
        names = [each.stem for each in (tmp_path / "library_client" / "models").iterdir()]
        assert not [each for each in names if re.search(r"_response_|_type_\d", each)]
        shutil.copy(FILES / "library.py", tmp_path)
        ran(programs / "mypy", "--strict", "library.py", "library_client", folder=tmp_path)
        for address, secret in servers:
            ran(programs / "python", "library.py", address, secret, folder=tmp_path)


@pytest.mark.slow
def test_a_typescript_client(fresh_settings: FreshSettings, tmp_path: Path) -> None:
    """openapi-typescript makes types by which tsc --strict checks a program, and it works."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("Node is not here: the TypeScript client is made and run by it.")
    for name in ("package.json", "tsconfig.json", "library.ts"):
        shutil.copy(FILES / name, tmp_path)
    options = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    installed("npm", "install", *options, folder=tmp_path)
    programs = tmp_path / "node_modules" / ".bin"
    with library(fresh_settings) as servers:
        document(*servers[0], tmp_path / "openapi.json")
        ran(
            *(programs / "openapi-typescript", "openapi.json", "-o", "schema.d.ts"),
            folder=tmp_path,
        )
        ran(programs / "tsc", folder=tmp_path)
        for address, secret in servers:
            assert ran("node", "out/library.js", address, secret, folder=tmp_path) == "done\n"
