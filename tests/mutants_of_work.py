"""What is enforced around the work of people, each with what disables it.

Undoing, what they keep at their desk, facets and periods, and lists that are written at once.
"""

from __future__ import annotations

from mutants import Mutant

UNDOING = "tests/records/test_revert.py"
TELLING = "tests/records/test_revert_sight.py"
DESK = "tests/records/test_desk.py"
AT_ONCE = "tests/records/test_at_once.py"
FACETS = "tests/records/test_facets.py"
PERIODS = "tests/records/test_periods.py"

WORK = (
    Mutant(
        "a change set out of sight can be undone",
        "records/writes/undo/reverting.py",
        "        seen = await in_sight(self._reader, self._connection, self._actor, raw)\n"
        "        if not seen:\n",
        "        seen = raw\n        if not seen:\n",
        "tests/records/test_revert_rights.py",
        "sqlite and rights",
    ),
    Mutant(
        "a change out of sight can be undone",
        "records/writes/undo/reverting.py",
        "        seen = await in_sight(self._reader, self._connection, self._actor, raw)\n"
        "        if not seen or ",
        "        seen = raw\n        if not seen or ",
        "tests/rest/test_rest_history.py",
        "sqlite and sight",
    ),
    Mutant(
        "an undoing writes over what was changed since",
        "records/writes/undo/reverting.py",
        "        await self._look(known, seen, steps)\n",
        "",
        UNDOING,
        "sqlite and changed_since",
    ),
    Mutant(
        "an undoing writes over what was changed out of sight",
        "records/writes/undo/obstacles.py",
        "            self._excluded |= there._excluded",
        "            pass",
        "tests/records/test_revert_rights.py",
        "sqlite and unseen",
    ),
    Mutant(
        "a conflict tells of what was changed out of sight",
        "records/writes/undo/obstacles.py",
        '            self.add(seen, "changed")\n',
        "            self.conflicts += there.conflicts\n",
        TELLING,
        "sqlite and out_of_sight",
    ),
    Mutant(
        "a conflict tells of what went along out of sight",
        "records/writes/undo/reverting.py",
        "        self._hide(steps, seen)\n",
        "",
        TELLING,
        "sqlite and in_the_way",
    ),
    Mutant(
        "a state takes no rights",
        "records/writes/undo/reverting.py",
        "            self._obstacles.check_rights([net])\n",
        "",
        TELLING,
        "sqlite and state",
    ),
    Mutant(
        "what was deleted comes back for anybody",
        "records/writes/undo/bringing_back.py",
        "        writer = self._writer if own else self._unbounded\n",
        "        writer = self._unbounded\n",
        "tests/records/test_revert_rights.py",
        "sqlite and rights",
    ),
    Mutant(
        "what was changed is put back by anybody",
        "records/writes/undo/putting_back.py",
        "        net, writer = step.net, self._writer if step.own else self._unbounded\n",
        "        net, writer = step.net, self._unbounded\n",
        "tests/records/test_revert_rights.py",
        "sqlite and rights",
    ),
    Mutant(
        "an undone creation takes others along",
        "records/writes/undo/putting_back.py",
        "        if any((resource.name, key) not in self._touched for resource, key in "
        "effects.touched()):",
        "        if False:",
        UNDOING,
        "sqlite and others_need",
    ),
    Mutant(
        "a list shows views that are not shared",
        "desk/place.py",
        ".where(or_(ViewRow.user_id == literal(user_id), ViewRow.shared))",
        "",
        DESK,
        "sqlite and place",
    ),
    Mutant(
        "a search finds views that are not shared",
        "desk/views.py",
        "        .where(or_(ViewRow.user_id == actor.user_id, ViewRow.shared))\n",
        "",
        DESK,
        "sqlite and views",
    ),
    Mutant(
        "anybody changes a view",
        "desk/views.py",
        "    return ViewRow.id == view_id, own\n",
        "    return (ViewRow.id == view_id,)\n",
        DESK,
        "sqlite and owners",
    ),
    Mutant(
        "everybody changes shared views",
        "desk/views.py",
        "    if actor.impersonator is None and ADMINISTRATOR in actor.roles:",
        "    if True:",
        DESK,
        "sqlite and owners",
    ),
    Mutant(
        "who acts as an administrator changes shared views",
        "desk/views.py",
        "    if actor.impersonator is None and ADMINISTRATOR in actor.roles:",
        "    if ADMINISTRATOR in actor.roles:",
        DESK,
        "sqlite and owners",
    ),
    Mutant(
        "who acts as somebody keeps views for them",
        "desk/views.py",
        "    if actor.user_id is None or actor.impersonator is not None:",
        "    if actor.user_id is None:",
        DESK,
        "sqlite and owners",
    ),
    Mutant(
        "who acts as somebody chooses for them",
        "desk/preferences.py",
        "    if actor.user_id is None or actor.impersonator is not None:",
        "    if actor.user_id is None:",
        DESK,
        "sqlite and bounds",
    ),
    Mutant(
        "one sees what others have chosen",
        "desk/place.py",
        ".where(PreferenceRow.user_id == literal(user_id))",
        "",
        DESK,
        "sqlite and place",
    ),
    Mutant(
        "choices have no end",
        "desk/preferences.py",
        "        if count is not None and count >= MOST_PREFERENCES:",
        "        if False:",
        DESK,
        "sqlite and bounds",
    ),
    Mutant(
        "a file is anybody's",
        "desk/uploads.py",
        "    return UploadRow.id == wanted, UploadRow.user_id == actor.user_id",
        "    return UploadRow.id == wanted, UploadRow.user_id.is_not(None)",
        DESK,
        "sqlite and uploads",
    ),
    Mutant(
        "a file is taken in twice",
        "desk/uploads.py",
        "    fresh = UploadRow.started_at.is_(None)\n",
        "    fresh = UploadRow.id == wanted\n",
        DESK,
        "sqlite and uploads",
    ),
    Mutant(
        "who edits a record is told to who may not",
        "panel/forms/presence.py",
        '    visit.require(resource, "update")\n',
        "",
        "tests/panel/test_panel_merge.py",
        "sqlite and who_else",
    ),
    Mutant(
        "facets know hidden fields",
        "records/service/counts.py",
        "        asked = parse_facets(seen[resource.name], seen, pairs)",
        "        asked = parse_facets(resource, self.registry, pairs)",
        FACETS,
        "in_sight",
    ),
    Mutant(
        "an update that is foretold can move a row out of reach",
        "records/writes/fast/update.py",
        "        reached = None if reach is None else {row.key} if found[0][-2] else set()",
        "        reached = None if reach is None else {row.key}",
        "tests/records/test_cost_of_writes.py",
        "postgresql and reach",
    ),
    Mutant(
        "a list passes the hooks of its records",
        "records/writes/fast/insert.py",
        '        ("hooks", options.before_write is not None or options.after_commit is '
        "not None),\n",
        "",
        AT_ONCE,
        "sqlite and stands_against",
    ),
    Mutant(
        "a list needs no reason",
        "records/writes/fast/insert.py",
        '        if resource.options.reason == "required":',
        "        if False:",
        AT_ONCE,
        "sqlite and stands_against",
    ),
    Mutant(
        "a list passes triggers",
        "records/writes/fast/insert.py",
        '        return None if await untouched(self._connection, resource.table) else "triggers"',
        "        return None",
        AT_ONCE,
        "sqlite and triggers",
    ),
    Mutant(
        "facets count rows out of sight",
        "records/reads/aggregates.py",
        "            policy(actor, resource, asked.trash),",
        "            type(policy(actor, resource, asked.trash))(read=True),",
        FACETS,
        "in_sight",
    ),
    Mutant(
        "a day begins for everybody at once",
        "records/queries/periods.py",
        "    local = in_zone(now, query.zone)\n",
        "    local = now\n",
        PERIODS,
        "both_databases",
    ),
    Mutant(
        "a list is of the day on which it was asked for first",
        "records/service/queries.py",
        "        return settled(query, self.clock()) if query.timed else query",
        '        return settled(query, vars(self).setdefault("_first", self.clock())) if '
        "query.timed else query",
        PERIODS,
        "both_databases",
    ),
)
