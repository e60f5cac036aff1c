"""Where the time of a request goes: py-spy's samples as flame graphs, and by library."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.cases import GET_ONE, LIST, POST, Case
from benchmarks.load import Job, Load
from benchmarks.measuring import clean
from benchmarks.plots import save
from benchmarks.report import table
from benchmarks.servers import Server

CASES = (GET_ONE, LIST, POST)
SECONDS = 8
RATE = 400
"""Samples a second."""
NARROWEST = 0.006
"""Of the whole: what is thinner is not drawn."""
SHOWN = 12
"""Libraries in the table."""
FRAME = re.compile(r"^(?P<name>.+) \((?P<file>[^():]+)(:\d+)?\)$")
COLOURS = {"admin_app": "#8db9e0", "sqlalchemy": "#e8b98a", "asyncpg": "#a5cfa4"}
OTHER = "#d5d5d5"

Stack = tuple[str, ...]


@dataclass
class Node:
    """A function, under whoever called it."""

    samples: int = 0
    inside: dict[str, Node] = field(default_factory=dict)


def found(load: Load, server: Server) -> str:
    """Draw a flame graph of each kind of work; shares of the libraries as a table."""
    shares: dict[str, Counter[str]] = {}
    for case in CASES:
        stacks = sampled(load, server, case)
        shares[case.label] = by_library(stacks)
        draw(case, server.place.kind, stacks)
    total: Counter[str] = sum(shares.values(), Counter())
    rows = [
        (library, *(f"{100 * each[library] / each.total():.0f} %" for each in shares.values()))
        for library, _ in total.most_common(SHOWN)
    ]
    return table(("CPU spent in the lines of", *(case.label for case in CASES)), rows)


def sampled(load: Load, server: Server, case: Case) -> Counter[Stack]:
    """How often each stack was seen while the server worked."""
    file = server.place.folder / "samples.txt"
    requests = case.requests["ours"].made(server.place)
    job = Job(server.port, requests, case.connections, SECONDS + 2.0)
    sending = threading.Thread(target=load, args=(job,))
    sending.start()
    spy = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid"]
    how = [str(server.process.pid), "--duration", str(SECONDS), "--rate", str(RATE)]
    done = subprocess.run(  # noqa: S603 - our own command line
        [*spy, *how, "--format", "raw", "--output", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    sending.join()
    clean(server.place)
    if done.returncode:
        raise SystemExit(f"py-spy (it may need root): {done.stderr[-1000:]}")
    stacks: Counter[Stack] = Counter()
    for line in file.read_text("utf-8").splitlines():
        frames, _, many = line.rpartition(" ")
        stacks[_from_loop([_function(each) for each in frames.split(";")])] += int(many)
    return stacks


def _from_loop(stack: list[str]) -> Stack:
    """A stack without the frames that led to the event loop, which are in all of them."""
    loops = [place for place, each in enumerate(stack) if each.startswith("Runner.run ")]
    return tuple(stack[loops[-1] :] if loops else stack)


def _function(frame: str) -> str:
    parts = FRAME.match(frame)
    return f"{parts['name']} ({parts['file']})" if parts else frame


def by_library(stacks: Counter[Stack]) -> Counter[str]:
    """Samples by the library whose line was running."""
    shares: Counter[str] = Counter()
    for stack, many in stacks.items():
        shares[library(stack[-1])] += many
    return shares


def library(function: str) -> str:
    """The library, of ours the room, that a function is of."""
    parts = FRAME.match(function)
    path = parts["file"].split("/") if parts else [function]
    if path[0] == "admin_app":
        return ".".join(path[:2]).removesuffix(".py")
    return path[0] if path[0] and len(path) > 1 else "Python's library"


def draw(case: Case, kind: str, stacks: Counter[Stack]) -> Path:
    """The flame graph: width is time, above stands what was called."""
    root = Node()
    for stack, many in stacks.items():
        node = root
        node.samples += many
        for function in stack:
            node = node.inside.setdefault(function, Node())
            node.samples += many
    blocks = list(_blocks(root, 0, 0, root.samples * NARROWEST))
    depth = max(block[2] for block in blocks) + 1
    figure = Figure(figsize=(12, 0.17 * depth + 0.5))
    axes: Any = figure.add_axes((0, 0, 1, 1))
    for function, left, level, width in blocks:
        colour = COLOURS.get(library(function).partition(".")[0], OTHER)
        axes.broken_barh([(left, width)], (level, 0.92), facecolor=colour)
        room = int(width / root.samples * 190)
        text = function.partition(" (")[0][:room]
        if room > 3:  # noqa: PLR2004 - letters that say anything
            axes.text(left + root.samples * 0.001, level + 0.2, text, fontsize=6, clip_on=True)
    axes.set_xlim(0, root.samples)
    axes.set_ylim(0, depth)
    axes.axis("off")
    return save(figure, f"profile-{case.name}-{kind}")


def _blocks(
    node: Node, left: float, level: int, least: float
) -> Iterator[tuple[str, float, int, int]]:
    for function, inside in sorted(node.inside.items()):
        if inside.samples >= least:
            yield function, left, level, inside.samples
            yield from _blocks(inside, left, level + 1, least)
        left += inside.samples
