"""Conditions from the nodes of a pack: every problem becomes a finding at its place, nothing raises.

It knows the shape of conditions; what a matcher looks like is matcher_parser's, what a constant means is operands'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.errors import Place
from syncd.model.fields import FieldCatalogue, FieldType
from syncd.model.money import MoneyTable
from syncd.model.refs import Kind
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
    fields_read,
)
from syncd.rules.findings import Findings
from syncd.rules.matching.matchers import Matcher, Missing, Present
from syncd.rules.matching.time_window import UTC_ZONE
from syncd.rules.matching.wording import deeper_than, entries_written, written
from syncd.rules.nodes import Entry, Node, Scalar, Sequence
from syncd.rules.nodes import Mapping as MappingNode
from syncd.rules.pack import NamedList
from syncd.rules.parsing.matcher_parser import MatcherReader, MatcherScope
from syncd.rules.parsing.operands import NULLS, OperandContext
from syncd.rules.parsing.states import Countries, fixed_countries, narrowed, united
from syncd.rules.suggestion import did_you_mean

COMBINATORS = ("all", "any", "none", "not", "in_segment", "opportunities")
_COMBINED: Mapping[str, Callable[[tuple[Condition, ...], Place, str], Condition]] = MappingProxyType(
    {"all": AllOf, "any": AnyOf, "none": NoneOf}
)
DEEPEST = 60
"""Levels that a condition may nest: far more than anybody reads, and far less than would exhaust the machine."""


@dataclass(frozen=True, slots=True)
class ConditionScope:
    """What a condition may name, and what it is about.

    `ancestors` are the conditions that hold where this one is read (a territory's parents): they fix the country for
    states. `forbidden` fields may not be read here, in segments neither. `unreadable` are segments and lists that exist
    but have been reported as broken: naming one gives no condition and no second finding. `schema_values` are the raw
    values that the CRM's schema lists, by picklist field; asked only about values that hold an operator.
    """

    kind: Kind = Kind.ACCOUNT
    catalogue: FieldCatalogue = field(default_factory=FieldCatalogue)
    segments: Mapping[str, Condition] = field(default_factory=lambda: MappingProxyType({}))
    lists: Mapping[str, NamedList] = field(default_factory=lambda: MappingProxyType({}))
    money: MoneyTable = field(default_factory=MoneyTable)
    default_country: str | None = None
    ancestors: tuple[Condition, ...] = ()
    forbidden: frozenset[str] = frozenset()
    zone: ZoneInfo = UTC_ZONE
    shared_domains: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    schema_values: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))


def parse_condition(node: Node, scope: ConditionScope, findings: Findings) -> Condition | None:
    """The condition that a node writes; None after an error finding. Reports every problem, never raises."""
    if deeper_than(node, DEEPEST):
        hint = "give parts of it names under segments"
        findings.error("SYN232", f"this condition nests more than {DEEPEST} levels", node.place, hint)
        return None
    return _ConditionReader(scope, findings).condition(node, _path_of(scope))


def parse_matcher_cell(
    text: str, field: str, scope: ConditionScope, place: Place, findings: Findings
) -> Matcher | None:
    """A cell of a territory table: one matcher or several joined by ` | `, `@list`, `(missing)`.

    States and postal codes are read in the country that the scope's ancestors fix, the row's own among them.
    """
    return CellReader(field, scope, findings).read(text, place)


class CellReader:
    """Reads the cells of one column in one scope, one after the other, as `parse_matcher_cell` reads one.

    `reads_codes` says that a cell of five digits is a postal code, and equals just that text.
    """

    def __init__(self, field: str, scope: ConditionScope, findings: Findings) -> None:
        self._reader, self._path = _ConditionReader(scope, findings), _path_of(scope)
        self._plain = self._reader.plain_cells(field, self._path)
        self._field = field
        type_ = scope.catalogue.of(scope.kind).get(field)
        self.reads_codes = self._plain is not None and type_ is FieldType.POSTAL_CODE

    def read(self, text: str, place: Place) -> Matcher | None:
        """The matcher of a cell; None after a finding."""
        if self._plain is not None and self._plain.is_plain(text):
            return self._plain.equal(text, place)
        return self._reader.cell(text, self._field, place, self._path)


def _path_of(scope: ConditionScope) -> Countries | None:
    return reduce(narrowed, (fixed_countries(each) for each in scope.ancestors), None)


class _ConditionReader:
    """Reads conditions within one scope; `path` is what the conditions around fix the country to."""

    def __init__(self, scope: ConditionScope, findings: Findings) -> None:
        self._scope = scope
        self._findings = findings
        self._readers: dict[tuple[str, Countries | None], MatcherReader] = {}

    def condition(self, node: Node, path: Countries | None) -> Condition | None:
        match node:
            case Scalar():
                return self._word(node)
            case Sequence():
                hint = "write `all:` or `any:` before the list"
                self._findings.error("SYN224", "a list is no condition: all of it, or any?", node.place, hint)
                return None
            case MappingNode():
                return self._mapping(node, path)

    def _word(self, node: Scalar) -> Condition | None:
        if node.text.strip() == "always":
            return Always(node.place)
        if not node.quoted and node.text in NULLS:
            self._findings.error("SYN215", "there is no condition here", node.place, "to match all, write always")
        else:
            hint = "write field: value, or always"
            self._findings.error("SYN224", f"{node.text!r} is no condition", node.place, hint)
        return None

    def _mapping(self, node: MappingNode, path: Countries | None) -> Condition | None:
        if not node.entries:
            self._findings.error("SYN216", "an empty condition", node.place, "to match all, write always")
            return None
        here = narrowed(path, self._fixed(node))
        read = [self._entry(entry, here) for entry in node]
        tests = tuple(test for test in read if test is not None)
        if len(tests) < len(read):
            return None
        return tests[0] if len(tests) == 1 else AllOf(tests, node.place, entries_written(node))

    def _entry(self, entry: Entry, path: Countries | None) -> Condition | None:
        match entry.key.text:
            case "all" | "any" | "none":
                return self._combined(entry, path)
            case "not":
                return self._negated(entry, path)
            case "in_segment":
                return self._segments(entry)
            case "opportunities":
                return self._opportunities(entry)
            case _:
                return self._test(entry, path)

    # Combinators

    def _combined(self, entry: Entry, path: Countries | None) -> Condition | None:
        name, node = entry.key.text, entry.value
        if not isinstance(node, Sequence):
            hint = f"write {name}: [{{field: value}}, {{field: value}}]"
            self._findings.error("SYN224", f"`{name}` takes a list of conditions", node.place, hint)
            return None
        if not node.items:
            self._findings.error("SYN216", f"the list of `{name}` is empty", node.place, "write its conditions")
            return None
        inner = narrowed(path, self._fixed_of_all(node)) if name == "all" else path
        read = [self.condition(item, inner) for item in node.items]
        conditions = tuple(condition for condition in read if condition is not None)
        if len(conditions) < len(read):
            return None
        return _COMBINED[name](conditions, entry.key.place, f"{name}: {written(node)}")

    def _negated(self, entry: Entry, path: Countries | None) -> Condition | None:
        node = entry.value
        if isinstance(node, MappingNode) and len(node.entries) > 1:
            self._warn_of_two_readings(node, entry.key.place)
        inner = self.condition(node, path)
        return None if inner is None else Not(inner, entry.key.place, f"not: {written(node)}")

    def _warn_of_two_readings(self, node: MappingNode, place: Place) -> None:
        parts = [f"{each.key.text}: {written(each.value)}" for each in node]
        both = " and ".join(parts)
        each = " and ".join(f"not ({part})" for part in parts)
        neither = ", ".join(f"{{{part}}}" for part in parts)
        message = f"`not` negates the whole: it holds unless all of these hold: {both}"
        hint = f"it does not mean {each}; for that, write none: [{neither}]"
        self._findings.warning("SYN223", message, place, hint)

    def _segments(self, entry: Entry) -> Condition | None:
        if self._scope.kind is Kind.OPPORTUNITY:
            hint = "write in_segment beside opportunities, not inside it"
            self._findings.error("SYN224", "segments are about accounts", entry.key.place, hint)
            return None
        names = self._names(entry)
        found: list[Condition] = []
        for name in names:
            segment = self._scope.segments.get(name.text)
            if segment is not None:
                self._check_segment(name, segment)
                found.append(segment)
            elif name.text not in self._scope.unreadable:
                hint = did_you_mean(name.text, self._scope.segments)
                self._findings.error("SYN219", f"there is no segment {name.text!r}", name.place, hint)
        if not names or len(found) < len(names):
            return None
        words = tuple(name.text for name in names)
        return InSegment(words, tuple(found), entry.key.place, f"in_segment: {written(entry.value)}")

    def _names(self, entry: Entry) -> tuple[Scalar, ...]:
        node = entry.value
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            self._findings.error("SYN216", "the list of `in_segment` is empty", node.place, "write a segment's name")
        names = tuple(item for item in items if isinstance(item, Scalar) and item.text.strip())
        for item in items:
            if item not in names:
                self._findings.error("SYN224", "`in_segment` takes names", item.place, "write a segment's name")
        return names if len(names) == len(items) else ()

    def _check_segment(self, name: Scalar, segment: Condition) -> None:
        for each in sorted(fields_read(segment) & self._scope.forbidden):
            self._refuse(each, name.place, f"segment {name.text!r} reads {each}")

    def _opportunities(self, entry: Entry) -> Condition | None:
        node = entry.value
        if self._scope.kind is not Kind.ACCOUNT:
            hint = "its conditions are about one opportunity; write the fields directly"
            self._findings.error("SYN224", "`opportunities` is about accounts", entry.key.place, hint)
            return None
        if not isinstance(node, MappingNode) or not node.entries:
            hint = "write opportunities: {any: {stage: Negotiation}}"
            self._findings.error("SYN224", "`opportunities` takes any or none", node.place, hint)
            return None
        scope = replace(self._scope, kind=Kind.OPPORTUNITY, ancestors=())
        inner = _ConditionReader(scope, self._findings)
        read = [self._opportunity_test(each, inner) for each in node]
        tests = tuple(test for test in read if test is not None)
        if len(tests) < len(read):
            return None
        return tests[0] if len(tests) == 1 else AllOf(tests, entry.key.place, f"opportunities: {written(node)}")

    def _opportunity_test(self, entry: Entry, inner: _ConditionReader) -> Condition | None:
        if entry.key.text not in ("any", "none"):
            hint = "write {any: condition} for some open opportunity, {none: condition} for no open one"
            message = f"`opportunities` takes any or none, not {entry.key.text!r}"
            self._findings.error("SYN224", message, entry.key.place, hint)
            return None
        condition = inner.condition(entry.value, None)
        text = f"opportunities: {{{entry.key.text}: {written(entry.value)}}}"
        return None if condition is None else OpportunityTest(entry.key.text, condition, entry.key.place, text)

    # Fields

    def _test(self, entry: Entry, path: Countries | None) -> Condition | None:
        name, place = entry.key.text, entry.key.place
        type_ = self._type_of(name, place)
        if type_ is None:
            return None
        matcher = self._matcher(entry.value, name, type_, path)
        text = f"{name}: {written(entry.value)}"
        return None if matcher is None else FieldTest(name, type_, matcher, place, text)

    def cell(self, text: str, name: str, place: Place, path: Countries | None) -> Matcher | None:
        """One cell of a table as a matcher."""
        type_ = self._type_of(name, place)
        if type_ is None:
            return None
        parts = [_cell_node(part.strip(), place) for part in text.split(" | ")]
        node: Node = parts[0] if len(parts) == 1 else Sequence(tuple(parts), place)
        matcher = self._matcher(node, name, type_, path)
        return None if matcher is None else replace(matcher, text=text.strip())

    def plain_cells(self, name: str, path: Countries | None) -> MatcherReader | None:
        """The reader of a column's cells that are plain values; None where the column itself has a finding."""
        type_ = self._scope.catalogue.of(self._scope.kind).get(name)
        if type_ is None or name in self._scope.forbidden or (type_ is FieldType.POSTAL_CODE and path is None):
            return None
        return self._reader(name, type_, path)

    def _matcher(self, node: Node, name: str, type_: FieldType, path: Countries | None) -> Matcher | None:
        matcher = self._reader(name, type_, path).matcher(node)
        unfixed = type_ is FieldType.POSTAL_CODE and path is None
        if unfixed and matcher is not None and not isinstance(matcher, Missing | Present):
            message = "postal codes of all countries are compared: nothing on this path fixes the country"
            self._findings.warning("SYN222", message, node.place, "put a country beside it or above it")
        return matcher

    def _reader(self, name: str, type_: FieldType, path: Countries | None) -> MatcherReader:
        """The reader of one field's matchers on one path; the cells of a column share it."""
        found = self._readers.get((name, path))
        if found is None:
            scope = self._scope
            operands = OperandContext(
                type_, name, scope.zone, scope.money, path, scope.default_country, scope.shared_domains, self._findings
            )
            territory = name == "territory" and scope.kind is Kind.ACCOUNT
            found = MatcherReader(MatcherScope(operands, scope.lists, scope.unreadable, scope.schema_values, territory))
            self._readers[name, path] = found
        return found

    def _type_of(self, name: str, place: Place) -> FieldType | None:
        fields = self._scope.catalogue.of(self._scope.kind)
        type_ = fields.get(name)
        if type_ is None:
            self._findings.error("SYN210", f"there is no field {name!r}", place, self._field_hint(name))
        elif name in self._scope.forbidden:
            self._refuse(name, place, f"{name} may not be read here")
            return None
        return type_

    def _field_hint(self, name: str) -> str:
        other = self._scope.catalogue.opportunity
        if self._scope.kind is Kind.ACCOUNT and name in other:
            return f"it is a field of opportunities: write opportunities: {{any: {{{name}: ...}}}}"
        return did_you_mean(name, [*self._scope.catalogue.of(self._scope.kind), *COMBINATORS])

    def _refuse(self, name: str, place: Place, message: str) -> None:
        hint = f"a rule must not read its own result, nor what is built after it: test something else than {name}"
        self._findings.error("SYN211", message, place, hint)

    # What a mapping fixes, read ahead of its entries and without findings

    def _fixed(self, node: MappingNode) -> Countries | None:
        return reduce(narrowed, (self._fixed_by(entry) for entry in node), None)

    def _fixed_by(self, entry: Entry) -> Countries | None:
        name, node = entry.key.text, entry.value
        quiet = _ConditionReader(self._scope, Findings())
        if name == "country" and self._scope.catalogue.of(self._scope.kind).get(name) is FieldType.COUNTRY:
            matcher = quiet._matcher(node, name, FieldType.COUNTRY, None)
            return fixed_countries(FieldTest(name, FieldType.COUNTRY, matcher)) if matcher is not None else None
        if name == "in_segment":
            segments = quiet._segments(entry)
            return fixed_countries(segments) if segments is not None else None
        if name == "all" and isinstance(node, Sequence):
            return self._fixed_of_all(node)
        if name == "any" and isinstance(node, Sequence):
            return united([self._fixed(item) if isinstance(item, MappingNode) else None for item in node.items])
        return None

    def _fixed_of_all(self, node: Sequence) -> Countries | None:
        return reduce(narrowed, (self._fixed(item) for item in node.items if isinstance(item, MappingNode)), None)


def _cell_node(part: str, place: Place) -> Node:
    if part == "(missing)":
        return Scalar("missing", True, place)
    if part.startswith("@"):
        name = Scalar(part[1:].strip(), True, place)
        return MappingNode((Entry(Scalar("list", False, place), name),), place)
    return Scalar(part, True, place)
