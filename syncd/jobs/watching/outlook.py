"""What monitors see: mirror, ledger and syncd's own work read in one transaction, as one frozen view.

The book is read only where something may have changed since it was last evaluated; the commit of a watch remembers it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from syncd.alerts import attainment, baseline
from syncd.alerts.closings import ClosingBook, Closings, read_closings
from syncd.alerts.episodes import DUE
from syncd.alerts.evaluation import finding_of, untrusted
from syncd.alerts.monitors import MONITORS, territory_composition
from syncd.alerts.monitors.account_churned import NAME as ACCOUNT_CHURNED
from syncd.alerts.monitors.account_churned import customers_missing
from syncd.alerts.view import MonitorView
from syncd.clock import parse_instant
from syncd.errors import Finding, InputError, Severity
from syncd.jobs.books.book import MirrorBook, read_book
from syncd.jobs.books.signals import signals_mark
from syncd.jobs.context import Context
from syncd.jobs.leads.standing import leads_view
from syncd.jobs.plans.plan import Deliberation
from syncd.jobs.pulling.fetching import REFUSED
from syncd.jobs.watching.forecast_memory import forecasts_kept
from syncd.jobs.watching.operations import read_operations
from syncd.model.decisions import Decision
from syncd.model.money import DatedRates
from syncd.model.refs import Kind, Ref, System
from syncd.planning.proposing.windows import inside_windows
from syncd.rules.engine import decide
from syncd.rules.pack import Pack
from syncd.settings import Mode
from syncd.store import episodes as store
from syncd.store import mirror, runs
from syncd.store.leads import last_change_of_book
from syncd.store.operations import last_applied_plan, owner_changes_since

COMMIT_STATE = "watch"
"""Under this name the last commit is kept among the monitors' states: `commit` is its run, `now` its instant, `pack`
the pack's revision or empty for an invalid one, `files` its footprint; `book` says what the data was when it was last
evaluated, at `book_at`; `whole_at` is when it last was with every mirror fresh, `before` the instant of the commit
before; `stopped` and `resumed` are the last time that nobody watched for longer than usual."""
BOOK_STANDS_FOR = timedelta(minutes=15)
"""So long the monitors of data are not asked again while nothing they read has changed: reading a book of 29,000
companies takes seconds, a watch comes every minute, and time alone changes their answers slowly."""
LONG_STOP = timedelta(hours=6)
"""After no watch for so long, what has piled up is told in one digest."""
_CATCHES_UP_FOR = timedelta(hours=1)
_CHANGES_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Look:
    """What was read before evaluating: the view, the last commit, and each data monitor's present baseline key.

    Without keys there is no book to evaluate: `waiting` says why, or nothing has changed. `book` stands for what the
    book was read from. `working` is whether it is the pack's working hours, `catching_up` whether a long stop is just
    over, `first` are the monitors that never had a baseline.
    """

    view: MonitorView
    commit: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)
    waiting: str | None = None
    book: str = ""
    working: bool = True
    catching_up: bool = False
    first: frozenset[str] = frozenset()


def look(context: Context, thought: Deliberation | None) -> Look:
    """Read everything that monitors see, in one transaction; the book of a deliberation is taken as it is."""
    now = context.clock.now()
    pack, rates, problems = _pack(context) if thought is None else (thought.pack, context.rates(), ())
    with context.store.read() as conn:
        commit = store.monitor_state(conn, COMMIT_STATE)
        view = untrusted(_surroundings(context, conn, pack, rates, problems, commit, now))
        working = pack is None or inside_windows(pack.working_hours, now, pack.zone)
        found = Look(view, commit, working=working, catching_up=_catches_up(view, commit))
        if pack is None:
            return replace(found, waiting="data alerts wait for a valid pack: syncd check")
        status = view.status
        missing = [system.value for system in context.systems if system not in status or not status[system].complete]
        if missing:
            return replace(found, waiting=f"data alerts wait for a complete mirror of {' and '.join(missing)}")
        book = _book_mark(context, conn, view, pack)
        if thought is None and _stands(conn, commit, book, now, working=working):
            return found
        try:
            view = _with_book(context, conn, view, pack, thought)
        except InputError as error:
            return replace(found, waiting=f"data alerts wait: {error.summary}")
        return replace(_with_memory(context, conn, replace(found, view=view), pack), book=book)


def _surroundings(
    context: Context,
    conn: Connection,
    pack: Pack | None,
    rates: DatedRates,
    problems: tuple[Finding, ...],
    commit: Mapping[str, str],
    now: datetime,
) -> MonitorView:
    """The view without the book: what is known of mirrors, of syncd's own work and of what was seen before."""
    status = mirror.mirror_status(conn)
    stopped, resumed = _stop(commit, now, context.stale_after)
    open_ = store.open_episodes(conn)
    return MonitorView(
        now=now,
        systems=context.systems,
        stale_after=context.stale_after,
        applies=context.settings.mode is Mode.APPLY,
        stopped_at=stopped,
        resumed_at=resumed,
        status=status,
        fresh=_fresh(context, status, now),
        pack=pack,
        pack_findings=problems,
        refused_commit=_refused_commit(context, conn),
        money=rates.on(now.date()),
        rates=rates,
        operations=read_operations(context, conn, pack, now),
        leads=leads_view(context.settings, conn, now),
        seen=store.monitor_memory(conn, (each.name for each in MONITORS if not each.reads_book)),
        taken=frozenset((each.monitor, each.subject) for each in open_ if each.acknowledged_by is not None),
        forecasts=forecasts_kept(conn, now),
    )


