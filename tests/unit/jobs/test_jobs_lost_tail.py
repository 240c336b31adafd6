"""F35: the database fails over to a copy that lacks its last transactions, those of writes that the CRMs have done.

No restore marks such a database. What it says was never sent is compared with the CRMs like everything else.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from jobs_world import HUBSPOT, SALESFORCE, World
from sqlalchemy.engine import make_url
from test_jobs_apply import applied, owners, planned, ready

from syncd.model.plans import RowState
from syncd.model.refs import System
from syncd.store import outbox
from tests.databases import postgres_server

_OWNER = re.compile(r"(?:Account|companies) (\w+) .*(?:OwnerId|hubspot_owner_id): ")


def in_time(world: World) -> Callable[[], None]:
    """Keep the database as it is now; what is returned puts it back, as a standby that was behind would stand there."""
    world.context.close()
    behind = _postgresql_behind(world) if world.url.startswith("postgresql") else _sqlite_behind(world)
    world.start()
    return behind


def _sqlite_behind(world: World) -> Callable[[], None]:
    path = Path(world.url.removeprefix("sqlite:///"))
    kept = path.with_suffix(".kept")
    shutil.copyfile(path, kept)

    def put_back() -> None:
        world.context.close()
        for left in path.parent.glob(f"{path.name}-*"):
            left.unlink()
        shutil.copyfile(kept, path)
        world.start()

    return put_back


def _postgresql_behind(world: World) -> Callable[[], None]:
    server, name = postgres_server(), str(make_url(world.url).database)
    server.execute(f"CREATE DATABASE {name}_kept TEMPLATE {name}")

    def put_back() -> None:
        world.context.close()
        server.execute(f"DROP DATABASE {name}", f"ALTER DATABASE {name}_kept RENAME TO {name}")
        world.start()

    return put_back


def changes(world: World) -> Counter[tuple[System, str]]:
    """How often syncd changed the owner of each account, as the CRMs' journals have it."""
    found: Counter[tuple[System, str]] = Counter()
    for system, face in ((SALESFORCE, world.salesforce), (HUBSPOT, world.hubspot)):
        effects = [effect for entry in face.journal.entries if entry.source == "api" for effect in entry.effects]
        found.update((system, match[1]) for match in map(_OWNER.match, effects) if match)
    return found


def test_a_failover_that_loses_its_tail_writes_nothing_twice_and_overrules_nobody(world: World) -> None:
    plan_id = ready(world)
    fail_over, planned_onto = in_time(world), owners(world)
    assert applied(world, plan_id).exit_code == 0
    edited = next(ref for ref in planned(world, plan_id) if ref.system is SALESFORCE)
    users = {str(owner) for ref, owner in owners(world).items() if ref.system is SALESFORCE}
    person = min(users - {planned_onto[edited], owners(world)[edited]})
    world.edit_salesforce(edited.id, OwnerId=person)
    before = owners(world)
    world.wait(1)

    fail_over()
    with world.context.store.read() as conn:
        assert {row.state for row in outbox.rows(conn, plan_id)} == {RowState.APPROVED}
    applied(world, plan_id)

    assert owners(world) == before
    assert set(changes(world).values()) == {1}
    with world.context.store.read() as conn:
        ends = {row.ref: row.state for row in outbox.rows(conn, plan_id) if row.field == "owner"}
    assert ends.pop(edited) is RowState.CONFLICT
    assert {ends[ref] for ref in planned(world, plan_id) if ref != edited} == {RowState.SKIPPED_ALREADY}
