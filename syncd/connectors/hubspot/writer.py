"""Writing owners to HubSpot: one batch, and for each row what HubSpot said (hubspot.md 3).

Nothing but hubspot_owner_id and the properties that settings map to roles and to `write` is ever written. HubSpot has
no precondition, so the compare is the caller's; whether a row is sent again, and after which read, is decided above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from syncd.clock import Clock
from syncd.connectors.budget import RateBudget
from syncd.connectors.hubspot.client import WHERE, HubspotAccess, HubspotClient, Json
from syncd.connectors.hubspot.failures import classify, error_of_row
from syncd.connectors.hubspot.mapping import OWNER, Columns, columns_of
from syncd.connectors.hubspot.reader import hubspot_gate
from syncd.connectors.port import OwnerWrite, WriteOutcome, WriteResult
from syncd.connectors.retry import Remedy, RetryPolicy
from syncd.connectors.rows import all_rows, checked, in_turn
from syncd.connectors.shape import json_object
from syncd.connectors.wire import HttpResponse, Wire, WireError
from syncd.entropy import Entropy
from syncd.errors import SchemaError
from syncd.model.fields import SystemMapping
from syncd.model.plans import OWNER_FIELD, held_name
from syncd.model.records import Team
from syncd.model.refs import Kind, System

BATCH_SIZE: Final = 100
_DIVISIBLE: Final = frozenset({400, 404})
_NO_PROPERTY: Final = "PROPERTY_DOESNT_EXIST"
_UNDECIDED: Final = "the answer was lost; read the record"


class HubspotWriter:
    """The port's Writer for one portal; constructed only when the mode allows writing."""

    system = System.HUBSPOT
    batch_size = BATCH_SIZE

    def __init__(
        self,
        access: HubspotAccess,
        mapping: SystemMapping,
        *,
        wire: Wire,
        clock: Clock,
        entropy: Entropy,
        budget: RateBudget,
    ) -> None:
        self._gate = hubspot_gate(wire, budget)
        self._client = HubspotClient(access, self._gate, RetryPolicy(clock, entropy), clock)
        self._mapping = mapping
        self._clock = clock
        self._entropy = entropy

    @property
    def calls(self) -> int:
        """HTTP calls made so far."""
        return self._gate.calls

    def add_members(self, kind: Kind, teams: Sequence[Team]) -> tuple[WriteResult, ...]:
        """Nothing: in HubSpot a change of owner drops nobody."""
        del kind, teams
        return ()

    def write_owners(self, kind: Kind, writes: Sequence[OwnerWrite]) -> tuple[WriteResult, ...]:
        """Write the owners in one batch; one that HubSpot refuses whole is halved until the bad rows stand alone.

        One result a row, in order. AuthError, SchemaError or QuotaExhaustedError only where nothing was applied.
        """
        checked(writes, kind, self.batch_size)
        if not writes:
            return ()
        columns = columns_of(self._mapping, kind)
        path, name = self._client.paths.batch_update(columns.object), _property(columns, writes[0].field)
        with self._gate.purpose(writing=True):
            return in_turn(writes, lambda rows: self._batch(path, name, rows))

    def _batch(self, path: str, name: str, writes: Sequence[OwnerWrite]) -> list[WriteResult] | None:
        """The results of one call; None where the batch was refused as a whole and should be halved."""
        run = self._entropy.token(8)
        traces = {f"syncd-{run}-{write.ref.id}": write for write in writes}
        inputs = [
            {"id": write.ref.id, "properties": {name: write.new or ""}, "objectWriteTraceId": trace}
            for trace, write in traces.items()
        ]
        try:
            answer = self._client.write(path, {"inputs": inputs})
        except WireError as error:
            outcome = WriteOutcome.UNKNOWN if error.sent else WriteOutcome.RETRY
            return all_rows(writes, outcome, error.kind.upper(), str(error))
        if 200 <= answer.status < 300:
            return _results(name, writes, traces, answer)
        if answer.status in _DIVISIBLE:
            _refuse_config(name, answer)
            return self._indivisible(writes, answer) if len(writes) == 1 else None
        return self._refused(writes, answer)

    def _indivisible(self, writes: Sequence[OwnerWrite], answer: HttpResponse) -> list[WriteResult]:
        """The one row that is to blame for a 400."""
        outcome, code, message = error_of_row(json_object(answer.body) or {"category": str(answer.status)})
        return all_rows(writes, outcome, code, message or None, _request_id(answer))

    def _refused(self, writes: Sequence[OwnerWrite], answer: HttpResponse) -> list[WriteResult]:
        """A call that failed as a whole: raise where that certainly applied nothing and is no passing trouble."""
        if answer.status < 400 or (answer.status >= 500 and answer.status != 530):
            return all_rows(writes, WriteOutcome.UNKNOWN, str(answer.status), _UNDECIDED, _request_id(answer))
        failure = classify(answer, WHERE, self._clock.now())
        if failure.remedy in (Remedy.STOP, Remedy.REFRESH) and answer.status != 477:
            raise failure.error
        code = failure.code or str(answer.status)
        return all_rows(writes, WriteOutcome.RETRY, code, failure.error.summary, _request_id(answer))


