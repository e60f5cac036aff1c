"""An application of two hundred models: what it takes to start, and to find the last one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pydantic import SecretStr

from admin_app.settings import AppSection, DatabaseSection, SecuritySection, Settings
from benchmarks.cases import API, Case, Request
from benchmarks.contestants import OURS_ALL
from benchmarks.load import Load
from benchmarks.measuring import measure
from benchmarks.places import NAME, NO_LIMIT, SECRET, Place, make_project
from benchmarks.report import number, table
from benchmarks.servers import PROJECT, serving

MODULE = "benchmarks.extras.many_models"
ASKED = {"first": "thing000s", "last": "thing199s"}
STARTS = 3


def found(load: Load, folder: Path, rounds: int, seconds: float) -> str:
    """CPU of the start and of a request to the first and the last resource, as a table."""
    place = _prepared(folder)
    starts = []
    for _ in range(STARTS - 1):
        with serving(OURS_ALL, place) as server:
            starts.append(server.started)
    cpu: dict[str, list[float]] = {}
    with serving(OURS_ALL, place) as server:
        starts.append(server.started)
        for _ in range(rounds):
            for which, plural in ASKED.items():
                case = Case("many", which, {"ours": Request(f"{API}/{plural}?limit=1")})
                cpu.setdefault(which, []).append(measure(load, server, case, seconds).cpu)
    first, last = (min(cpu[which]) for which in ASKED)
    rows = [
        ("start to the first answer, CPU s", number(min(starts))),
        ("a request to the first resource, CPU µs", number(first)),
        ("the same to the last, CPU µs", number(last)),
    ]
    return table(("200 models of ten columns, SQLite", ""), rows)


def _prepared(folder: Path) -> Place:
    """A project made by the command line, as people make theirs: its models stay out of here."""
    make_project(
        Settings(
            root=folder,
            app=AppSection(models=(MODULE,)),
            database=DatabaseSection(url="sqlite+aiosqlite:///library.db"),
            security=SecuritySection(secret=SecretStr(SECRET), requests_per_minute=NO_LIMIT),
        )
    )
    for command in (
        ("db", "upgrade"),
        ("db", "revision", "-m", "What is measured"),
        ("db", "upgrade"),
        ("user", "create", NAME, "--role", "editor", "--service"),
    ):
        _run(folder, *command)
    token = _run(folder, "token", "create", NAME).split()[-1]
    return Place("sqlite", folder, "", str(folder / "library.db"), token)


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own command lines
        [sys.executable, "-m", "admin_app", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"admin-app {' '.join(command)}: {done.stderr[-1000:]}")
    return done.stdout
