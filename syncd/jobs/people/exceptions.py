"""Exceptions by what they cost: every override, hold and dispute, the money and the accounts under it, and its end.

What would move otherwise is not guessed: the book is decided once more without any of them. Writes and saves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from syncd.clock import iso
from syncd.errors import Place
from syncd.jobs.context import Context
from syncd.jobs.plans.plan import Deliberation, deliberate
from syncd.model.decisions import Decision, Outcome
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref
from syncd.planning.people.succession import pipeline_of
from syncd.planning.proposing.cascade import is_within
from syncd.rules.conditions import holds
from syncd.rules.deciding.exceptions import Exceptions, match_exceptions
from syncd.rules.deciding.frame import Frame, respect_ends
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import local_midnight
from syncd.rules.pack import DealHoldout, Dispute, Override, Pack, Protect

FORMAT = 1
DISPUTE_OVERDUE = timedelta(hours=48)
"""After so long an open dispute is an alert (DisputeOpen)."""
EXPIRING = timedelta(days=14)
_OWNER = "owner"
_OVERRIDES = frozenset({"override", "override-expired", "override-owner-inactive"})
_HOLDS = _OVERRIDES | {"dispute", "locked", "changed-by-person", "has-team"}
_NOTHING = Decimal(0)


@dataclass(slots=True)
class Cost:
    """One exception with what stands under it: accounts by key, those that would move without any, opportunities."""

    kind: str
    name: str
    why: str
    by: str | None = None
    place: Place | None = None
    ends: date | None = None
    state: str = "in force"
    money: Decimal = _NOTHING
    moving_money: Decimal = _NOTHING
    accounts: list[str] = field(default_factory=list)
    moving: list[str] = field(default_factory=list)
    opportunities: int = 0

    def entry(self) -> dict[str, Any]:
        """The exception as the document shows it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "why": self.why,
            "by": self.by,
            "rule": {"file": self.place.path, "line": self.place.line} if self.place is not None else None,
            "state": self.state,
            "ends": self.ends.isoformat() if self.ends is not None else None,
            "accounts": len(self.accounts),
            "money": f"{self.money:f}",
            "would_move": len(self.moving),
            "would_move_money": f"{self.moving_money:f}",
            "opportunities": self.opportunities,
            "companies": sorted(self.accounts),
        }


def exceptions(context: Context) -> dict[str, Any]:
    """Every exception that the pack, the ledger and the CRMs hold, what costs most first.

    Overrides of pack and ledger, disputes, protect rules, deal holdouts; accounts that are locked in a CRM or whose
    owner a person changed are two lines of their own. See `deliberate` for what it raises.
    """
    thought = deliberate(context)
    pack, facts, now = thought.pack, thought.facts, thought.now
    matched, _ = match_exceptions(pack, facts.values(), now)
    frame = Frame.of(pack, thought.source.book.directory, now, thought.source.book.memory)
    owner = {each.company: each for each in thought.decisions if each.role == _OWNER}
    costs = _lines(pack, matched, frame, owner, facts)
    free = _without_any(thought)
    for company, decision in owner.items():
        cost = costs.get(_deciding(decision, matched))
        if cost is not None:
            _count(cost, facts[company], _would_move(decision, free.get(company), pack))
    _count_holdouts(thought, frame, costs, owner)
    listed = [each for each in costs.values() if each.accounts or each.opportunities or each.place is not None]
    listed.sort(key=lambda each: (-each.moving_money, -each.money, -len(each.accounts), each.kind, each.name))
    return {
        "format": FORMAT,
        "now": iso(now),
        "pack_revision": pack.revision,
        "currency": context.settings.money.reporting_currency,
        "exceptions": [each.entry() for each in listed],
    }


_Key = tuple[str, str]


def _lines(
    pack: Pack, matched: Exceptions, frame: Frame, owner: Mapping[str, Decision], facts: Mapping[str, Facts]
) -> dict[_Key, Cost]:
    """One line for each exception that is written down, and for what the CRMs hold."""
    found: dict[_Key, Cost] = {}
    for entry in pack.overrides:
        found["override", str(entry.place)] = _override(entry, matched, frame)
    for dispute in pack.disputes:
        found["dispute", str(dispute.place)] = _dispute(dispute, matched, frame)
    for rule in pack.protect:
        found["protect", rule.name] = _protect(rule, frame)
    for holdout in pack.deal_holdouts:
        found["deal-holdout", str(holdout.place)] = _holdout(holdout, frame)
    found["locked", ""] = Cost("locked", "locked in the CRM", "the field that settings map to `locked` is true")
    ends = _last_respect(frame, owner, facts)
    why = "respected for a time" if ends else "until `drift adopt` or `drift revert`"
    found["changed-by-person", ""] = Cost("changed-by-person", "changed by a person", why, ends=ends)
    return found


def _override(entry: Override, matched: Exceptions, frame: Frame) -> Cost:
    known = any(entry in each for each in matched.overrides.values())
    state = _dated(entry.expires, frame, over="expired; its account is held") if known else "matches no account"
    name = f"{entry.account} to {entry.owner}" + ("" if entry.role == _OWNER else f" as {entry.role}")
    kind = "override"
    return Cost(kind, name, entry.why, entry.by, entry.place, entry.expires, state)


def _dispute(entry: Dispute, matched: Exceptions, frame: Frame) -> Cost:
    known = any(entry in each for each in matched.disputes.values())
    state = "matches no account"
    if known and entry.opened is None:
        state = "open"
    elif known and entry.opened is not None:
        age = frame.context.now - local_midnight(entry.opened, frame.pack.zone)
        state = f"open for {counted_days(age)}" + (", over 48 h" if age > DISPUTE_OVERDUE else "")
        state = "not open yet" if age < timedelta(0) else state
    return Cost("dispute", entry.account, entry.why or "no reason is given", entry.by, entry.place, None, state)


