"""Watching: the monitors evaluated over mirror and pack, what changed committed with its notices, then sent.

The book is read and evaluated without holding the database; the commit checks that no other watch came in between, and
evaluates anew where one did. An invalid pack or an incomplete mirror stops the monitors of data, never those of syncd.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from syncd.alerts import baseline
from syncd.alerts.episodes import FIRED, RESOLVED, Transition, transitions
from syncd.alerts.monitors import MONITORS
from syncd.alerts.monitors.account_churned import NAME as ACCOUNT_CHURNED
from syncd.alerts.monitors.account_churned import customers_missing
from syncd.alerts.notices import notice_body
from syncd.alerts.options import Handling, handling_of
from syncd.alerts.receivers import receivers_of
from syncd.alerts.receivers.delivery import Receiver
from syncd.alerts.sending import Sent, send_due
from syncd.alerts.view import Evaluation, Monitor, MonitorView, Signal, Standing
from syncd.clock import iso, parse_instant
from syncd.crashpoints import crashpoint
from syncd.errors import Finding, InputError, Place, Severity
from syncd.jobs.book import read_book
from syncd.jobs.context import Context
from syncd.jobs.plan import Deliberation
from syncd.jobs.recording import recorded
from syncd.model.money import MoneyTable
from syncd.model.refs import System
from syncd.rules.pack import Pack
from syncd.settings import Mode, SecretReader
from syncd.store import episodes as store
from syncd.store import mirror

COMMIT_STATE = "watch"
"""Under this name the last commit is kept among the monitors' states: `commit` is its run, `now` its instant, `pack`
the pack's revision or empty for an invalid one; `book` says what the data was when it was last evaluated, at `book_at`.
"""
BOOK_STANDS_FOR = timedelta(minutes=15)
"""So long the monitors of data are not asked again while nothing they read has changed: reading a book of 29,000
companies takes seconds, a watch comes every minute, and time alone changes their answers slowly."""
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


@dataclass(frozen=True, slots=True)
class _Look:
    """What was read before evaluating: the view, the last commit, and each edge monitor's present baseline key.

    Without keys there is no book to evaluate: `waiting` says why, or nothing has changed. `book` stands for what the
    book was read from.
    """

    view: MonitorView
    commit: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)
    waiting: str | None = None
    book: str = ""


@dataclass(frozen=True, slots=True)
class _Findings:
    """What the monitors said, how to handle it, and what to remember of it."""

    signals: Mapping[str, tuple[Signal, ...]]
    handling: Mapping[str, Handling]
    states: Mapping[str, Mapping[str, str]]
    problems: tuple[Finding, ...]


def watch(context: Context, *, thought: Deliberation | None = None) -> WatchReport:
    """Evaluate, commit and send, once. `thought` spares reading the book again where no watch came after it.

    An invalid pack, a missing mirror and a receiver that fails raise nothing: they are alerts, and words of the report.
    """
    receivers = open_receivers(context)
    with recorded(context, "watch") as run:
        report = WatchReport(run.run_id)
        thought = thought if thought is not None and _is_newest(context, thought) else None
        for _ in range(_MOST_ROUNDS):
            look = _look(context, thought)
            found = _evaluate(look.view, look)
            if _commit(context, look, found, receivers, report):
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


def _look(context: Context, thought: Deliberation | None) -> _Look:
    """Read everything that monitors see, in one transaction; the book of a deliberation is taken as it is."""
    now = context.clock.now()
    pack, money, problems = _pack(context) if thought is None else (thought.pack, context.money(), ())
    with context.store.read() as conn:
        status = mirror.mirror_status(conn)
        commit = store.monitor_state(conn, COMMIT_STATE)
        missing = [system.value for system in context.systems if system not in status or not status[system].complete]
        view = MonitorView(
            now=now,
            systems=context.systems,
            stale_after=context.stale_after,
            applies=context.settings.mode is Mode.APPLY,
            status=status,
            fresh=_fresh(context, status, now),
            pack=pack,
            pack_findings=problems,
            money=money,
        )
        if pack is None:
            return _Look(view, commit, waiting="data alerts wait for a valid pack: syncd check")
        if missing:
            waiting = f"data alerts wait for a complete mirror of {' and '.join(missing)}"
            return _Look(view, commit, waiting=waiting)
        book = _book_mark(context, conn, view, pack)
        if thought is None and _stands(conn, commit, book, now):
            return _Look(view, commit)
        source = thought.source if thought is not None else read_book(context, conn, pack, now)
        view = replace(view, facts=source.book.facts, users=source.users)
        return replace(_with_memory(context, conn, view, commit), book=book)


def _book_mark(context: Context, conn: Connection, view: MonitorView, pack: Pack) -> str:
    """What the answers of data monitors depend on, time apart: another mark means that something may have changed."""
    users = sorted(f"{user.ref} {user.active} {user.email}" for user in mirror.users(conn))
    parts = [mirror.last_change(conn), pack.revision, context.mapping_revision(), sorted(view.fresh), users]
    return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _stands(conn: Connection, commit: Mapping[str, str], book: str, now: datetime) -> bool:
    """Whether the last evaluation of the data still stands: of the same book, not long ago, and nothing pending."""
    if commit.get("book") != book:
        return False
    young = timedelta(0) <= now - parse_instant(commit["book_at"]) < BOOK_STANDS_FOR
    return young and not any(episode.state == "pending" for episode in store.open_episodes(conn))


def _pack(context: Context) -> tuple[Pack | None, MoneyTable, tuple[Finding, ...]]:
    """The pack and the rates, or why there is none."""
    try:
        return context.pack(), context.money(), ()
    except InputError as error:
        text = f"{error.where}: {error.summary}" if error.where else error.summary
        findings = error.findings or (Finding(error.code, Severity.ERROR, text, hint=error.hint),)
        errors = tuple(finding for finding in findings if finding.severity is Severity.ERROR)
        return None, MoneyTable(context.settings.money.reporting_currency), errors


def _fresh(context: Context, status: Mapping[System, mirror.MirrorStatus], now: datetime) -> frozenset[System]:
    """The systems whose mirror says something: complete, not stale, last read to its end, of the present mapping."""
    revision = context.mapping_revision()
    return frozenset(
        system
        for system in context.systems
        if (known := status.get(system)) is not None
        and known.as_of is not None
        and now - known.as_of <= context.stale_after
        and known.last_outcome == "ok"
        and known.mapping_revision == revision
    )


def _with_memory(context: Context, conn: Connection, view: MonitorView, commit: Mapping[str, str]) -> _Look:
    """The view with what each edge monitor saw last, and which of them take a new baseline.

    One is taken only while every system is fresh; until then the monitor waits, and its old state stands.
    """
    if view.pack is None:
        raise AssertionError("what monitors remember is read for a valid pack")
    bound = {system: mirror.bound_account(conn, system) for system in context.systems}
    revision, mapping = view.pack.revision, context.mapping_revision()
    keys = {
        monitor.name: baseline.baseline_key(monitor.name, pack_revision=revision, mapping_revision=mapping, bound=bound)
        for monitor in MONITORS
        if monitor.edge
    }
    rebased = frozenset(name for name, key in keys.items() if store.baseline_key(conn, name) != key)
    seen = {name: store.monitor_state(conn, name) for name in keys}
    missing = customers_missing(seen.get(ACCOUNT_CHURNED, {}), view.facts)
    records = {ref: record for ref in missing if (record := mirror.get_record(conn, ref)) is not None}
    waiting = None
    if rebased and not view.fresh.issuperset(view.systems):
        stale = " and ".join(sorted(system.value for system in set(view.systems) - view.fresh))
        waiting = f"a new baseline waits for a fresh mirror of {stale}"
    return _Look(replace(view, gone=records, seen=seen, rebased=rebased), commit, keys, waiting)


def _evaluate(view: MonitorView, look: _Look) -> _Findings:
    """Ask every monitor that can be asked; one whose rule cannot be read keeps no other from speaking."""
    signals: dict[str, tuple[Signal, ...]] = {}
    handling: dict[str, Handling] = {}
    states: dict[str, Mapping[str, str]] = {}
    standing: list[Standing] = []
    problems = list(view.pack_findings)
    for monitor in MONITORS:
        if monitor.reads_book and (not look.keys or (look.waiting and monitor.name in view.rebased)):
            continue
        now_known = replace(view, pack_findings=tuple(problems))
        try:
            rules, evaluation = _ask(monitor, now_known)
        except InputError as error:
            problems.append(_finding(error))
            continue
        signals[monitor.name], handling[monitor.name] = evaluation.signals, rules
        standing += evaluation.standing if rules.enabled else ()
        if evaluation.states is not None:
            states[monitor.name] = evaluation.states
    taken = [look.keys[name] for name in states if name in view.rebased]
    signals[baseline.NAME] = baseline.digest(standing, taken, view)
    handling[baseline.NAME] = baseline.HANDLING
    return _Findings(signals, handling, states, tuple(problems))


def _ask(monitor: Monitor, view: MonitorView) -> tuple[Handling, Evaluation]:
    rule = view.rule(monitor.name)
    rules = handling_of(rule, severity=monitor.severity, latched=monitor.edge, own=monitor.options)
    # One that is switched off still remembers what it would see, so that switching it on again tells no old news.
    return rules, monitor.evaluate(view)


def _finding(error: InputError) -> Finding:
    place = None
    if error.where:
        path, _, rest = error.where.partition(":")
        line, _, column = rest.partition(":")
        place = Place(path, int(line or 1), int(column or 1))
    return Finding(error.code, Severity.ERROR, error.summary, place, error.hint)


def _commit(
    context: Context, look: _Look, found: _Findings, receivers: Mapping[str, Receiver], report: WatchReport
) -> bool:
    """Save what changed with its notices, in one transaction; False, and nothing saved, if another watch came first."""
    now = look.view.now
    with context.store.write() as conn:
        if store.monitor_state(conn, COMMIT_STATE) != look.commit:
            return False
        open_ = store.open_episodes(conn)
        steps = [*transitions(found.signals, open_, now, found.handling), *_superseded(found, open_, now)]
        for step in steps:
            save_step(conn, step, receivers, now)
        for name, states in found.states.items():
            if name in look.view.rebased or states != look.view.seen_by(name):
                store.save_monitor_state(conn, name, look.keys[name], states)
        store.save_monitor_state(conn, COMMIT_STATE, "", _marks(look, found, report.run_id))
        report.firing = sum(1 for episode in store.open_episodes(conn) if episode.state == "firing")
        crashpoint("watch.before_commit")
    report.fired = sum(1 for step in steps if step.reason == FIRED)
    report.resolved = sum(1 for step in steps if step.reason == RESOLVED)
    report.waiting, report.problems = look.waiting, found.problems
    return True


def _marks(look: _Look, found: _Findings, run_id: str) -> dict[str, str]:
    """What to remember of this commit."""
    now = iso(look.view.now)
    marks = {"commit": run_id, "now": now, "pack": look.view.pack.revision if look.view.pack is not None else ""}
    if look.keys and look.waiting is None and not found.problems:
        marks |= {"book": look.book, "book_at": now}
    elif not look.keys and look.waiting is None:
        marks |= {name: look.commit[name] for name in ("book", "book_at")}
    return marks


def _superseded(found: _Findings, open_: tuple[store.Episode, ...], now: datetime) -> list[Transition]:
    """Older digests end, told to nobody, when a newer one is there."""
    if not found.signals[baseline.NAME]:
        return []
    return [
        Transition(replace(episode, state="resolved", resolved_at=now))
        for episode in open_
        if episode.monitor == baseline.NAME and episode.acknowledged_by is None
    ]


def save_step(conn: Connection, step: Transition, receivers: Mapping[str, Receiver], now: datetime) -> store.Episode:
    """Save an episode's next state, and a notice for every receiver of its severity where there is a reason to tell."""
    episode = store.save_episode(conn, step.episode)
    if step.reason is not None and episode.id is not None:
        body = notice_body(episode, step.reason, now)
        for receiver in receivers.values():
            if receiver.takes(episode.severity):
                store.enqueue_notice(conn, episode.id, receiver.name, step.reason, body, now=now)
    return episode
