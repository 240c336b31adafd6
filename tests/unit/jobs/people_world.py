"""A world of people: a pack with a team, accounts that are settled, and what the CRMs say that somebody owns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_world import SALESFORCE, World

from syncd.jobs.leadership import leadership
from syncd.jobs.plans import apply as jobs
from syncd.jobs.plans.plan import make_plan
from syncd.model.refs import Kind
from syncd.planning.writing.applied import ApplyReport
from syncd.store import mirror

PACK = """
format: 1
pack: {{cascade: {{open_opportunities: follow{cascade}}}}}
reps: [{entries}]
pools: {{team: [{reps}], few: [{few}]}}
territories:
  - name: everywhere
    when: always
    owners: {{pool: team}}
{more}
"""
HOLDOUT = """
deal_holdouts: [{opportunities: {is_closed: false}, of: {territory: everywhere}, by: mei@x.com, why: quarter end}]
"""


def write(world: World, *, reps: tuple[str, ...] = (), entries: str = "", more: str = "", cascade: str = "") -> None:
    named, few = ", ".join(reps or world.reps), ", ".join(world.reps[:2])
    text = PACK.format(reps=named, few=few, entries=entries, more=more, cascade=cascade)
    (world.folder / "pack" / "pack.yaml").write_text(text)


def settled(world: World) -> None:
    """Every account is with a member of the team, as the rules want it."""
    world.pulled()
    world.adopt()
    document = make_plan(world.context)
    world.approve(document)
    apply(world, document)
    world.pulled()


def apply(world: World, document: Mapping[str, Any]) -> ApplyReport:
    with leadership(world.context) as leader:
        return jobs.apply(world.context, leader, document["plan_id"])


def carried_out(world: World, document: Mapping[str, Any]) -> ApplyReport:
    world.approve(document)
    report = apply(world, document)
    world.wait()
    world.pulled()
    return report


def ids_of(world: World, email: str) -> dict[Any, str]:
    with world.context.store.read() as conn:
        return {user.ref.system: user.ref.id for user in mirror.users(conn) if user.email == email}


def owned(world: World, email: str) -> list[str]:
    """Every live account, and every open opportunity, that the CRMs themselves say is a person's."""
    ids = ids_of(world, email)
    found = []
    for system, user in ids.items():
        found += [key for key, (_, owner) in world.truth(system, Kind.ACCOUNT).items() if owner == user]
        deals = world.mirrored(system, Kind.OPPORTUNITY)
        still_open = {key for key, record in deals.items() if record.fields.get("is_closed") != "true"}
        truth = world.truth(system, Kind.OPPORTUNITY).items()
        found += [key for key, (_, owner) in truth if owner == user and key in still_open]
    return sorted(found)


def deactivate(world: World, email: str) -> None:
    user = ids_of(world, email)[SALESFORCE]
    world.salesforce.edit({"object": "User", "id": user, "set": {"IsActive": False}})
