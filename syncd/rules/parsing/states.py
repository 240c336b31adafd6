"""States in rules: a bare `CA` needs a path that fixes the country; and what a path fixes.

A path is the conditions that hold where a matcher stands: the territory's ancestors and the other entries beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from syncd.model.fields import FieldType
from syncd.model.normalisation import country_codes, state, text
from syncd.rules.conditions import AllOf, AnyOf, Condition, FieldTest, InSegment
from syncd.rules.matching.matchers import AllMatchers, AnyMatcher, EqualTo, InList, Matcher, Missing

Countries = frozenset[str]


@dataclass(frozen=True, slots=True)
class StateReading:
    """What a state in a rule was read as: its code, or cleaned text with a remark, or an error."""

    value: str
    error: str | None = None
    warning: str | None = None


def narrowed(outer: Countries | None, inner: Countries | None) -> Countries | None:
    """The countries of two conditions that both hold; None fixes none. Where they contradict, the inner ones count."""
    if outer is None or inner is None:
        return inner if outer is None else outer
    return outer & inner or inner


def fixed_countries(condition: Condition) -> Countries | None:
    """The countries to which a condition restricts an account by equality or list; None where it fixes none."""
    match condition:
        case FieldTest("country", FieldType.COUNTRY, matcher):
            return _countries_of(matcher)
        case AllOf(conditions):
            return reduce(narrowed, (fixed_countries(each) for each in conditions), None)
        case AnyOf(conditions) | InSegment(_, conditions):
            return united([fixed_countries(each) for each in conditions])
        case _:
            return None


def united(branches: list[Countries | None]) -> Countries | None:
    """The countries of alternatives: None if one of them fixes none, or if there are none."""
    fixed = [branch for branch in branches if branch is not None]
    return frozenset().union(*fixed) if fixed and len(fixed) == len(branches) else None


def _countries_of(matcher: Matcher) -> Countries | None:
    match matcher:
        case EqualTo(_, value):
            found = frozenset((str(value),))
        case InList(_, values):
            found = frozenset(str(value) for value in values)
        case AnyMatcher(_, items):
            # An account without a country has no state code that a rule could equal: `missing` needs no country.
            return united([_countries_of(item) for item in items if not isinstance(item, Missing)])
        case AllMatchers(_, items):
            return reduce(narrowed, (_countries_of(item) for item in items), None)
        case _:
            return None
    return found & country_codes() or None


def read_state(raw: str, countries: Countries | None, default: str | None) -> StateReading:
    """A state as a rule writes it, on a path that fixes `countries`, in a pack with the `default` country."""
    full = state(raw, None)
    if full is not None:
        return StateReading(full)
    candidates = sorted(countries) if countries else [default] if default else []
    found = {country: code for country in candidates if (code := state(raw, country)) is not None}
    if len(found) == 1:
        return StateReading(next(iter(found.values())))
    if not candidates:
        return StateReading(text(raw), error=f"which country's {raw!r}? Nothing on this path fixes the country")
    if found:
        both = " and ".join(found)
        return StateReading(text(raw), error=f"{raw!r} is a state of {both}, and both are on this path")
    if countries and len(countries) == 1:
        return StateReading(text(raw), warning=f"{raw!r} is no state of {candidates[0]}")
    return StateReading(text(raw), error=f"{raw!r} is no state of {', '.join(candidates)}")
