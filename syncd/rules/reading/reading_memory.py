"""What one reading of a pack leaves for the next: files as they were read, and territories with all that they said.

A part is taken from here only where everything that reading it looked at is as it was: the very bytes of its file, the
names that it used, the sheets behind it, and what stands above it. What it said (findings, names to be checked) is said
again. Equal to reading everything anew. Lives in the memory of one process; knows no meaning of what it keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from syncd.errors import Place
from syncd.rules.findings import Findings, Found
from syncd.rules.nodes import Mapping as MappingNode
from syncd.rules.nodes import Node, Sequence

T = TypeVar("T")


class Watched(Mapping[str, T]):
    """Names and what they stand for, with a note of each that was asked for, and of going through all of them."""

    def __init__(self, named: Mapping[str, T], asked: set[str | None]) -> None:
        self._named = named
        self._asked = asked

    def __getitem__(self, name: str) -> T:
        self._asked.add(name)
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        self._asked.add(None)
        return iter(self._named)

    def __len__(self) -> int:
        self._asked.add(None)
        return len(self._named)


@dataclass(frozen=True, slots=True)
class Names:
    """What some names stood for when they were asked for; `every` are all names there were, if that was asked."""

    of: Mapping[str, object]
    every: tuple[str, ...] | None

    @classmethod
    def asked_of(cls, named: Mapping[str, object], asked: set[str | None]) -> Names:
        """The answers to what was asked."""
        of = {name: named.get(name) for name in asked if name is not None}
        return cls(of, tuple(named) if None in asked else None)

    def hold(self, named: Mapping[str, object]) -> bool:
        """Whether the same questions have the very same answers."""
        if self.every is not None and self.every != tuple(named):
            return False
        return all(named.get(name) is value for name, value in self.of.items())


@dataclass(slots=True)
class Said:
    """All that reading a part leaves beside its result."""

    found: list[Found] = field(default_factory=list)
    references: list[tuple[str, str, Place]] = field(default_factory=list)
    pairs: list[tuple[str, str, Place]] = field(default_factory=list)
    queues: list[tuple[str, Place]] = field(default_factory=list)
    claims: list[tuple[str, Place]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """One entry of a list as it was read: where it stands, what it comes to, and what it depends on.

    `sheets` are the CSV files that it names, each with what it was read as.
    """

    node: Node
    above: object
    result: Any
    said: Said
    lists: Names
    segments: Names
    sheets: Mapping[Any, object]


@dataclass(frozen=True, slots=True)
class _File:
    """The bytes of a file, what they were read as, what was found in it, and its text, for the findings' lines."""

    data: bytes
    value: Any
    found: tuple[Found, ...]
    text: str | None


class ReadingMemory:
    """What is kept from one reading of a pack folder to the next. Not for two threads at a time."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], _File] = {}
        self._parts: dict[int, Part] = {}
        self._used: dict[int, Part] = {}
        self._same: dict[str, Any] = {}
        self._around: object = None
        self._other: tuple[object, dict[int, Part]] = (None, {})

    def file(self, kind: str, name: str, data: bytes, read: Callable[[], T], findings: Findings) -> T:
        """A file read as a kind: as before where its bytes are, else by `read`."""
        kept = self._files.get((kind, name))
        if kept is None or kept.data != data:
            with findings.heard() as found:
                read_now = read()
            kept = self._files[kind, name] = _File(data, read_now, tuple(found), findings.text_of(name))
        else:
            if kept.text is not None:
                findings.attach(name, kept.text)
            for each in kept.found:
                findings.add(*each)
        value: T = kept.value
        return value

    def same(self, what: str, named: Mapping[str, T]) -> Mapping[str, T]:
        """The same names; each value that equals the one of the last reading is that very object."""
        before: Mapping[str, T] = self._same.get(what, {})
        now = {name: before[name] if before.get(name) == value else value for name, value in named.items()}
        self._same[what] = now
        return now

    def begin(self, around: object) -> None:
        """Start on the parts of a pack. What was read under other conditions waits for the next reading under those:
        a file that cannot be read for a moment is such a condition.
        """
        if self._around != around:
            before = self._around, self._parts
            self._around, self._parts = around, self._other[1] if self._other[0] == around else {}
            self._other = before
        self._used = {}

    def part(self, node: Node) -> Part | None:
        """What was kept of this entry."""
        return self._parts.get(id(node))

    def keep(self, part: Part) -> None:
        """Keep what an entry came to."""
        self._used[id(part.node)] = part

    def end(self) -> None:
        """The pack is read as far as it goes: what it no longer holds is forgotten."""
        self._parts, self._used = self._used, {}

    def forget(self) -> None:
        """Forget all parts: something was looked at that this module does not watch."""
        self._parts, self._used, self._other = {}, {}, (None, {})


def is_whole(node: MappingNode) -> bool:
    """Whether an entry of a list of territories is read by itself: it holds none that come from elsewhere."""
    return not isinstance(node.get("territories"), MappingNode | Sequence)
