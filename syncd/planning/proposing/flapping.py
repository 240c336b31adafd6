"""Flapping: a record whose owner goes back and forth is written no more until it has been quiet for a day. Pure.

Two writers that fight over a record would go on for ever, each a run of its own; syncd is the one that stops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from syncd.model.plans import Slot
from syncd.model.refs import Ref
from syncd.store.ownership import OwnerChange, back_and_forth

WITHIN = timedelta(hours=24)
MOST = 2
"""A record may change its owner so often in a day and come back to one it had; once more is flapping."""


def flapping(changes: Mapping[Ref, Sequence[OwnerChange]], now: datetime) -> Mapping[Ref, str]:
    """The records that flap, with the text of the hold; `changes` are those of each record, oldest first."""
    texts = {ref: _text("owner", ref, seen, now) for ref, seen in changes.items()}
    return {ref: text for ref, text in texts.items() if text is not None}


def flapping_roles(changes: Mapping[Slot, Sequence[OwnerChange]], now: datetime) -> Mapping[Slot, str]:
    """The same of roles; `changes` are others' alone, and what syncd wrote between two of them is seen by them."""
    texts = {slot: _text(slot[1], slot[0], _with_ours(seen), now) for slot, seen in changes.items()}
    return {slot: text for slot, text in texts.items() if text is not None}


def _with_ours(changes: Sequence[OwnerChange]) -> tuple[OwnerChange, ...]:
    """The changes with those between them, of which the next one's former holder tells."""
    found: list[OwnerChange] = []
    for change in changes:
        if found and found[-1].new != change.old:
            found.append(replace(change, old=found[-1].new, new=change.old, modified_by=None))
        found.append(change)
    return tuple(found)


def _text(field: str, ref: Ref, seen: Sequence[OwnerChange], now: datetime) -> str | None:
    recent = back_and_forth(seen, now - WITHIN, MOST)
    if not recent:
        return None
    writers = sorted({change.modified_by for change in recent if change.modified_by})
    by = f", by {' and '.join(writers)}" if writers else ""
    until = recent[-1 - MOST].at + WITHIN
    return (
        f"the {field} of {ref} changed {len(recent)} times in 24 hours{by};"
        f" it is not written before {until:%Y-%m-%d %H:%M}Z"
    )
