"""What one reading of a pack leaves for the next: files as they were read, and territories with all that they said.

A part is taken from here only where everything that reading it looked at is as it was: the very bytes of its file, the
names that it used, the sheets behind it, and what stands above it. What it said (findings, names to be checked) is said
again. Equal to reading everything anew. Lives in the memory of one process; knows no meaning of what it keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from syncd.errors import Place
from syncd.rules.findings import Findings, Found
from syncd.rules.nodes import Mapping as MappingNode
from syncd.rules.nodes import Node, Sequence
from syncd.rules.reading.line_shift import LineShift, UnmovableError

T = TypeVar("T")
_MOST_MOVES = 100_000
"""Nodes that moved while a pack could not be read as a whole, beyond which they are forgotten and read anew."""


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

    @classmethod
    def all_of(cls, some: Iterable[Names]) -> Names:
        """All these questions, which were answered from the same names."""
        of: dict[str, object] = {}
        every = None
        for each in some:
            of |= each.of
            every = every or each.every
        return cls(of, every)

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


@dataclass(slots=True)
class _Move:
    """What a node was before its lines moved. `above` are the things above entries, once each, as they stand now."""

    now: Node
    before: Node
    shift: LineShift
    above: dict[int, tuple[object, object]]

    def part(self, part: Part) -> Part | None:
        """The same entry in its new lines; None where a finding names the old ones, or nobody knows how to move it."""
        if part.said.found:
            return None
        moved, said = self.shift.moved, part.said
        try:
            if id(part.above) not in self.above:
                self.above[id(part.above)] = (part.above, moved(part.above))
            said = Said([], moved(said.references), moved(said.pairs), moved(said.queues), moved(said.claims))
            result, sheets = moved(part.result), {moved(asked): sheet for asked, sheet in part.sheets.items()}
        except UnmovableError:
            return None
        return Part(self.now, self.above[id(part.above)][1], result, said, part.lists, part.segments, sheets)


@dataclass(frozen=True, slots=True)
class Run:
    """All entries of an inserted file, where each was read by itself and nothing was found in any: what they depend on
    together, and what they come to.
    """

    root: Sequence
    above: object
    parts: Mapping[int, Part]
    said: Said
    lists: Names
    segments: Names
    sheets: Mapping[Any, object]

    @classmethod
    def of(cls, root: Sequence, above: object, parts: Iterable[Part]) -> Run:
        """The run of these parts, which hold in one and the same reading."""
        said, sheets = Said(), dict[Any, object]()
        some = list(parts)
        for part in some:
            said.references += part.said.references
            said.pairs += part.said.pairs
            said.queues += part.said.queues
            said.claims += part.said.claims
            sheets |= part.sheets
        lists, segments = Names.all_of(part.lists for part in some), Names.all_of(part.segments for part in some)
        return cls(root, above, {id(part.node): part for part in some}, said, lists, segments, sheets)


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
        self._known = _Kept()
        self._used = _Kept()
        self._moves: dict[int, _Move] = {}
        self._same: dict[str, Any] = {}
        self._around: object = None
        self._other: tuple[object, _Kept] = (None, self._known)

    def file(
        self,
        kind: str,
        name: str,
        data: bytes,
        read: Callable[[], T],
        findings: Findings,
        reread: Callable[[T, bytes], T | None] = lambda _before, _data: None,
    ) -> T:
        """A file read as a kind: as before where its bytes are, else by `read`.

        `reread` is asked first where nothing was found in what the file was: it takes that, and the bytes that it had.
        """
        kept = self._files.get((kind, name))
        if kept is None or kept.data != data:
            with findings.heard() as found:
                again = reread(kept.value, kept.data) if kept is not None and not kept.found else None
                read_now = read() if again is None else again
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
            before = self._around, self._known
            self._around, self._known = around, self._other[1] if self._other[0] == around else _Kept()
            self._other = before
        self._used = _Kept()

    def moved(self, shift: LineShift, nodes: Iterable[tuple[Node, Node]]) -> None:
        """These nodes are others that were read before, in the lines where they stand now."""
        if len(self._moves) > _MOST_MOVES:
            self._moves.clear()
        above: dict[int, tuple[object, object]] = {}
        self._moves |= {id(now): _Move(now, before, shift, above) for now, before in nodes}

    def part(self, node: Node) -> Part | None:
        """What was kept of this entry, wherever it stood."""
        found, moves = self._known.parts.get(id(node)), list[_Move]()
        while found is None and id(node) in self._moves:
            moves.append(self._moves[id(node)])
            node = moves[-1].before
            found = self._known.parts.get(id(node))
        for move in reversed(moves):
            found = move.part(found) if found is not None else None
        return found

    def run(self, root: Sequence) -> Run | None:
        """What was kept of this list as a whole."""
        return self._known.runs.get(id(root))

    def keep(self, part: Part) -> None:
        """Keep what an entry came to."""
        self._used.parts[id(part.node)] = part

    def keep_run(self, run: Run) -> None:
        """Keep what a whole list came to, its entries with it."""
        self._used.runs[id(run.root)] = run
        self._used.parts.update(run.parts)

    def join(self, root: Sequence, above: object) -> None:
        """Keep a list that was just read as a whole, where each of its entries is kept and nothing was found in any."""
        parts = [self._used.parts.get(id(node)) for node in root.items]
        clean = [part for part in parts if part is not None and not part.said.found]
        if len(clean) == len(parts):
            self._used.runs[id(root)] = Run.of(root, above, clean)

    def end(self) -> None:
        """The pack is read as far as it goes: what it no longer holds is forgotten."""
        self._known, self._used = self._used, _Kept()
        self._moves.clear()

    def forget(self) -> None:
        """Forget all parts: something was looked at that this module does not watch."""
        self._known, self._used, self._other = _Kept(), _Kept(), (None, _Kept())


@dataclass(slots=True)
class _Kept:
    """Entries and lists of one reading, by the identity of their nodes, which they hold."""

    parts: dict[int, Part] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)


def is_whole(node: MappingNode) -> bool:
    """Whether an entry of a list of territories is read by itself: it holds none that come from elsewhere."""
    return not isinstance(node.get("territories"), MappingNode | Sequence)
