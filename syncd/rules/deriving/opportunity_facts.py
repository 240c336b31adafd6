"""Opportunities as rules see them, and the account fields that are derived from a company's opportunities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache, reduce

from syncd.model.fields import FieldType
from syncd.model.normalisation.numbers import EXACT
from syncd.rules.deriving.field_values import RawValue, ValueReader
from syncd.rules.facts import OpportunityFacts, Value
from syncd.rules.matching.time_window import WON_WINDOW, EvaluationContext, past_edge

ZERO = Decimal(0)


def read_opportunity(
    key: str,
    raw: Mapping[str, RawValue],
    fields: Mapping[str, FieldType],
    reader: ValueReader,
    remarks: list[str],
) -> OpportunityFacts:
    """One opportunity from raw texts by field name; it is open unless it is closed or won. Remarks are appended."""
    values: dict[str, Value] = {}
    for name, text in raw.items():
        type_ = fields.get(name)
        if type_ is None:
            continue
        value, problem = reader.read(type_, text, None)
        if value is not None:
            values[name] = value
        if problem is not None:
            remarks.append(f"opportunity {key}: {name}: {problem}")
    owner = values.get("owner")
    is_open = not (values.get("is_closed") is True or values.get("is_won") is True)
    return OpportunityFacts(key, values, is_open, owner if isinstance(owner, str) else None)


def total(amounts: Iterable[Value | None]) -> Decimal:
    """The exact sum of the numbers among the values; 0 for none."""
    return reduce(EXACT.add, (amount for amount in amounts if isinstance(amount, Decimal)), ZERO)


@lru_cache(maxsize=1024)
def counted(count: int) -> Decimal:
    """A count as a value; small ones are one object however many companies have them."""
    return Decimal(count)


def shared(elements: Iterable[str]) -> frozenset[str]:
    """A set as a value; equal ones are one object as long as few differ."""
    return _same_set(frozenset(elements))


@lru_cache(maxsize=4096)
def _same_set(elements: frozenset[str]) -> frozenset[str]:
    return elements


def worth_keeping(opportunity: OpportunityFacts, context: EvaluationContext) -> bool:
    """Whether rules may still ask for it: open, or won and not before the twelve months that sums look back on."""
    return opportunity.is_open or (
        opportunity.values.get("is_won") is True and _won_on(opportunity) >= past_edge(WON_WINDOW, context)
    )


def derived_from_opportunities(
    opportunities: Iterable[OpportunityFacts], context: EvaluationContext
) -> dict[str, Value]:
    """The derived fields; counts, sums and sets are never missing, last_won_at is where nothing was won."""
    everything = tuple(opportunities)
    still_open = [each for each in everything if each.is_open]
    won = [each for each in everything if each.values.get("is_won") is True and "close_date" in each.values]
    edge = past_edge(WON_WINDOW, context)
    recent = [each for each in won if edge <= _won_on(each) <= context.now]
    derived: dict[str, Value] = {
        "open_opportunities": counted(len(still_open)),
        "open_pipeline": total(each.values.get("amount") for each in still_open),
        "open_stages": shared(stage for each in still_open if isinstance(stage := each.values.get("stage"), str)),
        "won_amount_12m": total(each.values.get("amount") for each in recent),
        "won_count_12m": counted(len(recent)),
    }
    if won:
        derived["last_won_at"] = max(_won_on(each) for each in won)
    return derived


def _won_on(opportunity: OpportunityFacts) -> datetime:
    closed = opportunity.values.get("close_date")
    return closed if isinstance(closed, datetime) else datetime.min.replace(tzinfo=UTC)


def kept_deals(deals: Iterable[OpportunityFacts], context: EvaluationContext) -> tuple[OpportunityFacts, ...]:
    """The opportunities that rules may still ask for, in the order of their keys."""
    return tuple(sorted((each for each in deals if worth_keeping(each, context)), key=lambda each: each.key))
