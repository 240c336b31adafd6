"""Walking HubSpot's search: an index, not a log, which this walk does not trust (hubspot.md 2.2).

It goes by record id inside a window of time, never by offset: no 10,000-hit cap, no trouble with ties, no drift. The
first page's total is held against what came; if hits are missing (ids ordered in a way that the filter does not share),
the window is cut into slices that each fit one page, and at last the store's own list is read.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from syncd.connectors.hubspot.client import WHERE, HubspotClient, Json, bad, next_after, results_of
from syncd.connectors.shape import UNEXPECTED, id_of
from syncd.errors import CursorLostError, SchemaError
from syncd.model.cursors import Window

PAGE: Final = 200
LIST_PAGE: Final = 100
_BEFORE_ALL: Final = "0"
_SHORT: Final = "short"


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of the index: how many hits the query has in all, and those on this page."""

    total: int
    results: Sequence[Json]


@dataclass(frozen=True, slots=True)
class SearchMark:
    """Where a walk by id stands: the last id passed, how many hits came so far, and how many were promised.

    `short`: the walk by id is over and came short, and the slices are being read; they are read again from the start.
    """

    last: str = _BEFORE_ALL
    seen: int = 0
    total: int | None = None
    short: bool = False

    @classmethod
    def parse(cls, text: str) -> SearchMark:
        """The mark of a resume token; the beginning for an empty one. CursorLostError for one of another version."""
        if not text or text == _SHORT:
            return cls(short=text == _SHORT)
        parts = text.split(",")
        if len(parts) != 3 or not parts[0] or not (parts[1] + parts[2]).isdecimal():
            raise unknown_mark(text)
        return cls(parts[0], int(parts[1]), int(parts[2]))

    def __str__(self) -> str:
        return _SHORT if self.short else f"{self.last},{self.seen},{self.total}"


@dataclass(frozen=True, slots=True)
class SearchWalk:
    """The hits of one object whose stamp lies in a window."""

    client: HubspotClient
    object: str
    stamp: str
    properties: Sequence[str]
    lower: int
    upper: int
    """The window in epoch milliseconds, both ends included."""

    @classmethod
    def over(
        cls, client: HubspotClient, object_: str, stamp: str, properties: Sequence[str], window: Window
    ) -> SearchWalk:
        """The walk of a window that has a lower end."""
        if window.lower is None:
            raise ValueError("a search walk needs a lower end")
        return cls(client, object_, stamp, properties, _floor(window.lower), _ceiling(window.upper) - 1)

    def pages(self, mark: SearchMark) -> Iterator[tuple[Sequence[Json], SearchMark | None]]:
        """Pages from a mark on, each with the mark to go on with; None after the last one."""
        if not mark.short:
            short = yield from self._by_id(mark)
            if not short:
                return
        mark = SearchMark(short=True)
        for slice_ in self._slices():
            yield slice_, mark
        yield (), None

    def _by_id(self, mark: SearchMark) -> Generator[tuple[Sequence[Json], SearchMark | None], None, bool]:
        """The walk by id; returns whether it came short."""
        known: set[str] = set()
        while True:
            hits = self._hits(self.lower, self.upper, after=mark.last)
            ids = [id_of(hit) for hit in hits.results]
            fresh = set(ids) - known
            known |= fresh
            seen = mark.seen + len(fresh)
            total = hits.total if mark.total is None else mark.total
            if not fresh or hits.total <= len(set(ids)):
                break
            mark = SearchMark(_last(ids), seen, total)
            yield hits.results, mark
        short = self._short(seen, total)
        yield hits.results, SearchMark(short=True) if short else None
        return short

    def _short(self, seen: int, promised: int) -> bool:
        """Whether hits are missing: fewer came than the first page promised, and than there still are."""
        return seen < promised and seen < self._hits(self.lower, self.upper, limit=1).total

    def _slices(self) -> Iterator[Sequence[Json]]:
        """The same window again, in slices that each fit one page; the store's list where a millisecond does not."""
        waiting = [(self.lower, self.upper)]
        while waiting:
            lower, upper = waiting.pop()
            hits = self._hits(lower, upper)
            if len({id_of(hit) for hit in hits.results}) >= hits.total:
                yield hits.results
            elif lower < upper:
                middle = (lower + upper) // 2
                waiting += [(middle + 1, upper), (lower, middle)]
            else:
                yield from (page for page, _ in listed(self.client, self.object, self.properties))
                return

    def _hits(self, lower: int, upper: int, *, after: str = _BEFORE_ALL, limit: int = PAGE) -> Hits:
        filters = [
            {"propertyName": self.stamp, "operator": "GTE", "value": str(lower)},
            {"propertyName": self.stamp, "operator": "LTE", "value": str(upper)},
            {"propertyName": "hs_object_id", "operator": "GT", "value": after},
        ]
        body = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(self.properties),
            "limit": limit,
        }
        return self.client.search(self.client.paths.search(self.object), body, check=hits_of)


