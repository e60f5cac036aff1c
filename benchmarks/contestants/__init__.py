"""Who is measured, how each is started, and what each one guarantees."""

from __future__ import annotations

import sys
from dataclasses import dataclass

ASGI = "-m uvicorn {module} --factory --host 127.0.0.1 --port {port} --workers {workers} \
--loop uvloop --http httptools --lifespan on --no-access-log --log-level warning"
WSGI = "-m gunicorn {module} --bind 127.0.0.1:{port} --workers {workers} --worker-class gthread \
--threads 2 --keep-alive 75 --max-requests 0 --log-level warning"
OURS = "-m admin_app serve --port {port} --workers {workers}"


@dataclass(frozen=True)
class Contestant:
    """A server; ``guarantees`` are what it does for each request, as ``GUARANTEES`` asks."""

    name: str
    label: str
    command: str
    module: str
    guarantees: tuple[str, str, str, str, str]

    def arguments(self, port: int, workers: int = 1) -> list[str]:
        """The command line."""
        words = self.command.format(module=self.module, port=port, workers=workers)
        return [sys.executable, *words.split()]


GUARANTEES = (
    "the token is checked",
    "row rule",
    "input is validated",
    "version check",
    "change row",
)
CACHED = "row read, then known for at most 1 s"
READ = "row read each time"
QUERY = "condition of each query"

OURS_ALL = Contestant(
    *("ours", "ours", OURS, ""),
    ("users, roles and grants; see access.md", "policy, named rule", "yes", "yes", "yes"),
)
CEILING = Contestant(
    *("ceiling", "raw ASGI + driver + msgspec", ASGI, "benchmarks.contestants.ceiling:application"),
    (CACHED, QUERY, "types and lengths", "no", "no"),
)
CORE = Contestant(
    *("core", "FastAPI + SQLAlchemy Core by hand", ASGI, "benchmarks.contestants.core:application"),
    (CACHED, QUERY, "pydantic", "no", "no"),
)
STOCK = Contestant(
    *("fastcrud", "FastCRUD as in its README", ASGI, "benchmarks.contestants.stock:application"),
    (READ, "its PolicyConfig", "pydantic", "no", "no"),
)
DRF = Contestant(
    *("drf", "Django + DRF + django-filter", WSGI, "benchmarks.contestants.drf:application"),
    (READ, "queryset", "serializers", "no", "no"),
)
TUNED = Contestant(
    *("drf-tuned", "Django + DRF, authors in one query", WSGI, DRF.module),
    DRF.guarantees,
)
PANEL = Contestant(
    *("sqladmin", "SQLAdmin as in its README", ASGI, "benchmarks.contestants.panel:application"),
    ("session cookie, user row read", QUERY, "–", "no", "no"),
)

CONTESTANTS = (OURS_ALL, CEILING, CORE, STOCK, DRF, TUNED, PANEL)
