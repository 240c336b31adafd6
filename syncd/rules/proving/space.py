"""The space of all accounts: one domain a field, and conditions as formulas over their variables.

What a condition asks of opportunities, and of matchers that no domain tells exactly, is a variable that may be true or
false: the space holds every account there can be, and some that cannot. So what has no point here has no account.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import cast
from zoneinfo import ZoneInfo

from syncd.model.fields import FieldType
from syncd.rules.classes.alternatives import united_rows
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
    TableRows,
)
from syncd.rules.matching.matchers import AnyMatcher, EqualTo, InList, Matcher
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Effective
from syncd.rules.proving.domains import NO, YES, Domain, identity
from syncd.rules.proving.field_domains import domain_of
from syncd.rules.proving.lines import Cut, DateScale, Line
from syncd.rules.proving.logic import ALWAYS, Box, Formula, Literal, Variables, both, either

_ROWS_WORTH_GROUPING = 8


def grouped(condition: Condition) -> Condition:
    """The same condition with alternatives that differ in one field drawn together: the rows of a table, above all."""
    if not isinstance(condition, AnyOf) or len(condition.conditions) < _ROWS_WORTH_GROUPING:
        return condition
    if isinstance(condition.conditions, TableRows):
        lines = [_all_of(tuple(line.values())) for line in united_rows(condition.conditions)]
        return lines[0] if len(lines) == 1 else AnyOf(tuple(lines), condition.place, condition.text)
    rows: list[dict[str, FieldTest]] = []
    for each in condition.conditions:
        tests = each.conditions if isinstance(each, AllOf) else (each,)
        row = {test.field: test for test in tests if isinstance(test, FieldTest)}
        if len(row) < len(tests):
            return condition
        rows.append(row)
    for name in sorted({name for row in rows for name in row}):
        rows = _drawn_together(rows, name)
    drawn = tuple(_all_of(tuple(row.values())) for row in rows)
    return drawn[0] if len(drawn) == 1 else AnyOf(drawn, condition.place, condition.text)


def _drawn_together(rows: list[dict[str, FieldTest]], name: str) -> list[dict[str, FieldTest]]:
    """Rows that agree in all but one field become one row that takes any of their values there."""
    alike: dict[Hashable, list[dict[str, FieldTest]]] = {}
    known: dict[int, Hashable] = {}

    def key_of(test: FieldTest) -> Hashable:
        found = known.get(id(test.matcher))
        if found is None:
            found = known[id(test.matcher)] = identity(test.matcher)
        return found

    for row in rows:
        rest = tuple((other, key_of(test)) for other, test in sorted(row.items()) if other != name)
        alike.setdefault((name in row, rest), []).append(row)
    return [_joined(group, name) if name in group[0] and len(group) > 1 else group[0] for group in alike.values()]


def _joined(rows: list[dict[str, FieldTest]], name: str) -> dict[str, FieldTest]:
    plain: set[object] = set()
    rest: list[Matcher] = []
    for row in rows:
        matcher = row[name].matcher
        match matcher:
            case EqualTo(_, value):
                plain.add(value)
            case InList(_, values):
                plain |= values
            case _:
                rest.append(matcher)
    first = rows[0][name]
    items = (InList(first.matcher.text, cast("frozenset[str]", frozenset(plain))),) if plain else ()
    matchers: tuple[Matcher, ...] = (*items, *rest)
    joined = matchers[0] if len(matchers) == 1 else AnyMatcher(first.matcher.text, matchers)
    return {**rows[0], name: FieldTest(name, first.type, joined, first.place, first.text)}


def _all_of(tests: tuple[Condition, ...]) -> Condition:
    return tests[0] if len(tests) == 1 else AllOf(tests)


def condition_key(condition: Condition) -> Hashable:
    """A condition by what it does, whatever its text and place."""
    match condition:
        case FieldTest(name, _, matcher):
            return name, identity(matcher)
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions):
            return type(condition).__name__, tuple(condition_key(each) for each in conditions)
        case InSegment(_, conditions):
            return "AnyOf", tuple(condition_key(each) for each in conditions)
        case Not(inner):
            return "Not", condition_key(inner)
        case OpportunityTest(mode, inner):
            return "OpportunityTest", mode, condition_key(inner)
        case Always():
            return "Always"


class Space:
    """All accounts, as far as these conditions and windows tell them apart."""

    def __init__(
        self, conditions: Iterable[Condition], windows: Iterable[Effective | None], context: EvaluationContext
    ) -> None:
        self.variables = Variables()
        self.context = context
        self._grouped: dict[int, tuple[Condition, Condition]] = {}
        self._formulas: dict[int, tuple[Condition, Formula]] = {}
        matchers: dict[str, tuple[FieldType, dict[int, Matcher]]] = {}
        for condition in conditions:
            for test in self._tests(condition):
                matchers.setdefault(test.field, (test.type, {}))[1][id(test.matcher)] = test.matcher
        self.domains: dict[str, Domain] = {
            name: domain_of(name, type_, tuple(found.values()), self.variables, context)
            for name, (type_, found) in matchers.items()
        }
        self.calendar = Calendar(windows, self.variables, context.zone)
        self._opportunities: dict[Hashable, int] = {}

    def _group(self, condition: Condition) -> Condition:
        known = self._grouped.get(id(condition))
        if known is None:
            known = self._grouped[id(condition)] = (condition, grouped(condition))
        return known[1]

    def _tests(self, condition: Condition) -> Iterator[FieldTest]:
        """Every test of an account field in the condition, as `formula` will meet it."""
        match self._group(condition):
            case FieldTest() as test:
                yield test
            case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
                for each in conditions:
                    yield from self._tests(each)
            case Not(inner):
                yield from self._tests(inner)
            case OpportunityTest() | Always():
                return

    def formula(self, condition: Condition) -> Formula:
        """The condition over the space's variables."""
        known = self._formulas.get(id(condition))
        if known is None:
            known = self._formulas[id(condition)] = (condition, self._formula(self._group(condition)))
        return known[1]

    def _formula(self, condition: Condition) -> Formula:
        match condition:
            case FieldTest(name, _, matcher):
                return self.domains[name].formula(matcher)
            case AllOf(conditions):
                return both(self.formula(each) for each in conditions)
            case AnyOf(conditions) | InSegment(_, conditions):
                return either(self.formula(each) for each in conditions)
            case NoneOf(conditions):
                return both(self.variables.negated(self.formula(each)) for each in conditions)
            case Not(inner):
                return self.variables.negated(self.formula(inner))
            case OpportunityTest(mode, inner):
                key = condition_key(inner)
                if key not in self._opportunities:
                    self._opportunities[key] = self.variables.add(NO | YES)
                return Literal(self._opportunities[key], YES if mode == "any" else NO)
            case Always():
                return ALWAYS

    def leans_on_doubt(self, box: Box) -> bool:
        """Whether the box leans on anything that the space does not tell exactly."""
        return self.needs_opportunity(box) or any(domain.is_doubtful(box) for domain in self.domains.values())

    def needs_opportunity(self, box: Box) -> bool:
        """Whether the box asks for an open opportunity of some kind."""
        return any(box.get(variable) == YES for variable in self._opportunities.values())

    def idle(self, box: Box) -> Box | None:
        """The part of the box in which everything that it does not name is missing; None where there is none."""
        quiet = dict(box)
        for domain in self.domains.values():
            if domain.variable not in quiet:
                missing = domain.full & 1
                if missing:
                    quiet[domain.variable] = missing
        for variable in self._opportunities.values():
            quiet.setdefault(variable, NO)
        return self.variables.settled(quiet)


