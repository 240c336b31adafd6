"""Repricing: a matcher of money whose constants were written in another currency, at the rates of another table.

A company whose decision is held to the table of its last applied one is compared with rules at that table's rates
(RULES.md section 3, money). Knows matchers of amounts only; nothing here reads fields, facts or files.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from syncd.model.money import ConvertedAmount, MoneyTable
from syncd.rules.facts import Value
from syncd.rules.matching.matchers import AllMatchers, AnyMatcher, EqualTo, InList, Interval, Matcher, NoneOf


@lru_cache(maxsize=8192)
def repriced(matcher: Matcher, table: MoneyTable) -> Matcher:
    """The matcher with every amount of another currency at the rates of `table`; itself where it has none.

    An amount whose currency has no rate in that table keeps the rate under which the pack was read. What was worked out
    is remembered by the matcher's whole text and values: equal ones were written alike, so they are repriced alike.
    """
    match matcher:
        case Interval(low=low, high=high):
            return replace(matcher, low=_at(low, table), high=_at(high, table))
        case EqualTo(value=value):
            return replace(matcher, value=_value_at(value, table))
        case InList(values=values) | NoneOf(values=values):
            return replace(matcher, values=frozenset(_value_at(value, table) for value in values))
        case AnyMatcher(items=items) | AllMatchers(items=items):
            return replace(matcher, items=tuple(repriced(item, table) for item in items))
    return matcher


def _at(amount: Decimal | None, table: MoneyTable) -> Decimal | None:
    return _converted(amount, table) if isinstance(amount, ConvertedAmount) else amount


def _value_at(value: Value, table: MoneyTable) -> Value:
    return _converted(value, table) if isinstance(value, ConvertedAmount) else value


def _converted(amount: ConvertedAmount, table: MoneyTable) -> Decimal:
    converted = table.convert(*amount.written)
    return amount if converted is None else converted
