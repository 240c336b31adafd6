"""What both writers share: rows in, one result a row out, and no result lost when a later row's call cannot be made.

It knows no CRM: only the port's values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from syncd.connectors.port import OwnerWrite, WriteOutcome, WriteResult
from syncd.errors import AuthError, QuotaExhaustedError, SchemaError
from syncd.model.plans import OWNER_FIELD
from syncd.model.refs import Kind, Ref

NOT_SENT = "NOT_SENT"


class Row(Protocol):
    """Whatever is written, one row of it: the record that it belongs to."""

    @property
    def ref(self) -> Ref:
        """The record."""
        ...


_STOPS = (AuthError, SchemaError, QuotaExhaustedError)

Send = Callable[[Sequence[OwnerWrite]], "list[WriteResult] | None"]
"""Sends rows in one call; None where the CRM refused the call as a whole for a row that it does not name."""


def checked(writes: Sequence[OwnerWrite], kind: Kind, batch_size: int) -> None:
    """ValueError for rows that a caller must not hand over together: too many, of another kind or field, or one twice.

    Also for an owner that would be emptied: that is nothing that syncd writes.
    """
    if len(writes) > batch_size:
        raise ValueError(f"{len(writes)} rows are more than the {batch_size} of one call")
    if any(write.ref.kind is not kind for write in writes):
        raise ValueError(f"a row is no {kind.value}")
    if len({write.ref for write in writes}) != len(writes):
        raise ValueError("one record is in the call twice")
    if len({write.field for write in writes}) > 1:
        raise ValueError("one call writes one field")
    if any(write.field == OWNER_FIELD and write.new is None for write in writes):
        raise ValueError("an owner is never emptied")


def all_rows(
    writes: Sequence[Row],
    outcome: WriteOutcome,
    code: str,
    message: str | None,
    request_id: str | None = None,
) -> list[WriteResult]:
    """The same result for every row."""
    return [WriteResult(write.ref, outcome, code, message, request_id) for write in writes]


def in_turn(writes: Sequence[OwnerWrite], send: Send, *, size: int | None = None) -> tuple[WriteResult, ...]:
    """Send rows in calls of `size` (all in one without it); a call refused whole is halved and each half sent.

    What stops a call is raised while no row has an answer; later, the rest was not sent. After a lost answer the rest
    is not sent either: the line is bad, and each call would wait for its own timeout.
    """
    step = size or max(1, len(writes))
    waiting = [list(writes[start : start + step]) for start in range(0, len(writes), step)][::-1]
    results: dict[Ref, WriteResult] = {}
    while waiting:
        rows = waiting.pop()
        try:
            answered = send(rows)
        except _STOPS as error:
            if not results:
                raise
            answered = _not_sent([rows, *waiting], f"{error.code} {error.summary}")
            waiting = []
        if answered is None:
            middle = len(rows) // 2
            waiting += [rows[middle:], rows[:middle]]
            continue
        results.update((result.ref, result) for result in answered)
        if waiting and any(result.outcome is WriteOutcome.UNKNOWN for result in answered):
            rest = _not_sent(waiting, "the answer to an earlier row was lost")
            results.update((result.ref, result) for result in rest)
            waiting = []
    return tuple(results[write.ref] for write in writes)


def _not_sent(waiting: Sequence[Sequence[OwnerWrite]], message: str) -> list[WriteResult]:
    return [result for rows in waiting for result in all_rows(rows, WriteOutcome.RETRY, NOT_SENT, message)]
