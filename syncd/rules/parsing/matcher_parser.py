"""Matchers from nodes: which forms there are, which type has which, and what each comes to.

Which type has which form stands in matcher_table. Constants are read by operands; every problem becomes a finding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from syncd.errors import Place
from syncd.model.fields import FieldType
from syncd.model.normalisation import text
from syncd.rules.facts import Value
from syncd.rules.matching.date_matchers import InPeriod, InSpan, Last, Next, NotInSpans, NotSince, OlderThan
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
    NoneOf,
    PostalRange,
    Present,
    StartsWith,
)
from syncd.rules.matching.time_window import Duration, parse_duration, parse_period
from syncd.rules.matching.wording import written
from syncd.rules.nodes import Entry, Node, Scalar, Sequence
from syncd.rules.nodes import Mapping as MappingNode
from syncd.rules.pack import NamedList
from syncd.rules.parsing.matcher_table import (
    CODES,
    COMPARED,
    EQUALITY,
    GLOBBED,
    RANGED,
    TYPE_NAMES,
    TYPES_OF,
    duration_hint,
    no_such_hint,
    option_hint,
)
from syncd.rules.parsing.operands import (
    BOOLEANS,
    QUANTITIES,
    OperandContext,
    glob_text,
    list_values,
    pattern_text,
    quantity,
    readable_as_written,
    span_of,
    values_of,
)
from syncd.rules.suggestion import did_you_mean

T = FieldType
_COMPARISON = re.compile(r"(>=|<=|>|<)\s*(.*)", re.DOTALL)
_PLAIN = re.compile(r"\w+(?:[ .-]\w+)*")
_RANGE_IN_TEXT = re.compile(r"(?:[^.]|^)\.\.(?:[^.]|$)")
_PARTS: Mapping[str, Callable[[str, str], Matcher]] = MappingProxyType(
    {"contains": Contains, "starts_with": StartsWith, "ends_with": EndsWith}
)
_MOVING: Mapping[str, Callable[[str, Duration], Matcher]] = MappingProxyType(
    {"last": Last, "next": Next, "older_than": OlderThan, "not_since": NotSince}
)


@dataclass(frozen=True, slots=True)
class MatcherScope:
    """Where a matcher stands: its field, the pack's lists, and how its constants are read."""

    operands: OperandContext
    lists: Mapping[str, NamedList]
    unreadable: frozenset[str]
    schema_values: Mapping[str, frozenset[str]]
    territory: bool = False


