"""Which revisions there are, and how a database stands to them. No connection is used here.

Ours lie beside this module, as branch ``admin_app``; a project's lie in its own folder, and depend
on ours. Both share one version table.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from alembic.runtime.migration import RevisionStep
from alembic.script import Script, ScriptDirectory
from alembic.util import to_tuple

from admin_app.errors import SetupError

OUR_BRANCH = "admin_app"
OUR_VERSIONS = Path(__file__).parent / "versions"
FILE_TEMPLATE = "%(year)d_%(month).2d_%(day).2d_%(hour).2d%(minute).2d_%(slug)s"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """How a database stands to the revisions this code knows.

    ``applied`` are the database's own heads; ``pending`` what the code needs and the database
    lacks, in the order of applying; ``newer`` what the database has and the code does not know.
    """

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    newer: tuple[str, ...]


class History:
    """Our revisions and those of the project in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._project = folder / "versions"
        self.scripts = ScriptDirectory(
            # Only for its script.py.mako: a project needs no copy of it.
            OUR_VERSIONS.parent,
            file_template=FILE_TEMPLATE,
            version_locations=[OUR_VERSIONS, self._project],
            messaging_opts={"quiet": True},
        )

    def state(self, applied: tuple[str, ...]) -> SchemaState:
        """How a database at ``applied`` stands to these revisions."""
        newer = self._unknown(applied)
        known = tuple(each for each in applied if each not in newer)
        if newer and not known:
            return SchemaState(applied, (), newer)
        # Beside an unknown revision only what follows a known one is missing for certain: the
        # unknown one may stand on all the rest.
        missing = self.scripts.iterate_revisions("heads", known, implicit_base=not newer)
        return SchemaState(applied, tuple(each.revision for each in missing)[::-1], newer)

    def upgrade(self, target: str, applied: tuple[str, ...]) -> list[RevisionStep]:
        """The steps from ``applied`` up to ``target``."""
        self._refuse_unknown(applied)
        return self.scripts._upgrade_revs(target, applied)  # type: ignore[arg-type] # noqa: SLF001 - as alembic.command does

    def downgrade(self, target: str, applied: tuple[str, ...]) -> list[RevisionStep]:
        """The steps from ``applied`` down to ``target``; ``-N`` counts the project's own."""
        self._refuse_unknown(applied)
        if re.fullmatch(r"-\d+", target):
            target = self._counted_back(-int(target), applied)
        return self.scripts._downgrade_revs(target, applied)  # type: ignore[arg-type] # noqa: SLF001 - as above

    @cached_property
    def tables(self) -> frozenset[str]:
        """The tables that these revisions make: every other one belongs to somebody else."""
        return frozenset(
            name
            for script in self.scripts.walk_revisions()
            for name in _tables_made(Path(script.path).read_text("utf-8"))
        )

    def place(self, *, ours: bool) -> dict[str, Any]:
        """Where a new revision goes: its folder, its parents, its branch."""
        every = list(self.scripts.walk_revisions())
        ends = [each for each in every if each.is_head]
        met = {needed for each in every for needed in to_tuple(each.dependencies, default=())}
        heads = [each.revision for each in ends if _is_ours(each) == ours]
        unmet = [each.revision for each in ends if _is_ours(each) and each.revision not in met]
        return {
            "version_path": OUR_VERSIONS if ours else self._project,
            "head": heads or "base",
            "branch_label": OUR_BRANCH if ours and not heads else None,
            "depends_on": None if ours else unmet or None,
        }

    def _unknown(self, applied: Iterable[str]) -> tuple[str, ...]:
        known = {each.revision for each in self.scripts.walk_revisions()}
        return tuple(each for each in applied if each not in known)

    def _refuse_unknown(self, applied: Iterable[str]) -> None:
        unknown = ", ".join(self._unknown(applied))
        if unknown:
            msg = f"The database is newer than this code, which does not know {unknown}."
            raise SetupError(msg)

    def _counted_back(self, steps: int, applied: Iterable[str]) -> str:
        """Resolve ``-N`` among the project's revisions: Alembic's own counts through ours too."""
        heads = [self.scripts.get_revision(each) for each in applied]
        at: list[Script] = [each for each in heads if not _is_ours(each)]
        for _ in range(steps):
            if len(at) != 1:
                msg = f"-{steps} leads nowhere in particular: name a revision."
                raise SetupError(msg)
            (last,) = at
            at = list(self.scripts.get_revisions(last.down_revision)) if last.down_revision else []
        return at[0].revision if at else f"{last.revision}@base"


def _tables_made(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            place = {"create_table": 0, "rename_table": 1}.get(node.func.attr)
            if place is not None and len(node.args) > place:
                name = node.args[place]
                if isinstance(name, ast.Constant):
                    yield str(name.value)


def _is_ours(script: Script) -> bool:
    return Path(script.path).parent == OUR_VERSIONS
