"""A role's tree as terms: each territory's own condition as boxes, and which terms are tried before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from syncd.rules.conditions import Always
from syncd.rules.pack import Territory
from syncd.rules.proving.logic import Box, Budget, Formula, TooManyBoxesError, both, product
from syncd.rules.proving.search import Search, Terms
from syncd.rules.proving.space import Space

MOST_BOXES = 20_000
"""Boxes that one territory's condition may come to."""
_MOST_ON_A_PATH = 5_000


@dataclass(slots=True)
class Node:
    """A territory in its tree. `boxes` is None where its own condition comes to too many.

    `terms` are its own boxes among the tree's, `before` all terms that are tried before it on its path. `after_all`
    says that an earlier sibling takes everything.
    """

    territory: Territory
    parent: Node | None
    position: int
    siblings: list[Node] = field(default_factory=list)
    boxes: list[Box] | None = None
    terms: int = 0
    before: int = 0
    dead: bool = False
    after_all: bool = False

    @property
    def path(self) -> str:
        """The territory's path."""
        return self.territory.path

    def ancestors(self) -> Iterator[Node]:
        """The territories above it, the nearest first."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    @property
    def takes_all(self) -> bool:
        """Whether it takes everything that gets as far as it, at all times."""
        return isinstance(self.territory.when, Always) and self.territory.effective is None


class Tree:
    """All nodes of a role's tree, parents first, and the terms that they make."""

    def __init__(self, roots: Sequence[Territory], space: Space, budget: Budget) -> None:
        self.space = space
        self.budget = budget
        self.nodes: list[Node] = []
        self._paths: dict[int, list[Box] | None] = {}
        self.levels: list[list[Node]] = []
        self._add(roots, None)
        boxes: list[Box] = []
        self.owner: list[Node] = []
        for node in self.nodes:
            node.boxes = self._boxes(self.formula(node))
            if node.boxes is not None:
                node.terms = ((1 << len(node.boxes)) - 1) << len(boxes)
                boxes += node.boxes
                self.owner += [node] * len(node.boxes)
        self.terms = Terms(boxes, space.variables)
        for level in self.levels:
            before = level[0].parent.before if level[0].parent is not None else 0
            for node in level:
                node.before = before
                before |= node.terms

    def _add(self, level: Sequence[Territory], parent: Node | None) -> None:
        siblings: list[Node] = []
        after_all = False
        for position, territory in enumerate(level):
            siblings.append(Node(territory, parent, position, siblings, after_all=after_all))
            after_all = after_all or siblings[-1].takes_all
        if siblings:
            self.levels.append(siblings)
        for node in siblings:
            self.nodes.append(node)
            self._add(node.territory.children, node)

    def formula(self, node: Node) -> Formula:
        """The territory's own condition, its window included."""
        territory = node.territory
        return both((self.space.formula(territory.when), self.space.calendar.formula(territory.effective)))

    def _boxes(self, formula: Formula) -> list[Box] | None:
        try:
            found = self.space.variables.boxes(formula, MOST_BOXES)
        except TooManyBoxesError:
            return None
        self.budget.spend(len(found))
        return found

    def path_boxes(self, node: Node | None) -> list[Box] | None:
        """The boxes of all accounts that meet the conditions of a territory and of all above; None for too many."""
        if node is None:
            return [{}]
        if id(node) not in self._paths:
            self._paths[id(node)] = self._product(self.path_boxes(node.parent), node.boxes)
        return self._paths[id(node)]

    def _product(self, above: list[Box] | None, own: list[Box] | None) -> list[Box] | None:
        if above is None or own is None:
            return None
        if above == [{}]:
            return own
        return self.within(above, own)

    def within(self, *factors: list[Box]) -> list[Box] | None:
        """The boxes of what lies in each of several unions of boxes; None for too many."""
        try:
            found = product(factors, _MOST_ON_A_PATH)
        except TooManyBoxesError:
            return None
        self.budget.spend(len(found))
        return [box for each in found if (box := self.space.variables.settled(each)) is not None]

    def search(self) -> Search:
        """A search among the tree's terms."""
        return Search(self.terms, self.space.variables, self.budget)

    def free_box(self, boxes: Sequence[Box], against: int, used: set[int] | None = None) -> Box | None:
        """A box in one of these that no term of `against` meets; None is a proof that there is none."""
        search = self.search()
        for box in boxes:
            quiet = self.space.idle(box)
            found = None if quiet is None else self.search().outside(quiet, against)
            if found is not None:
                return found
        for box in boxes:
            found = search.outside(box, against)
            if found is not None:
                return found
        if used is not None:
            used |= search.used
        return None

    def owners_of(self, terms: set[int]) -> list[Node]:
        """The territories that terms belong to, in the order tried, each once."""
        found = {id(self.owner[term]): self.owner[term] for term in sorted(terms)}
        return list(found.values())
