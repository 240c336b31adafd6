"""Pushing the change feed to webhooks: in order, at least once, from where each subscriber was last told.

A subscriber is a webhook receiver whose `tells` names `feed`. Its cursor moves only after it took a batch, in a
transaction of its own, so a process that dies in between tells the batch again; the event's id tells the repetition.
What it does not take waits in the ledger for as long as it takes: nothing is given up, nothing is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from syncd.alerts.receivers.delivery import DeliveryError, Receiver
from syncd.alerts.receivers.routing import FEED
from syncd.clock import iso
from syncd.crashpoints import crashpoint
from syncd.errors import InputError, SyncdError
from syncd.jobs.context import Context
from syncd.jobs.feed.reading import FeedPage, cursor_at, read_page, start_of
from syncd.report.feed_events import FORMAT
from syncd.store import feed
from syncd.store.feed import Subscriber
from syncd.telemetry import redacted_text

BATCH = 100
"""Rows of the ledger in one call."""
_MOST_BATCHES = 50
"""In one round and to one subscriber: the next round goes on, and nobody else waits for a replay."""
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(slots=True)
class Pushed:
    """What one round of pushing did, over all subscribers."""

    events: int = 0
    failing: int = 0


def push_feed(context: Context, receivers: Iterable[Receiver]) -> Pushed:
    """Tell every subscriber what it was not told yet. One that fails keeps no other waiting.

    A new subscriber begins with what comes after now. Raises SyncdError SYN430 inside a transaction.
    """
    if context.store.in_transaction:
        raise SyncdError("SYN430", "the feed was about to be sent while a database transaction is open")
    done = Pushed()
    for receiver in receivers:
        if FEED in receiver.route.kinds:
            _push(context, receiver, done)
    return done


def _push(context: Context, receiver: Receiver, done: Pushed) -> None:
    known = _known(context, receiver.name)
    if known.due_at is not None and context.clock.now() < known.due_at:
        done.failing += 1
        return
    for _ in range(_MOST_BATCHES):
        with context.store.read() as conn:
            page = read_page(conn, known.seq, BATCH)
            cursor = cursor_at(conn, page.seq)
        if page.seq == known.seq:
            return
        failure = _tell(context, receiver, page, cursor) if page.events else None
        crashpoint("feed.told")
        now, before = context.clock.now(), known.seq
        known = _after(known, page, failure, now)
        with context.store.write() as conn:
            if not feed.advance(conn, known, before):
                return
        if failure is not None:
            done.failing += 1
            return
        done.events += len(page.events)
        if not page.more:
            return


def _known(context: Context, name: str) -> Subscriber:
    with context.store.read() as conn:
        found = feed.subscribers(conn).get(name)
    if found is not None:
        return found
    with context.store.write() as conn:
        made = Subscriber(name, feed.head(conn), context.clock.now())
        feed.put(conn, made)
    return made


def _tell(context: Context, receiver: Receiver, page: FeedPage, cursor: str) -> DeliveryError | None:
    try:
        receiver.deliver(feed_body(page, cursor, context.clock.now()))
    except DeliveryError as error:
        facts: dict[str, Any] = {"receiver": receiver.name, "event_id": f"feed:{cursor}", "reason": error.reason}
        context.log.event("notice.failed", **facts, detail=redacted_text(error.detail))
        context.tally.count("notifications_failed_total", receiver=receiver.name, reason=error.reason)
        return error
    finally:
        context.tally.count("notifications_total", receiver=receiver.name)
    return None


def feed_body(page: FeedPage, cursor: str, now: datetime) -> dict[str, Any]:
    """What is posted: the events in their order, and the cursor that they end at."""
    return {
        "format": FORMAT,
        "kind": FEED,
        "event_id": f"feed:{cursor}",
        "cursor": cursor,
        "sent_at": iso(now),
        "events": list(page.events),
    }


def _after(known: Subscriber, page: FeedPage, failure: DeliveryError | None, now: datetime) -> Subscriber:
    if failure is None:
        return Subscriber(known.name, page.seq, now)
    attempts = known.attempts + 1
    wait = min(_FIRST_WAIT * (1 << min(attempts - 1, 10)), _LONGEST_WAIT)
    due = now + max(wait, timedelta(seconds=failure.wait or 0))
    since = known.failing_since or now
    return replace(known, attempts=attempts, failing_since=since, due_at=due, reason=failure.reason)


def replay(context: Context, name: str, cursor: str) -> str:
    """Tell a subscriber again everything after a cursor, at the next rounds; the cursor that it stands at now.

    Raises InputError SYN863 for a receiver that is no subscriber, and as `start_of` for the cursor.
    """
    names = subscribing(context)
    if name not in names:
        known = ", ".join(names) or 'nobody: give a webhook receiver `tells = ["feed"]`'
        raise InputError("SYN863", f"{name!r} is no subscriber of the feed", hint=f"subscribers are {known}")
    with context.store.write() as conn:
        seq = start_of(conn, cursor)
        feed.put(conn, Subscriber(name, seq, context.clock.now()))
        return cursor_at(conn, seq)


def subscribing(context: Context) -> tuple[str, ...]:
    """The receivers that the settings make subscribers, by name."""
    return tuple(sorted(each.name for each in context.settings.receivers if FEED in (each.tells or ())))


def standing(context: Context) -> Mapping[str, dict[str, Any]]:
    """How far each subscriber has been told, how many rows of the ledger it is behind, and why it takes nothing."""
    with context.store.read() as conn:
        known, head = feed.subscribers(conn), feed.head(conn)
        told = {name: known[name] for name in subscribing(context) if name in known}
        cursors = {name: cursor_at(conn, each.seq) for name, each in told.items()}
    nothing: dict[str, Any] = {"cursor": None, "behind": 0, "told_at": None, "failing_since": None, "reason": None}
    found = {name: dict(nothing) for name in subscribing(context)}
    for name, each in told.items():
        found[name] = {
            "cursor": cursors[name],
            "behind": head - each.seq,
            "told_at": iso(each.at),
            "failing_since": iso(each.failing_since) if each.failing_since else None,
            "reason": each.reason,
        }
    return found
