"""Territories that no account can reach: conditions that contradict themselves, their ancestors, or come too late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from syncd.errors import Place, Severity
from syncd.rules.conditions import AllOf, Condition, holds
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Pack
from syncd.rules.proving.claims import MOST_SHOWN, Claim, Undecided, claim, named
from syncd.rules.proving.examples import Check, Example, Examples
from syncd.rules.proving.logic import Box, ExhaustedError, Formula, TooManyBoxesError, both
from syncd.rules.proving.space import Space
from syncd.rules.proving.trees import Node, Tree

_MOST_ALTERNATIVES = 4
_MOST_STEPS_OF_ONE = 40_000
_MOST_BOXES = 2_000
_TOO_LARGE = "its condition comes to too many cases"
_OUT_OF_STEPS = "the pack is too large for the steps that a check may take"
_DOUBT = "it depends on opportunities, dates that move with now, or patterns"


class Enters:
    """Whether the plain tree leads an account through a territory."""

    def __init__(self, pack: Pack, role: str, node: Node) -> None:
        self._pack = pack
        self._role = role
        self._place = (node.path, node.territory.place)

    def __call__(self, facts: Facts, context: EvaluationContext) -> bool:
        """True of facts whose path goes through the territory."""
        path = choose_territory(self._pack, self._role, facts, context).path
        return any((each.path, each.place) == self._place for each in path)


class Reaching:
    """Says of every territory whether an account can reach it; `claims` and `undecided` gather the answers."""

    def __init__(self, pack: Pack, role: str, tree: Tree, examples: Examples, known: frozenset[Place]) -> None:
        self._pack = pack
        self._role = role
        self._tree = tree
        self._examples = examples
        self._known = known
        self.claims: list[Claim] = []
        self.undecided: list[Undecided] = []
        self.decided = 0

    def run(self) -> None:
        """Decide every territory, parents first; what lies below an unreachable one is not accused again."""
        for node in self._tree.nodes:
            if node.parent is not None and node.parent.dead:
                node.dead = True
            elif node.after_all or node.territory.place in self._known:
                node.dead = True  # the loader has said so
            elif node.takes_all:
                self.decided += 1  # a list has to end in one, whether anything is left for it or not
            else:
                self._decide(node)

    def _decide(self, node: Node) -> None:
        try:
            with self._tree.budget.at_most(_MOST_STEPS_OF_ONE):
                verdict = self._verdict(node)
        except ExhaustedError:
            verdict = _OUT_OF_STEPS
        if isinstance(verdict, str):
            self.undecided.append(Undecided(node.path, node.territory.place, verdict))
            return
        self.decided += 1
        if verdict is not None:
            node.dead = True
            self.claims.append(verdict)

    def _verdict(self, node: Node) -> Claim | str | None:
        """A claim where no account reaches it, None where one does, else why it cannot be said."""
        if node.boxes is None:
            return _TOO_LARGE
        if not node.boxes:
            return self._contradiction(node)
        path = self._tree.path_boxes(node)
        if path is None:
            return _TOO_LARGE
        if not path:
            return self._excluded(node)
        used: set[int] = set()
        found = self._tree.free_box(path, node.before, used)
        if found is None:
            return self._taken(node, path, used)
        return None if self._is_reached(node, path, found) else _DOUBT

    def _is_reached(self, node: Node, path: Sequence[Box], found: Box) -> bool:
        """Whether an account surely reaches the territory: an exact box has one, a doubtful one has to show it."""
        if not self._tree.space.leans_on_doubt(found) and self._examples.is_plausible(found):
            return True
        cost = sum(len(each.siblings) for each in (node, *node.ancestors()))
        tried = [found]
        for box in path[: 4 * _MOST_ALTERNATIVES]:
            if len(tried) <= _MOST_ALTERNATIVES:
                other = self._tree.search().outside(box, node.before)
                if other is not None and other not in tried:
                    tried.append(other)
        return any(self._examples.of(box, self._enters(node), cost) is not None for box in tried)

    def _enters(self, node: Node) -> Enters:
        return Enters(self._pack, self._role, node)

    def _contradiction(self, node: Node) -> Claim:
        territory = node.territory
        found = contradiction(self._tree.space, territory.when, self._examples)
        said, example = found if found is not None else ("no account meets its condition", None)
        return claim(
            "SYN352",
            Severity.WARNING,
            f"`{territory.name}` can never be entered: {said}",
            territory.when.place or territory.place,
            "correct the condition, or remove the territory",
            example,
            (territory.path,),
        )

    def _excluded(self, node: Node) -> Claim:
        territory = node.territory
        above = next(
            (
                each
                for each in node.ancestors()
                if each.boxes is not None and self._tree.within(each.boxes, node.boxes or []) == []
            ),
            node.parent,
        )
        who = (
            "what stands above it" if above is None else f"`{above.territory.name}` above it ({above.territory.place})"
        )
        return claim(
            "SYN351",
            Severity.WARNING,
            f"`{territory.name}` can never be entered: no account meets both its condition and that of {who}",
            territory.when.place or territory.place,
            "correct one of the two, or move it out",
            self._elsewhere(node, node.boxes or []),
            (territory.path,),
        )

    def _taken(self, node: Node, path: Sequence[Box], used: set[int]) -> Claim:
        territory = node.territory
        takers = [each for each in self._tree.owners_of(used) if each.terms & node.before]
        own = [each for each in takers if each.siblings is node.siblings]
        names = [f"`{each.territory.name}` ({each.territory.place})" for each in (own or takers)]
        takes = "takes" if len(names) == 1 else "together take"
        return claim(
            "SYN350",
            Severity.WARNING,
            f"`{territory.name}` can never be entered: {named(names)} {takes} every account that it matches",
            territory.place,
            f"move it before {'it' if len(names) == 1 else 'them'}, or remove it",
            self._elsewhere(node, path),
            (territory.path, *(each.path for each in own or takers)),
        )

    def _elsewhere(self, node: Node, boxes: Sequence[Box]) -> Example | None:
        """An account that meets the territory's own condition and is not taken by it."""

        def misses(facts: Facts, context: EvaluationContext) -> bool:
            return holds(node.territory.when, facts, context) and not self._enters(node)(facts, context)

        if len(self.claims) >= MOST_SHOWN:
            return None  # counted, not shown
        cost = sum(len(each.siblings) for each in (node, *node.ancestors()))
        for box in boxes[:_MOST_ALTERNATIVES]:
            found = example_in(self._examples, self._tree.space, box, misses, cost)
            if found is not None:
                return found
        return None


