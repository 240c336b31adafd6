"""Rows of more columns than one query's address has room for: read in parts, and joined by id (reliability.md T25).

A row that changes between its parts would be a mixture that never was; it is read again, all of it, and never skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_plus

from syncd.connectors.salesforce.client import WHERE
from syncd.connectors.salesforce.mapping import Columns, id_in
from syncd.connectors.shape import decoding
from syncd.errors import RetryableError

QUERY_BYTES: Final = 14_000
"""How long an encoded query may be: URI and headers together may have 16,384 bytes (salesforce.md 4.1)."""
SELECT_BYTES: Final = 7_000
"""How much of that the columns of one part may take; the rest is for conditions and ids."""
IDS_PER_QUERY: Final = 500
_ROUNDS: Final = 5

Row = Mapping[str, Any]
Fetch = Callable[[str], Iterable[Row]]
"""All rows of a query, deleted ones included."""


def chunks(select: str, ids: Sequence[str]) -> Iterator[str]:
    """Lists of quoted ids, each short enough for one query."""
    room = QUERY_BYTES - len(quote_plus(select)) - 200
    each = len(quote_plus("'',")) + 18
    count = max(1, min(IDS_PER_QUERY, room // each))
    for start in range(0, len(ids), count):
        yield ",".join(f"'{known}'" for known in ids[start : start + count])


class WideRows:
    """The rows of one kind, in as many parts as their columns need; for most mappings that is one."""

    def __init__(self, columns: Columns, fetch: Fetch, *, more: tuple[str, ...] = ()) -> None:
        self.parts = columns.parts(SELECT_BYTES)
        self._object = columns.object
        self._fetch = fetch
        self._more = more

    @property
    def first(self) -> str:
        """The query of the first part, without conditions."""
        return self._select(self.parts[0])

    def by_ids(self, ids: Sequence[str]) -> list[Row]:
        """The rows of these ids that there are, whole."""
        return self.completed(list(self._by_id(self._of(self.parts[0], ids)).values()))

    def completed(self, rows: Sequence[Row]) -> list[Row]:
        """Whole rows from those of the first part; one that is gone meanwhile is left out.

        Raises RetryableError SYN432 for a row that changes faster than it can be read.
        """
        if len(self.parts) == 1:
            return list(rows)
        whole: list[Row] = []
        pending = self._by_id(rows)
        for _ in range(_ROUNDS):
            torn = []
            others = [self._by_id(self._of(part, list(pending))) for part in self.parts[1:]]
            for key, row in pending.items():
                pieces = [row, *(other[key] for other in others if key in other)]
                same = len({piece["SystemModstamp"] for piece in pieces}) == 1
                if len(pieces) == len(self.parts) and same:
                    whole.append({name: value for piece in pieces for name, value in piece.items()})
                else:
                    torn.append(key)
            if not torn:
                return whole
            pending = self._by_id(self._of(self.parts[0], torn))
        if not pending:
            return whole
        raise RetryableError(
            "SYN432",
            f"{min(pending)} changes faster than its columns can be read",
            where=f"{WHERE} {self._object}",
            hint="map fewer fields, so that they fit into one query",
        )

    def _of(self, part: Columns, ids: Sequence[str]) -> Iterator[Row]:
        select = self._select(part)
        for chunk in chunks(select, sorted(ids)):
            yield from self._fetch(f"{select} WHERE Id IN ({chunk})")

    def _select(self, part: Columns) -> str:
        return f"SELECT {', '.join((part.select, *self._more))} FROM {self._object}"

    def _by_id(self, rows: Iterable[Row]) -> dict[str, Row]:
        found = {}
        with decoding(WHERE, f"a row of {self._object}"):
            for row in rows:
                found[id_in(row)] = row
                if "SystemModstamp" not in row:
                    raise LookupError("SystemModstamp")
        return found
