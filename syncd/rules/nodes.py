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
