"""Search: filters over the index, one sort, a window of 10,000 hits (hubspot.md 2.2).

It matches against what the index knows, which may be behind the store, and returns ids; rendering is another's work.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.sandbox.hubspot.definitions import Property, text_property
from syncd.sandbox.hubspot.quirks import Quirks
from syncd.sandbox.hubspot.records import ObjectTable, View
from syncd.sandbox.hubspot.refusals import plain, validation
from syncd.sandbox.hubspot.values import read_stamp

WINDOW = 10_000
LARGEST_PAGE = 200
_BLOCK = 7
_GHOST = -1
_PLAIN = frozenset({"LT", "LTE", "GT", "GTE", "EQ", "NEQ", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"})
_OPERATORS = _PLAIN | {"BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"}
Comparable = float | str
Test = Callable[[Mapping[str, str], int, int], bool]
"""Whether a state of a record (properties, stamp, id) passes a filter."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A checked search request."""

    groups: tuple[tuple[Mapping[str, Any], ...], ...]
    sort: tuple[str, bool]
    text: str
    limit: int
    after: int


@dataclass(frozen=True, slots=True)
class Hits:
    """The ids of one page, how many hits there are, the next offset, and the views of hits the index is behind on."""

    ids: Sequence[int]
    total: int
    after: int | None
    stale: Mapping[int, View]


class Searcher:
    """Runs searches over one table; remembers the hits of its last query, so that a walk by id stays quick."""

    def __init__(self, table: ObjectTable, quirks: Quirks) -> None:
        self._table = table
        self._quirks = quirks
        self._remembered: tuple[str, int, list[int]] = ("", -1, [])

    def run(self, query: SearchQuery, now: int) -> Hits:
        """One page of hits."""
        stale = self._table.stale_views(now)
        hits = self._above(self._hits(query, stale), query)
        total = len(hits)
        if self._quirks.hits_out_of_order:
            hits = [key for start in range(0, total, _BLOCK) for key in reversed(hits[start : start + _BLOCK])]
        hits = [_GHOST] * self._quirks.ghost_hits + hits
        total = len(hits)
        end = min(query.after + min(query.limit, self._quirks.short_search_pages or query.limit), WINDOW)
        page = hits[query.after : end]
        every = self._quirks.duplicate_hits
        if every:
            page = [key for place, hit in enumerate(page, start=1) for key in [hit] * (1 + (place % every == 0))]
        after = end if end < total else None
        return Hits(page, max(0, total + self._quirks.total_off_by), after, stale)

    def _hits(self, query: SearchQuery, stale: Mapping[int, View]) -> list[int]:
        """All hits in order, the lower bound on the id aside; remembered while nothing changes."""
        groups = [[one for one in group if not self._is_floor(query, one)] for group in query.groups]
        key = json.dumps([groups, query.sort, query.text, self._quirks.id_order], sort_keys=True)
        if not stale and self._remembered[:2] == (key, self._table.revision):
            return self._remembered[2]
        tests = [[self._test(one) for one in group] for group in groups] or [[]]
        hits: set[int] = set()
        for group, group_tests in zip(groups or [[]], tests, strict=True):
            hits.update(self._matching(group, group_tests, stale, query.text.lower()))
        ordered = self._sorted(hits, query.sort, stale)
        if not stale:
            self._remembered = (key, self._table.revision, ordered)
        return ordered

    def _matching(
        self, group: Iterable[Mapping[str, Any]], tests: Sequence[Test], stale: Mapping[int, View], text: str
    ) -> Iterable[int]:
        def passes(properties: Mapping[str, str], stamp: int, key: int) -> bool:
            return all(test(properties, stamp, key) for test in tests) and (not text or _mentions(properties, text))

        entries = self._table.entries
        for key in self._candidates(group):
            if key not in stale and passes(entries[key].properties, entries[key].updated, key):
                yield key
        for key, view in stale.items():
            if view.properties is not None and passes(view.properties, view.updated, key):
                yield key

    def _candidates(self, group: Iterable[Mapping[str, Any]]) -> list[int]:
        """Live ids, narrowed by the bounds on the modification stamp."""
        lower: float = float("-inf")
        upper: float = float("inf")
        for one in group:
            if one["propertyName"] != self._table.kind.stamp:
                continue
            operator, value = one["operator"], one.get("value", "")
            if operator in ("GT", "GTE", "EQ", "BETWEEN"):
                lower = max(lower, read_stamp(str(value)))
            if operator in ("LT", "LTE", "EQ"):
                upper = min(upper, read_stamp(str(value)))
            if operator == "BETWEEN":
                upper = min(upper, read_stamp(str(one.get("highValue", ""))))
        if lower == float("-inf") and upper == float("inf"):
            return self._table.live
        stamps = self._table.stamps
        start = 0 if lower == float("-inf") else bisect_left(stamps, (int(lower), -1))
        end = len(stamps) if upper == float("inf") else bisect_right(stamps, (int(upper), 2**63))
        return [key for _, key in stamps[start:end]]

    def _is_floor(self, query: SearchQuery, one: Mapping[str, Any]) -> bool:
        """Whether a filter is the lower bound of a walk by id, which `_above` applies."""
        return (
            len(query.groups) == 1
            and query.sort == ("hs_object_id", True)
            and one["propertyName"] == "hs_object_id"
            and one["operator"] == "GT"
        )

    def _above(self, hits: list[int], query: SearchQuery) -> list[int]:
        """The hits above the walk's lower bound."""
        for group in query.groups[:1]:
            for one in group:
                if self._is_floor(query, one):
                    place = bisect_right(hits, self._id_key(str(one["value"])), key=lambda key: self._id_key(str(key)))
                    hits = hits[place:]
        return hits

    def _id_key(self, text: str) -> Any:
        """An id as it is ordered: as a number, or as text where the switch says so."""
        return text if self._quirks.id_order == "text" else _number(text)

    def _sorted(self, hits: Iterable[int], sort: tuple[str, bool], stale: Mapping[int, View]) -> list[int]:
        name, ascending = sort
        if name == "hs_object_id":
            return sorted(hits, key=lambda key: self._id_key(str(key)), reverse=not ascending)
        definition = self._table.definitions.get(name, text_property(name))

        def place(key: int) -> tuple[bool, Any]:
            entry = self._table.entries.get(key)
            view = stale.get(key)
            known = view.properties if view is not None else entry.properties if entry is not None else None
            value = (known or {}).get(name)
            return (value is None, "" if value is None else _comparable(definition, value))

        present = [key for key in sorted(hits) if not place(key)[0]]
        absent = [key for key in sorted(hits) if place(key)[0]]
        return sorted(present, key=place, reverse=not ascending) + absent

    def _test(self, one: Mapping[str, Any]) -> Test:
        """A filter as a function."""
        name, operator = one["propertyName"], one["operator"]
        if name == self._table.kind.stamp and operator in ("LT", "LTE", "GT", "GTE", "EQ", "NEQ"):
            return _stamp_test(operator, read_stamp(str(one["value"])))
        if name == "hs_object_id" and self._quirks.id_order == "text":
            definition = text_property(name)
        else:
            definition = self._table.definitions.get(name, text_property(name))
        return _value_test(definition, one)


