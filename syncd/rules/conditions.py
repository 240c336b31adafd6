"""Conditions: mappings of fields and matchers, and how they combine, in two-valued logic.

A condition is a frozen value with its text and place; what it holds of is Facts or OpportunityFacts. `not` turns false
into true: a missing value makes a matcher false, never unknown. Nothing here reads files or decides anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import datetime
from typing import overload

from syncd.errors import Place
from syncd.model.fields import FieldType
from syncd.model.refs import Kind
from syncd.rules.facts import Facts, OpportunityFacts, Value
from syncd.rules.matching.date_matchers import Last
from syncd.rules.matching.matchers import EqualTo, Matcher
from syncd.rules.matching.repricing import repriced
from syncd.rules.matching.time_window import WON_WINDOW, earliest
from syncd.rules.matching.time_window import EvaluationContext as EvaluationContext

Subject = Facts | OpportunityFacts
_WON_IN_WINDOW = Last("last 12 months", WON_WINDOW)
_ROLLING_FIELDS = frozenset({"won_amount_12m", "won_count_12m"})


@dataclass(frozen=True, slots=True)
class Trace:
    """One clause as evaluated: its text as written, its place, the outcome, and for a field its normalised value."""

    text: str
    place: Place | None
    outcome: bool
    field: str | None = None
    value: Value | None = None
    children: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True)
class Always:
    """`always`: matches everything."""

    place: Place | None = None
    text: str = "always"


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of these hold: the entries of a mapping, or `all:`."""

    conditions: Sequence[Condition]
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any of these holds; `conditions` are a tuple, or the TableRows of one territory."""

    conditions: Sequence[Condition]
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class NoneOf:
    """None of these holds."""

    conditions: Sequence[Condition]
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Not:
    """The whole of this does not hold."""

    condition: Condition
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class InSegment:
    """The company is in one of these segments; `conditions` are theirs, in the order of the names."""

    names: tuple[str, ...]
    conditions: Sequence[Condition]
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class FieldTest:
    """One field against one matcher.

    Rows of a table share the test of a cell that they all have; it has no place then, and stands where its row does.
    """

    field: str
    type: FieldType
    matcher: Matcher
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class OpportunityTest:
    """Some (`any`) or no (`none`) open opportunity matches."""

    mode: str
    condition: Condition
    place: Place | None = None
    text: str = ""


Condition = Always | AllOf | AnyOf | NoneOf | Not | InSegment | FieldTest | OpportunityTest
UNTESTED = -1
"""The number of an empty cell of a table, which tests nothing."""


@dataclass(frozen=True, slots=True)
class CellTests:
    """What the cells of one column of a table test, each distinct cell once; a test is made when it is asked for.

    `texts` are the cells as written, `meanings` the one value that each equals, or the matcher that it is.
    """

    field: str
    type: FieldType
    texts: tuple[str, ...]
    meanings: tuple[Value | Matcher, ...]
    _made: dict[int, FieldTest] = attribute(default_factory=dict, init=False, repr=False, compare=False)

    def test(self, number: int) -> FieldTest:
        """The test of a cell, one object however many rows have it; it has no place, and stands where its row does."""
        found = self._made.get(number)
        if found is None:
            text, meaning = self.texts[number], self.meanings[number]
            matcher = meaning if isinstance(meaning, Matcher) else EqualTo(text, meaning)
            found = self._made[number] = FieldTest(self.field, self.type, matcher, None, f"{self.field}: {text}")
        return found

    def failing(self, facts: Subject, context: EvaluationContext) -> list[int]:
        """For each cell by its number 1 where it does not hold, else 0; an empty cell, the last, always holds."""
        value = facts.values.get(self.field)
        plain = facts.rates is None or self.type is not FieldType.MONEY
        outcomes = [
            value == meaning if plain and not isinstance(meaning, Matcher) else holds(self.test(number), facts, context)
            for number, meaning in enumerate(self.meanings)
        ]
        return [*[0 if outcome else 1 for outcome in outcomes], 0]


@dataclass(frozen=True, slots=True)
class TableCells:
    """The rows of a table as columns: for each column the numbers of its cells row by row, and the rows' lines."""

    path: str
    columns: tuple[CellTests, ...]
    cells: tuple[tuple[int, ...], ...]
    lines: tuple[int, ...]
    _asked: list[tuple[Subject, EvaluationContext, list[int]]] = attribute(
        default_factory=list, init=False, repr=False, compare=False
    )
    _made: dict[int, Condition] = attribute(default_factory=dict, init=False, repr=False, compare=False)

    def row(self, number: int) -> Condition:
        """One row as a condition, made when it is first asked for: there may be fifty thousand."""
        found = self._made.get(number)
        if found is None:
            found = self._made[number] = self._row(number)
        return found

    def failures(self, facts: Subject, context: EvaluationContext) -> list[int]:
        """Of each row how many of its tests do not hold; kept for the last subject, whom every territory asks about."""
        if self._asked and self._asked[0][0] is facts and self._asked[0][1] is context:
            return self._asked[0][2]
        columns = [
            map(column.failing(facts, context).__getitem__, cells)
            for column, cells in zip(self.columns, self.cells, strict=True)
        ]
        found = list(map(sum, zip(*columns, strict=True)))
        self._asked[:] = [(facts, context, found)]
        return found

    def _row(self, number: int) -> Condition:
        place = Place(self.path, self.lines[number])
        numbered = [(column, cells[number]) for column, cells in zip(self.columns, self.cells, strict=True)]
        tests = tuple([column.test(cell) for column, cell in numbered if cell != UNTESTED])
        if not tests:
            return Always(place)
        if len(tests) == 1:
            (test,) = tests
            return FieldTest(test.field, test.type, test.matcher, place, test.text)
        return AllOf(tests, place, ", ".join([test.text for test in tests]))


