from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from jobs_world import HUBSPOT, NOW, SALESFORCE, World

from syncd.errors import InputError, Place, RefusedError
from syncd.jobs.books.book import directory_of, mirror_book
from syncd.jobs.plans.plan import OFFER, deliberate, make_plan
from syncd.model.plans import PlanStatus
from syncd.model.records import User
from syncd.model.refs import Kind, Ref, System
from syncd.rules.pack import Pack, RepEntry
from syncd.store import ledger, plans, runs

BOTH = frozenset({SALESFORCE, HUBSPOT})


def user(system: System, key: str, email: str, **more: Any) -> User:
    return User(Ref(system, Kind.USER, key), email, more.pop("name", key), more.pop("active", True), **more)


def rep(email: str, **more: str) -> Pack:
    return Pack("p", "r", (), reps={email: RepEntry(email, Place("pack.yaml", 1), **more)})


NOBODY = Pack("p", "r", ())
LONG = "0058Z000009AbCdQAK"


def saved(world: World) -> tuple[plans.PlanHeader, ...]:
    with world.context.store.read() as conn:
        return plans.list_plans(conn, 100)


def test_one_e_mail_in_both_systems_is_one_rep() -> None:
    directory = directory_of([user(SALESFORCE, "0051", "a@x"), user(HUBSPOT, "77", "a@x")], NOBODY, BOTH)
    assert dict(directory.reps["a@x"].ids) == {SALESFORCE: "0051", HUBSPOT: "77"}
    assert directory.reps["a@x"].active_in == BOTH
    assert directory.ambiguous == frozenset()


def test_two_active_users_of_one_system_with_one_e_mail_are_ambiguous() -> None:
    directory = directory_of([user(SALESFORCE, "0051", "a@x"), user(SALESFORCE, "0052", "a@x")], NOBODY, BOTH)
    assert directory.ambiguous == {"a@x"}


@pytest.mark.parametrize("other", [{"active": False}, {"eligible": False}])
def test_a_user_who_cannot_own_does_not_make_an_e_mail_ambiguous(other: dict[str, bool]) -> None:
    users = [user(SALESFORCE, "0051", "a@x", **other), user(SALESFORCE, "0052", "a@x")]
    directory = directory_of(users, NOBODY, BOTH)
    assert directory.ambiguous == frozenset()
    assert directory.reps["a@x"].ids[SALESFORCE] == "0052"


def test_inactive_users_are_known_and_not_active() -> None:
    directory = directory_of([user(SALESFORCE, "0051", "a@x", active=False)], NOBODY, BOTH)
    assert directory.reps["a@x"].active_in == frozenset()
    assert directory.reps["a@x"].ids[SALESFORCE] == "0051"


@pytest.mark.parametrize("named", [LONG, LONG[:15], "Anna@X.crm"])
def test_a_rep_of_the_pack_names_the_user_by_id_or_username(named: str) -> None:
    users = [
        user(SALESFORCE, "0051", "a@x"),
        user(SALESFORCE, "0052", "a@x"),
        user(SALESFORCE, LONG, "other@x", login="anna@x.crm"),
        user(HUBSPOT, "77", "a@x"),
        user(HUBSPOT, "78", "third@x"),
    ]
    directory = directory_of(users, rep("a@x", salesforce=named, hubspot="78"), BOTH)
    assert dict(directory.reps["a@x"].ids) == {SALESFORCE: LONG, HUBSPOT: "78"}
    assert directory.ambiguous == frozenset()


def test_a_rep_that_names_an_unknown_user_is_not_in_that_system() -> None:
    directory = directory_of([user(HUBSPOT, "77", "a@x")], rep("a@x", hubspot="99"), BOTH)
    assert "a@x" not in directory.reps


def test_the_book_is_the_mirror(world: World) -> None:
    world.pulled()
    found = mirror_book(world.context, world.context.pack(), NOW)
    refs = sorted(ref for facts in found.book.facts for ref in facts.refs)
    held = sorted(ref for system in System for ref in (world.ref(system, one) for one in world.accounts(system)))
    assert refs == held
    assert found.stale == frozenset()
    assert set(found.as_of) == BOTH
    as_of_then = mirror_book(world.context, world.context.pack(), NOW + timedelta(minutes=16))
    assert as_of_then.stale == frozenset()
    world.clock.advance(timedelta(minutes=16))
    later = mirror_book(world.context, world.context.pack(), world.clock.now())
    assert later.stale == BOTH


def test_a_system_that_is_configured_no_longer_has_no_say(world: World) -> None:
    world.pulled()
    world.start(only=SALESFORCE)
    found = mirror_book(world.context, world.context.pack(), NOW)
    assert {ref.system for facts in found.book.facts for ref in facts.refs} == {SALESFORCE}
    assert {ref.system for ref in found.users} == {SALESFORCE}


