"""Contestants as processes of their own, and what the kernel knows of what they cost."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from benchmarks.contestants import Contestant
from benchmarks.places import Place

PROJECT = Path(__file__).parent.parent
PATIENCE = 30.0
"""Seconds a server may take to start or stop."""


@dataclass(frozen=True)
class Server:
    """A running contestant."""

    contestant: Contestant
    place: Place
    port: int
    process: psutil.Process
    started: float
    """CPU seconds until its first answer."""

    @property
    def cpu(self) -> float:
        """CPU seconds of the process tree so far."""
        return cpu_seconds(self.process)

    @property
    def memory(self) -> int:
        """Resident bytes of the process tree."""
        return sum(each.memory_info().rss for each in tree(self.process))

    def forget_peak(self) -> None:
        """Begin to look for the most memory anew (proc(5), clear_refs)."""
        for each in tree(self.process):
            with suppress(OSError):
                Path(f"/proc/{each.pid}/clear_refs").write_text("5")

    @property
    def peak(self) -> int:
        """The most resident bytes since ``forget_peak``."""
        return sum(_high_water(each.pid) for each in tree(self.process))


@contextmanager
def serving(contestant: Contestant, place: Place, workers: int = 1) -> Iterator[Server]:
    """Run a contestant on a database."""
    port = _free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ADMIN_APP_")},
        "BENCH_URL": place.url,
        "BENCH_PLAIN": place.plain,
        "PYTHONPATH": str(PROJECT),
    }
    with (place.folder / f"{contestant.name}.log").open("ab") as log:
        started = subprocess.Popen(  # noqa: S603 - our own command lines
            contestant.arguments(port, workers),
            cwd=place.folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    process = psutil.Process(started.pid)
    try:
        _wait(started, port, Path(log.name))
        yield Server(contestant, place, port, process, cpu_seconds(process))
    finally:
        started.terminate()
        try:
            started.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def tree(process: psutil.Process) -> list[psutil.Process]:
    """A process and those that came of it."""
    return [process, *process.children(recursive=True)]


def cpu_seconds(process: psutil.Process) -> float:
    """CPU seconds, user and system, of a process tree, of what has ended in it too."""
    total = 0.0
    for each in tree(process):
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _high_water(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _wait(started: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and started.poll() is None:
        with suppress(OSError, HTTPException), closing(HTTPConnection("127.0.0.1", port)) as http:
            http.request("GET", "/")
            http.getresponse()
            return
        time.sleep(0.05)
    raise SystemExit(f"{log.stem} did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
