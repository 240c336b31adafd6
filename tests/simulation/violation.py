"""What a simulation fails with where an invariant does not hold."""

from __future__ import annotations


class ViolationError(AssertionError):
    """An invariant does not hold: which, and the record that shows it."""

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant
