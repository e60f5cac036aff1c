"""When and on what a run was made: nothing that names a machine or its owner."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

SHOWN = (
    *("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "fastcrud", "sqladmin"),
    *("sqlalchemy", "pydantic", "asyncpg", "aiosqlite", "msgspec"),
    *("django", "djangorestframework", "django-filter", "gunicorn", "psycopg"),
)


def described(postgresql: str) -> str:
    """A sentence or two for the head of a report."""
    versions = ", ".join(f"{each} {version(each)}" for each in SHOWN)
    memory = round(psutil.virtual_memory().total / 2**30)
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores ({_processor()}), "
        f"{memory} GiB, {platform.system()}; Python {platform.python_version()}, "
        f"PostgreSQL {postgresql}, SQLite {sqlite3.sqlite_version}; {versions}."
    )


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()
