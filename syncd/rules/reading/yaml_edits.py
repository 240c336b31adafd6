"""A YAML file of which one place in a list was edited: the items there are read, all others stay what they were.

Equal to reading the whole file. Whatever is not plainly such an edit is left to the reader: edits of several places far
apart read all between them, and what the reader would remark on is the reader's. Items below lines that were put in or
taken out are the same, so many lines further on. Knows lines and items; no rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from syncd.rules.findings import Findings
from syncd.rules.nodes import Entry, Mapping, Node, moved, moved_entry
from syncd.rules.nodes import Sequence as SequenceNode
from syncd.rules.reading.line_shift import LineShift
from syncd.rules.reading.text_files import decode
from syncd.rules.reading.yaml_reader import Document, read_part

_UNLIKELY = ("\r", "\t", "\x85", "\u2028", "\u2029")
"""What the reader changes before it reads, or looks for between values."""
_BETWEEN_DOCUMENTS = ("---", "...", "%")
"""How a line begins that means something to the file as a whole."""


@dataclass(frozen=True, slots=True)
class Edited:
    """The document after an edit. `moved` are the items of lists in other lines than before, each with what it was."""

    document: Document
    shift: LineShift
    moved: tuple[tuple[Node, Node], ...] = ()


@dataclass(frozen=True, slots=True)
class _Edit:
    """The lines, from 0, that became others: from `first` up to `end`, and by how many lines what follows moved."""

    first: int
    end: int
    by: int


@dataclass(frozen=True, slots=True)
class _Level:
    """A list that is read by itself: how many lists and mappings it stands in, its first line, the line behind it."""

    list: SequenceNode
    above: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class _Reread:
    """Which items of a list to read anew, `first` up to `end` by number, and the old lines that they stand in."""

    first: int
    end: int
    begins: int
    ends: int


def reread_yaml(before: Document, old: bytes, data: bytes, findings: Findings) -> Edited | None:
    """The document of these bytes, where they are the `old` ones with one place in a list edited; else None.

    `before` was read from `old` without any finding. Nodes above the edit are those very objects in the new document.
    """
    scratch = Findings()
    texts = [text for each in (old, data) if (text := decode(each, before.path, scratch)) is not None]
    if len(texts) < 2 or len(scratch) or any(each in text for text in texts for each in _UNLIKELY):
        return None
    was, now = (text.split("\n") for text in texts)
    edit = _edit(was, now)
    if edit is None:
        return None
    around = (level for level in _levels(before.root, len(was)) if level.begin <= edit.first and edit.end <= level.end)
    level = next(around, None)
    found = _reread_level(before, level, edit, was, now) if level is not None and level.list.items else None
    if found is not None:
        findings.attach(before.path, texts[1])
    return found


def _edit(was: Sequence[str], now: Sequence[str]) -> _Edit | None:
    """The smallest run of lines by which two texts differ; None for equal ones."""
    first = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(was, now, strict=False)))
    if first == len(was) == len(now):
        return None
    most = min(len(was), len(now)) - first
    ends = zip(reversed(was), reversed(now), range(most), strict=False)
    same = sum(1 for _ in takewhile(lambda each: each[0] == each[1], ends))
    return _Edit(first, len(was) - same, len(now) - len(was))


def _levels(root: Node | None, lines: int) -> Iterator[_Level]:
    """The lists at the top of a file."""
    if isinstance(root, SequenceNode):
        yield _Level(root, 0, 0, lines)
    elif isinstance(root, Mapping):
        ends = [entry.key.place.line - 1 for entry in root.entries[1:]]
        for entry, end in zip(root.entries, [*ends, lines], strict=True):
            if isinstance(entry.value, SequenceNode):
                yield _Level(entry.value, 1, entry.key.place.line, end)


def _reread_level(
    before: Document, level: _Level, edit: _Edit, was: Sequence[str], now: Sequence[str]
) -> Edited | None:
    chosen = _chosen(level, edit, was, now)
    items, ends = level.list.items, chosen.ends + edit.by
    if not all(_dash(items[each], was) for each in (chosen.first, chosen.end) if each < len(items)):
        return None
    if any(line.startswith(_BETWEEN_DOCUMENTS) for line in now[chosen.begins : ends]):
        return None
    text = "\n" * chosen.begins + "\n".join(now[chosen.begins : ends]) + ("\n" if ends < len(now) else "")
    read = read_part(text, before.path, level.above) if text.strip() else None
    if read is None or not isinstance(read, SequenceNode) or read.place.column != level.list.place.column:
        return None
    if not all(_dash(item, now) for item in read.items):
        return None
    shift = LineShift(before.path, chosen.ends + 1, edit.by)
    below = items[chosen.end :]
    after = tuple(moved(item, edit.by) for item in below) if edit.by else below
    pairs = tuple(_pairs(after, below)) if edit.by else ()
    place = read.place if chosen.first == 0 else level.list.place
    changed = SequenceNode((*items[: chosen.first], *read.items, *after), place)
    return Edited(replace(before, root=_with_list(before.root, level.list, changed, edit.by)), shift, pairs)


def _chosen(level: _Level, edit: _Edit, was: Sequence[str], now: Sequence[str]) -> _Reread:
    """The items that an edit touches, and a neighbour where that may have swallowed it, or nothing is left of it."""
    items = level.list.items
    starts = [item.place.line - 1 for item in items]
    first = sum(start < edit.first for start in starts)
    end = max(first, sum(start < edit.end for start in starts))
    if first == len(items) or not _begins_alike(items[first], edit, was, now):
        first -= 1
    begins = starts[first] if first >= 0 else level.begin
    first = max(first, 0)
    bounds = [*starts, level.end]
    if not any(line.strip() and not line.strip().startswith("#") for line in now[begins : bounds[end] + edit.by]):
        if end < len(items):
            end += 1
        elif first > 0:
            first, begins = first - 1, starts[first - 1]
    return _Reread(first, end, begins, bounds[end])


def _begins_alike(item: Node, edit: _Edit, was: Sequence[str], now: Sequence[str]) -> bool:
    """Whether the lines that were edited begin as the item that stood there: with its dash."""
    head, start = item.place.column - 1, item.place.line - 1
    return start == edit.first < len(now) and now[edit.first][:head] == was[start][:head] and _dash(item, was)


def _dash(item: Node, lines: Sequence[str]) -> bool:
    """Whether an item stands in one line with its dash."""
    return lines[item.place.line - 1][: item.place.column - 1].strip() == "-"


def _pairs(now: Sequence[Node], before: Sequence[Node]) -> Iterator[tuple[Node, Node]]:
    """Items and the items of lists below them, each with what it was before it moved."""
    for one, other in zip(now, before, strict=True):
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield one, other
            for entry, old in zip(one.entries, other.entries, strict=True):
                if isinstance(entry.value, SequenceNode) and isinstance(old.value, SequenceNode):
                    yield from _pairs(entry.value.items, old.value.items)


def _with_list(root: Node | None, level: SequenceNode, changed: SequenceNode, by: int) -> Node | None:
    """The same document with another list in place of one of its lists, and what follows that in its new lines."""
    if root is level or not isinstance(root, Mapping):
        return changed
    place = [entry.value is level for entry in root.entries].index(True)
    after = [moved_entry(entry, by) if by else entry for entry in root.entries[place + 1 :]]
    return replace(root, entries=(*root.entries[:place], Entry(root.entries[place].key, changed), *after))
