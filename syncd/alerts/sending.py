"""Sending the notices that are due: claimed, told, and their outcome recorded, each step in its own short transaction.

At least once underneath; the key that every notice carries makes it exactly once as the receiver sees it. A receiver
that fails keeps nobody else waiting: the rest of its notices is put off without being tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.alerts.notices import digest_body
from syncd.alerts.receivers.delivery import DeliveryError, Receiver
from syncd.alerts.receivers.log import LOG_NAME
from syncd.alerts.receivers.routing import ALERT
from syncd.clock import Clock
from syncd.crashpoints import crashpoint
from syncd.errors import SyncdError
from syncd.store.engine import Store
from syncd.store.notices import Notice, claim_notices, finish_notice
from syncd.telemetry import Log, redacted_text
from syncd.telemetry.tally import Tally

_AT_ONCE = 50
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=3)
"""A notice that could not be delivered for this long is failed for good."""


@dataclass(slots=True)
class Sent:
    """What one round of sending did: notices that receivers took (the log apart), and those that they did not."""

    delivered: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str
    wait: timedelta | None


def send_due(
    store: Store, receivers: Mapping[str, Receiver], *, clock: Clock, log: Log, tally: Tally | None = None
) -> Sent:
    """Send every notice that is due, and count it in `tally`. Must not run inside a transaction (SyncdError SYN430)."""
    if store.in_transaction:
        raise SyncdError("SYN430", "notices were about to be sent while a database transaction is open")
    sent, tally = Sent(), tally or Tally()
    down: dict[str, _Failure] = {}
    while True:
        with store.write() as conn:
            claimed = claim_notices(conn, now=clock.now(), limit=_AT_ONCE)
        if not claimed:
            return sent
        for batch in _batches(claimed, receivers):
            name = batch[0].receiver
            failure = down.get(name) or _tell(batch, receivers.get(name), log)
            crashpoint("notice.told")
            if failure is not None and failure.reason != "unknown_receiver":
                down[name] = failure
            for notice in batch:
                _record(store, notice, failure, clock.now())
                _count(tally, notice, failure, clock.now())
            if failure is not None:
                sent.failed += len(batch)
            elif name != LOG_NAME:
                sent.delivered += len(batch)


def _batches(claimed: Sequence[Notice], receivers: Mapping[str, Receiver]) -> Iterator[tuple[Notice, ...]]:
    """The notices as they are told: one by one, but what a digest collects together, and pages never in one."""
    together: dict[str, list[Notice]] = {}
    for notice in claimed:
        receiver = receivers.get(notice.receiver)
        collected = receiver is not None and receiver.route.digest is not None and notice.body.get("kind") == ALERT
        if collected and notice.body["severity"] != "page":
            together.setdefault(notice.receiver, []).append(notice)
        else:
            yield (notice,)
    yield from (tuple(batch) for batch in together.values())


def _tell(batch: Sequence[Notice], receiver: Receiver | None, log: Log) -> _Failure | None:
    first = batch[0]
    facts = {"notice": first.id, "receiver": first.receiver, "alert": first.episode_id, "about": first.reason}
    if len(batch) > 1:
        facts |= {"notices": len(batch)}
    if receiver is None:
        log.event("notice.failed", **facts, reason="unknown_receiver", detail="the settings name it no more")
        return _Failure("unknown_receiver", None)
    try:
        receiver.deliver(first.body if len(batch) == 1 else digest_body([notice.body for notice in batch]))
    except DeliveryError as error:
        log.event("notice.failed", **facts, reason=error.reason, detail=redacted_text(error.detail))
        return _Failure(error.reason, timedelta(seconds=error.wait) if error.wait else None)
    if first.receiver != LOG_NAME:
        log.event("notice.delivered", **facts)
    return None


def _record(store: Store, notice: Notice, failure: _Failure | None, now: datetime) -> None:
    retry_at = None if failure is None else _retry_at(notice, failure, now)
    reason = None if failure is None else failure.reason
    with store.write() as conn:
        finish_notice(conn, notice.id, ok=failure is None, reason=reason, now=now, retry_at=retry_at)


def _count(tally: Tally, notice: Notice, failure: _Failure | None, now: datetime) -> None:
    """Count an attempt; latency is from when a notice was made, or was to be sent, until it was taken."""
    labels = {"receiver": notice.receiver}
    tally.count("notifications_total", **labels)
    if failure is not None:
        tally.count("notifications_failed_total", **labels, reason=failure.reason)
        return
    since = notice.created_at if notice.attempts > 1 else max(notice.created_at, notice.due_at)
    tally.observe("notification_latency_seconds", max(0.0, (now - since).total_seconds()), **labels)


def _retry_at(notice: Notice, failure: _Failure, now: datetime) -> datetime | None:
    """When to try again: twice as long after each attempt; never for a receiver that is gone, or after three days."""
    if failure.reason == "unknown_receiver" or now - notice.created_at > GIVEN_UP_AFTER:
        return None
    doublings: int = min(max(notice.attempts - 1, 0), 10)
    backoff = min(_FIRST_WAIT * (1 << doublings), _LONGEST_WAIT)
    return now + max(backoff, failure.wait or timedelta(0))