def _refused_commit(context: Context, conn: Connection) -> tuple[str, str] | None:
    """The commit that the last look at the repository refused as invalid, and why; None where it refused none."""
    if context.settings.pack.git is None:
        return None
    newest = next((run for run in runs.runs(conn, 2, job="pack") if run.finished_at is not None), None)
    if newest is None or not newest.summary.get(REFUSED):
        return None
    return str(newest.summary[REFUSED]), str(newest.summary.get("error", ""))


def _stop(commit: Mapping[str, str], now: datetime, stale_after: timedelta) -> tuple[datetime | None, datetime | None]:
    """From when to when nobody watched, the last time that this was long, or longer than usual and mirrors stay fresh.

    Where watches are always that rare, mirrors go stale between them for other reasons.
    """
    before, last, stopped, resumed = (
        parse_instant(text) if (text := commit.get(name)) else None for name in ("before", "now", "stopped", "resumed")
    )
    if last is not None:
        is_rare = before is None or last - before > stale_after
        if now - last > LONG_STOP or (now - last > stale_after and not is_rare):
            return last, now
    return stopped, resumed


def _catches_up(view: MonitorView, commit: Mapping[str, str]) -> bool:
    """Whether syncd is back from a long stop and has not looked at fresh data since."""
    stopped, back = view.stopped_at, view.resumed_at
    if stopped is None or back is None or back - stopped <= LONG_STOP or view.now - back > _CATCHES_UP_FOR:
        return False
    seen = commit.get("whole_at")
    return seen is None or parse_instant(seen) < back


def _pack(context: Context) -> tuple[Pack | None, DatedRates, tuple[Finding, ...]]:
    """The pack and the rates, or why there is none."""
    try:
        return context.pack(), context.rates(), ()
    except InputError as error:
        text = f"{error.where}: {error.summary}" if error.where else error.summary
        findings = error.findings or (Finding(error.code, Severity.ERROR, text, hint=error.hint),)
        errors = tuple(finding for finding in findings if finding.severity is Severity.ERROR)
        return None, DatedRates(context.settings.money.reporting_currency), errors


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


def _book_mark(context: Context, conn: Connection, view: MonitorView, pack: Pack) -> str:
    """What the answers of data monitors depend on, time apart: another mark means that something may have changed."""
    users = sorted(f"{user.ref} {user.active} {user.email}" for user in mirror.users(conn))
    parts = [last_change_of_book(conn), pack.revision, context.mapping_revision(), sorted(view.fresh), users]
    parts += [last_applied_plan(conn), signals_mark(context, conn)]
    return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _stands(conn: Connection, commit: Mapping[str, str], book: str, now: datetime, *, working: bool) -> bool:
    """Whether the last evaluation of the data still stands: of the same book, not long ago, and nothing falls due."""
    if commit.get("book") != book:
        return False
    young = timedelta(0) <= now - parse_instant(commit["book_at"]) < BOOK_STANDS_FOR
    return young and not any(_falls_due(episode, now, working=working) for episode in store.open_episodes(conn))


