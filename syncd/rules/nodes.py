"""YAML as nodes that know their places, before any meaning is read into them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.errors import Place


@dataclass(frozen=True, slots=True)
class Scalar:
    """A piece of text; `quoted` scalars are text whatever they look like."""

    text: str
    quoted: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping and its value."""

    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping in the order written; keys are unique (the reader reports duplicates)."""

    entries: tuple[Entry, ...]
    place: Place

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def get(self, name: str) -> Node | None:
        """The value under a key, or None."""
        return next((entry.value for entry in self.entries if entry.key.text == name), None)


Node = Scalar | Sequence | Mapping


def moved(node: Node, by: int) -> Node:
    """The same node so many lines further down."""
    place = Place(node.place.path, node.place.line + by, node.place.column)
    if isinstance(node, Scalar):
        return Scalar(node.text, node.quoted, place)
    if isinstance(node, Sequence):
        return Sequence(tuple([moved(item, by) for item in node.items]), place)
    return Mapping(tuple([moved_entry(entry, by) for entry in node.entries]), place)


def moved_entry(entry: Entry, by: int) -> Entry:
    """The same entry so many lines further down."""
    key, place = entry.key, entry.key.place
    return Entry(Scalar(key.text, key.quoted, Place(place.path, place.line + by, place.column)), moved(entry.value, by))