@dataclass(frozen=True, slots=True)
class TableRows(Sequence[Condition]):
    """Some rows of a table, by their numbers, as the alternatives of one territory."""

    table: TableCells
    numbers: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Condition: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Condition, ...]: ...
    def __getitem__(self, place: int | slice) -> Condition | tuple[Condition, ...]:
        """One row, or several; made when they are first asked for."""
        if isinstance(place, slice):
            return tuple([self.table.row(number) for number in self.numbers[place]])
        return self.table.row(self.numbers[place])

    def tested(self) -> Iterator[tuple[CellTests, list[int]]]:
        """The columns that any of these rows tests, each with the numbers of these rows' cells."""
        for column, cells in zip(self.table.columns, self.table.cells, strict=True):
            numbers = [cells[row] for row in self.numbers]
            if any(number != UNTESTED for number in numbers):
                yield column, numbers

    def closest(self, facts: Subject, context: EvaluationContext) -> Condition:
        """The row of which the fewest tests do not hold, the first of several: the first that holds, where one does."""
        failures = self.table.failures(facts, context)
        return self.table.row(min(self.numbers, key=failures.__getitem__))


def holds(condition: Condition, facts: Subject, context: EvaluationContext) -> bool:
    """Whether the condition holds of a company or an opportunity."""
    # The hottest lines of the record-at-a-time engine: tests of type are twice as fast here as patterns.
    if isinstance(condition, FieldTest):
        matcher = condition.matcher
        if facts.rates is not None and condition.type is FieldType.MONEY:
            matcher = repriced(matcher, facts.rates)
        return matcher.matches(facts.values.get(condition.field), context)
    if isinstance(condition, AllOf):
        for each in condition.conditions:  # noqa: SIM110 - see above
            if not holds(each, facts, context):
                return False
        return True
    if isinstance(condition, AnyOf | InSegment):
        if isinstance(condition.conditions, TableRows):
            return _any_row_holds(condition.conditions, facts, context)
        return _any_holds(condition.conditions, facts, context)
    if isinstance(condition, NoneOf):
        return not _any_holds(condition.conditions, facts, context)
    if isinstance(condition, Not):
        return not holds(condition.condition, facts, context)
    if isinstance(condition, OpportunityTest):
        found = any(holds(condition.condition, each, context) for each in _open(facts))
        return found is (condition.mode == "any")
    return True


def _any_row_holds(rows: TableRows, facts: Subject, context: EvaluationContext) -> bool:
    """Whether all tests of some row hold; each test is asked once, however many rows have it."""
    columns: list[tuple[CellTests, tuple[int, ...], dict[int, bool]]] = [
        (column, cells, {UNTESTED: True}) for column, cells in zip(rows.table.columns, rows.table.cells, strict=True)
    ]
    for row in rows.numbers:
        for column, cells, known in columns:
            cell = cells[row]
            outcome = known.get(cell)
            if outcome is None:
                outcome = known[cell] = holds(column.test(cell), facts, context)
            if not outcome:
                break
        else:
            return True
    return False