def _stamp_test(operator: str, wanted: int) -> Test:
    match operator:
        case "LT":
            return lambda _, stamp, __: stamp < wanted
        case "LTE":
            return lambda _, stamp, __: stamp <= wanted
        case "GT":
            return lambda _, stamp, __: stamp > wanted
        case "GTE":
            return lambda _, stamp, __: stamp >= wanted
        case "EQ":
            return lambda _, stamp, __: stamp == wanted
        case _:
            return lambda _, stamp, __: stamp != wanted


def _value_test(definition: Property, one: Mapping[str, Any]) -> Test:
    """A filter on a property; a record without a value passes only NOT_HAS_PROPERTY, NEQ and the NOT_ forms."""
    name, operator = definition.name, one["operator"]
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        present = operator == "HAS_PROPERTY"
        return lambda properties, _, __: (name in properties) is present
    if operator in ("IN", "NOT_IN"):
        values = {_comparable(definition, str(value)) for value in one["values"]}
        inside = operator == "IN"
        return lambda properties, _, __: (
            (name in properties and _comparable(definition, properties[name]) in values) is inside
        )
    wanted = _comparable(definition, str(one["value"]))
    high = _comparable(definition, str(one.get("highValue", ""))) if operator == "BETWEEN" else wanted
    absent = operator in ("NEQ", "NOT_CONTAINS_TOKEN")

    def test(properties: Mapping[str, str], _: int, __: int) -> bool:
        value = properties.get(name)
        return absent if value is None else _holds(operator, _comparable(definition, value), wanted, high)

    return test


def _holds(operator: str, value: Any, wanted: Any, high: Any) -> bool:
    match operator:
        case "EQ":
            return bool(value == wanted)
        case "NEQ":
            return bool(value != wanted)
        case "LT":
            return bool(value < wanted)
        case "LTE":
            return bool(value <= wanted)
        case "GT":
            return bool(value > wanted)
        case "GTE":
            return bool(value >= wanted)
        case "BETWEEN":
            return bool(wanted <= value <= high)
        case "CONTAINS_TOKEN":
            return _has_token(str(value), str(wanted))
        case _:
            return not _has_token(str(value), str(wanted))


