"""What one run need not work out again: members, who is barred, and the room of each group of candidates.

These depend on the frame and on which systems hold an account, not on the account itself; a book asks for them once an
account and member, so that they are most of the work where nothing is remembered. Remembers answers; makes none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from syncd.model.refs import System
from syncd.rules.deciding.member import Member

if TYPE_CHECKING:
    from syncd.rules.pack import Owners

Systems = frozenset[System]


@dataclass(frozen=True, slots=True)
class Rooms:
    """Capacity x ramp of each candidate of a group, exactly and nearly; `stated`: some capacity is written down."""

    exact: tuple[Fraction, ...]
    near: tuple[float, ...]
    stated: bool


@dataclass(slots=True)
class Recall:
    """The answers of one frame: by the systems that would be written, or by the e-mails of a group in its order."""

    members: dict[tuple[Owners, Systems], tuple[Member, ...]] = field(default_factory=dict)
    candidates: dict[tuple[Owners, Systems], tuple[Member, ...]] = field(default_factory=dict)
    covers: dict[tuple[Owners, Systems], tuple[str, ...]] = field(default_factory=dict)
    changes: dict[tuple[Owners, Systems], datetime | None] = field(default_factory=dict)
    barred: dict[tuple[str, Systems], str | None] = field(default_factory=dict)
    rooms: dict[tuple[str, ...], Rooms] = field(default_factory=dict)
