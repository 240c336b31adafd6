"""Clauses that never decide: those that what stands beside and above them already says, and parts that never match.

Only what is written for one territory is judged here; rows of tables are judged where tables are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncd.errors import Severity
from syncd.rules.conditions import Always, AnyOf, Condition, FieldTest, InSegment, holds
from syncd.rules.facts import Facts, Value
from syncd.rules.matching.matchers import AnyMatcher, EqualTo, InList, Matcher
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.claims import Claim, claim, named
from syncd.rules.proving.domains import Domain
from syncd.rules.proving.examples import Check, Example, Examples
from syncd.rules.proving.line_domain import LineDomain
from syncd.rules.proving.logic import ALWAYS, Box, ExhaustedError, Formula, Literal, TooManyBoxesError, both
from syncd.rules.proving.reaching import clauses_of, example_in, shortened
from syncd.rules.proving.text_domain import TextDomain
from syncd.rules.proving.trees import Node, Tree

_MOST_BOXES = 2_000
_MOST_LISTED = 200
_MOST_TRIED = 3

Part = tuple[str, Formula, Condition]
"""A part of a clause: as written, what it matches, and the same as a condition."""


class Clauses:
    """Judges the clauses of every territory that an account can reach."""

    def __init__(self, tree: Tree, examples: Examples) -> None:
        self._tree = tree
        self._space = tree.space
        self._examples = examples

    def claims(self) -> Iterator[Claim]:
        """What is superfluous, territory by territory; ends where the budget does."""
        try:
            for node in self._tree.nodes:
                if not node.dead and node.territory.row is None and not isinstance(node.territory.when, Always):
                    yield from self._of(node)
        except ExhaustedError:
            return

    def _of(self, node: Node) -> Iterator[Claim]:
        above = self._tree.path_boxes(node.parent)
        if not above:
            return
        clauses = list(clauses_of(node.territory.when))
        kept = list(clauses)
        for clause in reversed(clauses):
            others = [each for each in kept if each is not clause]
            if self._empty(above, others, self._negated(clause)):
                kept = others
                yield self._superfluous(node, clause, above, others)
        for clause in kept:
            yield from self._never_matching(node, clause, above, [each for each in kept if each is not clause])

    def _negated(self, condition: Condition) -> Formula:
        return self._space.variables.negated(self._space.formula(condition))

    def _empty(self, above: list[Box], beside: Sequence[Condition], formula: Formula) -> bool:
        """Whether nothing lies above, in all conditions beside, and in the formula; False also where it is too much."""
        own = self._boxes(both((formula, *(self._space.formula(each) for each in beside))))
        if own is None:
            return False
        return not own or (above != [{}] and self._tree.within(above, own) == [])

    def _boxes(self, formula: Formula) -> list[Box] | None:
        try:
            found = self._space.variables.boxes(formula, _MOST_BOXES)
        except TooManyBoxesError:
            return None
        self._tree.budget.spend(1 + len(found))
        return found

    # A clause that the rest already says

    def _superfluous(self, node: Node, clause: Condition, above: list[Box], others: list[Condition]) -> Claim:
        negated = self._negated(clause)
        if self._empty([{}], (), negated):
            why = "every account meets it"
        elif self._empty(above, (), negated):
            why = f"{self._teller(node, negated)} already says so"
        else:
            telling = [each for each in others if self._empty(above, (each,), negated)]
            why = f"`{shortened(telling[0])}` already says so" if telling else "the clauses beside it already say so"
        conditions = [clause, *others, *(each.territory.when for each in node.ancestors())]

        def meets_all(facts: Facts, context: EvaluationContext) -> bool:
            return all(holds(each, facts, context) for each in conditions)

        formula = both(self._space.formula(each) for each in (clause, *others))
        return claim(
            "SYN355",
            Severity.NOTE,
            f"`{shortened(clause)}` never decides in `{node.territory.name}`: {why}",
            clause.place or node.territory.place,
            "remove it, or correct it",
            self._example(above, formula, meets_all),
            (node.path,),
        )

    def _teller(self, node: Node, negated: Formula) -> str:
        for each in node.ancestors():
            if each.boxes is not None and self._empty(each.boxes, (), negated):
                return f"`{each.territory.name}` above it ({each.territory.place})"
        return "what stands above it"

    # Parts of a clause that no account here meets

    def _never_matching(
        self, node: Node, clause: Condition, above: list[Box], others: list[Condition]
    ) -> Iterator[Claim]:
        parts = list(self._parts(clause))
        never = [part for part in parts if self._empty(above, others, part[1])]
        if not never or len(never) == len(parts):
            return
        conditions = [*others, *(each.territory.when for each in node.ancestors())]
        condition = never[0][2]

        def is_kept_out(facts: Facts, context: EvaluationContext) -> bool:
            met = holds(condition, facts, context)
            return met and not all(holds(each, facts, context) for each in conditions)

        texts = [f"`{part[0]}`" for part in never]
        yield claim(
            "SYN356",
            Severity.WARNING,
            f"{named(texts)} never {'matches' if len(texts) == 1 else 'match'} in `{node.territory.name}`: what stands "
            f"beside and above rules {'it' if len(texts) == 1 else 'them'} out",
            clause.place or node.territory.place,
            "remove it, or correct it",
            self._example([{}], never[0][1], is_kept_out),
            (node.path,),
        )

    def _parts(self, clause: Condition) -> Iterator[Part]:
        match clause:
            case AnyOf(conditions) | InSegment(_, conditions):
                for each in conditions[:_MOST_LISTED]:
                    yield shortened(each), self._space.formula(each), each
            case FieldTest(name, type_, matcher):
                domain = self._space.domains[name]
                for text, formula, item in _items(matcher, domain):
                    yield text, formula, FieldTest(name, type_, item)
            case _:
                return

    def _example(self, above: list[Box], formula: Formula, check: Check) -> Example | None:
        own = self._boxes(formula)
        tried = own if above == [{}] else self._tree.within(above, own or [])
        for box in (tried or [])[:_MOST_TRIED]:
            found = example_in(self._examples, self._space, box, check)
            if found is not None:
                return found
        return None


def _items(matcher: Matcher, domain: Domain) -> Iterator[tuple[str, Formula, Matcher]]:
    """The values and matchers that a list is made of; those of a named list are not looked at."""
    match matcher:
        case AnyMatcher(_, items):
            for item in items[:_MOST_LISTED]:
                if isinstance(item, InList) and item.list_name is None:
                    yield from _items(item, domain)
                else:
                    yield item.text, domain.formula(item), item
        case InList(_, values, None) if len(values) <= _MOST_LISTED:
            for value in sorted(values, key=str):
                yield str(value), _formula_of(value, domain), EqualTo(str(value), value)
        case _:
            return


def _formula_of(value: Value, domain: Domain) -> Formula:
    if isinstance(domain, TextDomain) and isinstance(value, str):
        return Literal(domain.variable, domain.class_of(value))
    if isinstance(domain, LineDomain):
        return domain.formula(EqualTo("", value))
    return ALWAYS
