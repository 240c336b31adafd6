"""Watching: the monitors evaluated over mirror and pack, what changed committed with its notices, then sent.

The book is read and evaluated without holding the database; the commit checks that no other watch came in between, and
evaluates anew where one did. An invalid pack or an incomplete mirror stops the monitors of data, never those of syncd.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from syncd.alerts.episodes import FIRED, FLAPPING, RESOLVED, Round, Transition
from syncd.alerts.evaluation import Findings, evaluate, judge
from syncd.alerts.monitors.notifications_failing import NAME as NOTIFICATIONS_FAILING
from syncd.alerts.notices import notice_body
from syncd.alerts.receivers import receivers_of
from syncd.alerts.receivers.delivery import Receiver
from syncd.alerts.sending import Sent, send_due
from syncd.clock import iso, parse_instant
from syncd.crashpoints import crashpoint
from syncd.errors import Finding
from syncd.jobs.context import Context
from syncd.jobs.outlook import COMMIT_STATE, Look, look
from syncd.jobs.plan import Deliberation
from syncd.jobs.recording import recorded
from syncd.settings import SecretReader
from syncd.store import episodes as store

HISTORIES = "histories"
"""Under this name the histories of conditions that came and went lately are kept among the monitors' states."""
_MOST_ROUNDS = 3


@dataclass(slots=True)
class WatchReport:
    """What one watch did. `firing` counts all open alerts, `fired` and `resolved` those of this watch.

    `waiting` are the monitors of data that could not be evaluated and why; `problems` are findings about their rules.
    """

    run_id: str
    firing: int = 0
    fired: int = 0
    resolved: int = 0
    sent: Sent = field(default_factory=Sent)
    waiting: str | None = None
    problems: tuple[Finding, ...] = ()

    def line(self) -> str:
        """The whole of it in one line."""
        text = f"alerts: {self.firing:,} firing ({self.fired:,} new), {self.resolved:,} resolved, "
        text += f"{self.sent.delivered:,} notice{'s' if self.sent.delivered != 1 else ''} sent"
        if self.sent.failed:
            text += f", {self.sent.failed:,} not delivered yet"
        if self.problems:
            text += f"; {len(self.problems)} problem{'s' if len(self.problems) != 1 else ''} in the pack: syncd check"
        return text + (f"; {self.waiting}" if self.waiting else "")


def watch(context: Context, *, thought: Deliberation | None = None) -> WatchReport:
    """Evaluate, commit and send, once. `thought` spares reading the book again where no watch came after it.

    An invalid pack, a missing mirror and a receiver that fails raise nothing: they are alerts, and words of the report.
    """
    receivers = open_receivers(context)
    with recorded(context, "watch") as run:
        report = WatchReport(run.run_id)
        thought = thought if thought is not None and _is_newest(context, thought) else None
        for _ in range(_MOST_ROUNDS):
            seen = look(context, thought)
            found = evaluate(seen.view, data=bool(seen.keys))
            if _commit(context, seen, found, receivers, report):
                break
            thought = None
        crashpoint("watch.committed")
        report.sent = send_due(context.store, receivers, clock=context.clock, log=context.log)
        crashpoint("watch.sent")
        run.summary = {"firing": report.firing, "fired": report.fired, "resolved": report.resolved}
        run.summary |= {"sent": report.sent.delivered, "failed": report.sent.failed, "waiting": report.waiting}
    return report


def _is_newest(context: Context, thought: Deliberation) -> bool:
    """Whether no watch has looked at the mirror after this deliberation did."""
    with context.store.read() as conn:
        last = store.monitor_state(conn, COMMIT_STATE).get("now")
    return last is None or parse_instant(last) <= thought.now


def open_receivers(context: Context) -> Mapping[str, Receiver]:
    """The log and the receivers of the settings."""
    bundle = context.settings.http.ca_bundle
    return receivers_of(
        context.settings.receivers,
        log=context.log,
        clock=context.clock,
        read_secret=SecretReader(context.environ).read,
        ca_bundle=str(bundle) if bundle else None,
    )


def _commit(
    context: Context, seen: Look, found: Findings, receivers: Mapping[str, Receiver], report: WatchReport
) -> bool:
    """Save what changed with its notices, in one transaction; False, and nothing saved, if another watch came first."""
    now = seen.view.now
    with context.store.write() as conn:
        if store.monitor_state(conn, COMMIT_STATE) != seen.commit:
            return False
        taken = frozenset(seen.keys[name] for name in found.asked if name in seen.view.rebased)
        verdict = judge(found, store.open_episodes(conn), _round(conn, seen), seen.view, first=seen.first, keys=taken)
        for step in verdict.steps:
            save_step(conn, step, receivers, now)
        for name, states in found.states.items():
            if name in seen.view.rebased or states != seen.view.seen_by(name):
                store.save_monitor_state(conn, name, seen.keys.get(name, ""), states)
        store.save_monitor_state(conn, HISTORIES, "", verdict.histories)
        store.save_monitor_state(conn, COMMIT_STATE, "", _marks(seen, found, report.run_id))
        report.firing = sum(1 for episode in store.open_episodes(conn) if episode.state == "firing")
        crashpoint("watch.before_commit")
    report.fired = sum(1 for step in verdict.steps if step.reason in (FIRED, FLAPPING))
    report.resolved = sum(1 for step in verdict.steps if step.reason == RESOLVED)
    report.waiting, report.problems = seen.waiting, found.problems
    return True


def _round(conn: Connection, seen: Look) -> Round:
    """The circumstances of this evaluation."""
    return Round(
        now=seen.view.now,
        working=seen.working,
        rebased=seen.view.rebased,
        catching_up=seen.catching_up,
        silences=store.silences(conn, seen.view.now),
        histories=store.monitor_state(conn, HISTORIES),
    )


def _marks(seen: Look, found: Findings, run_id: str) -> dict[str, str]:
    """What to remember of this commit."""
    now = iso(seen.view.now)
    marks = {"commit": run_id, "now": now, "pack": seen.view.pack.revision if seen.view.pack is not None else ""}
    if seen.view.resumed_at is not None:
        marks["resumed"] = iso(seen.view.resumed_at)
    if seen.keys and seen.view.fresh.issuperset(seen.view.systems):
        marks["whole_at"] = now
    elif "whole_at" in seen.commit:
        marks["whole_at"] = seen.commit["whole_at"]
    if seen.keys and seen.waiting is None and not found.problems:
        marks |= {"book": seen.book, "book_at": now}
    elif not seen.keys and seen.waiting is None:
        marks |= {name: seen.commit[name] for name in ("book", "book_at")}
    return marks


def save_step(conn: Connection, step: Transition, receivers: Mapping[str, Receiver], now: datetime) -> store.Episode:
    """Save an episode's next state, and a notice for every receiver of its severity where there is a reason to tell.

    A receiver that takes no notices is not told so: that would be one more that it does not take.
    """
    episode = store.save_episode(conn, step.episode)
    if step.reason is not None and episode.id is not None:
        body = notice_body(episode, step.reason, now)
        failing = episode.labels.get("receiver") if episode.monitor == NOTIFICATIONS_FAILING else None
        for receiver in receivers.values():
            if receiver.takes(episode.severity) and receiver.name != failing:
                store.enqueue_notice(conn, episode.id, receiver.name, step.reason, body, now=now)
    return episode
