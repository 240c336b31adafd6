"""Watching: the monitors evaluated over mirror and pack, what changed committed with its notices, then sent.

The book is read and evaluated without holding the database; the commit checks that no other watch came in between, and
evaluates anew where one did. An invalid pack or an incomplete mirror stops the monitors of data, never those of syncd.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from syncd.alerts.bodies import SUPPRESSED
from syncd.alerts.episodes import FIRED, FLAPPING, Round, Transition
from syncd.alerts.evaluation import Findings, evaluate, judge
from syncd.alerts.monitors.notifications_failing import NAME as NOTIFICATIONS_FAILING
from syncd.alerts.notices import notice_body
from syncd.alerts.receivers.delivery import Receiver
from syncd.alerts.sending import Sent, send_due
from syncd.clock import iso, parse_instant
from syncd.crashpoints import crashpoint
from syncd.errors import Finding, SyncdError
from syncd.jobs.context import Context
from syncd.jobs.feed.pushing import push_feed
from syncd.jobs.packs.footprint import footprint
from syncd.jobs.plans.plan import Deliberation
from syncd.jobs.recording import recorded
from syncd.jobs.telling import beat, next_opening, open_receivers, tell_changes
from syncd.jobs.watching.metrics import metrics_text, write_textfile
from syncd.jobs.watching.outlook import COMMIT_STATE, Look, look
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
    try:
        report = _watch(context, receivers, thought)
    except SyncdError as error:
        beat(context, receivers.values(), well=False, words=f"the watch failed: {error.code}")
        raise
    beat(context, receivers.values(), well=True, words=report.line())
    tell_metrics(context)
    return report


def tell_metrics(context: Context) -> None:
    """Write the textfile of metrics where the settings name one; one that cannot be written is an event of the log."""
    path = context.settings.metrics.textfile
    if path is None:
        return
    try:
        write_textfile(path, metrics_text(context.settings, context.store, clock=context.clock))
    except OSError as error:
        context.log.event("metrics.unwritten", path=str(path), reason=error.strerror)


def _watch(context: Context, receivers: Mapping[str, Receiver], thought: Deliberation | None) -> WatchReport:
    with recorded(context, "watch") as run:
        report = WatchReport(run.run_id)
        thought = thought if thought is not None and _is_newest(context, thought) else None
        for _ in range(_MOST_ROUNDS):
            files = footprint(context.settings.pack.path) if thought is None else ""
            seen = look(context, thought)
            found = evaluate(seen.view, data=bool(seen.keys))
            if _commit(context, seen, found, receivers, report, files):
                break
            thought = None
        crashpoint("watch.committed")
        tell_changes(context, receivers)
        report.sent = send_due(context.store, receivers, clock=context.clock, log=context.log, tally=context.tally)
        pushed = push_feed(context, receivers.values())
        crashpoint("watch.sent")
        run.summary = {"firing": report.firing, "fired": report.fired, "resolved": report.resolved}
        run.summary |= {"feed": pushed.events, "feed_failing": pushed.failing}
        run.summary |= {"sent": report.sent.delivered, "failed": report.sent.failed, "waiting": report.waiting}
    return report


def _is_newest(context: Context, thought: Deliberation) -> bool:
    """Whether no watch has looked at the mirror after this deliberation did."""
    with context.store.read() as conn:
        last = store.monitor_state(conn, COMMIT_STATE).get("now")
    return last is None or parse_instant(last) <= thought.now


def _commit(
    context: Context, seen: Look, found: Findings, receivers: Mapping[str, Receiver], report: WatchReport, files: str
) -> bool:
    """Save what changed with its notices, in one transaction; False, and nothing saved, if another watch came first.

    `files` is the footprint of the pack that was looked at, empty where it was read earlier.
    """
    now, pack = seen.view.now, seen.view.pack
    opening = None if seen.working or pack is None else next_opening(pack.working_hours, now, pack.zone)
    with context.store.write() as conn:
        if store.monitor_state(conn, COMMIT_STATE) != seen.commit:
            return False
        taken = frozenset(seen.keys[name] for name in found.asked if name in seen.view.rebased)
        open_ = store.open_episodes(conn)
        verdict = judge(found, open_, _round(conn, seen), seen.view, first=seen.first, keys=taken)
        for step in verdict.steps:
            save_step(conn, step, receivers, now, opening)
        for name, states in found.states.items():
            if name in seen.view.rebased or states != seen.view.seen_by(name):
                store.save_monitor_state(conn, name, seen.keys.get(name, ""), states)
        store.save_monitor_state(conn, HISTORIES, "", verdict.histories)
        store.save_monitor_state(conn, COMMIT_STATE, "", _marks(seen, found, report.run_id, files))
        report.firing = sum(1 for episode in store.open_episodes(conn) if episode.state == "firing")
        crashpoint("watch.before_commit")
    _count(context, verdict.steps, {episode.id for episode in open_ if SUPPRESSED in episode.detail})
    report.fired = sum(1 for step in verdict.steps if step.reason in (FIRED, FLAPPING))
    report.resolved = sum(1 for step in verdict.steps if _is_over(step.episode))
    report.waiting, report.problems = seen.waiting, found.problems
    return True


def _is_over(episode: store.Episode) -> bool:
    """Whether an alert that fired has ended, told or not: what stood in the baseline ends in silence."""
    return episode.state == "resolved" and episode.fired_at is not None


def _count(context: Context, steps: Sequence[Transition], muted: Set[int | None]) -> None:
    """Count what fired, and what began to be kept from being told."""
    for step in steps:
        episode, by = step.episode, str(step.episode.detail.get(SUPPRESSED, ""))
        if step.reason == FIRED:
            context.tally.count("alerts_fired_total", monitor=episode.monitor, severity=episode.severity)
        if by and episode.id not in muted:
            reason = "silenced" if by.startswith("silence ") else "inhibited"
            context.tally.count("notifications_suppressed_total", reason=reason)


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


def _marks(seen: Look, found: Findings, run_id: str, files: str) -> dict[str, str]:
    """What to remember of this commit."""
    now = iso(seen.view.now)
    marks = {"commit": run_id, "now": now, "pack": seen.view.pack.revision if seen.view.pack is not None else ""}
    if not files and marks["pack"] == seen.commit.get("pack"):
        files = seen.commit.get("files", "")
    if files:
        marks["files"] = files
    if "now" in seen.commit:
        marks["before"] = seen.commit["now"]
    if seen.view.stopped_at is not None and seen.view.resumed_at is not None:
        marks |= {"stopped": iso(seen.view.stopped_at), "resumed": iso(seen.view.resumed_at)}
    if seen.keys and seen.view.fresh.issuperset(seen.view.systems):
        marks["whole_at"] = now
    elif "whole_at" in seen.commit:
        marks["whole_at"] = seen.commit["whole_at"]
    if seen.keys and seen.waiting is None and not found.problems:
        marks |= {"book": seen.book, "book_at": now}
    elif not seen.keys and seen.waiting is None:
        marks |= {name: seen.commit[name] for name in ("book", "book_at")}
    return marks


def save_step(
    conn: Connection,
    step: Transition,
    receivers: Mapping[str, Receiver],
    now: datetime,
    opening: datetime | None = None,
) -> store.Episode:
    """Save an episode's next state, and a notice for every receiver that takes it where there is a reason to tell.

    `opening` is when the working hours begin, None inside them. A receiver that takes no notices is not told so: that
    would be one more that it does not take.
    """
    episode = store.save_episode(conn, step.episode)
    if step.reason is not None:
        enqueue_step(conn, episode, step.reason, receivers, now, opening)
    return episode


def enqueue_step(
    conn: Connection,
    episode: store.Episode,
    reason: str,
    receivers: Mapping[str, Receiver],
    now: datetime,
    opening: datetime | None = None,
) -> None:
    """Queue a notice about a saved episode for every receiver whose route takes it."""
    if episode.id is None:
        return
    body = notice_body(episode, reason, now)
    failing = episode.labels.get("receiver") if episode.monitor == NOTIFICATIONS_FAILING else None
    for receiver in receivers.values():
        if receiver.route.takes(body) and receiver.name != failing:
            due = receiver.route.due(body, now, opening)
            store.enqueue_notice(conn, episode.id, receiver.name, reason, body, now=now, due_at=due)