class MatcherReader:
    """Reads one field's matcher; findings go to the scope's, and None stands for what could not be read."""

    def __init__(self, scope: MatcherScope) -> None:
        self._scope = scope
        self._operands = scope.operands
        self._type = scope.operands.type
        self._findings = scope.operands.findings

    def matcher(self, node: Node) -> Matcher | None:
        """The matcher that a value writes."""
        match node:
            case Scalar():
                return self._scalar(node, in_list=False)
            case Sequence():
                return self._items(node)
            case MappingNode():
                return self._options(node)

    def is_plain(self, text: str) -> bool:
        """Whether a quoted text has no sign or word that could mean something, so that it can only be a value."""
        return _PLAIN.fullmatch(text) is not None and text != "missing" and self._type is not T.BOOLEAN

    def equal(self, text: str, place: Place) -> Matcher | None:
        """The matcher of a plain text, as `matcher` would read it: tables have tens of thousands of them."""
        return self._equal(text, text, place)

    # Scalars

    def _scalar(self, node: Scalar, *, in_list: bool) -> Matcher | None:
        if not readable_as_written(node, self._type, self._findings):
            return None
        raw = node.text.strip()
        if raw == "missing":
            return Missing(raw)
        if self._known_to_schema(raw, node.place):
            return self._equal(raw, written(node), node.place)
        if raw.startswith("!="):
            return self._unequal(raw[2:].strip(), node, in_list=in_list)
        comparison = _COMPARISON.fullmatch(raw)
        if comparison:
            return self._comparison(comparison[1], comparison[2].strip(), node)
        if self._looks_ranged(raw):
            return self._range(raw, node)
        if "*" in raw or "?" in raw:
            return self._glob(raw, node)
        if self._type is T.BOOLEAN:
            return self._boolean(raw, node)
        return self._equal(raw, written(node), node.place)

    def _known_to_schema(self, raw: str, place: Place) -> bool:
        """A picklist value that holds an operator is literal where the CRM's schema lists it."""
        special = raw.startswith(("!=", ">", "<")) or any(sign in raw for sign in ("*", "?", ".."))
        if not special or self._type is not T.PICKLIST:
            return False
        offered = self._scope.schema_values.get(self._operands.field, frozenset())
        if text(raw) not in {text(value) for value in offered}:
            return False
        self._findings.note("SYN231", f"{raw!r} is a value of the CRM and is taken literally", place)
        return True

    def _looks_ranged(self, raw: str) -> bool:
        if self._type in QUANTITIES | {T.DATE}:
            return ".." in raw
        return self._type is not T.BOOLEAN and _RANGE_IN_TEXT.search(raw) is not None

    def _boolean(self, raw: str, node: Scalar) -> Matcher | None:
        value = BOOLEANS.get(raw)
        if value is None:
            self._findings.error("SYN213", f"{raw!r} is neither true nor false", node.place, "write true or false")
            return None
        return EqualTo(written(node), value)

    def _equal(self, raw: str, as_written: str, place: Place) -> Matcher | None:
        if self._type is T.DATE:
            span = span_of(raw, place, self._operands)
            return None if span is None else InSpan(as_written, span)
        values = values_of(raw, place, self._operands)
        return None if values is None else self._one_of(values, as_written)

    def _one_of(self, values: frozenset[Value], as_written: str, list_name: str | None = None) -> Matcher:
        if self._scope.territory:
            return InTerritory(as_written, frozenset(str(value) for value in values))
        if self._type in (T.SEVERAL, T.SYSTEM_ID):
            return AnyElement(as_written, values, list_name)
        if len(values) == 1 and list_name is None:
            return EqualTo(as_written, next(iter(values)))
        return InList(as_written, values, list_name)

    def _not_one_of(self, values: frozenset[Value], as_written: str) -> Matcher:
        if self._scope.territory:
            return InTerritory(as_written, frozenset(str(value) for value in values), negated=True)
        if self._type in (T.SEVERAL, T.SYSTEM_ID):
            return NoElement(as_written, values)
        return NoneOf(as_written, values)

    def _unequal(self, raw: str, node: Scalar, *, in_list: bool) -> Matcher | None:
        if self._type not in EQUALITY:
            return self._no_such("!=", node.place)
        if in_list:
            message = "a list means any of, so `!=` inside it is true of nearly everything"
            self._findings.error("SYN218", message, node.place, "write {none_of: [...]}")
            return None
        if not raw or raw == "missing" or _COMPARISON.match(raw) or raw.startswith("!="):
            hint = "for any value at all, write {present: true}" if raw == "missing" else "write != and one plain value"
            self._findings.error("SYN218", f"`!=` takes one plain value, not {raw!r}", node.place, hint)
            return None
        if (("*" in raw or "?" in raw) and self._type in GLOBBED | CODES) or self._looks_ranged(raw):
            hint = (
                f"for a pattern or a range, write not: {{{self._operands.field}: {raw!r}}}, or {{none_of: [{raw!r}]}}"
            )
            self._findings.error("SYN218", f"`!=` takes one plain value, not {raw!r}", node.place, hint)
            return None
        return self._none_of([Scalar(raw, True, node.place)], written(node))

    def _comparison(self, sign: str, raw: str, node: Scalar) -> Matcher | None:
        if self._type not in COMPARED:
            return self._no_such(sign, node.place)
        as_written = written(node)
        if self._type is T.DATE:
            span = span_of(raw, node.place, self._operands)
            if span is None:
                return None
            start, end = span
            spans = {">=": (start, None), ">": (end, None), "<=": (None, end), "<": (None, start)}
            return InSpan(as_written, spans[sign])
        bound = quantity(raw, node.place, self._operands)
        if bound is None:
            return None
        included = sign.endswith("=")
        if sign[0] == ">":
            return Interval(as_written, low=bound, low_included=included)
        return Interval(as_written, high=bound, high_included=included)

    def _range(self, raw: str, node: Scalar) -> Matcher | None:
        if self._type not in RANGED:
            return self._no_such("..", node.place)
        first, _, last = (part.strip() for part in raw.partition(".."))
        if not first and not last:
            self._findings.error("SYN217", "a range needs an end", node.place, 'write "200..999", "1000.." or "..199"')
            return None
        if self._type is T.POSTAL_CODE:
            return self._postal_range(first, last, node)
        return self._date_range(first, last, node) if self._type is T.DATE else self._interval(first, last, node)

    def _interval(self, first: str, last: str, node: Scalar) -> Matcher | None:
        low = quantity(first, node.place, self._operands) if first else None
        high = quantity(last, node.place, self._operands) if last else None
        if (first and low is None) or (last and high is None):
            return None
        if low is not None and high is not None and low > high:
            return self._swapped(first, last, node)
        return Interval(written(node), low, high)

    def _date_range(self, first: str, last: str, node: Scalar) -> Matcher | None:
        low = span_of(first, node.place, self._operands) if first else None
        high = span_of(last, node.place, self._operands) if last else None
        if (first and low is None) or (last and high is None):
            return None
        if low is not None and high is not None and low[0] >= high[1]:
            return self._swapped(first, last, node)
        return InSpan(written(node), (low[0] if low else None, high[1] if high else None))

    def _postal_range(self, first: str, last: str, node: Scalar) -> Matcher | None:
        low, high = pattern_text(self._type, first), pattern_text(self._type, last)
        if not (low.isascii() and low.isdigit() and high.isascii() and high.isdigit()) or len(low) != len(high):
            message = f"a range of postal codes needs two ends of digits, equally many: {first!r} and {last!r}"
            hint = 'write "94000..94199"; for codes with letters, list them or write starts_with'
            self._findings.error("SYN217", message, node.place, hint)
            return None
        return self._swapped(first, last, node) if low > high else PostalRange(written(node), low, high)

    def _swapped(self, first: str, last: str, node: Scalar) -> Matcher | None:
        message = f"the ends of the range are swapped: {first} is after {last}"
        self._findings.error("SYN217", message, node.place, f'write "{last}..{first}"')
        return None

    def _glob(self, raw: str, node: Scalar) -> Matcher | None:
        if self._type not in GLOBBED:
            return self._no_such("*", node.place)
        return Glob(written(node), glob_text(self._type, raw))

    # Lists

    def _items(self, node: Sequence) -> Matcher | None:
        if not node.items:
            self._findings.error("SYN216", "an empty list matches nothing", node.place, "write its values, or missing")
            return None
        items = [self._item(item) for item in node.items]
        read = [item for item in items if item is not None]
        return None if len(read) < len(items) else self._joined(read, written(node))

    def _item(self, node: Node) -> Matcher | None:
        match node:
            case Scalar():
                return self._scalar(node, in_list=True)
            case MappingNode():
                return self._options(node)
            case Sequence():
                self._findings.error("SYN224", "a list stands inside a list", node.place, "write one list")
                return None

    def _joined(self, items: list[Matcher], as_written: str) -> Matcher:
        """One matcher for a list: plain values become one set, the rest stay as they are."""
        plain: set[Value] = set()
        rest: list[Matcher] = []
        for item in items:
            match item:
                case EqualTo(_, value):
                    plain.add(value)
                case InList(_, values, None) | AnyElement(_, values, None):
                    plain |= values
                case InTerritory(_, territories, False):
                    plain |= territories
                case _:
                    rest.append(item)
        if not plain:
            return AnyMatcher(as_written, tuple(rest))
        values = frozenset(plain)
        if not rest:
            together = self._one_of(values, as_written)
            return InList(as_written, values) if isinstance(together, EqualTo) else together
        return AnyMatcher(as_written, (self._one_of(values, as_written), *rest))

    # Mappings

    def _options(self, node: MappingNode) -> Matcher | None:
        if not node.entries:
            self._findings.error("SYN216", "an empty mapping says nothing", node.place, "write a matcher")
            return None
        items = [self._option(entry) for entry in node]
        read = [item for item in items if item is not None]
        if len(read) < len(items):
            return None
        return replace(read[0], text=written(node)) if len(read) == 1 else AllMatchers(written(node), tuple(read))

    def _option(self, entry: Entry) -> Matcher | None:
        name, place = entry.key.text, entry.key.place
        types = TYPES_OF.get(name)
        if types is None:
            self._findings.error("SYN225", f"there is no matcher {name!r}", place, option_hint(name))
            return None
        if self._type not in types:
            return self._no_such(name, place)
        return _OPTIONS[name](self, name, entry.value)

    def _one(self, name: str, node: Node) -> Scalar | None:
        if isinstance(node, Scalar):
            return node if readable_as_written(node, self._type, self._findings) else None
        hint = f"for alternatives, write [{{{name}: a}}, {{{name}: b}}]" if name != "list" else "write the list's name"
        self._findings.error("SYN224", f"`{name}` takes one value", node.place, hint)
        return None

    def _several(self, name: str, node: Node) -> list[Scalar] | None:
        nodes = node.items if isinstance(node, Sequence) else (node,)
        if not nodes:
            self._findings.error("SYN216", f"the list of `{name}` is empty", node.place, "write its values")
            return None
        scalars = [each for each in nodes if isinstance(each, Scalar)]
        for each in nodes:
            if not isinstance(each, Scalar):
                hint = "its items are plain values; nothing in them is special"
                self._findings.error("SYN224", f"`{name}` takes a list of values", each.place, hint)
        readable = [each for each in scalars if readable_as_written(each, self._type, self._findings)]
        return readable if len(readable) == len(nodes) else None

    def _is(self, name: str, node: Node) -> Matcher | None:
        one = self._one(name, node)
        return None if one is None else self._equal(one.text.strip(), written(node), one.place)

    def _set_option(self, name: str, node: Node) -> Matcher | None:
        scalars = self._several(name, node)
        if scalars is None:
            return None
        if name == "none_of":
            return self._none_of(scalars, written(node))
        values = self._values(scalars)
        if values is None:
            return None
        return AllElements(written(node), values) if name == "all_of" else AnyElement(written(node), values)

    def _none_of(self, scalars: list[Scalar], as_written: str) -> Matcher | None:
        if self._type is T.DATE:
            spans = [span_of(each.text, each.place, self._operands) for each in scalars]
            read = tuple(span for span in spans if span is not None)
            return NotInSpans(as_written, read) if len(read) == len(spans) else None
        values = self._values(scalars)
        return None if values is None else self._not_one_of(values, as_written)

    def _values(self, scalars: list[Scalar]) -> frozenset[Value] | None:
        read = [values_of(each.text, each.place, self._operands) for each in scalars]
        found = [values for values in read if values is not None]
        return frozenset().union(*found) if len(found) == len(read) else None

    def _part(self, name: str, node: Node) -> Matcher | None:
        one = self._one(name, node)
        if one is None:
            return None
        part = pattern_text(self._type, one.text)
        if not part:
            self._findings.error("SYN215", f"{one.text!r} is nothing to look for", one.place, "write some text")
            return None
        return _PARTS[name](written(node), part)

    def _listed(self, name: str, node: Node) -> Matcher | None:
        if not isinstance(node, Scalar):
            self._one(name, node)
            return None
        named = self._scope.lists.get(node.text)
        if named is not None:
            values = list_values(named, node.place, self._operands)
            return None if values is None else self._one_of(values, written(node), named.name)
        if node.text not in self._scope.unreadable:
            hint = did_you_mean(node.text, self._scope.lists)
            self._findings.error("SYN220", f"there is no list {node.text!r}", node.place, hint)
        return None

    def _present(self, _name: str, node: Node) -> Matcher | None:
        wanted = BOOLEANS.get(node.text) if isinstance(node, Scalar) else None
        if wanted is None:
            self._findings.error(
                "SYN213", "`present` is true or false", node.place, "write {present: true}, or missing"
            )
            return None
        return Present(written(node)) if wanted else Missing(written(node))

    def _moving(self, name: str, node: Node) -> Matcher | None:
        duration = parse_duration(node.text) if isinstance(node, Scalar) else None
        if duration is None:
            self._findings.error("SYN226", f"{written(node)} is no span of time", node.place, duration_hint(node))
            return None
        return _MOVING[name](written(node), duration)

    def _period(self, _name: str, node: Node) -> Matcher | None:
        period = parse_period(node.text) if isinstance(node, Scalar) else None
        if period is None:
            hint = "write this, last or next, then _month, _quarter or _year: this_quarter"
            self._findings.error("SYN226", f"{written(node)} is no period", node.place, hint)
            return None
        return InPeriod(written(node), period)

    def _no_such(self, name: str, place: Place) -> Matcher | None:
        kind = TYPE_NAMES.get(self._type, f"a {self._type.value} field")
        message = f"`{name}` does not go with {self._operands.field}, which is {kind}"
        self._findings.error("SYN212", message, place, no_such_hint(self._type, name))
        return None


_OPTIONS: Mapping[str, Callable[[MatcherReader, str, Node], Matcher | None]] = MappingProxyType(
    {
        "is": MatcherReader._is,
        "none_of": MatcherReader._set_option,
        "any_of": MatcherReader._set_option,
        "all_of": MatcherReader._set_option,
        "contains": MatcherReader._part,
        "starts_with": MatcherReader._part,
        "ends_with": MatcherReader._part,
        "list": MatcherReader._listed,
        "present": MatcherReader._present,
        "last": MatcherReader._moving,
        "next": MatcherReader._moving,
        "older_than": MatcherReader._moving,
        "not_since": MatcherReader._moving,
        "in": MatcherReader._period,
    }
)
