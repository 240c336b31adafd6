"""Decision-tree induction over rule fields: from who owns what today to a tree that says why. Pure and deterministic.

At each node the field is chosen whose split is most nearly a function of the owner (gain ratio): so the tree follows
the hierarchy that people had in mind, and a size that cuts across all countries comes before the countries. Fields with
few values split in many ways at once, values that lead to the same owner together, or to the same team where nobody
stands out; numbers split in two at a round figure. What does not pay is pruned away again.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from syncd.planning.aids.team_cuts import team_groups

MOST_VALUES = 400
"""A field with more different values than this tells accounts from each other, not territories."""
_DEEPEST = 7
_MOST = 0.6
"""Who has this share of the accounts that led to a rule is its owner; the others are exceptions."""
_TEAM_SHARE = 0.25
"""Who has at least this part of what the largest of a team has is of the team."""
_LEAST_RATIO = 0.08
_SURE = 3.0
"""So many standard deviations above what chance tells a split must be."""
_ROUND = (Decimal(1), Decimal("1.5"), Decimal(2), Decimal("2.5"), Decimal(3), Decimal(4), Decimal(5), Decimal("7.5"))


@dataclass(frozen=True, slots=True)
class Sample:
    """One company: its owner, the values of fields with few values, and its numbers. What is missing is absent."""

    key: str
    owner: str
    words: Mapping[str, str]
    numbers: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Test:
    """What a branch asks: one of some values of a field, or a number that is at least `least`."""

    field: str
    values: tuple[str, ...] = ()
    least: Decimal | None = None

    def takes(self, sample: Sample) -> bool:
        """Whether a company goes this way; what is missing goes no way."""
        if self.least is not None:
            number = sample.numbers.get(self.field)
            return number is not None and number >= self.least
        return sample.words.get(self.field) in self.values


@dataclass(frozen=True, slots=True)
class Leaf:
    """The end of a path: whose companies these are. Several owners are a team that shares them."""

    owners: tuple[str, ...]
    held: Counter[str]

    @property
    def hits(self) -> float:
        """How many of its companies stay with their owner where each is given out anew, by the shares of the others.

        By those of the others, for a company says nothing of itself: small leaves would look better than they are.
        """
        total = self.held.total()
        return sum(count * (count - 1) for count in self.held.values()) / (total - 1) if total > 1 else float(total)


@dataclass(frozen=True, slots=True)
class Split:
    """Branches tried in order; who takes none goes on to `rest`. `held` is who owns the companies that came here."""

    branches: tuple[tuple[Test, Node], ...]
    rest: Node
    held: Counter[str]

    @property
    def hits(self) -> float:
        """How many companies below stay with their owner where each is given out anew."""
        return sum(branch.hits for _, branch in self.branches) + self.rest.hits


Node = Leaf | Split


@dataclass(frozen=True, slots=True)
class _Cut:
    """A way to split some companies: the branches with who goes where, and how good it is."""

    ratio: float
    gain: float
    tests: tuple[Test, ...]


@dataclass(frozen=True)
class _Grower:
    """Grows one tree; `least` is the smallest branch worth a rule of its own."""

    least: int
    fields: tuple[str, ...]
    numbers: tuple[str, ...]

    def grow(self, samples: Sequence[Sample], depth: int = 0) -> Node:
        """The tree of some companies."""
        held = Counter(sample.owner for sample in samples)
        leaf = leaf_of(held)
        if depth >= _DEEPEST or len(samples) < 2 * self.least or leaf.hits >= 0.97 * len(samples):
            return leaf
        cut = self._best(samples, held)
        if cut is None:
            return leaf
        parts: dict[int, list[Sample]] = defaultdict(list)
        for sample in samples:
            parts[_way(cut.tests, sample)].append(sample)
        branches = tuple((test, self.grow(parts[place], depth + 1)) for place, test in enumerate(cut.tests))
        split = Split(branches, self.grow(parts[-1], depth + 1) if parts[-1] else Leaf((), Counter()), held)
        return self._pruned(split, leaf, len(samples))

    def _pruned(self, split: Split, leaf: Leaf, count: int) -> Node:
        """The split, or the leaf in its place where the split tells hardly more: a team is named where there is one."""
        worth = max(self.least / 3, 0.005 * count)
        return split if split.hits - leaf.hits >= worth else leaf

    def _best(self, samples: Sequence[Sample], held: Counter[str]) -> _Cut | None:
        before = entropy(held)
        cuts = [self._by_values(name, samples, before) for name in self.fields]
        cuts += [self._by_number(name, samples, held, before) for name in self.numbers]
        cuts += [self._by_teams(name, samples, before) for name in self.fields]
        found = [cut for cut in cuts if cut is not None and cut.ratio >= _LEAST_RATIO]
        # equal ratios happen where one field implies another: the one that tells more comes first, then by name
        return max(found, key=lambda cut: (round(cut.ratio, 2), cut.gain, cut.tests[0].field), default=None)

    def _by_values(self, name: str, samples: Sequence[Sample], before: float) -> _Cut | None:
        """Values that lead to the same owner together, each group a branch; rare values and none go on."""
        table: dict[str, Counter[str]] = defaultdict(Counter)
        rest: Counter[str] = Counter()
        for sample in samples:
            value = sample.words.get(name)
            if value is None:
                rest[sample.owner] += 1
            else:
                table[value][sample.owner] += 1
        groups: dict[str, list[str]] = defaultdict(list)
        for value, owners in table.items():
            if owners.total() >= max(2, self.least // 3):
                groups[_first(owners)].append(value)
            else:
                rest.update(owners)
        sums = {owner: _total(table[value] for value in values) for owner, values in groups.items()}
        kept = [owner for owner in groups if sums[owner].total() >= self.least]
        for owner in groups.keys() - kept:
            rest.update(sums[owner])
        if not kept or (len(kept) == 1 and rest.total() < self.least):
            return None
        kept.sort(key=lambda owner: (-sums[owner].total(), owner))
        tests = tuple(Test(name, tuple(sorted(groups[owner]))) for owner in kept)
        return _measured([sums[owner] for owner in kept], rest, before, tests, ways=sum(map(len, groups.values())) + 1)

    def _by_teams(self, name: str, samples: Sequence[Sample], before: float) -> _Cut | None:
        """Values that one team shares together; what has none, or a rare one, goes on."""
        pairs = [(value, sample.owner) for sample in samples if (value := sample.words.get(name)) is not None]
        groups = team_groups(pairs, self.least)
        if not groups:
            return None
        rest = Counter(sample.owner for sample in samples)
        rest.subtract(owner for group in groups for owner in group.held.elements())
        # the groups were tried on companies that had no part in choosing them, so that they count as they are
        tests = tuple(Test(name, group.values) for group in groups)
        return _measured([group.held for group in groups], +rest, before, tests, ways=len(groups) + 1)

    def _by_number(self, name: str, samples: Sequence[Sample], held: Counter[str], before: float) -> _Cut | None:
        """The round figure that tells most; missing numbers are on the lower side, where no rule asks for them."""
        known = [sample for sample in samples if name in sample.numbers]
        if len(known) < 2 * self.least:
            return None
        edges = _edges(sample.numbers[name] for sample in known)
        buckets: list[Counter[str]] = [Counter() for _ in range(len(edges) + 1)]
        for sample in known:
            buckets[bisect_right(edges, sample.numbers[name])][sample.owner] += 1
        best: _Cut | None = None
        above: Counter[str] = Counter()
        for place in range(len(edges), 0, -1):
            above.update(buckets[place])
            below = held - above
            if min(above.total(), below.total()) < self.least:
                continue
            cut = _measured([above], below, before, (Test(name, least=edges[place - 1]),), ways=2)
            if cut is not None and (best is None or (cut.ratio, cut.gain) > (best.ratio, best.gain)):
                best = cut
        return best


def grow_tree(samples: Sequence[Sample], *, least: int | None = None) -> Node:
    """The tree of these companies.

    `least` is how many a territory of its own needs: without it one company in 400, an eighth of an owner's mean book,
    or 3, whichever is the smallest but not below 3.
    """
    owners = len({sample.owner for sample in samples})
    fair = min(len(samples) // 400, len(samples) // (8 * max(owners, 1)))
    smallest = least if least is not None else max(3, fair)
    words = Counter((name, value) for sample in samples for name, value in sample.words.items())
    spread = Counter(name for name, _ in words)
    fields = tuple(sorted(name for name, count in spread.items() if count <= MOST_VALUES))
    numbers = tuple(sorted({name for sample in samples for name in sample.numbers}))
    return _Grower(smallest, fields, numbers).grow(samples)


def leaf_of(held: Counter[str]) -> Leaf:
    """Whose companies these are: one owner who has most of them, else the team that shares them."""
    total = held.total()
    if not total:
        return Leaf((), held)
    ordered = sorted(held, key=lambda owner: (-held[owner], owner))
    if held[ordered[0]] >= _MOST * total:
        return Leaf((ordered[0],), held)
    team = [owner for owner in ordered if held[owner] >= _TEAM_SHARE * held[ordered[0]]]
    return Leaf(tuple(team), held)


def answer(node: Node, sample: Sample) -> tuple[str, ...]:
    """The owners that the tree names for a company; none where no company led here before."""
    while isinstance(node, Split):
        node = next((branch for test, branch in node.branches if test.takes(sample)), node.rest)
    return node.owners


def entropy(held: Mapping[str, int]) -> float:
    """The bits that are needed to say who owns one of these companies."""
    total = sum(held.values())
    return -sum(count / total * math.log2(count / total) for count in held.values() if count) if total else 0.0


def _measured(
    parts: list[Counter[str]], rest: Counter[str], before: float, tests: tuple[Test, ...], *, ways: int
) -> _Cut | None:
    """A cut and its worth; None where chance alone would tell as much.

    Chance is judged by the likelihood ratio against chi square of all `ways` that the field could have been split in,
    for the groups were chosen after looking.
    """
    sides = [side for side in (*parts, rest) if side.total()]
    total = sum(side.total() for side in sides)
    sizes = {str(place): side.total() for place, side in enumerate(sides)}
    width = entropy(sizes)
    if width <= 0:
        return None
    after = sum(side.total() / total * entropy(side) for side in sides)
    gain = before - after
    owners = len({owner for side in sides for owner in side})
    free = (ways - 1) * (owners - 1)
    if 2 * total * math.log(2) * gain <= free + _SURE * math.sqrt(2 * free):
        return None
    return _Cut(gain / width, gain, tests)


def _way(tests: tuple[Test, ...], sample: Sample) -> int:
    return next((place for place, test in enumerate(tests) if test.takes(sample)), -1)


def _edges(numbers: Iterable[Decimal]) -> list[Decimal]:
    """The round figures between the smallest and the largest number, and the numbers themselves where they are few."""
    values = sorted(set(numbers))
    found = set(values[1:]) if len(values) <= 40 else set[Decimal]()
    low, high = values[0], values[-1]
    scale = Decimal(1)
    while scale <= high:
        found.update(figure for each in _ROUND if low < (figure := each * scale) <= high)
        scale *= 10
    return sorted(found)


def _first(owners: Counter[str]) -> str:
    return min(owners, key=lambda owner: (-owners[owner], owner))


def _total(counters: Iterable[Counter[str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for counter in counters:
        found.update(counter)
    return found
