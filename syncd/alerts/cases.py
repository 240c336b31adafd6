"""A pack's tests of its monitors, run: each step is one look of the watch over a small world that the test describes.

The world is one CRM that is read without fail, but for steps that say `stale`. Everything is what the daemon does, from
records to episodes and who is told, only without a database. Pure: reads no files, asks no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from syncd.alerts import attainment, baseline
from syncd.alerts.closings import ClosingBook, read_closings
from syncd.alerts.episodes import Round
from syncd.alerts.evaluation import evaluate, judge, untrusted
from syncd.alerts.monitors import MONITORS
from syncd.alerts.monitors.account_churned import NAME as ACCOUNT_CHURNED
from syncd.alerts.monitors.account_churned import customers_missing
from syncd.alerts.view import MonitorView
from syncd.errors import InputError, Place
from syncd.model.money import DatedRates
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.rules.alert_cases import AlertCase, AlertStep, ExpectedAlert
from syncd.rules.derivation import CompanyRecords, Derivation, OwnershipView, derive_book
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory, Rep
from syncd.rules.pack import Pack
from syncd.rules.scoring import graded
from syncd.store.episodes import Episode
from syncd.store.ownership import OwnerChange
from syncd.store.systems import MirrorStatus

_SYSTEM = System.SALESFORCE
STALE_AFTER = timedelta(minutes=15)
"""When the CRM of a test counts as stale."""


@dataclass(frozen=True, slots=True)
class AlertCaseResult:
    """How one test went; `failures` say in which step what was expected and what came out."""

    name: str
    place: Place
    passed: bool
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseSettings:
    """What tests are run with beside the pack: how records become facts, the rates, and when people work."""

    derivation: Derivation
    rates: DatedRates
    working: Callable[[datetime], bool]


def run_alert_cases(pack: Pack, settings: CaseSettings) -> tuple[AlertCaseResult, ...]:
    """Run every test of monitors, in the order written. Never raises."""
    return tuple(_run(pack, case, settings) for case in pack.alert_tests)


def _run(pack: Pack, case: AlertCase, settings: CaseSettings) -> AlertCaseResult:
    world = _World(pack, settings)
    failures: list[str] = []
    for number, step in enumerate(case.steps, start=1):
        try:
            told = world.look(step)
        except InputError as error:
            failures += [f"step {number}: {finding.message}" for finding in error.findings] or [
                f"step {number}: {error}"
            ]
            break
        failures += (f"step {number} (line {step.place.line}): {text}" for text in _failures(step, world, told))
    return AlertCaseResult(case.name, case.place, not failures, tuple(failures))


def _failures(step: AlertStep, world: _World, told: list[str]) -> Iterable[str]:
    yield from world.problems
    if step.expect is not None:
        yield from _compared(step.expect, tuple(world.episodes.values()))
    if step.told is not None and sorted(step.told) != sorted(told):
        yield f"told: expected {', '.join(sorted(step.told)) or 'nothing'}, got {', '.join(sorted(told)) or 'nothing'}"


def _compared(expected: tuple[ExpectedAlert, ...], episodes: tuple[Episode, ...]) -> Iterable[str]:
    for want in expected:
        named = [each for each in episodes if each.monitor == want.monitor and want.about in ("", each.subject)]
        held = [each for each in named if each.state == want.state and want.severity in (None, each.severity)]
        if not held:
            saw = ", ".join(f"{each.state} {each.severity}" for each in named) or "no such alert"
            asked = f"{want.state} {want.severity or ''}".strip()
            yield f"{want.monitor} {want.about}: expected {asked}, got {saw}".replace(" :", ":")
    known = {want.monitor for want in expected}
    for each in episodes:
        if each.state != "firing" or (each.monitor == baseline.NAME and baseline.NAME not in known):
            continue
        if not any(want.monitor == each.monitor and want.about in ("", each.subject) for want in expected):
            yield f"{each.monitor} {each.subject}: not expected, got {each.state}: {each.summary}"


@dataclass(slots=True)
class _World:
    """The CRM of one test, and what the watch remembers between its steps."""

    pack: Pack
    settings: CaseSettings
    now: datetime | None = None
    as_of: datetime | None = None
    accounts: dict[str, Record] = field(default_factory=dict)
    deals: dict[str, Record] = field(default_factory=dict)
    users: dict[str, bool] = field(default_factory=dict)
    changes: dict[Ref, list[OwnerChange]] = field(default_factory=dict)
    seen: dict[str, Mapping[str, str]] = field(default_factory=dict)
    based: set[str] = field(default_factory=set)
    histories: Mapping[str, str] = field(default_factory=dict)
    episodes: dict[int, Episode] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def look(self, step: AlertStep) -> list[str]:
        """Let the step happen and look; returns who would be told of what, as `AccountChurned Acme fired`."""
        now = self._begin(step)
        view = untrusted(self._view(now, stale=step.stale))
        found = evaluate(view, data=True)
        self.problems = tuple(finding.message for finding in found.problems)
        open_ = tuple(each for each in self.episodes.values() if each.state != "resolved")
        around = Round(now, self.settings.working(now), view.rebased, histories=self.histories)
        keys = found.asked & view.rebased
        verdict = judge(found, open_, around, view, first=view.rebased, keys=keys)
        told: list[str] = []
        for moved in verdict.steps:
            number = moved.episode.id or len(self.episodes) + 1
            self.episodes[number] = replace(moved.episode, id=number)
            if moved.reason is not None:
                told.append(f"{moved.episode.monitor} {moved.episode.subject} {moved.reason}")
        self.seen |= found.states
        self.based |= found.asked
        self.histories = verdict.histories
        return told

    def _begin(self, step: AlertStep) -> datetime:
        """Move the clock, change what the step changes, and take the alerts that it takes."""
        before = self.now or step.now
        if before is None:
            raise InputError("SYN809", "the first step of a test of monitors has no `now`", where=str(step.place))
        now = step.now or before + timedelta(seconds=step.after)
        self.now = now
        self.as_of = self.as_of if step.stale else now
        self.users |= step.users
        for name, values in step.accounts.items():
            self._change(name, values, now)
        for name, values in step.deals.items():
            self._deal(name, values, now)
        for name in step.gone:
            if name not in self.accounts:
                raise InputError("SYN809", f"`{name}` is gone before any step has it", where=str(step.place))
            self.accounts[name] = replace(self.accounts[name], deleted=True)
        for number, episode in self.episodes.items():
            names = {episode.monitor, f"{episode.monitor} {episode.subject}"}
            if episode.state != "resolved" and not names.isdisjoint(step.acknowledge):
                self.episodes[number] = replace(episode, acknowledged_by="test")
        return now

    def _change(self, name: str, values: Mapping[str, str], now: datetime) -> None:
        ref = Ref(_SYSTEM, Kind.ACCOUNT, name)
        old = self.accounts.get(name)
        texts = {
            "name": name,
            **(old.fields if old else {}),
            **{key: text for key, text in values.items() if key != "owner"},
        }
        owner = values["owner"].lower() if "owner" in values else old.owner if old else None
        if owner:
            self.users.setdefault(owner, True)
        if old is not None and old.owner != owner:
            self.changes.setdefault(ref, []).append(OwnerChange(now, old.owner, owner, now))
        fields = {key: text for key, text in texts.items() if text}
        self.accounts[name] = Record(ref, now, MappingProxyType(fields), owner or None, fields.get("parent"))

    def _deal(self, name: str, values: Mapping[str, str], now: datetime) -> None:
        old = self.deals.get(name)
        texts = {"name": name, **(old.fields if old else {}), **values}
        owner, account = (
            texts.pop("owner", old.owner if old else None),
            texts.pop("account", old.account if old else None),
        )
        if owner:
            self.users.setdefault(owner.lower(), True)
        ref = Ref(_SYSTEM, Kind.OPPORTUNITY, name)
        self.deals[name] = Record(ref, now, MappingProxyType(texts), owner.lower() if owner else None, account)

    def _view(self, now: datetime, *, stale: bool) -> MonitorView:
        users = {
            Ref(_SYSTEM, Kind.USER, email): User(Ref(_SYSTEM, Kind.USER, email), email, email, active)
            for email, active in self.users.items()
        }
        live = {name: record for name, record in self.accounts.items() if not record.deleted}
        companies = (
            CompanyRecords(
                str(record.ref), (record,), tuple(deal for deal in self.deals.values() if deal.account == name)
            )
            for name, record in sorted(live.items())
        )
        facts = derive_book(companies, self.settings.derivation, OwnershipView(users=users), now)
        book = Book(tuple(graded(self.pack, tuple(facts), now)), self._directory())
        decisions = decide(self.pack, book, now)
        began = min((period.start for _, period in attainment.running(self.pack, now)), default=now)
        seen_churned = self.seen.get(ACCOUNT_CHURNED, {})
        gone = {
            ref: self.accounts[ref.id] for ref in customers_missing(seen_churned, book.facts) if ref.id in self.accounts
        }
        closing = ClosingBook(self.pack.zone, self.settings.rates, began, now, lambda ref: ref.id)
        counts = {Kind.ACCOUNT: len(live), Kind.OPPORTUNITY: len(self.deals)}
        return MonitorView(
            now=now,
            systems=(_SYSTEM,),
            stale_after=STALE_AFTER,
            status={_SYSTEM: MirrorStatus(self.as_of, True, "test", counts, "ok", None)},
            fresh=frozenset() if stale else frozenset({_SYSTEM}),
            pack=self.pack,
            money=self.settings.rates.on(now.date()),
            rates=self.settings.rates,
            facts=book.facts,
            decisions={each.company: each for each in decisions if each.role == "owner"},
            users=users,
            gone=gone,
            closings=read_closings(self.deals.values(), closing),
            owner_changes={ref: tuple(changes) for ref, changes in self.changes.items()},
            seen=self.seen,
            rebased=frozenset(each.name for each in MONITORS if each.reads_book) - self.based,
            taken=frozenset((each.monitor, each.subject) for each in self.episodes.values() if each.acknowledged_by),
        )

    def _directory(self) -> Directory:
        """Everybody is active but those whom the test calls inactive."""
        both = frozenset(System)
        reps = {
            email: Rep(email, email, {_SYSTEM: email}, both if active else frozenset(), both)
            for email, active in self.users.items()
        }
        return Directory(reps, assume_active=True)