def _has_token(value: str, wanted: str) -> bool:
    """Whether a word of the value is the wanted one; `*` stands for the rest of a word at either end."""
    words = "".join(char if char.isalnum() else " " for char in value).split()
    core = wanted.strip("*")
    if wanted.startswith("*") and wanted.endswith("*"):
        return any(core in word for word in words) or core in value
    if wanted.endswith("*"):
        return any(word.startswith(core) for word in words)
    if wanted.startswith("*"):
        return any(word.endswith(core) for word in words)
    tokens = "".join(char if char.isalnum() else " " for char in wanted).split()
    return all(token in words for token in tokens)


def _comparable(definition: Property, text: str) -> Comparable:
    """A value as it is compared: numbers and instants by size, text in small letters."""
    match definition.type:
        case "number":
            return _number(text)
        case "datetime" | "date":
            try:
                return float(read_stamp(text))
            except ValueError:
                return float("nan")
        case _:
            return text.lower()


def _number(text: str) -> float:
    """A number as it is compared; what is none equals nothing. Exact for record ids below 2^53."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _mentions(properties: Mapping[str, str], text: str) -> bool:
    return any(text in value.lower() for value in properties.values())


def read_query(document: Any, table: ObjectTable, quirks: Quirks) -> SearchQuery:
    """The checked query of a request body; a Refusal for what HubSpot refuses."""
    if not isinstance(document, dict):
        raise validation("Invalid input JSON", code="INVALID_JSON")
    text = str(document.get("query") or "")
    if len(text) > 3_000:
        raise validation("The query is longer than 3000 characters")
    limit = document.get("limit", 10)
    if not isinstance(limit, int) or not 0 <= limit <= LARGEST_PAGE:
        raise validation(f"limit must be between 0 and {LARGEST_PAGE}", limit=[str(limit)])
    return SearchQuery(_groups(document, table), _sort(document, quirks), text, limit, _offset(document.get("after")))


def _offset(after: Any) -> int:
    text = str(after if after is not None else "0") or "0"
    if not text.isdecimal():
        raise validation("after must be an integer-formatted string", after=[text])
    if int(text) >= WINDOW:
        raise plain(400, "VALIDATION_ERROR", f"There was a problem with the request: paging past {WINDOW} results")
    return int(text)


def _sort(document: Mapping[str, Any], quirks: Quirks) -> tuple[str, bool]:
    """The property to sort by and whether upwards. Without one, the oldest record comes first."""
    sorts = document.get("sorts") or []
    if not isinstance(sorts, list) or (len(sorts) > 1 and quirks.extra_sorts == "refuse"):
        raise validation("Only one sort is supported", sorts=[str(len(sorts))])
    if not sorts:
        return ("createdate", True)
    first = sorts[0]
    if isinstance(first, str):
        return (first.removeprefix("-"), not first.startswith("-"))
    if not isinstance(first, dict) or "propertyName" not in first:
        raise validation("A sort names its propertyName")
    return (str(first["propertyName"]), first.get("direction", "ASCENDING") != "DESCENDING")


def _groups(document: Mapping[str, Any], table: ObjectTable) -> tuple[tuple[Mapping[str, Any], ...], ...]:
    """The filter groups, joined by OR; a list of `filters` at the top is one group."""
    groups = document.get("filterGroups") or []
    if document.get("filters"):
        groups = [*groups, {"filters": document["filters"]}]
    filters = [list(group.get("filters") or []) for group in groups]
    if len(filters) > 5 or any(len(group) > 6 for group in filters) or sum(map(len, filters)) > 18:
        raise validation("At most 5 filterGroups, 6 filters in each and 18 filters in total are allowed")
    for one in (one for group in filters for one in group):
        _check_filter(one, table)
    return tuple(tuple(group) for group in filters)


def _check_filter(one: Any, table: ObjectTable) -> None:
    name, operator = str(one.get("propertyName", "")), one.get("operator")
    if operator not in _OPERATORS:
        raise validation(f"{operator} is not a known operator", operator=[str(operator)])
    if not table.visible(name):
        raise validation(f"There was a problem with the request: unknown property {name}", propertyName=[name])
    if operator in ("IN", "NOT_IN"):
        if not isinstance(one.get("values"), list) or not one["values"]:
            raise validation(f"{operator} needs values", propertyName=[name])
    elif operator not in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        wanted = [one.get("value")] + ([one.get("highValue")] if operator == "BETWEEN" else [])
        if any(value is None for value in wanted):
            raise validation(f"{operator} needs a value", propertyName=[name])
        if table.definitions[name].type == "datetime" and not all(_is_stamp(str(value)) for value in wanted):
            raise validation(f"{wanted[0]} is not a valid date for {name}", propertyName=[name])


def _is_stamp(text: str) -> bool:
    try:
        read_stamp(text)
    except ValueError:
        return False
    return True