def _property(columns: Columns, field: str) -> str:
    """The property of a plan's field. SchemaError where no setting maps it any more."""
    if field == OWNER_FIELD:
        return OWNER
    found = columns.fields.get(held_name(field))
    if found is None:
        raise SchemaError("SYN405", f"no property is mapped to {field}", where=f"{WHERE} {columns.object}")
    return found


def _refuse_config(name: str, answer: HttpResponse) -> None:
    """SchemaError where the refusal is of the property itself: halving the batch would only repeat it."""
    if _NO_PROPERTY in answer.body.decode("utf-8", "replace"):
        raise SchemaError("SYN405", f"HubSpot knows no property {name} here", where=WHERE)


def _results(
    name: str, writes: Sequence[OwnerWrite], traces: Mapping[str, OwnerWrite], answer: HttpResponse
) -> list[WriteResult]:
    """The results of a batch that was taken: by id where it was written, by trace id or id where it was not."""
    document, request_id = json_object(answer.body), _request_id(answer)
    if document is None or not isinstance(document.get("results"), list):
        return all_rows(writes, WriteOutcome.UNKNOWN, "UNREADABLE", _UNDECIDED, request_id)
    refused = _refused_rows(document, traces)
    written = {str(entry.get("id")): entry for entry in document["results"] if isinstance(entry, dict)}
    return [_result(name, write, written.get(write.ref.id), refused.get(write.ref.id), request_id) for write in writes]


def _result(
    name: str, write: OwnerWrite, written: Json | None, refused: Json | None, request_id: str | None
) -> WriteResult:
    if refused is not None:
        outcome, code, message = error_of_row(refused)
        return WriteResult(write.ref, outcome, code, message or None, request_id)
    if written is None:
        return WriteResult(write.ref, WriteOutcome.UNKNOWN, "NO_RESULT", "the answer does not name the row", request_id)
    properties = written.get("properties")
    echoed = (properties.get(name, write.new) if isinstance(properties, dict) else write.new) or None
    if echoed != write.new:
        message = f"the answer says that the {write.field} is {echoed}"
        return WriteResult(write.ref, WriteOutcome.UNKNOWN, "OTHER_OWNER", message, request_id)
    return WriteResult(write.ref, WriteOutcome.ACCEPTED, request_id=request_id)


def _refused_rows(document: Json, traces: Mapping[str, OwnerWrite]) -> dict[str, Json]:
    """The error of each row by id, from errors that name trace ids and from those that name ids."""
    refused: dict[str, Json] = {}
    for error in document.get("errors") or ():
        context: Any = error.get("context") if isinstance(error, dict) else None
        if not isinstance(context, dict):
            continue
        traced = [traces[trace].ref.id for trace in _texts(context.get("objectWriteTraceId")) if trace in traces]
        for known in (*traced, *_texts(context.get("ids")), *_texts(context.get("id"))):
            refused[known] = error
    return refused


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(entry) for entry in value]
    return [] if value is None else [str(value)]


def _request_id(answer: HttpResponse) -> str | None:
    return answer.header("X-HubSpot-Correlation-Id")
