"""The job behind `report`: one look at the whole book, with what moved and what was told in a period, as a document.

It reads and counts. Nothing is planned or saved; how it is shown is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from syncd.alerts.attainment import Progress, progress
from syncd.alerts.bodies import episode_body
from syncd.alerts.view import MonitorView
from syncd.clock import iso
from syncd.errors import InputError
from syncd.jobs.aids.audit import finding_document
from syncd.jobs.books.book import derivation_of
from syncd.jobs.context import Context
from syncd.jobs.plans.plan import Deliberation, deliberate, plan_of
from syncd.jobs.watching.outlook import survey
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.planning.aids import overview
from syncd.planning.aids.audit import AuditBook, AuditFinding
from syncd.planning.aids.audit_data import audit
from syncd.rules.collector import without_collector
from syncd.rules.facts import Facts, Value
from syncd.rules.matching.time_window import local_day, local_midnight
from syncd.store import companies, episodes, mirror
from syncd.store.movements import Movement, movements

FORMAT = 1
EDITIONS = ("weekly", "monthly", "quarterly")
WEEKS_BACK = 12
"""Moves are shown for so many weeks, whatever the edition."""
_MONTHS = {"monthly": 1, "quarterly": 3}
_LARGEST = 50
_ALERTS = 100
_TOLD_BACK = 2000
_BELOW = "AttainmentBelow"


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was looked at: the deliberation, and how much its plan would change; then, in one transaction, the monitors'
    view, the changes of owner, the alerts, the audit, and what mirrors are bound to."""

    thought: Deliberation
    changes: int
    view: MonitorView
    moved: tuple[Movement, ...]
    told: tuple[episodes.Episode, ...]
    findings: tuple[AuditFinding, ...]
    bound: Mapping[System, str | None]
    since: datetime

    @property
    def facts(self) -> tuple[Facts, ...]:
        """The companies."""
        return self.thought.source.book.facts

    @property
    def now(self) -> datetime:
        """The instant that everything is as of."""
        return self.thought.now


def overview_document(context: Context, edition: str) -> dict[str, Any]:
    """The report of an edition: `weekly`, `monthly` or `quarterly` say how far back its own figures look.

    Raises RefusedError SYN550 before the first complete mirror, InputError where the pack is invalid.
    """
    thought = deliberate(context)
    changes = int(plan_of(context, thought, offered=False).document["summary"]["changes"])
    with without_collector(), context.store.read() as conn:
        looked = _look(context, conn, thought, changes, since_of(edition, thought.now, thought.pack.zone))
        return _document(context, conn, looked, edition)


def since_of(edition: str, now: datetime, zone: ZoneInfo) -> datetime:
    """When the period of an edition began: midnight in the zone, a week, a month or three months before today."""
    day = local_day(now, zone)
    if edition == "weekly":
        first = day - timedelta(days=7)
    else:
        months = day.year * 12 + day.month - 1 - _MONTHS[edition]
        first = _day_of(months // 12, months % 12 + 1, day.day)
    return local_midnight(first, zone)


def _day_of(year: int, month: int, day: int) -> date:
    """That day of a month, or its last one."""
    after = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day - 1), after - timedelta(days=1))


def _look(context: Context, conn: Connection, thought: Deliberation, changes: int, since: datetime) -> _Looked:
    first = min(since, thought.now - timedelta(weeks=WEEKS_BACK))
    return _Looked(
        thought,
        changes,
        survey(context, conn, thought, first),
        movements(conn, first),
        episodes.list_episodes(conn, limit=_TOLD_BACK),
        audit(_audit_book(context, conn, thought)),
        {system: mirror.bound_account(conn, system) for system in context.systems},
        since,
    )


def _audit_book(context: Context, conn: Connection, thought: Deliberation) -> AuditBook:
    """The deliberation as the audit looks at it."""
    accounts: tuple[Record, ...] = tuple(
        record for system in context.systems for record in mirror.records(conn, system, Kind.ACCOUNT)
    )
    derivation, catalogue = derivation_of(context, thought.pack, thought.now.date()), context.catalogue().account
    reader = derivation.reader()

    def read(name: str, raw: str, country: str | None) -> Value | None:
        return reader.read(catalogue[name], raw, country)[0]

    source = thought.source
    return AuditBook(
        source.book.facts,
        accounts,
        source.open_opportunities,
        source.users,
        companies.links(conn),
        catalogue,
        read,
        thought.now,
        derivation.shared_domains,
    )


def _document(context: Context, conn: Connection, looked: _Looked, edition: str) -> dict[str, Any]:
    facts, now, pack = looked.facts, looked.now, looked.thought.pack
    homes = {each.company: each.territory for each in looked.thought.decisions if each.role == "owner"}
    rows = overview.rep_rows(facts, now)
    moves = _moves(conn, looked)
    lately = [each for each in moves if each.at > looked.since]
    paths = [territory.path for territory in pack.territories()]
    reached, problem = _attainment(looked.view)
    return {
        "format": FORMAT,
        "kind": "report",
        "edition": edition,
        "pack": pack.name,
        "pack_revision": pack.revision,
        "since": iso(looked.since),
        "now": iso(now),
        "zone": pack.zone.key,
        "mode": context.settings.mode.value,
        "currency": context.settings.money.reporting_currency,
        "mirror": _mirrors(looked),
        "links": _links(context, looked),
        "summary": _summary(looked, rows, lately, paths),
        "territories": overview.territory_rows(paths, facts, lambda each: homes.get(each.key), now),
        "reps": rows,
        "balance": overview.spreads(rows),
        "attainment": reached,
        "attainment_problem": problem,
        "findings": [finding_document(each) for each in looked.findings if each.check != "data-quality"],
        "quality": [finding_document(each) for each in looked.findings if each.check == "data-quality"],
        "weeks": overview.weeks_of(moves, now - timedelta(weeks=WEEKS_BACK - 1), now, pack.zone),
        "movers": overview.movers(lately),
        "alerts": _alerts(looked),
        "countries": overview.place_rows(facts, "country", now),
        "states": overview.place_rows(
            [each for each in facts if str(each.values.get("state", "")).startswith("US-")], "state", now
        ),
        "largest": overview.largest(facts, lambda each: homes.get(each.key), _LARGEST),
    }


