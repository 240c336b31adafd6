"""Writing owners to Salesforce: one attempt, and for each row what Salesforce said (salesforce.md 3).

Of a record nothing but OwnerId and the fields that settings map to roles and to `write` is ever written; beside it,
members are put back into teams. Whether a row is sent again, and after which read, is decided above.
"""

from __future__ import annotations

import email.utils
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from syncd.clock import Clock
from syncd.connectors.budget import RateBudget
from syncd.connectors.port import OwnerWrite, WriteOutcome, WriteResult
from syncd.connectors.retry import Remedy, RetryPolicy
from syncd.connectors.rows import Row, all_rows, checked, in_turn
from syncd.connectors.salesforce.auth import SalesforceAccess
from syncd.connectors.salesforce.client import WHERE, SalesforceClient
from syncd.connectors.salesforce.failures import classify, outcome_of_row, outcome_of_single, words_of
from syncd.connectors.salesforce.mapping import Columns, columns_of
from syncd.connectors.salesforce.reader import salesforce_gate
from syncd.connectors.salesforce.teams import MemberRow, member_rows
from syncd.connectors.wire import HttpResponse, Wire, WireError
from syncd.entropy import Entropy
from syncd.errors import BadDataError, RetryableError, SchemaError
from syncd.model.fields import SystemMapping
from syncd.model.plans import OWNER_FIELD, held_name
from syncd.model.records import Team
from syncd.model.refs import Kind, Ref, System, long_salesforce_id

BATCH_SIZE: Final = 200
GUARDED_ROWS: Final = 5
"""Up to this many rows are written one by one under If-Unmodified-Since, which costs a call for each."""

_ROW_STATUSES: Final = frozenset({400, 403, 404, 412})
_UNDECIDED: Final = "the answer was lost; read the record"


class SalesforceWriter:
    """The port's Writer for one organization; constructed only when the mode allows writing."""

    system = System.SALESFORCE
    batch_size = BATCH_SIZE

    def __init__(
        self,
        access: SalesforceAccess,
        mapping: SystemMapping,
        *,
        wire: Wire,
        clock: Clock,
        entropy: Entropy,
        budget: RateBudget,
    ) -> None:
        self._gate = salesforce_gate(wire, budget)
        self._client = SalesforceClient(access, self._gate, RetryPolicy(clock, entropy), clock)
        self._mapping = mapping
        self._clock = clock

    @property
    def calls(self) -> int:
        """HTTP calls made so far, token requests included."""
        return self._gate.calls

    def write_owners(self, kind: Kind, writes: Sequence[OwnerWrite]) -> tuple[WriteResult, ...]:
        """Write the owners in one call of sObject Collections, or a few rows one by one under a precondition.

        One result a row, in order. AuthError, SchemaError or QuotaExhaustedError only where nothing was applied.
        """
        checked(writes, kind, self.batch_size)
        if not writes:
            return ()
        columns = columns_of(self._mapping, kind)
        name, column = columns.object, _column(columns, writes[0].field)
        guarded = len(writes) <= GUARDED_ROWS and all(write.unmodified_since is not None for write in writes)
        with self._gate.purpose(writing=True):
            if guarded:
                return in_turn(writes, lambda rows: self._guarded(name, column, rows[0]), size=1)
            return in_turn(writes, lambda rows: self._together(name, column, rows))

    def add_members(self, kind: Kind, teams: Sequence[Team]) -> tuple[WriteResult, ...]:
        """Put members back into teams by sObject Collections; one result a member, in the order of the teams.

        Salesforce takes a member who is there already as an update of that member.
        """
        rows = member_rows(kind, teams)
        results: list[WriteResult] = []
        with self._gate.purpose(writing=True):
            for start in range(0, len(rows), self.batch_size):
                results += self._added(rows[start : start + self.batch_size])
        return tuple(results)

    def _added(self, rows: Sequence[MemberRow]) -> list[WriteResult]:
        payload = {"allOrNone": False, "records": [row.values for row in rows]}
        return self._sent(
            rows,
            lambda: self._client.post("composite/sobjects", payload),
            lambda answer: self._each_added(rows, answer),
        )

    def _each_added(self, rows: Sequence[MemberRow], answer: HttpResponse) -> list[WriteResult]:
        if answer.status not in (200, 201):
            return self._refused(rows, answer)
        verdicts = _verdicts(answer.body)
        if verdicts is None or len(verdicts) != len(rows):
            return all_rows(rows, WriteOutcome.UNKNOWN, "UNREADABLE", _UNDECIDED, _request_id(answer))
        return [_verdict(row.ref, verdict, _request_id(answer)) for row, verdict in zip(rows, verdicts, strict=True)]

    def _guarded(self, name: str, column: str, write: OwnerWrite) -> list[WriteResult]:
        """One row, written only where the record is unmodified; the comparison has a grain of a second (3.3)."""
        since = write.unmodified_since
        assert since is not None  # noqa: S101 - write_owners looked
        header = {"If-Unmodified-Since": email.utils.format_datetime(since.astimezone(UTC), usegmt=True)}
        path = f"sobjects/{name}/{long_salesforce_id(write.ref.id)}"
        payload = {column: _written(write)}
        return self._sent(
            [write],
            lambda: self._client.patch(path, payload, header),
            lambda answer: [self._single(write, answer)],
        )

    def _together(self, name: str, column: str, writes: Sequence[OwnerWrite]) -> list[WriteResult]:
        rows = [
            {
                "attributes": {"type": name},
                "id": long_salesforce_id(write.ref.id),
                column: _written(write),
            }
            for write in writes
        ]
        payload = {"allOrNone": False, "records": rows}
        return self._sent(
            writes,
            lambda: self._client.patch("composite/sobjects", payload),
            lambda answer: self._each(writes, answer),
        )

    def _sent(
        self,
        writes: Sequence[Row],
        send: Callable[[], HttpResponse],
        read: Callable[[HttpResponse], list[WriteResult]],
    ) -> list[WriteResult]:
        try:
            answer = send()
        except WireError as error:
            outcome = WriteOutcome.UNKNOWN if error.sent else WriteOutcome.RETRY
            return all_rows(writes, outcome, error.kind.upper(), str(error))
        except (RetryableError, BadDataError) as error:  # of the login: nothing was sent
            return all_rows(writes, WriteOutcome.RETRY, error.code, error.summary)
        return read(answer)

    def _single(self, write: OwnerWrite, answer: HttpResponse) -> WriteResult:
        """The result of a one-row PATCH: 204 is done, and a refusal of the row is the row's own."""
        if answer.status == 204:
            return WriteResult(write.ref, WriteOutcome.ACCEPTED, request_id=_request_id(answer))
        words = words_of(answer)
        if answer.status in _ROW_STATUSES and words.code not in {
            "REQUEST_LIMIT_EXCEEDED",
            "INVALID_FIELD",
            "INVALID_TYPE",
        }:
            outcome = outcome_of_single(answer.status, words)
            code = words.code or str(answer.status)
            return WriteResult(write.ref, outcome, code, words.message or None, _request_id(answer))
        return self._refused([write], answer)[0]

    def _each(self, writes: Sequence[OwnerWrite], answer: HttpResponse) -> list[WriteResult]:
        """The results of a collections PATCH, which come in the order of the rows; failed ones may lack an id."""
        if answer.status != 200:
            return self._refused(writes, answer)
        verdicts = _verdicts(answer.body)
        if verdicts is None or len(verdicts) != len(writes):
            return all_rows(writes, WriteOutcome.UNKNOWN, "UNREADABLE", _UNDECIDED, _request_id(answer))
        return [_result(write, verdict, answer) for write, verdict in zip(writes, verdicts, strict=True)]

    def _refused(self, writes: Sequence[Row], answer: HttpResponse) -> list[WriteResult]:
        """A call that failed as a whole: raise where that certainly applied nothing and is no passing trouble."""
        if answer.status < 400 or answer.status >= 500:
            return all_rows(writes, WriteOutcome.UNKNOWN, str(answer.status), _UNDECIDED, _request_id(answer))
        failure = classify(answer, WHERE, self._clock.now())
        if failure.remedy in (Remedy.STOP, Remedy.REFRESH):
            raise failure.error
        code = failure.code or str(answer.status)
        return all_rows(writes, WriteOutcome.RETRY, code, failure.error.summary, _request_id(answer))


