"""The pack's own tests (RULES.md section 8): each case is one account, alone or with its parent, and what it expects.

Unknown e-mails are active users, loads are zero, there is no ledger but the case's own, and every exception of the pack
applies. Reads no files; what a run of cases means for a command is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from syncd.errors import InputError, Place
from syncd.model.decisions import Decision, Outcome
from syncd.model.fields import FieldCatalogue
from syncd.model.money import MoneyTable
from syncd.model.normalisation import email, instant_or_date, number, text
from syncd.model.refs import System
from syncd.rules.classes.territories import PackClasses, TerritoryAnswers
from syncd.rules.deciding.frame import Traits
from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.deriving.families import join_families
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Applied, Directory, Facts, Rep, Seen
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.memory import NO_MEMORY, Memory, Retrieval
from syncd.rules.pack import Case, Pack
from syncd.rules.routing.lead_facts import lead_from_raw
from syncd.rules.routing.router import route_lead
from syncd.rules.scoring import graded
from syncd.rules.suggestion import did_you_mean

_KEY = "case"
_CLOCK_NOTE = "the result depends on the day it runs: give the case a `now:`"
_BOTH = frozenset(System)
_MANY = 40
"""From so many cases on, conditions are answered by classes: making them costs as much as a few dozen cases."""
RawValue = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went; `failures` say what was expected and what came out, `notes` are warnings."""

    name: str
    place: Place
    passed: bool
    failures: tuple[str, ...]
    notes: tuple[str, ...]


def run_cases(
    pack: Pack,
    *,
    catalogue: FieldCatalogue,
    money: MoneyTable,
    now: datetime,
    shared_domains: frozenset[str] = frozenset(),
    watch: Callable[[Facts, datetime, Sequence[Decision]], None] = lambda *_: None,
    classes: PackClasses | None = None,
) -> tuple[CaseResult, ...]:
    """Run every case of the pack, in the order written. `now` is for cases that name none. Never raises.

    `watch` is shown the facts of each case, its instant and its decisions (`rules.coverage`). `classes` are those of
    the pack (`classes_for_cases`), for whoever needs them beside the cases.
    """
    derivation = Derivation(
        catalogue=catalogue,
        money=money,
        zone=pack.zone,
        default_country=pack.default_country,
        fill_missing_country=pack.fill_missing_country,
        shared_domains=shared_domains,
    )
    prepared = _Prepared(Traits.of(pack), classes or classes_for_cases(pack))
    return tuple(_run(pack, case, derivation, now, prepared, watch) for case in pack.tests)


