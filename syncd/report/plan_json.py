"""A plan as JSON: the document itself, its keys in the order that DESIGN.md shows, whether it was saved or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    text = json.dumps(_ordered(document, top=True), ensure_ascii=False, indent=2)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def _ordered(value: Any, *, top: bool = False) -> Any:
    """The value with the keys of every mapping in order: those of DESIGN.md first, the others by name.

    `changes` stands in the summary and at the top, where it comes after the decisions.
    """
    if isinstance(value, Mapping):
        late = {"changes": len(_KEYS)} if top else {}
        late |= {"shifts": len(_KEYS) + 1, "guard": len(_KEYS) + 2} if top else {}
        keys = sorted(value, key=lambda key: (late.get(key, _RANKS.get(key, len(_KEYS))), key))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value