def _column(columns: Columns, field: str) -> str:
    """The API name of a plan's field. SchemaError where no setting maps it any more."""
    if field == OWNER_FIELD:
        return "OwnerId"
    found = columns.fields.get(held_name(field))
    if found is None:
        raise SchemaError("SYN405", f"no field is mapped to {field}", where=f"{WHERE} {columns.object}")
    return found


def _written(write: OwnerWrite) -> str | None:
    """The value as it is sent: an owner's id in its long form, any other as the plan has it; null empties a field."""
    if write.field == OWNER_FIELD and write.new is not None:
        return long_salesforce_id(write.new)
    return write.new


def _verdicts(body: bytes) -> list[Mapping[str, Any]] | None:
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    whole = isinstance(document, list) and all(isinstance(entry, dict) for entry in document)
    return document if whole else None


def _result(write: OwnerWrite, verdict: Mapping[str, Any], answer: HttpResponse) -> WriteResult:
    request_id = _request_id(answer)
    echoed = verdict.get("id")
    if echoed and long_salesforce_id(str(echoed)) != long_salesforce_id(write.ref.id):
        return WriteResult(write.ref, WriteOutcome.UNKNOWN, "OTHER_RECORD", f"the answer names {echoed}", request_id)
    return _verdict(write.ref, verdict, request_id)


def _verdict(ref: Ref, verdict: Mapping[str, Any], request_id: str | None) -> WriteResult:
    """What Salesforce said of one row of a collection."""
    if verdict.get("success") is True:
        return WriteResult(ref, WriteOutcome.ACCEPTED, request_id=request_id)
    errors = verdict.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code, message = str(first.get("statusCode") or "UNKNOWN"), str(first.get("message") or "")[:500]
    return WriteResult(ref, outcome_of_row(code, message), code, message or None, request_id)


def _request_id(answer: HttpResponse) -> str | None:
    return answer.header("X-SFDC-Request-Id") or answer.header("X-Request-Id")
