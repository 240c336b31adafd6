"""Who is told: reps whose accounts are taken back, and managers of what a plan changed for their reps."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from jobs_world import SALESFORCE, World

from syncd.connectors.wire import HttpResponse
from syncd.errors import InputError
from syncd.jobs.leadership import leadership
from syncd.jobs.plans import apply as jobs
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.telling import changes_document, managers_of, open_receivers, tell_changes
from syncd.report.change_notices import change_markdown, change_text
from syncd.store.tables import notices as notice_table

MAIL = """
[[receivers]]
name = "mail"
type = "email"
host = "127.0.0.1"
security = "none"
sender = "syncd@example.com"
recipients = ["revops@example.com"]
reps = true
tells = ["changes"]
"""
RETRIEVING = """
format: 1
pools: {{all: [{reps}], spare: [{spare}]}}
retrieve: {{when: {{last_activity_at: {{not_since: 90d}}}}, to: {{pool: spare}}, grace: 7d}}
territories:
  - {{name: everywhere, when: always, owners: {{pool: all}}}}
"""
MANAGED = """
format: 1
reps: [{entries}]
pools: {{all: [{reps}]}}
territories:
  - {{name: everywhere, when: always, owners: {{pool: all}}}}
"""


def write(world: World, text: str, **words: Any) -> None:
    (world.folder / "pack" / "pack.yaml").write_text(text.format(reps=", ".join(world.reps), **words))


def queued(world: World) -> list[dict[str, Any]]:
    with world.context.store.read() as conn:
        return [dict(row.body) for row in conn.execute(notice_table.select().order_by(notice_table.c.id))]


def applied(world: World) -> str:
    document = make_plan(world.context)
    plan_id = world.approve(document)
    with leadership(world.context) as leader:
        jobs.apply(world.context, leader, plan_id)
    return plan_id


def test_each_rep_gets_one_notice_of_all_their_accounts_that_will_be_taken_back_once(world: World) -> None:
    world.start(extra=MAIL)
    write(world, RETRIEVING, spare=world.reps[0])
    world.pulled()
    world.adopt()
    make_plan(world.context)
    told = queued(world)
    assert told, "nobody was told"
    assert set(Counter(body["to"][0] for body in told).values()) == {1}
    grace_ends = world.clock.now().date() + timedelta(days=7)
    assert all(f"taken back after {grace_ends}" in body["summary"] for body in told)
    make_plan(world.context)
    assert len(queued(world)) == len(told)


def test_salesforce_says_who_manages_a_rep_of_whom_the_pack_does_not(world: World) -> None:
    users = {row["Email"].lower(): row["Id"] for row in world.salesforce.records("User") if row["IsActive"]}
    one, two, chief, boss = world.reps[:4]
    for rep, manager in ((one, chief), (two, chief), (chief, chief)):
        world.salesforce.edit({"object": "User", "id": users[rep], "set": {"ManagerId": users[manager]}})
    write(world, MANAGED, entries=f"{{email: {two}, manager: {boss}}}")
    world.pulled()
    assert managers_of(world.context) == {one: chief, two: boss}


def test_a_pull_goes_on_where_managers_are_hidden(world: World) -> None:
    hidden = [{"message": "No such column 'ManagerId' on entity 'User'", "errorCode": "INVALID_FIELD"}]
    answer = HttpResponse(400, {"content-type": "application/json"}, json.dumps(hidden).encode())
    world.trouble(SALESFORCE, "ManagerId", answer)
    assert {pull.outcome for pull in world.pull().systems} == {"ok"}
    assert managers_of(world.context) == {}


def test_a_manager_is_told_of_the_whole_team_and_reps_of_themselves(world: World) -> None:
    world.start(extra=MAIL)
    manager = "mei@example.com"
    entries = ", ".join(f"{{email: {rep}, manager: {manager}}}" for rep in world.reps[:3])
    write(world, MANAGED, entries=entries)
    world.pulled()
    world.adopt()
    plan_id = applied(world)
    document = changes_document(world.context, plan_id)
    team = document["managers"][manager]
    assert set(team) <= set(world.reps[:3])
    text = change_text(document, manager=manager)
    assert text.startswith(f"your team, {manager}: ")
    assert all(f"\n{rep}: " in text for rep in team)
    assert change_markdown(document, manager=manager).count("### ") >= len(team)
    alone = changes_document(world.context, plan_id, manager=manager)
    assert set(alone["reps"]) == set(team)
    tell_changes(world.context, open_receivers(world.context))
    mails = [body for body in queued(world) if body.get("to") == [manager]]
    assert len(mails) == 1
    assert set(mails[0]["plan"]["reps"]) == set(team)
    with pytest.raises(InputError) as caught:
        changes_document(world.context, plan_id, manager="nobody@example.com")
    assert caught.value.code == "SYN657"
