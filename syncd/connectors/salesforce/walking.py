"""The walk over a window of changes: by REST pages, or by a Bulk job where many rows are expected (salesforce.md 2).

A walk is taken up again by the token of its last page: a next page's URL, a part of the window, or a Bulk job's place.
It knows the port's pages, not who stores them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote_plus

from syncd.clock import Clock, iso, parse_instant
from syncd.connectors.salesforce.bulk import BulkQueries, Job, JobState, Place
from syncd.connectors.salesforce.bulkrows import BulkRows
from syncd.connectors.salesforce.client import WHERE, QueryPage, SalesforceClient
from syncd.connectors.salesforce.failures import QueryTimeoutError
from syncd.connectors.salesforce.mapping import Columns
from syncd.connectors.salesforce.wide import QUERY_BYTES, Fetch, WideRows
from syncd.errors import CursorLostError, RetryableError, SchemaError
from syncd.model.cursors import Page, Window

BULK_ABOVE: Final = 50_000
"""Above so many expected rows a Bulk job reads them; REST gives at most 2,000 a call."""
PAGE_ROWS: Final = 10_000
"""How many rows of a Bulk part go into one page, so that memory is bounded by the part and not by its records."""
PATIENCE: Final = 30 * 60.0
"""Seconds that one run waits for a job; then the job is given up."""
_FIRST_POLL: Final = 0.1
_LONGEST_POLL: Final = 10.0
_NARROWEST: Final = timedelta(minutes=1)
_BEFORE_SALESFORCE: Final = datetime(1999, 1, 1, tzinfo=UTC)

RowsOf = Callable[[Columns], "BulkRows | None"]
"""How a kind's rows are read from Bulk CSV; None for columns that Bulk cannot select."""


