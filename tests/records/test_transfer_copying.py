"""What is written without Python values is what is written row by row, byte for byte."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

import pytest
from api import Api, make_role, zoo_on
from conftest import KINDS, FreshSettings
from sqlalchemy import event, insert, text
from zoo import RESOURCES, Keeper, sample
from zoo.relations import friendship
from zoo.rules import Ruled, Unversioned

from admin_app.access import actor_of_token
from admin_app.declaration import SYSTEM, Actor, Grant
from admin_app.records.reads.text_portions import Portion, PortionRows, Ran, Runs
from admin_app.records.transfer import Export, exporter
from admin_app.records.transfer.files import Written
from admin_app.records.transfer.postgresql_lines import CopiedLines
from admin_app.records.transfer.rows import Lines
from admin_app.records.transfer.sqlite_lines import StoredLines

FORMATS: tuple[Written, ...] = ("csv", "ndjson")
SEARCHED = {
    "keeper": {"labels", "visited", "composites", "friend_of"},
    "label": {"keepers"},
    "staple": {"sheets"},
}
"""Sets of which the keys have several parts or need quotes, or that no index finds."""
DIFFERENT = {
    "specimen": {"document", "lapse", "tags", "numbers", "ratio", "double", "single"},
    "odd_name": {"json"},
    "computing": {"shout", "much"},
    "validated": {"code"},
}
"""What PostgreSQL would write differently."""
LETTERS = "'=+-@\t\r\n ;\",1a.é\\.{}%$:\u2028\uff1d\uff0b\uff0d\uff20\x7f\x01\x0b🦉/~"
HOSTILE = [
    "'; DROP TABLE unversioned; --",
    "\\'; DROP TABLE unversioned; --",
    "$1 $2 :a %s %(a)s %% {0} {query}",
    "\\",
    "E'\\n'",
    "$$",
]


PERSON = "'; DROP $1 %s; --\\"


@pytest.fixture(params=KINDS)
async def api(fresh_settings: FreshSettings, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    async with zoo_on(fresh_settings, request.param) as made:
        yield made


@pytest.fixture
async def server(fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    """The zoo on PostgreSQL."""
    async with zoo_on(fresh_settings, "postgresql") as made:
        yield made


async def do(api: Api, statement: Any, rows: Any = None) -> None:
    async def work(session: Any) -> None:
        await session.execute(statement, rows)

    await api.database.write(work)


async def both(
    api: Api,
    name: str,
    asked: Iterable[tuple[str, str]] = (),
    *,
    actor: Actor = SYSTEM,
    possible: bool = True,
) -> dict[Written, bytes]:
    """A list as it is written by the database, which must be as it is written row by row."""
    found: dict[Written, bytes] = {}
    pairs = list(asked)
    for format_ in FORMATS:
        seen = api.records.registry_for(actor)
        resource = seen[name]
        shape = api.records.query(actor, resource, pairs).shape
        lines = Lines(seen, resource, format_, shape)
        quick = CopiedLines(seen, resource, lines.columns, format_).possible
        if api.database.dialect == "sqlite":
            quick = StoredLines(seen, resource, lines.columns).possible
        assert quick is possible, (name, pairs)
        export = Export(api.records, actor, resource, pairs)
        expected = lines.header() + lines.text([each async for each in export.records()])
        found[format_] = b"".join([each async for each in export.portions(format_)])
        assert found[format_] == expected, (name, pairs, format_)
    return found


async def test_every_kind_of_value(api: Api) -> None:
    """The zoo, column by column and together; what would not be the same is left to Python."""
    for name in RESOURCES:
        for body in sample(name):
            await api.add(api.registry[name].plural, body)
    for name in RESOURCES:
        resource = api.registry[name]
        left = SEARCHED.get(name, set())
        if api.database.dialect == "postgresql":
            left = left | DIFFERENT.get(name, set())
        together = []
        for each in (*resource.readable, *resource.sets):
            possible = each not in left
            await both(api, name, [("fields", each)], possible=possible)
            together += [each] * possible
        await both(api, name, [("fields", ",".join(together))])
        await both(api, name, [("fields", ",".join(together[::-1])), ("sort", f"-{together[0]}")])
        await both(api, name, possible=not left)


EXTREMES = {
    "short": ["", "'", "'-1", "-1e5", "+", " =x", "'=x", "'1"],
    "exact": ["NaN", "0", "-0.5"],
    "day": ["infinity", "-infinity", "0001-01-01", "9999-12-31"],
    "local": ["infinity", "-infinity", "9999-12-31 23:59:59.999999", "2020-01-01 00:00:00.1"],
    "instant": ["infinity", "-infinity", "2020-06-01 00:00:00.000001+05:45", "0001-01-01Z"],
    "clock": ["00:00:00.5", "23:59:59.999999"],
    "blob": ["\\xfbefbe", "", "\\x" + "ff" * 64],
}
"""What the API refuses and a database may have all the same, in PostgreSQL's words."""


