"""Companies that stay where they are, counted together: what a book needs to know of them while it decides the rest.

Made by a batch, which settles the common case for many at once. Knows no single company; imports nothing of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from syncd.rules.pack import Territory


@dataclass(frozen=True, slots=True)
class Kept:
    """`count` companies of one territory, the last of `path`, that their owner keeps as a member of it.

    `identity` is the seat or e-mail that carries them. `bands` counts them by band, `amounts` is their sum by field.
    `was` is the path of the territory that was last applied to them, None where none was.
    """

    path: tuple[Territory, ...]
    owner: str
    identity: str
    count: int
    bands: Mapping[str, int]
    amounts: Mapping[str, Decimal]
    was: str | None = None

    @property
    def territory(self) -> str:
        """The path of their territory."""
        return self.path[-1].path
