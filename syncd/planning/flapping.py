"""Flapping: a record whose owner goes back and forth is written no more until it has been quiet for a day. Pure.

Two writers that fight over a record would go on for ever, each a run of its own; syncd is the one that stops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from syncd.model.refs import Ref
from syncd.store.ownership import OwnerChange, back_and_forth

WITHIN = timedelta(hours=24)
MOST = 2
"""A record may change its owner so often in a day and come back to one it had; once more is flapping."""


def flapping(changes: Mapping[Ref, Sequence[OwnerChange]], now: datetime) -> Mapping[Ref, str]:
    """The records that flap, with the text of the hold; `changes` are those of each record, oldest first."""
    found: dict[Ref, str] = {}
    for ref, seen in changes.items():
        recent = back_and_forth(seen, now - WITHIN, MOST)
        if recent:
            writers = sorted({change.modified_by for change in recent if change.modified_by})
            by = f", by {' and '.join(writers)}" if writers else ""
            until = recent[-1 - MOST].at + WITHIN
            found[ref] = (
                f"the owner of {ref} changed {len(recent)} times in 24 hours{by};"
                f" it is not written before {until:%Y-%m-%d %H:%M}Z"
            )
    return found