async def test_extremes(server: Api) -> None:
    """Infinities, what looks like a formula, and the ends of every range."""
    for place in range(max(map(len, EXTREMES.values()))):
        row = {name: values[place % len(values)] for name, values in EXTREMES.items()}
        types = {
            "exact": "numeric",
            "day": "date",
            "local": "timestamp",
            "instant": "timestamptz",
            "clock": "time",
        }
        types |= {"blob": "bytea", "short": "text"}
        values = ", ".join(f"CAST(CAST(:{name} AS text) AS {types[name]})" for name in row)
        statement = (
            f"INSERT INTO specimen ({', '.join(row)}, sure, version) VALUES ({values}, true, 1)"
        )
        await do(server, text(statement), row)
    await both(server, "specimen", [("fields", ",".join(EXTREMES))])
    for name in EXTREMES:
        await both(server, "specimen", [("fields", name)])


async def test_any_text(api: Api) -> None:
    """Thousands of texts of what means something to a spreadsheet, to CSV, to COPY or to JSON."""
    some = random.Random(5)
    texts = ["".join(some.choices(LETTERS, k=some.randrange(7))) for _ in range(4_000)]
    texts += [
        "-1",
        "+1.5",
        "-1.",
        "-1\n",
        "=1",
        "\u0663",
        "-\u0663",
        "-1e5",
        "NULL",
        "\\.",
        '.","."',
    ]
    texts += [".", '"."', ',"."\n', '","."\n', '\\n,"."\r\n']
    await do(api, insert(Unversioned), [{"name": each} for each in texts + HOSTILE])
    await both(api, "unversioned", [("fields", "name")])
    await both(api, "unversioned")


async def test_hostile_values(api: Api) -> None:
    """Values stand inside of the statement and stay values: in filters, orders and places."""
    await do(api, insert(Unversioned), [{"name": each} for each in HOSTILE])
    for each in HOSTILE:
        found = await both(api, "unversioned", [("name", each)])
        assert found["csv"].count(b"\r\n") == 2
        await both(api, "unversioned", [("name__contains", each), ("sort", "-name")])
        everyone = ",".join('"{}"'.format(one.replace('"', '""')) for one in HOSTILE)
        assert (await both(api, "unversioned", [("name__in", everyone)]))["csv"].count(b"\r\n") == 7
        assert (await both(api, "unversioned", [("name", f"{each}x")]))["ndjson"] == b""


async def test_only_what_is_in_sight(api: Api) -> None:
    """Rules, masks and the keys in sets are those of who asks, whatever they are called."""
    for n in range(1, 6):
        await do(api, insert(Keeper), {"name": f"k{n}", "boss_id": n - 1 or None})
    await do(
        api, insert(friendship), [{"one": n, "other": m} for n in (2, 3, 4) for m in (1, 2, 4)]
    )
    await do(api, insert(Ruled), [{"code": f"{n}", "owner": n} for n in (PERSON, "eve")])
    grants = [Grant("keeper", "read", "some"), Grant("ruled", "read", "own")]
    await make_role(api.database, "some", *grants)
    fields = ("fields", "id,boss_id,friends")
    everything = await both(api, "keeper", [fields])
    assert everything["csv"].splitlines()[4] == b"4,3,1;2;4"
    for name in (PERSON, "eve"):
        api.token = await api.token_of(name, "some")
        actor = await actor_of_token(api.database, api.token)
        assert actor is not None
        seen = await both(api, "keeper", [fields], actor=actor)
        assert seen["csv"].splitlines() == [b"id,boss_id,friends", b"2,,2;4", b"4,,2;4"]
        own = await both(api, "ruled", [("fields", "owner")], actor=actor)
        assert own["ndjson"].count(b"\n") == 1