def classes_for_cases(pack: Pack) -> PackClasses | None:
    """The pack's classes where it has so many cases that compiling them is worth it."""
    return PackClasses(pack) if len(pack.tests) >= _MANY else None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What the cases of a pack share: its traits and, where there are many cases, its classes at each instant."""

    traits: Traits
    classes: PackClasses | None
    answers: dict[EvaluationContext, TerritoryAnswers] = field(default_factory=dict)

    def at(self, context: EvaluationContext) -> TerritoryAnswers | None:
        if self.classes is None:
            return None
        if context not in self.answers:
            self.answers[context] = self.classes.at(context)
        return self.answers[context]


def _run(
    pack: Pack,
    case: Case,
    derivation: Derivation,
    now: datetime,
    prepared: _Prepared,
    watch: Callable[[Facts, datetime, Sequence[Decision]], None],
) -> CaseResult:
    unknown = [
        f"`expect` has no key `{key}`: {did_you_mean(key, EXPECTATIONS)}" for key in case.expect.keys() - EXPECTATIONS
    ]
    if unknown:
        return CaseResult(case.name, case.place, False, tuple(sorted(unknown)), ())
    at = case.now or now
    if case.lead is not None:
        return _run_lead(pack, case, case.lead, derivation, at)
    book = case_book(case, derivation, at)
    book = replace(book, facts=tuple(graded(pack, book.facts, at)), memory=_memory(case, derivation))
    facts = book.facts[0]
    try:
        context = EvaluationContext(at, pack.zone, pack.fiscal_year_start)
        decided = decide(pack, book, at, traits=prepared.traits, classes=prepared.at(context))
        decisions = [each for each in decided if each.company == facts.key]
    except InputError as error:
        return CaseResult(case.name, case.place, False, tuple(finding.message for finding in error.findings), ())
    watch(facts, at, decisions)
    roles = case.expect.get("role", ("owner",))
    asked = [decision for decision in decisions if decision.role in roles]
    if not asked:
        missing = f"role: the pack decides no role {_any_of(roles)}"
        return CaseResult(case.name, case.place, False, (missing,), ())
    outcomes = [_failures(pack, case, facts, decision) for decision in asked]
    failures = min(outcomes, key=len)
    clock = case.now is None and any(decision.next_change_at is not None for decision in asked)
    notes = (_CLOCK_NOTE,) if clock else ()
    return CaseResult(case.name, case.place, not failures, failures, notes)


def _run_lead(pack: Pack, case: Case, raw: Mapping[str, RawValue], derivation: Derivation, now: datetime) -> CaseResult:
    """A case of a lead; an account beside it is the one account that it may match."""
    if pack.routing is None:
        missing = "the pack has no `routing`, so no lead is decided"
        return CaseResult(case.name, case.place, False, (missing,), ())
    lead = lead_from_raw(_KEY, raw, derivation)
    account = None if case.account is None else replace(case_facts(case, derivation, now), key="account")
    known = tuple(facts for facts in (account,) if facts is not None)
    book = Book(tuple(graded(pack, known, now)), _directory(known))
    route = route_lead(pack, lead, book, now)
    failures = _failures(pack, case, lead, route.decision)
    clock = case.now is None and route.decision.next_change_at is not None
    notes = (_CLOCK_NOTE,) if clock else ()
    return CaseResult(case.name, case.place, not failures, failures, notes)


def _memory(case: Case, derivation: Derivation) -> Memory:
    """What the case's ledger says of `retrieve`: when the owner was told, and when it was last taken from whom."""
    ledger = case.ledger
    noticed, retrieved = (_instant(ledger.get(key), derivation) for key in ("noticed", "retrieved"))
    if noticed is None and retrieved is None:
        return NO_MEMORY
    owner = (case.account or {}).get("owner")
    state = Retrieval(
        noticed_at=noticed,
        noticed_owner=email(owner) if isinstance(owner, str) else None,
        retrieved_at=retrieved,
        from_owner=email(ledger["retrieved_from"]) if "retrieved_from" in ledger else None,
        to_owner=email(ledger["owner"]) if retrieved is not None and "owner" in ledger else None,
        territory=ledger.get("territory"),
    )
    return Memory(retrievals=MappingProxyType({_KEY: state}))


def _instant(text_: str | None, derivation: Derivation) -> datetime | None:
    return instant_or_date(text_, derivation.zone) if text_ else None


def case_book(case: Case, derivation: Derivation, now: datetime) -> Book:
    """The book of a case: its account first, then the account's parent where the case gives one."""
    facts = case_facts(case, derivation, now)
    if case.parent is None:
        return Book((facts,), _directory((facts,)))
    parent = facts_from_raw(_parent_key(case), case.parent, derivation=derivation, now=now)
    family = tuple(join_families((facts, parent)))
    return Book(family, _directory(family))


def _parent_key(case: Case) -> str:
    """The parent goes by the id that the account names it by."""
    named = (case.account or {}).get("parent")
    return named if isinstance(named, str) and named else "parent"


def case_facts(case: Case, derivation: Derivation, now: datetime) -> Facts:
    """The facts of a case: its account's raw values, what each system says instead, its deals and its ledger."""
    raw = _merged(case, derivation)
    if case.parent is not None:
        raw.setdefault("parent", _parent_key(case))
    if "territory" in case.ledger:
        raw.setdefault("territory", case.ledger["territory"])
    facts = facts_from_raw(_KEY, raw, opportunities=case.opportunities, derivation=derivation, now=now)
    seen = dict(facts.seen)
    for name in case.salesforce.keys() | case.hubspot.keys():
        told = [(system, said) for system in _order(derivation, name) if (said := _said(case, system, name))]
        if told:
            seen[name] = Seen(told[0][0], told[0][1], tuple(told[1:]))
    return _with_ledger(replace(facts, seen=MappingProxyType(seen)), case, derivation)


def _merged(case: Case, derivation: Derivation) -> dict[str, RawValue]:
    """The raw value of each field: of the first system, in that field's order, that has one."""
    raw = dict(case.account or {})
    for name in case.salesforce.keys() | case.hubspot.keys():
        told = (_said(case, system, name) for system in _order(derivation, name))
        value = next((said for said in told if said), None)
        if value is None:
            raw.pop(name, None)
        else:
            raw[name] = value
    return raw


def _said(case: Case, system: System, name: str) -> str:
    own = case.salesforce if system is System.SALESFORCE else case.hubspot
    shared = (case.account or {}).get(name, "")
    return own.get(name, shared if isinstance(shared, str) else ";".join(shared))


