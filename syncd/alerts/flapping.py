"""Flapping: a condition that comes and goes. The last 21 evaluations say whether it does, as Nagios counts it.

A history is a text of `1` (firing) and `0` (clear), the newest last, behind `F` while it flaps; empty for one that is
steady. Newer changes weigh more. Pure; what is done about it is not known here.
"""

from __future__ import annotations

from itertools import pairwise

KEPT = 21
HIGH, LOW = 0.5, 0.25
"""Above HIGH flapping begins, below LOW it ends."""
_LIGHTEST, _HEAVIEST = 0.8, 1.2


def recorded(history: str, *, firing: bool, before: bool) -> str:
    """The history with one more evaluation; `before` is what held until now, for one that has no history yet."""
    flapped = is_flapping(history)
    bits = history.removeprefix("F") or ("1" if before else "0") * (KEPT - 1)
    bits = (bits + ("1" if firing else "0"))[-KEPT:]
    share = change_share(bits)
    flaps = share >= LOW if flapped else share > HIGH
    if len(set(bits)) == 1:
        return ""
    return f"F{bits}" if flaps else bits


def is_flapping(history: str) -> bool:
    """Whether a history says that the condition flaps."""
    return history.startswith("F")


def change_share(bits: str) -> float:
    """How much of a history is change, from 0 to 1."""
    pairs = list(pairwise(bits))
    if not pairs:
        return 0.0
    step = (_HEAVIEST - _LIGHTEST) / max(len(pairs) - 1, 1)
    changes = sum(_LIGHTEST + index * step for index, (one, other) in enumerate(pairs) if one != other)
    return changes / (KEPT - 1)
