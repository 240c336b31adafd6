"""A member of a group of candidates: one rep whom a territory names. Knows no frame."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Member:
    """One rep whom a territory names: `identity` is the e-mail, or the seat that resolved to it.

    `covers` is the absent member in whose place, and under whose identity and weight, this rep stands.
    """

    identity: str
    email: str
    weight: Decimal = ONE
    covers: str | None = None

    @property
    def bearer(self) -> str:
        """Under whose name the load is counted: a seat's own, else the rep's; a cover carries what is theirs."""
        return self.email if self.covers is not None else self.identity
