"""AccountChurned: a customer is lost. Told once, when it is seen to happen between two complete mirrors.

The pack's `when` says what churned means; without it, type or lifecycle does. A customer whose last renewal was lost,
and one whose record was deleted or merged away, counts too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from syncd.alerts import options
from syncd.alerts.closings import LostRenewal, is_renewal
from syncd.alerts.companies import (
    MOST_LISTED,
    amount,
    in_words,
    is_churned_by_default,
    is_customer,
    listed,
    money,
    name_of,
    total,
)
from syncd.alerts.view import Evaluation, Monitor, MonitorView, Signal, Standing
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref
from syncd.rules.conditions import holds
from syncd.rules.facts import Facts

NAME = "AccountChurned"
CHURNED, CUSTOMER, OTHER = "churned", "customer", "other"
MOST_SINGLE = 20
"""More accounts than this at once are one alert with a list: a data load, not so many conversations."""
_WON = "won_amount_12m"


def customers_missing(seen: Mapping[str, str], facts: Iterable[Facts]) -> tuple[Ref, ...]:
    """The records that were customers when last looked at and are no company's live record now."""
    live = {str(ref) for company in facts for ref in company.refs}
    return tuple(Ref.parse(key) for key, state in seen.items() if state == CUSTOMER and key not in live)


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each company that was not churned and now is, and for each customer record that is gone."""
    seen = view.seen_by(NAME)
    rule, context = view.rule(NAME), view.evaluation_context()
    renewals = _renewals(view) if options.flag(rule, "renewals", default=True) else {}
    states: dict[str, str] = {}
    churned: list[tuple[Facts, LostRenewal | None]] = []
    standing: list[Standing] = []
    for facts in view.facts:
        keys = [str(ref) for ref in facts.refs]
        if not all(ref.system in view.fresh for ref in facts.refs):
            states.update((key, seen[key]) for key in keys if key in seen)
            continue
        if rule.except_ is not None and holds(rule.except_, facts, context):
            continue
        state = _state(facts, view)
        lost = _lost_for_good(facts, renewals) if state == CUSTOMER else None
        state = CHURNED if lost is not None else state
        states.update(dict.fromkeys(keys, state))
        before = {seen[key] for key in keys if key in seen}
        if state != CHURNED:
            continue
        is_new = bool(before) and CHURNED not in before
        if NAME in view.rebased:
            standing.append(Standing(NAME, name_of(facts), _STANDING, amount(facts, _WON), is_new))
        elif is_new:
            churned.append((facts, lost))
    states.update(_unknown(seen, states, view))
    gone = () if NAME in view.rebased else tuple(_gone(ref, record, view) for ref, record in _vanished(view))
    return Evaluation((*_signals(churned, view), *gone), states, tuple(standing))


_STANDING = "is churned already"


def _state(facts: Facts, view: MonitorView) -> str:
    when = view.rule(NAME).when
    if is_churned_by_default(facts.values) if when is None else holds(when, facts, view.evaluation_context()):
        return CHURNED
    return CUSTOMER if is_customer(facts.values) else OTHER


def _renewals(view: MonitorView) -> dict[Ref, LostRenewal]:
    """The last renewal that each account lost."""
    found: dict[Ref, LostRenewal] = {}
    for renewal in view.closings.lost_renewals:
        known = found.get(renewal.account)
        if known is None or known.closed < renewal.closed:
            found[renewal.account] = renewal
    return found


def _lost_for_good(facts: Facts, renewals: Mapping[Ref, LostRenewal]) -> LostRenewal | None:
    """The renewal that ended a customer: lost, no other one open, and nothing won since."""
    lost = max((renewals[ref] for ref in facts.refs if ref in renewals), key=lambda each: each.closed, default=None)
    if lost is None:
        return None
    won = facts.values.get("last_won_at")
    if isinstance(won, datetime) and won >= lost.closed:
        return None
    still_open = (deal for deal in facts.opportunities if deal.is_open)
    texts = ({name: str(value) for name, value in deal.values.items()} for deal in still_open)
    return None if any(is_renewal(text) for text in texts) else lost


def _unknown(seen: Mapping[str, str], states: Mapping[str, str], view: MonitorView) -> dict[str, str]:
    """What was seen of records whose system cannot be looked at now: kept as it was."""
    stale = tuple(f"{system.value}:" for system in view.systems if system not in view.fresh)
    if not stale:
        return {}
    return {key: state for key, state in seen.items() if key not in states and key.startswith(stale)}


def _vanished(view: MonitorView) -> list[tuple[Ref, Record]]:
    found = sorted(view.gone.items())
    return [(ref, record) for ref, record in found if ref.system in view.fresh and record.deleted]


def _signals(churned: list[tuple[Facts, LostRenewal | None]], view: MonitorView) -> tuple[Signal, ...]:
    if len(churned) > MOST_SINGLE:
        return (_grouped([facts for facts, _ in churned], view),)
    return tuple(_single(facts, lost, view) for facts, lost in churned)


def _single(facts: Facts, lost: LostRenewal | None, view: MonitorView) -> Signal:
    won, owner = amount(facts, _WON), facts.current_owner.email if facts.current_owner else None
    name = name_of(facts)
    return Signal(
        subject=name,
        labels={"account": facts.accounts[0]},
        summary=f"{name} churned: {in_words(won, view)} won in the last 12 months, owner {owner or 'nobody'}",
        detail={
            "who": [owner] if owner else [],
            "money": money(won, view, "won in the last 12 months"),
            "evidence": _evidence(facts, lost, view),
            "accounts": listed([facts], _WON),
            "accounts_total": 1,
            "command": f"syncd explain {facts.accounts[0]}",
        },
        systems=frozenset(ref.system for ref in facts.refs),
    )


def _evidence(facts: Facts, lost: LostRenewal | None, view: MonitorView) -> list[str]:
    told = ((field, _told(facts, field)) for field in ("type", "lifecycle", "crm_lifecycle"))
    found = [f"{field} is {text}" for field, text in told if text]
    rule = view.rule(NAME)
    if lost is not None:
        day = lost.closed.astimezone(view.evaluation_context().zone)
        found.append(f"the renewal {lost.name or lost.ref} was lost on {day:%Y-%m-%d}, and nothing was won since")
    elif rule.when is not None and rule.place is not None:
        found.append(f"churned by the pack's condition at {rule.place.path}:{rule.place.line}")
    pipeline = amount(facts, "open_pipeline")
    if pipeline:
        found.append(f"{in_words(pipeline, view)} still stand in open opportunities")
    found += [f"record {account}" for account in facts.accounts]
    return found


def _told(facts: Facts, field: str) -> str | None:
    """What a field says: as the CRM has it, else as it was derived."""
    seen, value = facts.seen.get(field), facts.values.get(field)
    return seen.raw if seen is not None else str(value) if value is not None else None


def _grouped(churned: list[Facts], view: MonitorView) -> Signal:
    won = total(amount(facts, _WON) for facts in churned)
    keys = sorted(facts.key for facts in churned)
    owners = sorted({facts.current_owner.email for facts in churned if facts.current_owner})
    return Signal(
        subject=f"{len(churned)} accounts",
        labels={"group": hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]},
        summary=f"{len(churned):,} accounts churned at once: {in_words(won, view)} won in the last 12 months",
        detail={
            "who": owners[:MOST_LISTED],
            "money": money(won, view, "won in the last 12 months"),
            "evidence": [f"{len(churned):,} accounts changed between two looks: somebody may have loaded data"],
            "accounts": listed(churned, _WON),
            "accounts_total": len(churned),
            "command": f"syncd explain {churned[0].accounts[0]}",
        },
        systems=frozenset(ref.system for facts in churned for ref in facts.refs),
    )


def _gone(ref: Ref, record: Record, view: MonitorView) -> Signal:
    name = record.fields.get("name", "").strip() or str(ref)
    user = view.users.get(Ref(ref.system, Kind.USER, record.owner)) if record.owner else None
    winner = Ref(ref.system, ref.kind, record.merged_into) if record.merged_into else None
    how = f"merged into {winner}" if winner else "deleted"
    return Signal(
        subject=name,
        labels={"account": str(ref)},
        summary=f"{name}, a customer, was {how} in {ref.system.value}, owner {user.email if user else 'nobody'}",
        detail={
            "who": [user.email] if user and user.email else [],
            "money": money(Decimal(0), view, "not known of a record that is gone"),
            "evidence": [f"record {ref} was a customer when last looked at and was {how}"],
            "accounts": [
                {"account": str(ref), "name": name, "owner": user.email if user else None, "amount": "0"},
            ],
            "accounts_total": 1,
            "command": f"syncd explain {winner}" if winner else f"syncd history {ref}",
        },
        systems=frozenset({ref.system}),
    )


MONITOR = Monitor(NAME, evaluate, edge=True, whole=False, options=frozenset({"renewals"}))
