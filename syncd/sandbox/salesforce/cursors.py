"""Query cursors: results in pages, each with the address of the next, until the locator expires (salesforce.md 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from syncd.clock import Clock
from syncd.sandbox.salesforce.identifiers import locator
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.soql.execution import Result

DEFAULT_PAGE, SMALLEST_PAGE, LARGEST_PAGE = 2_000, 200, 2_000
KEPT_FOR = timedelta(days=2)
MOST_CURSORS = 10


@dataclass(slots=True)
class _Cursor:
    """A result that was not fetched in one page."""

    result: Result
    opened_at: datetime
    page: int


class Cursors:
    """The open cursors of an org; the oldest goes when there are too many.

    `page_limit` makes pages shorter than asked for, which the platform may do at any time: the size is only a hint.
    `empty_pages`: so many pages more are empty and lead to the rows they should have had (F13). `total_off` is added
    to every totalSize (F16).
    """

    def __init__(self, clock: Clock, seed: int) -> None:
        self.page_limit: int | None = None
        self.empty_pages = 0
        self.total_off = 0
        self._clock = clock
        self._seed = seed
        self._cursors: dict[str, _Cursor] = {}
        self._opened = 0

    def first_page(self, result: Result, version: str, hint: int | None) -> dict[str, Any]:
        """The first page of a result."""
        page = min(max(hint or DEFAULT_PAGE, SMALLEST_PAGE), LARGEST_PAGE)
        if self.page_limit is not None:
            page = min(page, self.page_limit)
        if len(result.rows) <= page and not self.empty_pages:
            return self._page(result, 0, len(result.rows), version, None)
        self._opened += 1
        name = locator(self._seed, self._opened)
        self._cursors[name] = _Cursor(result, self._clock.now(), page)
        while len(self._cursors) > MOST_CURSORS:
            del self._cursors[next(iter(self._cursors))]
        return self._page(result, 0, page, version, name)

    def next_page(self, text: str, version: str) -> dict[str, Any]:
        """The page that a `nextRecordsUrl` leads to. Raises Refusal INVALID_QUERY_LOCATOR for one that is gone."""
        name, _, offset = text.rpartition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not offset.isdigit() or self._clock.now() - cursor.opened_at > KEPT_FOR:
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        start = int(offset)
        return self._page(cursor.result, start, start + cursor.page, version, name, written=offset)

    def expire_all(self) -> None:
        """Forget every cursor, as a release or an instance move does."""
        self._cursors.clear()

    def _page(
        self, result: Result, start: int, end: int, version: str, name: str | None, written: str = ""
    ) -> dict[str, Any]:
        """One page as JSON; the last has no address of a next one."""
        total = len(result.rows)
        document: dict[str, Any] = {"totalSize": total + self.total_off, "done": end >= total}
        if self.empty_pages and name is not None:
            # The same offset with one more zero in front: a new address, so that nobody takes it for a loop.
            self.empty_pages -= 1
            again = f"0{written}" if written else "0"
            url = f"/services/data/{version}/query/{name}-{again}"
            return {**document, "done": False, "nextRecordsUrl": url, "records": []}
        if end < total:
            document["nextRecordsUrl"] = f"/services/data/{version}/query/{name}-{end}"
        document["records"] = [result.shape.rendered(row, version) for row in result.rows[start:end]]
        return document