def _falls_due(episode: store.Episode, now: datetime, *, working: bool) -> bool:
    """Whether a pending alert may fire now, so that its condition has to be looked at."""
    due = episode.detail.get(DUE)
    if episode.state != "pending" or (due is not None and now < parse_instant(due)):
        return False
    return working or episode.severity == "page"


def survey(context: Context, conn: Connection, thought: Deliberation, since: datetime) -> MonitorView:
    """All that monitors see of a deliberation, whether anything changed or not; closed deals from `since` on."""
    commit = store.monitor_state(conn, COMMIT_STATE)
    view = _surroundings(context, conn, thought.pack, context.rates(), (), commit, thought.now)
    return _with_book(context, conn, view, thought.pack, thought, since)


def _with_book(
    context: Context,
    conn: Connection,
    view: MonitorView,
    pack: Pack,
    thought: Deliberation | None,
    since: datetime | None = None,
) -> MonitorView:
    """The view with companies, people, decisions and closed deals."""
    source = thought.source if thought is not None else read_book(context, conn, pack, view.now)
    decisions, problems = (thought.decisions, ()) if thought is not None else _decided(pack, source, view.now)
    began = min((period.start for _, period in attainment.running(pack, view.now)), default=view.now)
    began = began if since is None else min(began, since)
    return replace(
        view,
        facts=source.book.facts,
        users=source.users,
        decisions={each.company: each for each in decisions if each.role == "owner"} if decisions is not None else None,
        pack_findings=(*view.pack_findings, *problems),
        closings=_closings(context, conn, view, source, began),
        owner_changes=owner_changes_since(conn, min(began, view.now - _CHANGES_WITHIN)),
    )


def _decided(pack: Pack, source: MirrorBook, now: datetime) -> tuple[tuple[Decision, ...] | None, tuple[Finding, ...]]:
    try:
        return decide(pack, source.book, now), ()
    except InputError as error:
        errors = tuple(finding for finding in error.findings if finding.severity is Severity.ERROR)
        return None, errors or (finding_of(error),)


def _closings(context: Context, conn: Connection, view: MonitorView, source: MirrorBook, since: datetime) -> Closings:
    def email_of(ref: Ref) -> str | None:
        user = source.users.get(ref)
        return user.email or None if user is not None else None

    zone = view.evaluation_context().zone
    book = ClosingBook(zone, view.rates, since, view.now, email_of)
    records = (record for system in context.systems for record in mirror.records(conn, system, Kind.OPPORTUNITY))
    return read_closings(records, book)


def _with_memory(context: Context, conn: Connection, found: Look, pack: Pack) -> Look:
    """The look with the records that are gone, and which monitors take a new baseline.

    One is taken only while every system is fresh; until then the monitor waits, and its old state stands.
    """
    memory = store.monitor_memory(conn, (each.name for each in MONITORS if each.reads_book))
    view = replace(found.view, seen={**found.view.seen, **memory})
    bound = {system: mirror.bound_account(conn, system) for system in context.systems}
    mapping, applied = context.mapping_revision(), last_applied_plan(conn)
    keys = {
        monitor.name: baseline.baseline_key(
            monitor.name,
            pack_revision=pack.revision,
            mapping_revision=mapping,
            bound=bound,
            plan=applied if monitor.name == territory_composition.NAME else None,
        )
        for monitor in MONITORS
        if monitor.reads_book
    }
    known = store.baseline_keys(conn)
    rebased = frozenset(name for name, key in keys.items() if known.get(name) != key)
    missing = customers_missing(view.seen_by(ACCOUNT_CHURNED), view.facts)
    records = {ref: record for ref in missing if (record := mirror.get_record(conn, ref)) is not None}
    waiting = None
    if rebased and not view.fresh.issuperset(view.systems):
        stale = " and ".join(sorted(system.value for system in set(view.systems) - view.fresh))
        waiting = f"a new baseline waits for a fresh mirror of {stale}"
    first = frozenset(keys) - frozenset(known)
    return replace(found, view=replace(view, gone=records, rebased=rebased), keys=keys, waiting=waiting, first=first)
