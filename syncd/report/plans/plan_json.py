"""A plan as JSON: the document itself, its keys in the order that DESIGN.md shows, whether it was saved or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
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


def render_plan_json(document: Mapping[str, Any]) -> str:
    """The document as JSON text, ending with a newline; equal documents give equal text, always encodable as UTF-8."""
    writer = _Writer()
    writer.write(document, "\n", top=True)
    text = "".join(writer.pieces)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


class _Writer:
    """Writes what `json.dumps` with an indent of two would, in less than half the time, keys in the order of DESIGN.md.

    Those come first, others by name. `changes` stands in the summary and at the top, where it comes after decisions.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._orders: dict[tuple[tuple[str, ...], bool], list[tuple[str, str]]] = {}

    def write(self, value: Any, newline: str, *, top: bool = False) -> None:
        """One value; `newline` is a line's end with the indent of the line that it stands on."""
        put = self.pieces.append
        if isinstance(value, str):
            put(encode_basestring(value))
        elif isinstance(value, Mapping):
            below = newline + "  "
            before = "{" + below
            for key, name in self._order(value, top):
                put(before + name)
                self.write(value[key], below)
                before = "," + below
            put(newline + "}" if value else "{}")
        elif isinstance(value, list | tuple):
            below = newline + "  "
            before = "[" + below
            for each in value:
                put(before)
                self.write(each, below)
                before = "," + below
            put(newline + "]" if value else "[]")
        else:
            put(json.dumps(value, ensure_ascii=False))

    def _order(self, value: Mapping[str, Any], top: bool) -> list[tuple[str, str]]:
        """The keys in order, each with its text; most mappings of a plan have one of few sets of keys."""
        keys = (tuple(value), top)
        known = self._orders.get(keys)
        if known is None:
            late = {"changes": len(_KEYS), "shifts": len(_KEYS) + 1, "guard": len(_KEYS) + 2} if top else {}
            ordered = sorted(value, key=lambda key: (late.get(key, _RANKS.get(key, len(_KEYS))), key))
            known = self._orders[keys] = [(key, f"{encode_basestring(key)}: ") for key in ordered]
        return known
