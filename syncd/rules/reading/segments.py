"""Segments: named conditions, each read after those it names; a circle of names is an error.

Knows the order; what a condition means is condition_parser's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from syncd.rules.conditions import Condition
from syncd.rules.nodes import Entry, Mapping, Node, Scalar, Sequence
from syncd.rules.reading.options import read_name
from syncd.rules.reading.pack_reading import Reading

_MOST = 1000
_DEEPEST = 10


def read_segments(entries: list[Entry], reading: Reading) -> None:
    """Read every segment into `reading.segments`; those that cannot be read join `reading.unreadable`."""
    waiting = {entry.key.text: entry for entry in entries}
    needs = {name: [each for each in _named(entry.value) if each in waiting] for name, entry in waiting.items()}
    weights: dict[str, _Weight] = {}
    found: dict[str, Condition] = {}
    broken: set[str] = set()
    for name in _ordered(needs):
        weight = _weight([weights[each] for each in needs[name] if each in weights])
        reading.segments = MappingProxyType(found)
        reading.unreadable |= broken
        circle = () if all(each in weights for each in needs[name]) else _circle(name, needs)
        condition = _segment(waiting[name], circle, weight, reading)
        weights[name] = weight if condition is not None else _Weight(1, 1)
        if condition is None:
            broken.add(name)
        else:
            found[name] = condition
    reading.segments = MappingProxyType({name: found[name] for name in waiting if name in found})
    reading.unreadable |= broken


@dataclass(frozen=True, slots=True)
class _Weight:
    """How much a segment comes to with those it names written out: how many there are, and how deep they nest."""

    count: int
    depth: int


def _weight(named: list[_Weight]) -> _Weight:
    count, depth = 1 + sum(each.count for each in named), 1 + max((each.depth for each in named), default=0)
    return _Weight(min(count, _MOST + 1), depth)


def _segment(entry: Entry, circle: tuple[str, ...], weight: _Weight, reading: Reading) -> Condition | None:
    name, place = entry.key.text, entry.key.place
    if circle:
        message = f"the segment `{name}` is defined by itself: {' → '.join((*circle, name))}"
        reading.findings.error("SYN254", message, place, "a segment may name only others")
        return None
    if weight.count > _MOST or weight.depth > _DEEPEST:
        message = f"the segment `{name}` stands for too many others"
        hint = f"written out it may come to {_MOST} segments, {_DEEPEST} deep: use lists, or fewer steps"
        reading.findings.error("SYN254", message, place, hint)
        return None
    valid = read_name(entry.key, reading)
    condition = reading.condition(entry.value, reading.scope())
    return condition if valid is not None else None


def _named(node: Node) -> Iterator[str]:
    """The segments that a condition names, anywhere in it."""
    waiting: list[Node] = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Sequence):
            waiting.extend(each.items)
        elif isinstance(each, Mapping):
            for entry in each:
                if entry.key.text == "in_segment":
                    items = entry.value.items if isinstance(entry.value, Sequence) else (entry.value,)
                    yield from (item.text for item in items if isinstance(item, Scalar))
                else:
                    waiting.append(entry.value)


def _ordered(needs: dict[str, list[str]]) -> Iterator[str]:
    """Each name after those it needs; names in a circle come as they may. Iterative: chains may be long."""
    done: set[str] = set()
    for start in needs:
        stack = [(start, iter(needs[start]))]
        entered = {start}
        while stack:
            name, rest = stack[-1]
            following = next((each for each in rest if each not in done and each not in entered), None)
            if following is not None:
                entered.add(following)
                stack.append((following, iter(needs[following])))
                continue
            stack.pop()
            if name not in done:
                done.add(name)
                yield name


def _circle(name: str, needs: dict[str, list[str]]) -> tuple[str, ...]:
    """The shortest way from a segment back to itself, empty if there is none."""
    came_from: dict[str, str] = {}
    reached = [name]
    for each in reached:
        for following in needs[each]:
            if following == name:
                way = [each]
                while way[-1] != name:
                    way.append(came_from[way[-1]])
                return tuple(reversed(way))
            if following not in came_from:
                came_from[following] = each
                reached.append(following)
    return ()