def _summary(
    looked: _Looked, rows: Sequence[Mapping[str, Any]], lately: Sequence[overview.Move], paths: Sequence[str]
) -> dict[str, Any]:
    whole = overview.loads((("", each) for each in looked.facts), looked.now).get("", overview.Load())
    wins = [win for win in looked.view.closings.wins if win.closed > looked.since]
    return whole.document() | {
        "territories": len(paths),
        "reps": len(rows),
        "won": f"{sum((win.amount or Decimal(0) for win in wins), Decimal(0)):f}",
        "deals_won": len(wins),
        "moved": len(lately),
        "moved_by_others": sum(not each.ours for each in lately),
        "to_change": looked.changes,
        "alerts_open": sum(each.state == "firing" for each in looked.told),
    }


def _mirrors(looked: _Looked) -> dict[str, Any]:
    as_of, stale = looked.thought.source.as_of, looked.thought.source.stale
    return {
        system.value: {"as_of": iso(as_of[system]) if system in as_of else None, "stale": system in stale}
        for system in looked.view.systems
    }


def _links(context: Context, looked: _Looked) -> dict[str, str]:
    """Where a person opens an account: what comes before and after the id, with `{id}` between.

    Salesforce: Lightning's record page on the org's own host. HubSpot: the record page of the portal, where 0-2 is the
    type of companies; hubspot.com leads on to the portal's own region.
    """
    found: dict[str, str] = {}
    if context.settings.salesforce is not None and System.SALESFORCE in looked.bound:
        host = context.settings.salesforce.login_url.rstrip("/")
        found["salesforce"] = f"{host}/lightning/r/Account/{{id}}/view"
    portal = looked.bound.get(System.HUBSPOT)
    if portal:
        found["hubspot"] = f"https://app.hubspot.com/contacts/{portal}/record/0-2/{{id}}"
    return found


def _moves(conn: Connection, looked: _Looked) -> tuple[overview.Move, ...]:
    """The changes of owner by company and e-mail; one company that moved in both CRMs at once moved once."""
    links, users = companies.links(conn), looked.thought.source.users
    told = _person_of(users)
    found: dict[tuple[str, str | None, str | None, date], overview.Move] = {}
    for each in looked.moved:
        old, new = told(each.ref.system, each.old), told(each.ref.system, each.new)
        company = links.get(each.ref, str(each.ref))
        move = overview.Move(company, each.at, old, new, each.ours)
        key = (company, old, new, local_day(each.at, looked.thought.pack.zone))
        if old != new and (key not in found or (move.ours and not found[key].ours)):
            found[key] = move
    return tuple(sorted(found.values(), key=lambda move: (move.at, move.company)))


def _person_of(users: Mapping[Ref, User]) -> Callable[[System, str | None], str | None]:
    def told(system: System, owner: str | None) -> str | None:
        if not owner:
            return None
        user = users.get(Ref(system, Kind.USER, owner))
        return user.email if user is not None and user.email else f"user {owner}"

    return told


def _attainment(view: MonitorView) -> tuple[list[dict[str, Any]], str | None]:
    """Every quota under way with its pace, the furthest behind first; or why there is none to be had."""
    try:
        found = [_progress(each) for each in progress(view, _BELOW)]
    except InputError as error:
        return [], f"{error.where}: {error.summary}" if error.where else error.summary
    return sorted(found, key=lambda row: (not row["speaks"], Decimal(row["pace"]), row["subject"])), None


def _progress(each: Progress) -> dict[str, Any]:
    return {
        "subject": each.subject,
        "of": "rep" if each.quota.rep is not None else "territory",
        "period": each.period.name,
        "quota": f"{each.whole.quantize(Decimal('0.01')):f}",
        "expected": f"{each.expected.quantize(Decimal('0.01')):f}",
        "won": f"{each.won.quantize(Decimal('0.01')):f}",
        "pace": f"{each.pace.quantize(Decimal('0.001')):f}",
        "elapsed": f"{each.elapsed.quantize(Decimal('0.001')):f}",
        "speaks": each.speaks,
        "paced": each.paced,
        "where": f"{each.quota.place.path}:{each.quota.place.line}",
    }


def _alerts(looked: _Looked) -> dict[str, Any]:
    """The alerts that are open, and how many fired and ended in the period, by monitor."""
    firing = [each for each in looked.told if each.state == "firing"]
    order = {"page": 0, "ticket": 1, "info": 2}
    firing.sort(key=lambda each: (order.get(each.severity, 3), each.started_at, each.id or 0))
    fired = Counter(each.monitor for each in looked.told if each.fired_at and each.fired_at > looked.since)
    ended = Counter(each.monitor for each in looked.told if each.resolved_at and each.resolved_at > looked.since)
    return {
        "open": [episode_body(each) for each in firing[:_ALERTS]],
        "open_total": len(firing),
        "by_monitor": [
            {"monitor": name, "fired": fired[name], "ended": ended[name]}
            for name in sorted(fired.keys() | ended.keys())
        ],
    }
