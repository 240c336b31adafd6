"""Conditions in plain English: what a person would say instead of `employees: ">= 1000"`.

It must say exactly what the matcher does, never more; what it has no words for it quotes as written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from syncd.model.fields import FieldType
from syncd.model.normalisation import text as folded
from syncd.model.normalisation.titles import country_title, state_title
from syncd.report.wording import plain
from syncd.rules.conditions import (
    AllOf,
    Always,
    AnyOf,
    Condition,
    FieldTest,
    InSegment,
    NoneOf,
    Not,
    OpportunityTest,
)
from syncd.rules.facts import Value
from syncd.rules.findings import Findings
from syncd.rules.matching.date_matchers import InPeriod, Last, Next, NotSince, OlderThan
from syncd.rules.matching.matchers import (
    AllElements,
    AllMatchers,
    AnyElement,
    AnyMatcher,
    Contains,
    EndsWith,
    EqualTo,
    Glob,
    InList,
    InTerritory,
    Interval,
    Matcher,
    Missing,
    NoElement,
    PostalRange,
    Present,
    StartsWith,
)
from syncd.rules.matching.matchers import NoneOf as NotAmong
from syncd.rules.matching.time_window import Duration, Period
from syncd.rules.nodes import Scalar
from syncd.rules.nodes import Sequence as Items
from syncd.rules.reading.yaml_reader import read_yaml

_UNITS = {"d": "day", "w": "week", "mo": "month", "y": "year", "h": "hour", "min": "minute"}
_STEPS = {-1: "last", 0: "this", 1: "next"}
_CALLED = {
    "employees": "number of employees",
    "open_opportunities": "number of open opportunities",
    "open_stages": "stages of its open opportunities",
    "won_amount_12m": "amount won in the last 12 months",
    "won_count_12m": "number of deals won in the last 12 months",
    "last_won_at": "day of its last won deal",
    "last_activity_at": "day of the last activity",
    "created_at": "day it was created",
    "owner_changed_at": "day its owner changed",
    "children": "number of child accounts",
    "family_employees": "number of employees of the whole family",
    "family_open_pipeline": "open pipeline of the whole family",
    "systems": "systems it is in",
    "salesforce_id": "Salesforce id",
    "hubspot_id": "HubSpot id",
    "territory": "territory it was last in",
}
_MOST_VALUES = 24
_MOST_WAYS = 8


@dataclass(frozen=True, slots=True)
class Words:
    """What the phrases need of the settings and the pack: the reporting currency, and how long each named list is."""

    currency: str
    lists: dict[str, int]


def clauses(condition: Condition, words: Words) -> list[str]:
    """The condition as clauses that must all hold, each without a verb before it: `the country is Germany`."""
    match condition:
        case Always():
            return []
        case AllOf(conditions):
            return [clause for each in conditions for clause in clauses(each, words)]
        case _:
            return [_clause(condition, words)]


def called(field: str) -> str:
    """A field as people call it: `number of employees`."""
    return _CALLED.get(field, field.replace("_", " "))


def joined(parts: Iterable[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    found = list(parts)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} {word} {found[-1]}"


def span(duration: Duration) -> str:
    """`90 days`, `1 month`."""
    return f"{duration.count:,} {_UNITS[duration.unit]}{'s' if duration.count != 1 else ''}"


def amount(value: Decimal) -> str:
    """A number with commas, without zeros that say nothing."""
    shown = f"{value:,f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _clause(condition: Condition, words: Words) -> str:
    match condition:
        case FieldTest():
            return _field(condition, words)
        case AllOf(conditions):
            return joined(_grouped(each, words) for each in conditions)
        case AnyOf(conditions):
            return f"at least one of these holds: {_ways(conditions, words)}"
        case NoneOf(conditions):
            return f"none of these holds: {_ways(conditions, words)}"
        case InSegment(names):
            return f"it is in the segment {joined((f'“{name}”' for name in names), 'or')}"
        case Not(inner):
            return f"it is not so that {_clause(inner, words)}"
        case OpportunityTest("any", inner):
            return f"there is an open opportunity for which {joined(clauses(inner, words)) or 'anything holds'}"
        case OpportunityTest(_, inner):
            return f"there is no open opportunity for which {joined(clauses(inner, words)) or 'anything holds'}"
        case Always():
            return "anything holds"


def _grouped(condition: Condition, words: Words) -> str:
    said = _clause(condition, words)
    return f"({said})" if isinstance(condition, AllOf) and len(condition.conditions) > 1 else said


def _ways(conditions: Sequence[Condition], words: Words) -> str:
    """Alternatives, numbered; of very many (the rows of a table) the first, and how many there are."""
    shown = [f"({number}) {_clause(each, words)}" for number, each in enumerate(conditions[:_MOST_WAYS], start=1)]
    more = len(conditions) - len(shown)
    place = conditions[-1].place
    where = f", down to {place.path}:{place.line}" if place is not None else ""
    return "; ".join(shown) + (f"; and {more:,} more like these{where}" if more else "")


def _field(test: FieldTest, words: Words) -> str:
    return f"the {called(test.field)} {_said(test.matcher, test.type, words)}"


def _said(matcher: Matcher, type_: FieldType, words: Words) -> str:
    """What is said of the field, from its verb on."""
    match matcher:
        case Missing():
            return "is not known"
        case Present():
            return "is known"
        case EqualTo(_, value):
            return f"is {_value(value, type_, matcher.text, words)}"
        case InList(_, _, str(name)) | AnyElement(_, _, str(name)):
            return f"is in the list “{name}” ({words.lists.get(name, len(matcher.values)):,} entries)"
        case InList(_, values):
            return f"is {_values(values, type_, matcher.text, 'or', words)}"
        case NotAmong(_, values):
            return f"is known and is not {_values(values, type_, matcher.text, 'or', words)}"
        case AnyElement(_, values):
            verb = "include" if type_ is FieldType.SEVERAL else "is"
            return f"{verb} {_values(values, type_, matcher.text, 'or', words)}"
        case AllElements(_, values):
            return f"include all of {_values(values, type_, matcher.text, 'and', words)}"
        case NoElement(_, values):
            verb = "include none of" if type_ is FieldType.SEVERAL else "is known and is none of"
            return f"{verb} {_values(values, type_, matcher.text, 'and', words)}"
        case AnyMatcher(_, items):
            return joined((_said(_as_written(item, matcher), type_, words) for item in items), "or")
        case AllMatchers(_, items):
            return joined(_said(item, type_, words) for item in items)
        case InTerritory(_, territories, negated):
            return f"{'was not' if negated else 'was'} {joined(sorted(territories), 'or')} or below"
        case _:
            return _text_said(matcher) or _measured(matcher, type_, words) or f"fits `{plain(matcher.text)}`"


def _as_written(item: Matcher, whole: Matcher) -> Matcher:
    return item if item.text else whole


def _text_said(matcher: Matcher) -> str | None:
    match matcher:
        case Contains(_, part):
            return f"contains “{plain(part)}”"
        case StartsWith(_, part):
            return f"begins with “{plain(part)}”"
        case EndsWith(_, part):
            return f"ends with “{plain(part)}”"
        case PostalRange(_, low, high):
            return f"is from {low} to {high} (codes of {len(low)} digits)"
        case Glob(_, pattern):
            return _glob(pattern)
    return None


def _glob(pattern: str) -> str:
    inner = pattern.strip("*")
    if not inner or set(inner) & {"*", "?"}:
        return f"fits the pattern “{plain(pattern)}” (* stands for anything, ? for one character)"
    if pattern == f"*{inner}*":
        return f"contains “{plain(inner)}”"
    return f"begins with “{plain(inner)}”" if pattern == f"{inner}*" else f"ends with “{plain(inner)}”"


def _measured(matcher: Matcher, type_: FieldType, words: Words) -> str | None:
    unit = f" {words.currency}" if type_ is FieldType.MONEY else ""
    match matcher:
        case Interval(_, Decimal() as low, Decimal() as high, True, True):
            return f"is from {amount(low)} to {amount(high)}{unit}"
        case Interval(_, Decimal() as low, None, included):
            return f"is {'at least' if included else 'more than'} {amount(low)}{unit}"
        case Interval(_, None, Decimal() as high, _, included):
            return f"is {'at most' if included else 'less than'} {amount(high)}{unit}"
        case Last(_, duration):
            return f"was in the last {span(duration)}"
        case Next(_, duration):
            return f"is in the next {span(duration)}"
        case OlderThan(_, duration):
            return f"was more than {span(duration)} ago"
        case NotSince(_, duration):
            return f"was more than {span(duration)} ago or is not known"
        case InPeriod(_, period):
            return f"is in {_period(period)}"
    return None


def _period(period: Period) -> str:
    name = {1: "month", 3: "fiscal quarter", 12: "fiscal year"}.get(period.months, f"{period.months} months")
    return f"{_STEPS.get(period.step, 'another')} {name}"


def _values(values: frozenset[Value], type_: FieldType, written: str, word: str, words: Words) -> str:
    shown = sorted({_value(value, type_, written, words) for value in values}, key=str.casefold)
    more = len(shown) - _MOST_VALUES
    return joined(shown[:_MOST_VALUES] + ([f"one of {more:,} more"] if more > 0 else []), word)


def _value(value: Value, type_: FieldType, written: str, words: Words) -> str:
    """One value as a person writes it: places by name, texts in the letters of the pack."""
    if isinstance(value, Decimal):
        return amount(value) + (f" {words.currency}" if type_ is FieldType.MONEY else "")
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if not isinstance(value, str):
        return "true" if value is True else "false" if value is False else joined(sorted(value))
    if type_ is FieldType.COUNTRY:
        return plain(country_title(value))
    if type_ is FieldType.STATE:
        return plain(state_title(value))
    return plain(next((item for item in _items(written) if folded(item) == value), value))


def _items(written: str) -> tuple[str, ...]:
    """The texts of a matcher as written, such as `[Banking, Insurance]`, or the cells of a table, `A | B`."""
    root = read_yaml(written.encode("utf-8", "replace"), "", Findings()).root
    if isinstance(root, Items):
        return tuple(item.text for item in root.items if isinstance(item, Scalar))
    cells = tuple(cell.strip() for cell in written.split("|"))
    return cells if len(cells) > 1 else (root.text if isinstance(root, Scalar) else written,)
