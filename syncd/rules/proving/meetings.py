"""Siblings that meet: bands of one field that leave a hole between them, and conditions that share accounts.

Of overlaps only those are told that look unmeant: both test the same fields and neither lies inside the other. A
special case before the general one, and rules about different fields, are how trees are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from syncd.errors import Severity
from syncd.model.fields import FieldType
from syncd.rules.conditions import holds
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.deciding.tree_result import in_effect
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext, local_day
from syncd.rules.pack import Pack
from syncd.rules.proving.claims import Claim, claim
from syncd.rules.proving.domains import MISSING
from syncd.rules.proving.examples import Check, Examples
from syncd.rules.proving.line_domain import LineDomain
from syncd.rules.proving.logic import Box, ExhaustedError, meet, within
from syncd.rules.proving.reaching import Enters, example_in
from syncd.rules.proving.stretches import Stretch
from syncd.rules.proving.trees import Node, Tree

_MOST_PAIRS_OF_ONE = 3

Rest = frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Band:
    """One box of a sibling, as the cells of one line that it takes."""

    cells: int
    node: Node

    @property
    def first(self) -> int:
        return (self.cells & -self.cells).bit_length() - 1


@dataclass(frozen=True, slots=True)
class _Siblings:
    """One level: its nodes, those that ask anything, the first that does not, and all that is taken before that one."""

    nodes: list[Node]
    choosy: list[Node]
    catching: Node | None
    taken: int

    @classmethod
    def of(cls, level: list[Node]) -> _Siblings:
        parent = level[0].parent
        taken = parent.before if parent is not None else 0
        choosy = [each for each in level if not each.takes_all]
        for each in choosy:
            taken |= each.terms
        return cls(level, choosy, next((each for each in level if each.takes_all), None), taken)

    @property
    def parent(self) -> Node | None:
        return self.nodes[0].parent


class Meetings:
    """Compares the siblings of every level of a tree; each question ends where the budget does."""

    def __init__(self, pack: Pack, role: str, tree: Tree, examples: Examples, types: Mapping[str, FieldType]) -> None:
        self._pack = pack
        self._role = role
        self._tree = tree
        self._examples = examples
        self._types = types
        self._lines = {
            domain.variable: domain for domain in tree.space.domains.values() if isinstance(domain, LineDomain)
        }

    def _levels(self) -> Iterator[list[Node]]:
        for level in self._tree.levels:
            parent = level[0].parent
            if len(level) > 1 and (parent is None or not parent.dead):
                yield level

    # Holes between bands

    def holes(self) -> Iterator[Claim]:
        """Accounts between the bands of two siblings that only a catch-all, or the territory above, takes."""
        try:
            for level in self._levels():
                siblings = _Siblings.of(level)
                for (variable, rest), bands in self._bands(level).items():
                    if len({id(band.node) for band in bands}) > 1:
                        yield from self._between(siblings, self._lines[variable], dict(rest), bands)
        except ExhaustedError:
            return

    def _bands(self, level: list[Node]) -> dict[tuple[int, Rest], list[_Band]]:
        """Stretches of a line by what else the box asks for; single values are no bands."""
        groups: dict[tuple[int, Rest], list[_Band]] = {}
        for node in level:
            for box in node.boxes or ():
                for variable, values in box.items():
                    domain = self._lines.get(variable)
                    cells = values >> 1
                    if domain is not None and not values & MISSING and self._is_band(domain, cells):
                        rest = frozenset((other, its) for other, its in box.items() if other != variable)
                        groups.setdefault((variable, rest), []).append(_Band(cells, node))
        return groups

    def _is_band(self, domain: LineDomain, cells: int) -> bool:
        stretch = cells >> ((cells & -cells).bit_length() - 1)
        return not stretch & (stretch + 1) and not Stretch(*domain.bounds(cells)).is_point

    def _between(self, level: _Siblings, domain: LineDomain, rest: Box, bands: list[_Band]) -> Iterator[Claim]:
        bands.sort(key=lambda band: (band.first, band.cells.bit_length()))
        below, end = bands[0].node, bands[0].cells.bit_length()
        for band in bands[1:]:
            if band.first > end:
                hole = ((1 << (band.first - end)) - 1) << end
                found = self._hole(level, domain, {**rest, domain.variable: hole << 1}, below, band.node)
                if found is not None:
                    yield found
            if band.cells.bit_length() >= end:
                below, end = band.node, band.cells.bit_length()

    def _hole(self, level: _Siblings, domain: LineDomain, box: Box, below: Node, over: Node) -> Claim | None:
        stretch = Stretch(*domain.bounds(box[domain.variable] >> 1))
        type_ = self._types[domain.name]
        parent = level.parent
        above = self._tree.path_boxes(parent)
        if above is None or not stretch.is_worth_telling(type_):
            return None
        found = self._tree.free_box([met for each in above if (met := meet(each, box)) is not None], level.taken)
        if found is None:
            return None
        example = example_in(self._examples, self._tree.space, found, self._falls_through(level), 2 * len(level.nodes))
        if example is None:
            return None
        catching = level.catching.path if level.catching is not None else parent.path if parent is not None else None
        goes = "goes to no territory" if catching is None else f"goes to `{catching}`"
        pair = f"`{below.territory.name}` ({below.territory.place}) and `{over.territory.name}`"
        return claim(
            "SYN354",
            Severity.WARNING if stretch.is_narrow(type_) else Severity.NOTE,
            f"no territory between {pair} takes {domain.name} {stretch.written(type_, self._pack.zone)}: "
            f"such an account {goes}",
            over.territory.when.place or over.territory.place,
            "close the hole, or give it a territory of its own",
            example,
            (over.path, below.path),
        )

    def _falls_through(self, level: _Siblings) -> Check:
        parent = level.parent

        def check(facts: Facts, context: EvaluationContext) -> bool:
            if parent is not None and not Enters(self._pack, self._role, parent)(facts, context):
                return False
            today = local_day(context.now, context.zone)
            for each in level.choosy:  # a loop costs half of a generator, and a level may have thousands
                if holds(each.territory.when, facts, context) and in_effect(each.territory, today):
                    return False
            return True

        return check

    # Overlaps

    def overlaps(self) -> Iterator[Claim]:
        """Pairs of siblings that test the same fields and share accounts, neither inside the other."""
        try:
            for level in self._levels():
                yield from self._overlaps_of(level)
        except ExhaustedError:
            return

    def _overlaps_of(self, level: list[Node]) -> Iterator[Claim]:
        alike: dict[frozenset[int], int] = {}
        for node in level:
            if node.dead or node.takes_all:
                continue
            met: set[int] = set()
            for box in node.boxes or ():
                candidates = self._tree.terms.meeting(box, alike.get(frozenset(box), 0))
                self._tree.budget.spend(1 + candidates.bit_count())
                for earlier, other in self._owners(candidates):
                    if id(earlier) in met or len(met) == _MOST_PAIRS_OF_ONE:
                        continue
                    found = self._overlap(earlier, other, node, box)
                    if found is not None:
                        met.add(id(earlier))
                        yield found
            for box, term in zip(node.boxes or (), _single_bits(node.terms), strict=True):
                alike[frozenset(box)] = alike.get(frozenset(box), 0) | term

    def _owners(self, terms: int) -> Iterator[tuple[Node, Box]]:
        while terms:
            low = terms & -terms
            terms ^= low
            number = low.bit_length() - 1
            yield self._tree.owner[number], self._tree.terms.boxes[number]

    def _overlap(self, earlier: Node, other: Box, node: Node, box: Box) -> Claim | None:
        """The claim, if some account meets both and what is tried before them leaves it to the earlier one."""
        if within(box, other) or within(other, box) or self._lies_inside(earlier, node):
            return None
        shared = meet(other, box)
        above = self._tree.path_boxes(node.parent)
        if shared is None or above is None:
            return None
        boxes = [met for each in above if (met := meet(each, shared)) is not None]
        found = self._tree.free_box(boxes, earlier.before)
        if found is None:
            return None

        def meets_both(facts: Facts, context: EvaluationContext) -> bool:
            path = choose_territory(self._pack, self._role, facts, context).path
            entered = any(each is earlier.territory for each in path)
            return (
                entered
                and in_effect(node.territory, local_day(context.now, context.zone))
                and holds(node.territory.when, facts, context)
            )

        example = example_in(self._examples, self._tree.space, found, meets_both, 2 * len(node.siblings))
        if example is None:
            return None
        return claim(
            "SYN353",
            Severity.NOTE,
            f"`{node.territory.name}` and `{earlier.territory.name}` ({earlier.territory.place}) before it share "
            f"accounts; `{earlier.territory.name}` takes them",
            node.territory.when.place or node.territory.place,
            "if that is not meant, set them apart or change their order",
            example,
            (node.path, earlier.path),
        )

    def _lies_inside(self, earlier: Node, node: Node) -> bool:
        """Whether every box of the earlier sibling lies in one of the later: a special case before the general."""
        boxes = earlier.boxes or []
        self._tree.budget.spend(len(boxes) * len(node.boxes or []))
        return all(any(within(each, other) for other in node.boxes or ()) for each in boxes)


def _single_bits(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low
        bits ^= low
