"""Segments: named conditions, each read after those it names; a circle of names is an error.

Knows the order; what a condition means is condition_parser's.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from syncd.rules.conditions import Condition
from syncd.rules.nodes import Entry, Mapping, Node, Scalar, Sequence
from syncd.rules.options import read_name
from syncd.rules.reading import Reading


def read_segments(entries: list[Entry], reading: Reading) -> None:
    """Read every segment into `reading.segments`; those that cannot be read join `reading.unreadable`."""
    waiting = {entry.key.text: entry for entry in entries}
    needs = {name: [each for each in _named(entry.value) if each in waiting] for name, entry in waiting.items()}
    found: dict[str, Condition] = {}
    broken: set[str] = set()
    for name in _ordered(needs):
        entry = waiting[name]
        circle = _circle(name, needs)
        reading.segments = MappingProxyType(found)
        reading.unreadable |= broken
        if circle:
            broken.add(name)
            message = f"the segment `{name}` is defined by itself: {' → '.join((*circle, name))}"
            reading.findings.error("SYN254", message, entry.key.place, "a segment may name only others")
            continue
        valid = read_name(entry.key, reading)
        condition = reading.condition(entry.value, reading.scope())
        if valid is None or condition is None:
            broken.add(name)
        else:
            found[name] = condition
    reading.segments = MappingProxyType({name: found[name] for name in waiting if name in found})
    reading.unreadable |= broken


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
    paths: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while paths:
        longer: list[tuple[str, ...]] = []
        for path in paths:
            for each in needs[path[-1]]:
                if each == name:
                    return path
                if each not in seen:
                    seen.add(each)
                    longer.append((*path, each))
        paths = longer
    return ()