def counted_days(age: timedelta) -> str:
    """A span in whole days."""
    return f"{age.days} day{'' if age.days == 1 else 's'}"


def _protect(rule: Protect, frame: Frame) -> Cost:
    return Cost("protect", rule.name, rule.reason, None, rule.place, rule.until, _dated(rule.until, frame))


def _holdout(entry: DealHoldout, frame: Frame) -> Cost:
    name = f"deals of {entry.territory}" if entry.territory else "deals"
    why, state = entry.why or "no reason is given", _dated(entry.expires, frame)
    return Cost("deal-holdout", name, why, entry.by, entry.place, entry.expires, state)


def _dated(ends: date | None, frame: Frame, *, over: str = "over") -> str:
    if ends is None:
        return "without an end"
    if ends < frame.today:
        return over
    return "ends soon" if ends - frame.today <= EXPIRING else "in force"


def _last_respect(frame: Frame, owner: Mapping[str, Decision], facts: Mapping[str, Facts]) -> date | None:
    """When the last change by a person stops being respected; None where it never does."""
    held = (facts[key] for key, each in owner.items() if each.reason == "changed-by-person")
    ends = [end for each in held if (end := respect_ends(frame, each)) is not None]
    return max(ends).astimezone(frame.pack.zone).date() if ends else None


def _deciding(decision: Decision, matched: Exceptions) -> _Key:
    """The exception that decides about an account, as the key of its line."""
    reason, place = decision.reason, str(decision.place)
    if reason in _OVERRIDES:
        return "override", place
    if reason == "has-team" and any(str(each.place) == place for each in matched.overrides.get(decision.company, ())):
        return "override", place
    if reason == "dispute":
        return "dispute", place
    if reason in ("locked", "changed-by-person"):
        return reason, ""
    return ("protect", reason) if decision.outcome is Outcome.HELD else ("", "")


def _without_any(thought: Deliberation) -> Mapping[str, Decision]:
    """The book decided as if there were no exception at all."""
    pack = replace(thought.pack, overrides=(), disputes=(), protect=(), deal_holdouts=())
    book = thought.source.book
    loose = tuple(_loosened(each) for each in book.facts)
    found = decide(pack, Book(loose, book.directory, memory=book.memory), thought.now)
    return {each.company: each for each in found if each.role == _OWNER}


def _loosened(facts: Facts) -> Facts:
    if facts.changed_by_person_at is None and "locked" not in facts.values:
        return facts
    values = {name: value for name, value in facts.values.items() if name != "locked"}
    return replace(facts, values=values, changed_by_person_at=None)


def _would_move(decision: Decision, free: Decision | None, pack: Pack) -> bool:
    """Whether this exception alone keeps an account from another owner: none below it would hold it too."""
    names = _HOLDS | {rule.name for rule in pack.protect}
    if free is None or any(reason in names for reason, _ in decision.outranked):
        return False
    kept = decision.owner.email if decision.owner is not None else None
    return free.owner is not None and free.owner.email != kept


def _count(cost: Cost, facts: Facts, moves: bool) -> None:
    money = pipeline_of(facts)
    cost.accounts.append(facts.key)
    cost.money += money
    if moves:
        cost.moving.append(facts.key)
        cost.moving_money += money


def _count_holdouts(
    thought: Deliberation, frame: Frame, costs: Mapping[_Key, Cost], owner: Mapping[str, Decision]
) -> None:
    """The open opportunities under each holdout; those whose account changes its owner now are the ones that cost."""
    by_account = _by_account(thought.source.open_opportunities)
    for company, facts in thought.facts.items():
        for record in (record for ref in facts.refs for record in by_account.get(ref, ())):
            holdout = _first_holdout(record, facts, frame, owner[company].territory)
            if holdout is None:
                continue
            cost, seen = costs["deal-holdout", str(holdout.place)], _seen(record, facts)
            amount = seen if seen is not None else _NOTHING
            cost.opportunities += 1
            cost.money += amount
            if owner[company].outcome is Outcome.CHANGE:
                cost.moving.append(str(record.ref))
                cost.moving_money += amount


def _by_account(records: Iterable[Record]) -> Mapping[Ref, list[Record]]:
    found: defaultdict[Ref, list[Record]] = defaultdict(list)
    for record in records:
        if record.account is not None and not record.deleted:
            found[Ref(record.ref.system, Kind.ACCOUNT, record.account)].append(record)
    return found


def _first_holdout(record: Record, facts: Facts, frame: Frame, territory: str | None) -> DealHoldout | None:
    return next(_holdouts(record, facts, frame, territory), None)


def _holdouts(record: Record, facts: Facts, frame: Frame, territory: str | None) -> Iterator[DealHoldout]:
    seen = next((each for each in facts.opportunities if each.key == str(record.ref)), None)
    for holdout in frame.pack.deal_holdouts if seen is not None else ():
        over = holdout.expires is not None and holdout.expires < frame.today
        outside = holdout.territory is not None and not is_within(territory, holdout.territory)
        if seen is not None and not over and not outside and holds(holdout.opportunities, seen, frame.context):
            yield holdout


def _seen(record: Record, facts: Facts) -> Decimal | None:
    """The amount of an opportunity in the reporting currency."""
    for each in facts.opportunities:
        if each.key == str(record.ref):
            value = each.values.get("amount")
            return value if isinstance(value, Decimal) else None
    return None