def _any_holds(conditions: Sequence[Condition], facts: Subject, context: EvaluationContext) -> bool:
    for each in conditions:  # noqa: SIM110 - a loop costs half of a generator here
        if holds(each, facts, context):
            return True
    return False


def trace(condition: Condition, facts: Subject, context: EvaluationContext, place: Place | None = None) -> Trace:
    """The condition clause by clause, every clause evaluated; the root's outcome is what `holds` says.

    A clause without a place of its own has that of the condition around it, the root's is `place`.
    """
    outcome = holds(condition, facts, context)
    place = condition.place or place
    match condition:
        case FieldTest(field):
            return Trace(condition.text, place, outcome, field, facts.values.get(field))
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions):
            children = tuple(trace(each, facts, context, place) for each in conditions)
        case InSegment(names, conditions):
            children = tuple(
                Trace(name, each.place, holds(each, facts, context), children=(trace(each, facts, context),))
                for name, each in zip(names, conditions, strict=True)
            )
        case Not(inner):
            children = (trace(inner, facts, context),)
        case OpportunityTest(_, inner):
            children = tuple(
                Trace(each.key, None, holds(inner, each, context), children=(trace(inner, each, context),))
                for each in _open(facts)
            )
        case Always():
            children = ()
    return Trace(condition.text, place, outcome, children=children)


def next_change(condition: Condition, facts: Subject, context: EvaluationContext) -> datetime | None:
    """The first instant after `now` at which time alone could change the answer; None if it never does.

    It may be early (another clause may outvote the one that changes), never late.
    """
    match condition:
        case FieldTest(field, _, matcher):
            rolling = _rolling_change(facts, context) if field in _ROLLING_FIELDS else None
            return earliest((matcher.next_change(facts.values.get(field), context), rolling))
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            return earliest(next_change(each, facts, context) for each in conditions)
        case Not(inner):
            return next_change(inner, facts, context)
        case OpportunityTest(_, inner):
            return earliest(next_change(inner, each, context) for each in _open(facts))
        case Always():
            return None


def walk(condition: Condition) -> Iterator[Condition]:
    """The condition and all below it, segments expanded, parents first."""
    yield condition
    match condition:
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            for each in conditions:
                yield from walk(each)
        case Not(inner) | OpportunityTest(_, inner):
            yield from walk(inner)


def placed_tests(
    condition: Condition, place: Place | None, kind: Kind = Kind.ACCOUNT
) -> Iterator[tuple[FieldTest, Place | None, Kind]]:
    """Every test of a field with its place and what it is about; what rows of a table share comes once, at the first.

    `place` is that of the condition around it, `kind` what that is about.
    """
    told: set[int] = set()
    waiting = [(condition, place, kind)]
    while waiting:
        each, around, about = waiting.pop()
        here = each.place or around
        match each:
            case FieldTest():
                if id(each) not in told:
                    told.add(id(each))
                    yield each, here, about
            case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
                waiting.extend([(inner, here, about) for inner in reversed(conditions)])
            case Not(inner):
                waiting.append((inner, here, about))
            case OpportunityTest(_, inner):
                waiting.append((inner, here, Kind.OPPORTUNITY))
            case Always():
                pass


def fields_read(condition: Condition) -> frozenset[str]:
    """The account fields that the condition reads, segments expanded; an opportunity's own are not among them."""
    match condition:
        case FieldTest(field):
            return frozenset((field,))
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            return frozenset().union(*(fields_read(each) for each in conditions))
        case Not(inner):
            return fields_read(inner)
        case OpportunityTest() | Always():
            return frozenset()


def _open(facts: Subject) -> Iterator[OpportunityFacts]:
    if isinstance(facts, Facts):
        yield from (each for each in facts.opportunities if each.is_open)


def _rolling_change(facts: Subject, context: EvaluationContext) -> datetime | None:
    """When the next won opportunity enters or leaves the twelve months that the derived sums look back on."""
    if not isinstance(facts, Facts):
        return None
    return earliest(
        _WON_IN_WINDOW.next_change(each.values.get("close_date"), context)
        for each in facts.opportunities
        if each.values.get("is_won") is True
    )