def listed(
    client: HubspotClient,
    object_: str,
    properties: Sequence[str],
    *,
    after: str = "",
    archived: bool = False,
    associations: str | None = None,
) -> Iterator[tuple[Sequence[Json], str | None]]:
    """Pages of the store's own list by id, each with the cursor of the next; None after the last one.

    CursorLostError where a place that HubSpot gave is refused: asked for again it would be refused for ever. If it is
    the whole request that is wrong, its first page is refused as well, and says so.
    """
    query = [("limit", str(LIST_PAGE)), ("properties", ",".join(properties)), ("archived", str(archived).lower())]
    if associations is not None:
        query.append(("associations", associations))
    seen: set[str] = set()
    cursor: str | None = after
    while cursor is not None:
        here = [*query, ("after", cursor)] if cursor else query
        try:
            results, cursor = client.get(
                client.paths.list(object_), here, check=lambda page: (identified(page), next_after(page))
            )
        except SchemaError as error:
            if not cursor:
                raise
            raise CursorLostError("SYN420", f"the list does not go on from {cursor}: {error}", where=WHERE) from error
        refuse_loop(cursor, seen)
        yield results, cursor


def identified(document: Json) -> list[Json]:
    """The results of an answer, each with an id."""
    results = results_of(document)
    for raw in results:
        try:
            id_of(raw)
        except UNEXPECTED as error:
            raise bad(f"a result has {repr(raw.get('id'))[:40]} for an id, which is none") from error
    return results


def unknown_mark(text: str | None) -> CursorLostError:
    """The error for a resume token that this version did not write: its window is read again, never skipped."""
    return CursorLostError("SYN450", f"the place to go on from cannot be read: {str(text)[:40]!r}", where=WHERE)


def refuse_loop(cursor: str | None, seen: set[str]) -> None:
    """CursorLostError for a cursor that has come before."""
    if cursor is None:
        return
    if cursor in seen:
        raise CursorLostError("SYN422", "the pages of a list go round in a loop", where=WHERE)
    seen.add(cursor)


def _last(ids: Sequence[str]) -> str:
    """The id to go on after: the page's last where the page is in order, as numbers or as text; else its highest.

    Whichever order the index keeps, an id of this page is further on than the one before, so the walk ends.
    """
    if list(ids) == sorted(ids) or not all(text.isdigit() for text in ids):
        return max(ids)
    return max(ids, key=int)


def hits_of(document: Json) -> Hits:
    """A page of the index from the answer to a search."""
    total = document.get("total")
    if isinstance(total, bool) or not isinstance(total, int):
        raise bad("the answer to a search has no total")
    return Hits(total, identified(document))


def _floor(instant: datetime) -> int:
    return math.floor(instant.timestamp() * 1000)


def _ceiling(instant: datetime) -> int:
    return math.ceil(instant.timestamp() * 1000)