def test_teams_that_cannot_be_read_hold_every_salesforce_account(world: World) -> None:
    world.trouble(SALESFORCE, "AccountTeamMember")
    world.pulled()
    world.adopt()
    document = make_plan(world.context, all_decisions=True)
    assert document["changes"]
    assert {row["ref"].split(":")[0] for row in document["changes"]} == {"hubspot"}
    held = [one for one in document["decisions"] if one["outcome"] == "held"]
    assert {one["reason"] for one in held} == {"has-team"}
    assert "cannot be read" in held[0]["text"]


def test_no_plan_before_a_complete_mirror_of_every_system(world: World) -> None:
    with pytest.raises(RefusedError, match="SYN550 no complete mirror of salesforce and hubspot"):
        make_plan(world.context)
    world.pulled(systems=[HUBSPOT])
    with pytest.raises(RefusedError, match="SYN550 no complete mirror of salesforce yet") as caught:
        make_plan(world.context)
    assert "syncd pull" in str(caught.value.hint)
    with world.context.store.read() as conn:
        assert runs.runs(conn, 1, OFFER)[0].outcome == "failed"


def test_a_plan_is_saved_with_its_row_in_the_ledger_and_calls_nobody(world: World) -> None:
    world.pulled()
    world.start()
    document = make_plan(world.context)
    assert world.wires == {}
    assert [(one.plan_id, one.status) for one in saved(world)] == [(document["plan_id"], PlanStatus.OFFERED)]
    with world.context.store.read() as conn:
        row = ledger.entries(conn, event="plan.saved")[0]
        assert row.facts["plan"] == document["plan_id"]
        assert row.actor == "ruth"
        assert ledger.verify(conn).ok


def test_a_plan_as_of_another_instant_is_not_saved_and_is_no_offer(world: World) -> None:
    world.pulled()
    document = make_plan(world.context, as_of=NOW + timedelta(minutes=1))
    assert document["changes"]
    assert document["plan_id"] is None
    assert saved(world) == ()
    with world.context.store.read() as conn:
        assert runs.last_success(conn, OFFER) is None


def test_previews_are_not_repeated(world: World) -> None:
    world.pulled()
    first = make_plan(world.context, offered=False)
    world.wait(1)
    assert make_plan(world.context, offered=False)["plan_id"] == first["plan_id"]
    assert [one.status for one in saved(world)] == [PlanStatus.PREVIEW]
    world.wait(1)
    offer = make_plan(world.context)
    world.wait(1)
    assert make_plan(world.context, offered=False)["plan_id"] == offer["plan_id"]
    assert make_plan(world.context, again=False)["plan_id"] == offer["plan_id"]
    assert make_plan(world.context)["plan_id"] != offer["plan_id"]


def test_an_expired_plan_is_not_brought_back(world: World) -> None:
    world.pulled()
    first = make_plan(world.context, again=False)
    world.wait(25 * 60)
    world.pulled()
    assert make_plan(world.context, again=False)["plan_id"] != first["plan_id"]


def test_two_processes_make_the_same_bytes_but_for_id_and_time(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.pulled()
    documents = []
    for _ in range(2):
        world.start()
        document = dict(make_plan(world.context, all_decisions=True))
        documents.append({key: value for key, value in document.items() if key not in ("plan_id", "created_at")})
    assert documents[0] == documents[1]
    assert list(documents[0]) == list(documents[1])


def test_a_stale_system_is_not_planned_for(world: World) -> None:
    world.pulled()
    world.wait(20)
    world.pulled(systems=[SALESFORCE])
    document = make_plan(world.context, all_decisions=True)
    assert document["mirror"]["hubspot"]["stale"] is True
    assert {row["ref"].split(":")[0] for row in document["changes"]} <= {"salesforce"}


def test_an_invalid_pack_is_refused_with_all_findings(world: World) -> None:
    world.pulled()
    (world.folder / "pack" / "pack.yaml").write_text("format: 1\npack: {name: jobs}\nterritoris: []\nx: 1\n")
    with pytest.raises(InputError) as caught:
        deliberate(world.context)
    assert len(caught.value.findings) >= 2


@pytest.mark.postgres
def test_the_same_on_postgresql(make_world: Callable[..., World], request: pytest.FixtureRequest) -> None:
    from tests.databases import postgres_server

    server = postgres_server()
    name = server.fresh()
    world = make_world(url=server.url(name))
    try:
        world.pulled()
        world.assert_equal()
        assert world.adopt() > 0
        document = make_plan(world.context)
        world.start()
        world.wait()
        assert [one.changed for one in world.pulled().systems] == [0, 0]
        world.approve(document)
    finally:
        world.context.close()
        request.addfinalizer(lambda: server.drop(name))
