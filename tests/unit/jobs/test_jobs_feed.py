"""The change feed: what changed for whoever works with accounts and leads, in order, once each by its id."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fields_world import MAPPED, document_of, fields_world, ready, run
from jobs_world import SALESFORCE, World
from leads_world import LeadsWorld

from syncd.alerts.receivers.delivery import DeliveryError
from syncd.alerts.receivers.routing import FEED, Route
from syncd.alerts.receivers.webhook import signature
from syncd.errors import InputError, RefusedError, UsageError
from syncd.jobs.feed.pushing import push_feed, replay, standing
from syncd.jobs.feed.reading import events
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.upkeep.erasing import erase
from syncd.jobs.watching.operations import read_operations
from syncd.model.refs import Kind, Ref
from syncd.store import ledger

Make = Callable[..., World]
SQLITE = pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)
SUBSCRIBER = """
[[receivers]]
name = "warehouse"
type = "webhook"
url = "http://127.0.0.1:9/feed"
secret = "env:HOOK"
tells = ["feed"]
"""


class Hook:
    """A subscriber that remembers what it took, and refuses for as long as it is told to."""

    def __init__(self, refuses: int = 0) -> None:
        self.name, self.route = "warehouse", Route(kinds=frozenset({FEED}))
        self.refuses = refuses
        self.bodies: list[dict[str, Any]] = []

    def deliver(self, body: Any) -> None:
        if self.refuses:
            self.refuses -= 1
            raise DeliveryError("server_error", "the answer was HTTP 503")
        self.bodies.append(dict(body))

    @property
    def ids(self) -> list[str]:
        return [event["id"] for body in self.bodies for event in body["events"]]


def read(world: World, since: str = "0", **options: Any) -> list[dict[str, Any]]:
    return list(events(world.context, since, limit=options.pop("limit", None), follow=False, **options))


def applied(make_world: Make, **settings: Any) -> World:
    """A world in which owners were written."""
    world = make_world(only=SALESFORCE, **settings)
    world.reps = world.reps[:2]
    world.write_pack()
    world.pulled()
    world.adopt()
    plan = world.approve(make_plan(world.context))
    with leadership(world.context) as leader:
        apply(world.context, leader, plan)
    return world


def test_each_owner_that_was_written_is_an_event_in_the_order_of_the_ledger(make_world: Make) -> None:
    world = applied(make_world)
    found = read(world)
    moved = [event for event in found if event["type"] == "owner.changed"]
    assert found[0]["type"] == "baseline.adopted"
    assert moved
    assert all(event["by"] == "syncd" and event["plan"] for event in moved)
    assert {event["to"]["email"] for event in moved} <= set(world.reps)
    assert {event["territory"] for event in moved if event["kind"] == "account"} == {"everywhere"}
    numbers = [int(event["cursor"].partition("-")[0]) for event in found]
    assert numbers == sorted(set(numbers))
    assert found[-1]["type"] == "plan.applied"


def test_an_owner_that_a_person_changed_is_told_once_and_not_as_ours(make_world: Make) -> None:
    world = applied(make_world)
    last = read(world)[-1]["cursor"]
    account = next(row for row in world.salesforce.records("Account") if not row.get("IsDeleted"))
    people = [row for row in world.salesforce.records("User") if row["IsActive"] and row["UserType"] == "Standard"]
    new = next(row["Id"] for row in people if row["Id"] != account["OwnerId"])
    world.clock.advance(timedelta(minutes=20))
    world.edit_salesforce(account["Id"], OwnerId=new)
    world.wait()
    world.pulled()
    (event,) = [each for each in read(world, last) if each["type"] == "owner.changed" and each["kind"] == "account"]
    assert (event["record"], event["by"], event["to"]["id"]) == (account["Id"], "other", new)
    assert "plan" not in event
    world.pulled()
    with world.context.store.read() as conn:
        assert ledger.verify(conn).ok


@SQLITE
def test_a_lead_that_was_given_to_somebody_is_told(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    ref = leads.lead(Email="jo@gmail.com")
    leads.later()
    (event,) = [each for each in read(leads.world) if each["type"] == "lead.routed"]
    assert (event["ref"], event["to"]["email"]) == (str(ref), leads.owner(ref))
    assert event["from"] == {"id": leads.queue, "email": None}


@SQLITE
def test_reading_goes_on_after_any_cursor_and_by_type(make_world: Make) -> None:
    world = applied(make_world)
    whole = read(world)
    for place in (0, len(whole) // 2, len(whole) - 1):
        assert read(world, whole[place]["cursor"]) == whole[place + 1 :]
    assert read(world, limit=2) == whole[:2]
    assert read(world, types=("plan.applied",)) == [whole[-1]]


def test_a_cursor_that_is_none_or_of_another_history_is_refused(world: World) -> None:
    world.pulled()
    world.adopt()
    cursor = read(world)[-1]["cursor"]
    number = cursor.partition("-")[0]
    for bad in ("yesterday", "-1", "1-zz", "٣"):
        with pytest.raises(UsageError, match="SYN860"):
            read(world, bad)
    for gone in (f"{number}-000000000000", "999999"):
        with pytest.raises(RefusedError, match="SYN861"):
            read(world, gone)
    with pytest.raises(UsageError, match="SYN862"):
        read(world, types=("owner.change",))


def test_following_waits_for_what_comes(world: World) -> None:
    world.pulled()
    feed = events(world.context, "0", limit=None, follow=True)

    class ByAndBy:
        def sleep(self, seconds: float) -> None:
            world.clock.advance(timedelta(seconds=seconds))
            world.adopt()

        def __getattr__(self, name: str) -> Any:
            return getattr(world.clock, name)

    world.context.clock = ByAndBy()  # type: ignore[assignment]
    assert next(event for event in feed if event["type"] == "baseline.adopted")["format"] == 1


def test_a_subscriber_begins_now_and_is_told_everything_after_it_once(make_world: Make) -> None:
    world = make_world(only=SALESFORCE, extra=SUBSCRIBER)
    hook = Hook()
    world.pulled()
    push_feed(world.context, [hook])
    world.adopt()
    assert push_feed(world.context, [hook]).events == 1
    push_feed(world.context, [hook])
    assert [event["type"] for body in hook.bodies for event in body["events"]] == ["baseline.adopted"]
    assert hook.bodies[0]["cursor"] == hook.ids[-1] == standing(world.context)["warehouse"]["cursor"]


def test_what_a_subscriber_does_not_take_waits_and_comes_in_order(make_world: Make) -> None:
    world = make_world(only=SALESFORCE, extra=SUBSCRIBER)
    world.pulled()
    hook = Hook()
    push_feed(world.context, [hook])
    hook.refuses = 2
    world.adopt()
    assert push_feed(world.context, [hook]).failing == 1
    assert standing(world.context)["warehouse"]["reason"] == "server_error"
    with world.context.store.read() as conn:
        waiting = read_operations(world.context, conn, None, world.clock.now()).undelivered["warehouse"]
    assert (waiting.attempts, waiting.reason, waiting.since) == (1, "server_error", world.clock.now())
    push_feed(world.context, [hook])
    assert hook.refuses == 1  # it is not asked again before its time
    for _ in range(3):
        world.clock.advance(timedelta(minutes=5))
        push_feed(world.context, [hook])
    assert hook.ids == [event["id"] for event in read(world)]
    assert standing(world.context)["warehouse"]["failing_since"] is None


@SQLITE
def test_whoever_gets_a_role_is_told_in_the_feed_and_to_subscribers(make_world: Make) -> None:
    world = fields_world(make_world, extra=MAPPED + SUBSCRIBER)
    hook = Hook()
    world.pulled()
    push_feed(world.context, [hook])
    plan_id = ready(world)
    run(world, plan_id)
    told = read(world, types=["role.changed"])
    written = [row for row in document_of(world, plan_id)["changes"] if row["field"] == "csm"]
    assert written
    assert {(event["ref"], event["to"]["email"]) for event in told} == {
        (row["ref"], row["to_owner"]["email"]) for row in written
    }
    assert {event["role"] for event in told} == {"csm"}
    for _ in range(3):
        push_feed(world.context, [hook])
    pushed = [event for body in hook.bodies for event in body["events"] if event["type"] == "role.changed"]
    assert [event["id"] for event in pushed] == [event["id"] for event in told]


@SQLITE
def test_a_process_that_dies_after_the_call_tells_the_same_again(make_world: Make, crash_at: Any) -> None:
    world = make_world(only=SALESFORCE, extra=SUBSCRIBER)
    world.pulled()
    hook = Hook()
    push_feed(world.context, [hook])
    world.adopt()
    with pytest.raises(crash_at("feed.told")):
        push_feed(world.context, [hook])
    world.start()
    push_feed(world.context, [hook])
    assert len(hook.ids) == 2
    assert len(set(hook.ids)) == 1


@SQLITE
def test_a_replay_tells_the_same_ids_again(make_world: Make) -> None:
    world = applied(make_world, extra=SUBSCRIBER)
    hook = Hook()
    push_feed(world.context, [hook])
    assert hook.ids == []
    replay(world.context, "warehouse", "0")
    push_feed(world.context, [hook])
    assert hook.ids == [event["id"] for event in read(world)]
    with pytest.raises(InputError, match="SYN863"):
        replay(world.context, "revops", "0")


@SQLITE
def test_who_was_erased_stays_erased_in_a_replay(make_world: Make) -> None:
    world = applied(make_world)
    email = next(event["to"]["email"] for event in read(world) if event["type"] == "owner.changed")
    user = next(row for row in world.salesforce.records("User") if row["Email"] == email)
    world.salesforce.edit({"object": "User", "id": user["Id"], "deactivate": True})
    world.clock.advance(timedelta(minutes=20))
    world.pulled()
    with leadership(world.context) as leader:
        erase(world.context, leader, email, reason="asked for")
    found = read(world)
    assert email not in json.dumps(found)
    assert any(event.get("to") == {"id": user["Id"], "email": None} for event in found)
    erased = found[-1]
    assert (erased["type"], erased["ref"]) == ("subject.erased", str(Ref(SALESFORCE, Kind.USER, user["Id"])))


def test_what_is_posted_is_signed() -> None:
    body = json.dumps({"kind": "feed"}).encode()
    wanted = hmac.new(b"key", b"17." + body, hashlib.sha256).hexdigest()
    assert signature("key", "17", body) == f"v1={wanted}"
