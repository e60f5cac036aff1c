"""Every point at which access is enforced, each with what disables it.

``test_mutants.py`` disables one after the other in a copy of the project and asks the suite to
notice. ``old`` must be in the file exactly once, so that a point that moves is not lost.
"""

from __future__ import annotations

from dataclasses import dataclass

ROWS = "tests/test_parity.py::test_rows"
FIELDS = "tests/test_parity.py::test_fields"
WRITES = "tests/test_parity_writes.py"


@dataclass(frozen=True)
class Mutant:
    """One enforcement point, disabled; ``tests`` are those that must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: str
    only: str = "sqlite"


MUTANTS = (
    Mutant(
        "a grant by a rule reaches every row",
        "access/policies.py",
        "    if any(each.rule is None for each in mine):",
        "    if mine:",
        ROWS,
        "sqlite and keeper",
    ),
    Mutant(
        "an action is granted by another one",
        "access/policies.py",
        "        if each.action == action\n        and ",
        "        if ",
        WRITES,
        "sqlite and refused and author",
    ),
    Mutant(
        "nothing is withheld",
        "access/policies.py",
        "    if whole:\n        return frozenset.intersection(*whole)",
        "    if whole:\n        return frozenset()",
        FIELDS,
        "sqlite and comment",
    ),
    Mutant(
        "what is made of a hidden field shows",
        "access/sight.py",
        "        return frozenset(hidden | (derived - keys))",
        "        return frozenset(hidden)",
        FIELDS,
        "sqlite and computing",
    ),
    Mutant(
        "a foreign key shows what is out of sight",
        "access/sight.py",
        "                found[name] = "
        "and_(found[name], condition) if name in found else condition",
        "                pass",
        ROWS,
        "sqlite and keeper",
    ),
    Mutant(
        "a relation leads where nothing is in sight",
        "access/sight.py",
        '        if not reach(grants, target, "read"):\n            return False\n',
        "",
        WRITES,
        "sqlite and relations",
    ),
    Mutant(
        "what an update may not set can be set",
        "access/sight.py",
        '    if field.updatable and field.name in fixed["update"]:',
        "    if False:",
        WRITES,
        "sqlite and refused and author",
    ),
    Mutant(
        "what a create may not set can be set",
        "access/sight.py",
        '    if field.creatable and field.name in fixed["create"]:',
        "    if False:",
        WRITES,
        "sqlite and create_may_not",
    ),
    Mutant(
        "a search looks into hidden fields",
        "access/sight.py",
        "                return name in fields or name in relations",
        "                return True",
        FIELDS,
        "sqlite and comment",
    ),
    Mutant(
        "a list is of every row",
        "records/crud.py",
        "        selected = await self.with_policy(policy).select(where=list(conditions))",
        "        selected = await self.select(where=list(conditions))",
        ROWS,
        "sqlite and keeper",
    ),
    Mutant(
        "a filter by a relation finds what is out of sight",
        "records/reader.py",
        '        conditions: list[Any] = config.row_conditions("read")\n',
        "        conditions: list[Any] = []\n",
        ROWS,
        "sqlite and keeper",
    ),
    Mutant(
        "a record out of sight can be referred to",
        "records/links.py",
        "            if None not in key and not await self._sees(",
        "            if False and not await self._sees(",
        ROWS,
        "sqlite and keeper",
    ),
    Mutant(
        "a record out of sight can be taken into a set",
        "records/links.py",
        "            if key not in seen\n        ]\n        _raise(errors)",
        "            if False\n        ]\n        _raise(errors)",
        ROWS,
        "sqlite and label",
    ),
    Mutant(
        "a row out of sight can be written",
        "records/writer.py",
        '            .where(key_is(resource, key), *config.row_conditions("read"))',
        "            .where(key_is(resource, key))",
        ROWS,
        "sqlite and keeper",
    ),
    Mutant(
        "a row out of reach can be written",
        "records/writer.py",
        "        await self._check_reach(resource, key, config.row_conditions(action))\n",
        "",
        WRITES,
        "sqlite and stays_in_reach",
    ),
    Mutant(
        "a row can be moved out of reach",
        "records/writer.py",
        "        await self._check_reach(resource, key, conditions)\n",
        "",
        WRITES,
        "sqlite and stays_in_reach",
    ),
    Mutant(
        "a row can be made out of reach",
        "records/writer.py",
        '            await self._check_reach(resource, key, config.check_conditions_for("create"))',
        "            pass",
        WRITES,
        "sqlite and made_in_reach",
    ),
    Mutant(
        "an update takes every field",
        "records/writer.py",
        "        values, sets = parted(resource, seen.update.parse(data))",
        "        values, sets = parted(resource, resource.update.parse(data))",
        WRITES,
        "sqlite and refused and author",
    ),
    Mutant(
        "a create takes every field",
        "records/writer.py",
        "        drafts = [parted(resource, seen.create.parse(each)) for each in data]",
        "        drafts = [parted(resource, resource.create.parse(each)) for each in data]",
        WRITES,
        "sqlite and create_may_not",
    ),
    Mutant(
        "a write answers everything",
        "records/views.py",
        "        return wholes if self._all_seen(resource) else ",
        "        return wholes or ",
        WRITES,
        "sqlite and answers_of_writes",
    ),
    Mutant(
        "a clash names hidden fields",
        "records/writer.py",
        "        async with explained(seen, self._registry):\n            await self._apply(",
        "        async with explained(resource, self._registry):\n            await self._apply(",
        WRITES,
        "sqlite and uniqueness",
    ),
    Mutant(
        "the history tells everything",
        "records/history.py",
        "        if self._seen is self._whole and not self._members:",
        "        if True:",
        WRITES,
        "sqlite and history",
    ),
    Mutant(
        "a delete tells of records out of sight",
        "records/service.py",
        "            return await in_sight(self._reader, connection, actor, found)",
        "            return found",
        WRITES,
        "sqlite and effects",
    ),
    Mutant(
        "a query knows hidden fields",
        "records/service.py",
        "        return parse_query(seen[resource.name], seen, pairs)",
        "        return parse_query(resource, self.registry, pairs)",
        FIELDS,
        "sqlite and comment",
    ),
    Mutant(
        "the panel knows hidden fields",
        "panel/visit.py",
        "        return self.records.registry_for(self.actor)",
        "        return self.records.registry",
        FIELDS,
        "sqlite and comment",
    ),
    Mutant(
        "an export knows hidden fields",
        "records/transfer/exporter.py",
        "        self._registry = records.registry_for(actor)",
        "        self._registry = records.registry",
        FIELDS,
        "sqlite and comment",
    ),
    Mutant(
        "the document names hidden fields",
        "rest/router.py",
        "    seen = source.registry_for(reader)",
        "    seen = source.registry",
        FIELDS,
        "sqlite and comment",
    ),
    Mutant(
        "a form needs no token",
        "panel/security.py",
        "    if not csrf_matches(secret, presented):",
        "    if False:",
        "tests/test_panel_signin.py",
        "",
    ),
    Mutant(
        "another site is heard",
        "panel/security.py",
        "def require_same_origin(request: Request) -> None:",
        "def require_same_origin(request: Request) -> None:\n    return",
        "tests/test_panel_signin.py",
        "",
    ),
    Mutant(
        "an owed second factor opens the session",
        "access/actors.py",
        "        ~Session.pending,\n",
        "",
        "tests/test_access_second_factor.py",
    ),
    Mutant(
        "a second factor that a role demands is not asked for",
        "access/actors.py",
        "    if any(row.must_enrol for row in rows):\n        return replace(actor,",
        "    if False:\n        return replace(actor,",
        "tests/test_access_second_factor.py",
    ),
    Mutant(
        "a disabled user acts",
        "access/actors.py",
        "        .where(User.active)\n",
        "",
        "tests/test_access_tokens.py",
    ),
    Mutant(
        "a revoked token is good",
        "access/actors.py",
        ", Token.revoked_at.is_(None))",
        ")",
        "tests/test_access_tokens.py",
    ),
    Mutant(
        "a token has no scope",
        "access/actors.py",
        "    grants = narrowed(found.grants, rows[0].scopes)",
        "    grants = found.grants",
        "tests/test_access_tokens.py",
    ),
    Mutant(
        "who acts as somebody changes things",
        "access/actors.py",
        "        if not first.acting_writes:",
        "        if False:",
        "tests/test_access_own.py",
    ),
    Mutant(
        "nothing has to be confirmed",
        "access/confirmation.py",
        "    if actor.session_id is None:\n        return True",
        "    return True",
        "tests/test_access_second_factor.py",
    ),
    Mutant(
        "one gives what one has not",
        "access/escalation.py",
        "    return all(_covered(mine, other) for other in others)",
        "    return True",
        "tests/test_administering.py",
    ),
    Mutant(
        "the last administrator goes",
        "access/guards.py",
        "    if await session.scalar(others) is None:",
        "    if False:",
        "tests/test_administering.py",
    ),
    Mutant(
        "passwords are guessed without a wait",
        "access/throttle.py",
        "    if left > 0:",
        "    if False:",
        "tests/test_access_throttle.py",
    ),
    Mutant(
        "requests have no limit",
        "access/limits.py",
        "        if remaining < 0:",
        "        if False:",
        "tests/test_access_limits.py",
    ),
)
