"""A plan as JSON: the document itself, its keys in the order that DESIGN.md shows, whether it was saved or not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

_TOP = (
    "format",
    "kind",
    "undoes",
    "plan_id",
    "pack_revision",
    "mapping_revision",
    "created_at",
    "lifetime_seconds",
    "now",
    "mirror",
    "systems",
    "summary",
)
_COUNTS = ("evaluated", "changes", "keep", "held", "blocked", "unassigned", "money_moved", "amount", "currency")
_DECISION = (
    "company",
    "accounts",
    "name",
    "role",
    "territory",
    "email",
    "owner",
    "current_owner",
    "outcome",
    "reason",
    "text",
    "rule",
    "file",
    "line",
)
_CHANGE = ("ref", "field", "from", "to", "because")
_KEYS = (*_TOP, *_COUNTS, *_DECISION, *_CHANGE, "decisions", "shifts", "guard")
_RANKS = {name: rank for rank, name in enumerate(_KEYS)}
_DEPTHS = 8
"""A plan is no deeper."""
_ENTRIES = 500
"""So many entries of a list come at once."""


def render_plan_json(document: Mapping[str, Any]) -> str:
    """The document as JSON text, ending with a newline; equal documents give equal text, always encodable as UTF-8."""
    return "".join(plan_json_pieces(document))


def plan_json_pieces(document: Mapping[str, Any]) -> Iterator[str]:
    """The same text in pieces: of tens of thousands of changes it takes several times their memory as a whole."""
    for piece in _Writer().pieces(document):
        yield piece.encode("utf-8", "backslashreplace").decode("utf-8")
    yield "\n"


class _Writer:
    """Writes what `json.dumps` with an indent of two would, in a fraction of the time, keys in the order of DESIGN.md.

    Those come first, others by name. `changes` stands in the summary and at the top, where it comes after decisions.
    Mappings with the same keys at the same depth are one template; texts, which nearly all values are, fill it as they
    are encoded.
    """

    def __init__(self) -> None:
        self._shapes: dict[tuple[tuple[str, ...], int], tuple[list[str], str]] = {}
        self._starts = ["\n" + "  " * depth for depth in range(_DEPTHS)]

    def pieces(self, document: Mapping[str, Any]) -> Iterator[str]:
        """A document, some entries of its lists at a time."""
        keys, _ = self._shape(tuple(document), 0)
        start, below = "{", self._start(1)
        for key in keys:
            yield f"{start}{below}{encode_basestring(key)}: "
            start = ","
            value = document[key]
            if isinstance(value, tuple | list) and len(value) > _ENTRIES:
                between = "," + self._start(2)
                for first in range(0, len(value), _ENTRIES):
                    yield between if first else "[" + self._start(2)
                    yield between.join(self._texts(value[first : first + _ENTRIES], 2))
                yield self._start(1) + "]"
            else:
                yield self.text(value, 1)
        yield self._start(0) + "}" if document else "{}"

    def text(self, value: Any, depth: int = 0) -> str:
        """One value, as it stands on a line of that depth."""
        kind = type(value)
        if kind is dict or isinstance(value, Mapping):  # asking for a mapping is slow, and nearly all are dicts
            if not value:
                return "{}"
            keys, shape = self._shape(tuple(value), depth)
            return shape % tuple(self._texts([value[key] for key in keys], depth + 1))
        if kind is list or isinstance(value, tuple | list):
            if not value:
                return "[]"
            below = self._start(depth + 1)
            return "".join(("[", below, ("," + below).join(self._texts(value, depth + 1)), self._start(depth), "]"))
        return encode_basestring(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def _texts(self, values: Sequence[Any], depth: int) -> list[str]:
        return [encode_basestring(each) if type(each) is str else self.text(each, depth) for each in values]

    def _start(self, depth: int) -> str:
        return self._starts[depth] if depth < _DEPTHS else "\n" + "  " * depth

    def _shape(self, names: tuple[str, ...], depth: int) -> tuple[list[str], str]:
        """The keys in order, and the text with a place for each value; there are few sets of keys in a plan."""
        known = self._shapes.get((names, depth))
        if known is None:
            late = {"changes": len(_KEYS), "shifts": len(_KEYS) + 1, "guard": len(_KEYS) + 2} if not depth else {}
            ordered = sorted(names, key=lambda key: (late.get(key, _RANKS.get(key, len(_KEYS))), key))
            below = self._start(depth + 1)
            told = (f"{below}{encode_basestring(key)}: ".replace("%", "%%") + "%s" for key in ordered)
            known = self._shapes[names, depth] = (ordered, "{" + ",".join(told) + self._start(depth) + "}")
        return known