class Calendar:
    """The days between the windows of territories, as one variable: today."""

    def __init__(self, windows: Iterable[Effective | None], variables: Variables, zone: ZoneInfo) -> None:
        cuts: set[Cut] = set()
        for window in windows:
            if window is not None:
                cuts |= {cut for cut in self._ends(window) if cut is not None}
        self._line = Line.cut_at(cuts)
        self._zone = zone
        self.full = (1 << self._line.cells) - 1
        self.variable = variables.add(self.full)

    @staticmethod
    def _ends(window: Effective) -> tuple[Cut | None, Cut | None]:
        return (
            None if window.from_ is None else (_as_instant(window.from_), 0),
            None if window.until is None else (_as_instant(window.until), 1),
        )

    def formula(self, window: Effective | None) -> Formula:
        """The window is open today."""
        if window is None:
            return ALWAYS
        return Literal(self.variable, self._line.between(*self._ends(window)))

    def instant(self, box: Box, now: datetime) -> datetime | None:
        """An instant on a day that the box allows: `now` where it does, else noon of another day."""
        allowed = box.get(self.variable, self.full)
        today = _as_instant(now.astimezone(self._zone).date())
        if allowed >> self._line.cell_of(today) & 1:
            return now
        scale = DateScale(cast("ZoneInfo", UTC), now)
        for cell in range(self._line.cells):
            if allowed >> cell & 1:
                for found in scale.between(*self._line.ends(cell)):
                    day = cast("datetime", found).date()
                    if allowed >> self._line.cell_of(_as_instant(day)) & 1:
                        return datetime.combine(day, time(12), self._zone).astimezone(UTC)
        return None


def _as_instant(day: date) -> datetime:
    """A day as a point of a line on which only days are compared."""
    return datetime.combine(day, time.min, UTC)
