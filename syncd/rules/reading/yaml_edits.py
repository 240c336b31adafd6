"""A YAML file in which one item of a list was edited in place: that item alone is read, all others stay as they were.

Equal to reading the whole file. Whatever is not plainly such an edit is left to the reader: other numbers of lines,
several items, anything that the reader would remark on. Knows lines and items; no rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from syncd.rules.findings import Findings
from syncd.rules.nodes import Entry, Mapping, Node
from syncd.rules.nodes import Sequence as SequenceNode
from syncd.rules.reading.text_files import decode
from syncd.rules.reading.yaml_reader import Document, read_part

_UNLIKELY = ("\r", "\t", "\x85", "\u2028", "\u2029")
"""What the reader changes before it reads, or looks for between values."""


@dataclass(frozen=True, slots=True)
class _Level:
    """A list that is read by itself: how many lists and mappings it stands in, and the line behind its last item."""

    list: SequenceNode
    above: int
    end: int


def reread_yaml(before: Document, old: bytes, data: bytes, findings: Findings) -> Document | None:
    """The document of these bytes, where they are the `old` ones with one item of a list edited; else None.

    `before` was read from `old` without any finding. Its other nodes are those very objects in the new document.
    """
    scratch = Findings()
    texts = [text for each in (old, data) if (text := decode(each, before.path, scratch)) is not None]
    if len(texts) < 2 or len(scratch) or any(each in text for text in texts for each in _UNLIKELY):
        return None
    was, now = (text.split("\n") for text in texts)
    edited = [number for number, (one, other) in enumerate(zip(was, now, strict=False)) if one != other]
    if len(was) != len(now) or not edited:
        return None
    for level in _levels(before.root, len(was)):
        found = _edited_item(level, was, edited)
        if found is not None:
            item = _read_item(before.path, level, found, was, now)
            if item is None:
                return None
            findings.attach(before.path, texts[1])
            return Document(before.path, _with_item(before.root, level.list, found[0], item))
    return None


def _levels(root: Node | None, lines: int) -> Iterator[_Level]:
    """The lists at the top of a file."""
    if isinstance(root, SequenceNode):
        yield _Level(root, 0, lines)
    elif isinstance(root, Mapping):
        ends = [entry.key.place.line - 1 for entry in root.entries[1:]]
        for entry, end in zip(root.entries, [*ends, lines], strict=True):
            if isinstance(entry.value, SequenceNode):
                yield _Level(entry.value, 1, end)


def _edited_item(level: _Level, was: Sequence[str], edited: Sequence[int]) -> tuple[int, int, int] | None:
    """The one item that holds all edited lines: its number, its first line and the line behind its last, from 0."""
    starts = [item.place.line - 1 for item in level.list.items]
    for number, (start, end) in enumerate(pairwise([*starts, level.end])):
        if start <= edited[0] and edited[-1] < end:
            begins = all(_dash(level.list.items[each], was) for each in (number, number + 1) if each < len(starts))
            return (number, start, end) if begins else None
    return None


def _dash(item: Node, lines: Sequence[str]) -> bool:
    """Whether an item stands in one line with its dash."""
    return lines[item.place.line - 1][: item.place.column - 1].strip() == "-"


def _read_item(
    path: str, level: _Level, found: tuple[int, int, int], was: Sequence[str], now: Sequence[str]
) -> Node | None:
    number, start, end = found
    before = level.list.items[number]
    head = before.place.column - 1
    if was[start][:head] != now[start][:head]:
        return None
    text = "\n" * start + "\n".join(now[start:end]) + ("\n" if end < len(now) else "")
    read = read_part(text, path, level.above)
    if not isinstance(read, SequenceNode) or len(read.items) != 1 or read.items[0].place != before.place:
        return None
    return read.items[0]


def _with_item(root: Node | None, level: SequenceNode, number: int, item: Node) -> Node | None:
    """The same document with another item in one of its lists."""
    changed = replace(level, items=(*level.items[:number], item, *level.items[number + 1 :]))
    if root is level or not isinstance(root, Mapping):
        return changed
    entries = tuple(Entry(each.key, changed) if each.value is level else each for each in root.entries)
    return replace(root, entries=entries)
