"""The suite notices when any one enforcement point of access is taken away."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from mutants import MUTANTS, Mutant
from mutants_of_work import WORK

EVERY = (*MUTANTS, *WORK)
ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "XDG_RUNTIME_DIR"}
"""Without the folder of this run's own PostgreSQL."""
NOTICED = (b"AssertionError", b"assert ", b"DID NOT RAISE")
"""How a test says that a fact is none any more; any other failure is the mutant's own."""
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


@pytest.mark.parametrize("mutant", EVERY, ids=lambda each: each.name)
def test_point_is_there(mutant: Mutant) -> None:
    """What a mutant takes away is in the code, once."""
    assert (PROJECT / "admin_app" / mutant.file).read_text("utf-8").count(mutant.old) == 1


@pytest.mark.slow
@pytest.mark.parametrize("mutant", EVERY, ids=lambda each: each.name)
async def test_point_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    """With one enforcement point disabled, a test fails that passes with it."""
    for each in ("admin_app", "tests", "migrations"):
        shutil.copytree(PROJECT / each, tmp_path / each, ignore=LEFT_OUT)
    for each in ("pyproject.toml", "settings.toml"):
        shutil.copy(PROJECT / each, tmp_path / each)
    file = tmp_path / "admin_app" / mutant.file
    file.write_text(file.read_text("utf-8").replace(mutant.old, mutant.new), "utf-8")
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-qxp", "no:cacheprovider",
        "-m", "slow or not slow", mutant.tests, "-k", mutant.only,
        cwd=tmp_path,
        env={**ENVIRONMENT, "PYTHONPATH": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await run.communicate()
    assert run.returncode == 1, told.decode()[-2000:]
    assert any(each in told for each in NOTICED), told.decode()[-2000:]