def example_in(examples: Examples, space: Space, box: Box, check: Check, cost: int = 0) -> Example | None:
    """An example from the quiet part of the box, else from all of it; None also where the budget ends."""
    try:
        for each in (space.idle(box), box):
            if each is not None:
                found = examples.of(each, check, cost)
                if found is not None:
                    return found
    except ExhaustedError:
        return None
    return None


def contradiction(space: Space, condition: Condition, examples: Examples) -> tuple[str, Example | None] | None:
    """Why no account meets a condition, with an account that meets all but one clause; None where one may."""
    whole = _boxes(space, space.formula(condition))
    if whole is None or whole:
        return None
    clauses = list(clauses_of(condition))
    for clause in clauses:
        if _boxes(space, space.formula(clause)) == []:
            return f"`{shortened(clause)}` never holds", None
    for first, second in combinations(clauses, 2):
        if _boxes(space, both((space.formula(first), space.formula(second)))) == []:
            example = _meets_first_only(space, first, second, examples)
            return f"`{shortened(first)}` and `{shortened(second)}` never hold together", example
    return "its clauses never hold together", None


def _meets_first_only(space: Space, first: Condition, second: Condition, examples: Examples) -> Example | None:
    def check(facts: Facts, context: EvaluationContext) -> bool:
        return holds(first, facts, context) and not holds(second, facts, context)

    for box in (_boxes(space, space.formula(first)) or [])[:_MOST_ALTERNATIVES]:
        found = example_in(examples, space, box, check)
        if found is not None:
            return found
    return None


def _boxes(space: Space, formula: Formula) -> list[Box] | None:
    try:
        return space.variables.boxes(formula, _MOST_BOXES)
    except TooManyBoxesError:
        return None


def clauses_of(condition: Condition) -> Iterator[Condition]:
    """The clauses that must all hold, those of `all` among them."""
    if isinstance(condition, AllOf):
        for each in condition.conditions:
            yield from clauses_of(each)
    else:
        yield condition


def shortened(condition: Condition) -> str:
    """A condition as written, cut to the length of a message."""
    text = condition.text or "it"
    return text if len(text) <= 80 else f"{text[:77]}..."
