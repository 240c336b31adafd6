"""Memory: what the ledger remembers that decisions read beside the accounts themselves, as pure values.

The store keeps it and charges it by receipts only; a run counts its own picks on top. Without a ledger (an export, a
test case) it is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from syncd.model.rotation import NO_STANDINGS, Standings

LEADS = "lead"
"""The role under which rotations of leads stand: an account dealt out is no lead."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One account that syncd gave to a rep: in which role and territory (its path then), and when."""

    role: str
    owner: str
    territory: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Where a company stands with `retrieve`.

    `noticed_at` is when `noticed_owner` was told that the account will be taken back. `retrieved_at` is when it last
    was, in `territory`, from one owner to another (e-mails).
    """

    noticed_at: datetime | None = None
    noticed_owner: str | None = None
    retrieved_at: datetime | None = None
    from_owner: str | None = None
    to_owner: str | None = None
    territory: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """Rotations by role and name, what was given since the week began, and retrievals by company key."""

    rotations: Mapping[tuple[str, str], Standings] = field(default_factory=lambda: MappingProxyType({}))
    assignments: tuple[Assignment, ...] = ()
    retrievals: Mapping[str, Retrieval] = field(default_factory=lambda: MappingProxyType({}))

    def standings(self, role: str, *names: str) -> Standings:
        """The standings of a rotation, under the first of its names that is known: a rule may have been renamed."""
        return next((self.rotations[role, name] for name in names if (role, name) in self.rotations), NO_STANDINGS)


NO_MEMORY = Memory()
