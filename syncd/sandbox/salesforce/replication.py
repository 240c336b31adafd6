"""`updated` and `deleted` of an object: ids by the time of their change (salesforce.md 2.3 and 8.10)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from syncd.clock import parse_instant
from syncd.sandbox.salesforce.fieldtypes import stamp
from syncd.sandbox.salesforce.lifecycle import BIN_KEEPS
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.state import OrgState
from syncd.sandbox.salesforce.tables import Table
from syncd.sandbox.wire import Request

_UPDATED_REACH = timedelta(days=30)
_SHORTEST_SPAN = timedelta(minutes=1)
_MOST_IDS = 600_000


def updated(state: OrgState, table: Table, request: Request) -> dict[str, Any]:
    """The ids of live rows stamped in the span asked for. Raises Refusal."""
    start, end = _span(state, request, _UPDATED_REACH)
    ids = [
        row["Id"]
        for row in table.stamped(stamp(start), stamp(end))
        if not row.get("IsDeleted") and row["Id"] not in state.visibility.unshared
    ]
    if len(ids) > _MOST_IDS:
        raise Refusal(400, "EXCEEDED_ID_LIMIT", f"more than {_MOST_IDS} ids")
    return {"ids": ids, "latestDateCovered": stamp(_covered(state, end))}


def deleted(state: OrgState, table: Table, request: Request) -> dict[str, Any]:
    """The rows put into the bin in the span asked for. Raises Refusal."""
    if not table.schema.has_bin:
        raise Refusal(400, "INVALID_TYPE_FOR_OPERATION", f"{table.schema.name} is not replicateable")
    start, end = _span(state, request, BIN_KEEPS)
    gone = sorted((at, record_id) for record_id, at in table.deleted_at.items() if start <= at < end)
    return {
        "deletedRecords": [{"id": record_id, "deletedDate": stamp(at)} for at, record_id in gone],
        "earliestDateAvailable": stamp(state.clock.now() - BIN_KEEPS),
        "latestDateCovered": stamp(_covered(state, end)),
    }


def _span(state: OrgState, request: Request, reach: timedelta) -> tuple[datetime, datetime]:
    """The span asked for, in whole seconds. Raises Refusal INVALID_REPLICATION_DATE."""
    try:
        start, end = (parse_instant(request.query[name][0].replace(" ", "+")) for name in ("start", "end"))
    except (KeyError, ValueError) as error:
        raise Refusal(400, "INVALID_REPLICATION_DATE", "start and end must be instants with a zone") from error
    if end - start < _SHORTEST_SPAN:
        raise Refusal(400, "INVALID_REPLICATION_DATE", "startDate must be more than one minute before endDate")
    if start < state.clock.now() - reach:
        raise Refusal(400, "INVALID_REPLICATION_DATE", f"startDate cannot be more than {reach.days} days ago")
    return start.replace(microsecond=0), end.replace(microsecond=0)


def _covered(state: OrgState, end: datetime) -> datetime:
    """Up to when the answer is complete: the platform stays behind its own clock."""
    return min(end, state.clock.now() - timedelta(seconds=state.covered_behind))