def _order(derivation: Derivation, name: str) -> tuple[System, ...]:
    if name == "owner":
        return (derivation.leading, *(system for system in System if system is not derivation.leading))
    return derivation.field_order.get(name, derivation.order)


def _with_ledger(facts: Facts, case: Case, derivation: Derivation) -> Facts:
    """The facts with what the ledger last applied in the role that the case is about.

    An owner other than the applied one was changed by a person.
    """
    if not case.ledger:
        return facts
    stated = case.ledger.get("at")
    at = (instant_or_date(stated, derivation.zone) if stated else None) or datetime.min.replace(tzinfo=derivation.zone)
    owner = email(case.ledger["owner"]) if "owner" in case.ledger else None
    role = case.expect.get("role", ("owner",))[0]
    applied = {role: Applied(case.ledger.get("territory"), owner, at)}
    if role != "owner":
        return replace(facts, applied=MappingProxyType(applied))
    present = facts.current_owner.email if facts.current_owner else None
    changed = facts.values.get("owner_changed_at")
    by_person = (changed if isinstance(changed, datetime) else at) if owner and present != owner else None
    return replace(facts, applied=MappingProxyType(applied), changed_by_person_at=by_person)


def _directory(family: Iterable[Facts]) -> Directory:
    """Everybody is active but an owner whom the case calls inactive."""
    owners = [each.current_owner.email for each in family if each.current_owner is not None and not each.owner_active]
    return Directory({each: Rep(each, each, {}, frozenset(), _BOTH) for each in owners}, assume_active=True)


def _failures(pack: Pack, case: Case, facts: Facts, decision: Decision) -> tuple[str, ...]:
    failures: list[str] = []
    for key, wanted in case.expect.items():
        actual = EXPECTATIONS[key](facts, decision)
        if not any(_same(want, each) for want in wanted for each in actual):
            failures.append(f"{key}: expected {_any_of(wanted)}, got {actual[0] if actual else 'none'}")
            failures[-1] += _unknown_territory(pack, wanted) if key == "territory" else ""
    return tuple(failures)


def _unknown_territory(pack: Pack, wanted: tuple[str, ...]) -> str:
    known = {name for role in pack.roles for each in pack.territories(role) for name in (each.name, each.path)}
    unknown = [name for name in wanted if name not in known]
    return f" (there is no territory `{unknown[0]}`: {did_you_mean(unknown[0], known)})" if unknown else ""


def _same(wanted: str, actual: str) -> bool:
    if text(wanted) == text(actual):
        return True
    one, other = number(wanted), number(actual)
    return one is not None and one == other


def _any_of(wanted: tuple[str, ...]) -> str:
    return " or ".join(wanted)


def _territory(_facts: Facts, decision: Decision) -> tuple[str, ...]:
    path = decision.territory
    return (path, path.rpartition("/")[2]) if path else ()


def _owner(_facts: Facts, decision: Decision) -> tuple[str, ...]:
    return (decision.owner.email,) if decision.owner else ()


def _outcome(_facts: Facts, decision: Decision) -> tuple[str, ...]:
    return (decision.outcome.value,)


def _held(_facts: Facts, decision: Decision) -> tuple[str, ...]:
    return (decision.reason,) if decision.outcome is Outcome.HELD else ()


def _rule(_facts: Facts, decision: Decision) -> tuple[str, ...]:
    place = (f"{decision.place.path}:{decision.place.line}",) if decision.place else ()
    return (decision.reason, *place)


def _role(_facts: Facts, decision: Decision) -> tuple[str, ...]:
    return (decision.role,)


def _score(facts: Facts, _decision: Decision) -> tuple[str, ...]:
    value = facts.values.get("score")
    return (f"{value:f}",) if isinstance(value, Decimal) else ()


def _lifecycle(facts: Facts, _decision: Decision) -> tuple[str, ...]:
    value = facts.values.get("lifecycle")
    return (value,) if isinstance(value, str) else ()


def _band(facts: Facts, _decision: Decision) -> tuple[str, ...]:
    value = facts.values.get("band")
    return (value,) if isinstance(value, str) else ()


EXPECTATIONS: Mapping[str, Callable[[Facts, Decision], tuple[str, ...]]] = {
    "territory": _territory,
    "owner": _owner,
    "outcome": _outcome,
    "held": _held,
    "rule": _rule,
    "role": _role,
    "score": _score,
    "band": _band,
    "lifecycle": _lifecycle,
}
"""What a case may expect, and the texts that a decision answers to; the first one is shown."""
