"""The command line as people use it: in this process, or as a process of its own."""

from __future__ import annotations

import functools
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main

from admin_app.cli import main
from admin_app.cli.serving import LOGGING
from admin_app.settings import Settings

PATIENCE = 120

# Typer makes commands of all functions whenever one is run, as a process does once.
typer.main.get_command = functools.cache(typer.main.get_command)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


class Commands:
    """Run commands of one project in this process."""

    def __init__(
        self, root: Path, capfd: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.root = root
        self._capfd = capfd
        self._patch = patch

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        self._capfd.readouterr()
        argv = ["admin-app", "--project", str(self.root), *arguments]
        self._patch.setattr(sys, "argv", argv)
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            _say_no_more()
        out, err = self._capfd.readouterr()
        assert "Traceback" not in err
        return Done(code, out, err)

    def fine(self, *arguments: str, stdin: str = "") -> str:
        """What a command printed that must have succeeded."""
        done = self(*arguments, stdin=stdin)
        assert done.code == 0, done
        return done.out


def _say_no_more() -> None:
    """Take back what ``serve`` does to loggers: its stream is closed when the test is over."""
    for name in LOGGING["loggers"]:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True


def write_settings(settings: Settings, *, demo: bool = False) -> Path:
    """Put settings into their project's folder, where a command finds them."""
    values: dict[str, dict[str, object]] = {
        "app": {"demo": demo, "models": list(settings.app.models)},
        "database": {
            "url": settings.database.url,
            "migrations": str(settings.database.migrations),
        },
    }
    lines = []
    for section, keys in values.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    (settings.root / "settings.toml").write_text("\n".join(lines), "utf-8")
    return settings.root


def start(root: Path, *arguments: str, stdin: str = "") -> Done:
    """Run a command as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "admin_app", *arguments],
        cwd=root,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return Done(done.returncode, done.stdout, done.stderr)


class Serving:
    """A running ``admin-app serve``: where it is, and what it says."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log
        self.address = self.wait_for(r"Serving .* at (\S+)/admin")[0]

    @property
    def said(self) -> str:
        return self._log.read_text("utf-8")

    def wait_for(self, pattern: str, count: int = 1) -> list[str]:
        """The first group of each match, when there are ``count``."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = re.findall(pattern, self.said)
            if len(found) >= count:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(self.said)

    def stop(self) -> int:
        """Send SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(root: Path, *arguments: str) -> Iterator[Serving]:
    """Serve a project on a free port."""
    log = root / "serve.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "admin_app", "serve", "--port", "0", *arguments],
            cwd=root,
            stdout=stream,
            stderr=stream,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        yield Serving(process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)