class Walker:
    """Walks windows of one organization."""

    def __init__(self, client: SalesforceClient, clock: Clock, fetch: Fetch, rows_of: RowsOf, bulk_above: int) -> None:
        self._client = client
        self._clock = clock
        self._fetch = fetch
        self._rows_of = rows_of
        self._bulk_above = bulk_above
        self._jobs = BulkQueries(client)

    def pages(self, columns: Columns, window: Window, resume: str | None) -> Iterator[Page]:
        """The pages of a window, or the rest of them after the page that `resume` came with."""
        place = Place.parse(resume)
        if place is not None:
            yield from self._resumed_job(columns, window, place)
        elif resume is None and self._is_large(columns, window):
            yield from self._new_job(columns, window)
        else:
            yield from self._by_rest(columns, window, resume)

    # --- REST

    def _by_rest(self, columns: Columns, window: Window, resume: str | None) -> Iterator[Page]:
        mark: _Mark | None = _Mark.parse(resume, window)
        rows = WideRows(columns, self._fetch)
        seen: set[str] = set()
        while mark is not None:
            try:
                page = self._page_at(rows, mark)
            except QueryTimeoutError as error:
                mark = mark.halved(error)
                continue
            if resume is None and mark.url is None and (page.total or 0) > self._bulk_above:
                yield from self._new_job(columns, window)
                return
            mark = mark.after(page, window)
            records = tuple(map(columns.record, rows.completed(page.rows)))
            yield Page(records, mark.text(window) if mark else None)
            refuse_loop(mark.url if mark else None, seen)

    def _page_at(self, rows: WideRows, mark: _Mark) -> QueryPage:
        if mark.url is not None:
            return self._client.more(mark.url)
        soql = f"{rows.first} {_where(mark.lower, mark.upper)} ORDER BY SystemModstamp, Id"
        if len(quote_plus(soql)) > QUERY_BYTES:
            raise SchemaError("SYN405", "a name in the mapping is longer than any name can be", where=WHERE)
        return self._client.query(soql, deleted=True)

    # --- Bulk

    def _is_large(self, columns: Columns, window: Window) -> bool:
        """Whether a whole kind is to be read and is large; of an increment its first page tells the size."""
        if window.lower is not None:
            return False
        soql = f"SELECT COUNT() FROM {columns.object} {_where(window.lower, window.upper)}"
        try:
            return self._client.count(soql, deleted=True) > self._bulk_above
        except QueryTimeoutError:
            return True

    def _new_job(self, columns: Columns, window: Window) -> Iterator[Page]:
        """Read by a new job; where the organization takes none, or it fails, by REST."""
        start = _Mark(window.lower, window.upper).text(window)
        rows = self._rows_of(columns)
        if rows is None:
            yield from self._by_rest(columns, window, start)
            return
        select = ", ".join(rows.columns)
        try:
            job = self._jobs.create(f"SELECT {select} FROM {columns.object} {_where(window.lower, window.upper)}")
        except SchemaError:
            # no jobs left today, no Bulk API, or a field that it cannot select; REST says what else it may be
            yield from self._by_rest(columns, window, start)
            return
        yield from self._results(columns, window, Place(job.id), rows, job)

    def _resumed_job(self, columns: Columns, window: Window, place: Place) -> Iterator[Page]:
        """Go on with a job of an earlier run; CursorLostError where it ended without results meanwhile."""
        rows, job = self._rows_of(columns), self._jobs.job(place.job)
        if rows is None or job.state in (JobState.ABORTED, JobState.FAILED):
            self._jobs.delete(place.job)
            raise CursorLostError(
                "SYN420", f"the Bulk job {place.job} has no results", where=f"{WHERE} {columns.object}"
            )
        yield from self._results(columns, window, place, rows, job)

    def _results(self, columns: Columns, window: Window, place: Place, rows: BulkRows, job: Job) -> Iterator[Page]:
        """The pages of a job's results, empty ones while it is under way, so that each is saved and can be resumed."""
        started, wait = self._clock.monotonic(), _FIRST_POLL
        while job.state in (JobState.WAITING, JobState.RUNNING):
            yield Page((), place.text())
            if self._clock.monotonic() - started > PATIENCE:
                self._jobs.abort(job.id)
                raise RetryableError(
                    "SYN434", f"the Bulk job {job.id} did not end in {PATIENCE / 60:.0f} minutes", where=_at(columns)
                )
            self._clock.sleep(wait)
            wait = min(_LONGEST_POLL, wait * 2)
            job = self._jobs.job(job.id)
        if job.state is JobState.ABORTED:
            raise RetryableError("SYN433", f"somebody aborted the Bulk job {job.id}", where=_at(columns))
        if job.state is JobState.FAILED:
            self._jobs.delete(job.id)
            start = _Mark(window.lower, window.upper).text(window)
            yield Page((), start)
            yield from self._by_rest(columns, window, start)
            return
        yield from self._parts(columns, place, rows, job)
        self._jobs.delete(job.id)

    def _parts(self, columns: Columns, place: Place, rows: BulkRows, job: Job) -> Iterator[Page]:
        """The rows of a complete job; a job of which rows are missing at the end is no complete one."""
        here: Place | None = place
        while here is not None:
            part = self._jobs.part(here, rows.columns)
            read = here.rows + len(part.rows)
            if part.following is None and job.rows is not None and read != job.rows:
                self._jobs.delete(job.id)
                raise CursorLostError(
                    "SYN420", f"the Bulk job {job.id} found {job.rows} rows and gave {read}", where=_at(columns)
                )
            step = PAGE_ROWS
            for start in range(0, max(1, len(part.rows)), step):
                last = start + step >= len(part.rows)
                following = part.following if last else here
                records = rows.records(part.rows[start : start + step])
                yield Page(records, following.text() if following else None)
            here = part.following


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a walk by REST stands: the part of the window being read, and its next page, None for its first."""

    lower: datetime | None
    upper: datetime
    url: str | None = None

    @classmethod
    def parse(cls, resume: str | None, window: Window) -> _Mark:
        """The mark that a resume token names; the beginning of the window without one."""
        if resume is None or "|" not in resume:
            return cls(window.lower, window.upper, resume)
        try:
            url, lower, upper = resume.split("|")
            return cls(parse_instant(lower) if lower else None, parse_instant(upper), url or None)
        except ValueError:
            raise CursorLostError("SYN420", "the saved place in a query cannot be read", where=WHERE) from None

    def text(self, window: Window) -> str:
        """The resume token: the next page's URL, with its part of the window where that is not all of it."""
        if self.url is not None and self.upper == window.upper:
            return self.url
        return f"{self.url or ''}|{iso(self.lower) if self.lower else ''}|{iso(self.upper)}"

    def after(self, page: QueryPage, window: Window) -> _Mark | None:
        """What comes next: this part's next page, the rest of the window, or nothing."""
        if page.next_url is not None:
            return _Mark(self.lower, self.upper, page.next_url)
        return _Mark(self.upper, window.upper) if self.upper < window.upper else None

    def halved(self, error: QueryTimeoutError) -> _Mark:
        """The first half of this part, on whole seconds; the error where it is no wider than a minute."""
        start = self.lower or _BEFORE_SALESFORCE
        width = self.upper - start
        if width <= _NARROWEST:
            raise RetryableError(error.code, f"{error.summary}, even for one minute of changes", where=error.where)
        middle = (start + width / 2).replace(microsecond=0)
        return _Mark(self.lower, middle)


def refuse_loop(url: str | None, seen: set[str]) -> None:
    """CursorLostError for a next page that was read before; notes the others in `seen`."""
    if url is None:
        return
    if url in seen:
        raise CursorLostError("SYN422", "the pages of a query go round in a loop", where=WHERE)
    seen.add(url)


def _where(lower: datetime | None, upper: datetime) -> str:
    bounds = [f"SystemModstamp < {iso(upper)}"]
    if lower is not None:
        bounds.insert(0, f"SystemModstamp >= {iso(lower)}")
    return f"WHERE {' AND '.join(bounds)}"


def _at(columns: Columns) -> str:
    return f"{WHERE} {columns.object}"