async def test_portions_follow_each_other(api: Api) -> None:
    """However a list is ordered, it is whole, and no record is in it twice; long texts too."""
    rows = [{"name": None if n % 5 == 0 else f"{n % 97}", "number": n % 7} for n in range(3_000)]
    await do(api, insert(Unversioned), rows)
    told: list[str] = []
    engine = api.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *each: told.append(each[2]))
    for sort in ("id", "-id", "name", "-name:nullsfirst", "number,-name"):
        found = await both(api, "unversioned", [("sort", sort)])
        assert found["csv"].count(b"\r\n") == 3_001
    await both(api, "unversioned", [("name__isnull", "false"), ("fields", "id"), ("number", "3")])
    # A line says itself where it stands, if it has numbers for that.
    ends = {each.partition("FROM")[0] for each in told if "OFFSET" in each}
    assert "SELECT unversioned.id \n" not in ends
    by_name = "SELECT unversioned.name, unversioned.id \n" in ends
    assert by_name is (api.database.dialect == "postgresql")


@dataclass(frozen=True)
class Meanwhile:
    """Lines, before and after whose rows are read something happens."""

    lines: CopiedLines
    happens: Callable[[], Awaitable[None]]

    def runs(self, rows: PortionRows) -> Runs:
        made, happens = self.lines.runs(rows), self.happens

        class Run:
            tells = made.tells

            async def run(self, *given: Any) -> Ran:
                await happens()
                ran = await made.run(*given)
                await happens()
                return ran

        return Run()


async def test_a_portion_ends_where_its_rows_do(server: Api) -> None:
    """Whatever is written while a portion is read, the next begins beside its last row."""
    await do(server, insert(Unversioned), [{"name": each} for each in "bcdefg"])
    resource = server.registry["unversioned"]
    lines = CopiedLines(server.records.registry_for(SYSTEM), resource, ("name",), "csv")
    first = Meanwhile(lines, lambda: do(server, insert(Unversioned), [{"name": "a"}]))
    query = server.records.query(SYSTEM, resource, [("sort", "name")])
    copies = server.records.copies(SYSTEM, resource, query, first)
    found = await server.records.copied(SYSTEM, copies, Portion(3, inf))
    assert found.end is not None
    assert found.end.values[0] == found.text.split()[-1].decode()


async def test_long_texts(server: Api) -> None:
    """A portion that is larger than was to be expected is made in smaller ones."""
    values = f"SELECT 'x', true, 1, repeat('y', 20000) FROM generate_series(1, {exporter.PAGE})"
    await do(server, text(f"INSERT INTO specimen (short, sure, version, text) {values}"))
    export = Export(server.records, SYSTEM, server.registry["specimen"], [("fields", "text")])
    portions = [each async for each in export.portions("csv")]
    most = exporter.MOST * CopiedLines.together
    assert sum(map(len, portions)) > most > max(map(len, portions))
    assert b"".join(portions).count(b"\r\n") == exporter.PAGE + 1


STORED: dict[str, list[Any]] = {
    "day": ["0999-01-05", "0001-01-01"],
    "local": ["2020-01-01T10:00:00", "2020-01-01 10:00", "2020-01-01 00:00:00.5"],
    "instant": ["2020-01-01 10:00:00", "2020-01-01 10:00:00.000001"],
    "clock": ["10:00", "10:00:00.25"],
    "sure": [2, 0],
    "exact": [-1, 5],
}
"""What other programs may have stored, read all the same."""


async def test_what_others_stored(fresh_settings: FreshSettings) -> None:
    """SQLite keeps what it is given; what SQLAlchemy can read is written as ever."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        for place in range(max(map(len, STORED.values()))):
            row = {name: values[place % len(values)] for name, values in STORED.items()}
            names = ", ".join(f":{name}" for name in row)
            statement = f"INSERT INTO specimen ({', '.join(row)}, short, version)"
            await do(api, text(f"{statement} VALUES ({names}, 'x', 1)"), row)
        found = await both(api, "specimen", [("fields", ",".join(STORED))])
        assert b"0999-01-05,2020-01-01T10:00:00," in found["csv"]
