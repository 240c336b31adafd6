"""Bulk API 2.0 query jobs on Salesforce's wire: made, polled, fetched as CSV in parts, ended (salesforce.md 2.2).

Every reply is checked for being whole: each part by the number of rows that its header tells. It knows neither kinds
nor records; what a failed job means for a walk is decided above it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from syncd.connectors.salesforce.client import OversizeError, SalesforceClient, bad_answer
from syncd.connectors.wire import BODY_CAP, HttpResponse
from syncd.errors import BadDataError, CrmError, CursorLostError

PART_ROWS: Final = 20_000
"""How many rows are asked for at once; a part that is too large for the wire is asked for in halves."""

_JOB_ID: Final = re.compile(r"[A-Za-z0-9]{15,18}")
_GONE: Final = (404, 409)
"""The job is gone, or was made with another API version (salesforce.md 2.2): its results cannot be had any more."""

csv.field_size_limit(BODY_CAP)  # the module's own limit is 128 kB, and a long text area is longer


class JobState(StrEnum):
    """How a job stands; what Salesforce may call it beside these is still under way."""

    WAITING = "UploadComplete"
    RUNNING = "InProgress"
    COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"


@dataclass(frozen=True, slots=True)
class Job:
    """A query job: how it stands, how many rows it found, and why it failed, in Salesforce's words."""

    id: str
    state: JobState
    rows: int | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reading of a job's results stands: the next part's locator (empty: the first), and the rows before."""

    job: str
    locator: str = ""
    rows: int = 0

    @classmethod
    def parse(cls, resume: str | None) -> Place | None:
        """The place that a walk's resume token names; None for a token that is none of a job."""
        if resume is None or not resume.startswith("bulk|"):
            return None
        try:
            _, job, rows, locator = resume.split("|", 3)
            return cls(job, locator, int(rows))
        except ValueError:
            raise CursorLostError("SYN420", "the saved place in a Bulk job cannot be read") from None

    def text(self) -> str:
        """The token that `parse` reads."""
        return f"bulk|{self.job}|{self.rows}|{self.locator}"


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows in the order of the columns asked for, and where the next part is; None after the last."""

    rows: Sequence[Sequence[str]]
    following: Place | None


class BulkQueries:
    """Query jobs of one organization."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._part_rows = PART_ROWS

    def create(self, soql: str) -> Job:
        """A new job, deleted and merged rows included. Where its answer is lost another is made, and only that read."""
        payload = {"operation": "queryAll", "query": soql, "contentType": "CSV", "lineEnding": "LF"}
        return self._client.request("POST", "jobs/query", payload=payload, check=_job)

    def job(self, job_id: str) -> Job:
        """How a job stands; CursorLostError where there is none of that id any more."""
        return self._client.request("GET", f"jobs/query/{job_id}", check=_job, lost=_GONE)

    def part(self, place: Place, columns: Sequence[str]) -> Part:
        """The rows at a place of a complete job; CursorLostError where its results are gone."""

        def check(answer: HttpResponse) -> Part:
            rows = rows_of(answer, columns)
            locator = answer.header("Sforce-Locator")
            if locator in (None, "", "null"):
                return Part(rows, None)
            if locator == place.locator:
                raise bad_answer("a part of a Bulk job names itself as the next one")
            following = Place(place.job, str(locator), place.rows + len(rows))
            self._client.expect(self._path(following))
            return Part(rows, following)

        while True:
            try:
                return self._client.request("GET", self._path(place), check=check, lost=_GONE)
            except OversizeError:
                if self._part_rows == 1:
                    raise BadDataError("SYN421", "one row of a Bulk job is too large to be read") from None
                self._part_rows = max(1, self._part_rows // 2)

    def _path(self, place: Place) -> str:
        locator = f"&locator={place.locator}" if place.locator else ""
        return f"jobs/query/{place.job}/results?maxRecords={self._part_rows}{locator}"

    def delete(self, job_id: str) -> None:
        """Clean up after a job. One that cannot be deleted expires by itself after seven days: no error."""
        self._let("DELETE", job_id)

    def abort(self, job_id: str) -> None:
        """Stop a job that takes too long, and clean up after it."""
        self._let("PATCH", job_id, {"state": "Aborted"})
        self._let("DELETE", job_id)

    def _let(self, method: str, job_id: str, payload: dict[str, Any] | None = None) -> None:
        try:
            self._client.request(method, f"jobs/query/{job_id}", payload=payload, check=lambda _: None, lost=_GONE)
        except CrmError:
            return


def rows_of(answer: HttpResponse, columns: Sequence[str]) -> list[list[str]]:
    """The rows of one part, whose header row may be there or not; CallFailedError for a part that is not whole."""
    text = io.TextIOWrapper(io.BytesIO(answer.body), "utf-8-sig", newline="")
    try:
        rows = list(csv.reader(text, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise bad_answer(f"a part of a Bulk job is no CSV ({type(error).__name__})") from None
    wanted = [name.lower() for name in columns]
    named = [name.lower() for name in rows[0]] if rows else []
    if sorted(named) == sorted(wanted):
        del rows[0]
    else:
        named = wanted
    told = (answer.header("Sforce-NumberOfRecords") or "").strip()
    if (told.isdigit() and int(told) != len(rows)) or (not rows and not answer.body.strip() and told != "0"):
        raise bad_answer(f"a part of a Bulk job has {len(rows)} rows where {told or 'some'} were promised")
    width = len(wanted)
    if not {*map(len, rows)} <= {width}:
        raise bad_answer("a row of a Bulk job has more or fewer cells than columns were asked for")
    if named != wanted:
        order = [named.index(name) for name in wanted]
        rows = [[row[index] for index in order] for row in rows]
    return rows


def _job(answer: HttpResponse) -> Job:
    try:
        document = json.loads(answer.body)
        job_id, state = str(document["id"]), str(document["state"])
        found, message = document.get("numberRecordsProcessed"), document.get("errorMessage")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise bad_answer("the answer about a Bulk job cannot be read") from None
    if not _JOB_ID.fullmatch(job_id):
        raise bad_answer("a Bulk job has no id")
    known = JobState(state) if state in set(JobState) else JobState.RUNNING
    return Job(job_id, known, found if isinstance(found, int) else None, str(message)[:200] if message else None)
