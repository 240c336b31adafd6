"""sObject collections: up to 200 rows in one call, a result for each in order (salesforce.md 3.1 and 8.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from syncd.sandbox.faults import RowFault
from syncd.sandbox.salesforce.bodies import type_named
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.lifecycle import delete
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.rows import shape_for
from syncd.sandbox.salesforce.state import OrgState, Saving
from syncd.sandbox.salesforce.upserting import upsert
from syncd.sandbox.salesforce.writing import create, update

MOST_ROWS = 200
MOST_READ = 2_000
MOST_CHUNKS = 10
Work = Callable[[dict[str, Any]], dict[str, Any]]


def update_all(state: OrgState, body: Mapping[str, Any], saving: Saving, row_fault: RowFault | None) -> list[Any]:
    """Answer PATCH /composite/sobjects. Raises Refusal where the call as a whole is malformed."""
    records = _records_of(body)
    seen: set[str] = set()

    def work(record: dict[str, Any]) -> dict[str, Any]:
        record_id = str(record.pop("id", None) or record.pop("Id", ""))
        key = canonical(record_id)
        name = _type_of(record)
        if key is None:
            raise Refusal(400, "MALFORMED_ID", f"{name} ID: id value of incorrect type: {record_id}", ("Id",))
        if key in seen:
            raise Refusal(400, "DUPLICATE_VALUE", f"duplicate id in one call: {key}", ())
        seen.add(key)
        if key[:3] != state.tables.table(name).schema.prefix:
            raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ())
        try:
            update(state, name, key, record, saving)
        except Refusal as refusal:
            if refusal.code == "NOT_FOUND":
                raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ()) from None
            raise
        return {"id": key}

    return _each(state, records, bool(body.get("allOrNone")), work, row_fault)


def create_all(state: OrgState, body: Mapping[str, Any], saving: Saving, row_fault: RowFault | None) -> list[Any]:
    """Answer POST /composite/sobjects. Raises Refusal where the call as a whole is malformed."""

    def work(record: dict[str, Any]) -> dict[str, Any]:
        return {"id": create(state, _type_of(record), record, saving)}

    return _each(state, _records_of(body), bool(body.get("allOrNone")), work, row_fault)


def upsert_all(
    state: OrgState, name: str, key: str, body: Mapping[str, Any], saving: Saving, row_fault: RowFault | None
) -> list[Any]:
    """Answer PATCH /composite/sobjects/X/FIELD. Raises Refusal where the call as a whole is malformed."""

    def work(record: dict[str, Any]) -> dict[str, Any]:
        if _type_of(record).lower() != name.lower():
            raise Refusal(400, "INVALID_TYPE", f"every record must be of {name}", ())
        value = next((record.pop(given) for given in list(record) if given.lower() == key.lower()), None)
        record_id, made = upsert(state, name, key, None if value is None else str(value), record, saving)
        return {"id": record_id, "created": made}

    return _each(state, _records_of(body), bool(body.get("allOrNone")), work, row_fault)


def read_all(state: OrgState, name: str, ids: Sequence[Any], fields: Sequence[Any], version: str) -> list[Any]:
    """Answer GET or POST /composite/sobjects/X: the rows in the order asked for, null where there is none."""
    if not ids or not fields:
        raise Refusal(400, "MISSING_ARGUMENT", "ids and fields must be given")
    if len(ids) > MOST_READ:
        raise _too_many(len(ids), MOST_READ)
    table = state.tables.table(name)
    shape = shape_for(state, table, [str(field) for field in fields])
    found: list[Any] = []
    for given in ids:
        key = canonical(str(given))
        if key is None:
            raise Refusal(400, "MALFORMED_ID", f"malformed id {given}")
        row = table.rows.get(key)
        gone = row is None or row.get("IsDeleted") or key in state.visibility.unshared
        found.append(None if row is None or gone else shape.rendered(row, version))
    return found


def delete_all(
    state: OrgState, ids: Sequence[str], saving: Saving, *, all_or_none: bool, row_fault: RowFault | None
) -> list[Any]:
    """Answer DELETE /composite/sobjects?ids=…. Raises Refusal for more ids than a call takes."""
    if len(ids) > MOST_ROWS:
        raise _too_many(len(ids))

    def work(record: dict[str, Any]) -> dict[str, Any]:
        key = canonical(record["id"])
        table = state.tables.of_prefix(key) if key else None
        if key is None or table is None:
            raise Refusal(400, "MALFORMED_ID", f"malformed id {record['id']}", ())
        delete(state, table.schema.name, key, saving)
        return {"id": key}

    return _each(state, [{"id": item} for item in ids], all_or_none, work, row_fault)


def _records_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records of a body, checked as the platform does before it looks at any of them."""
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise Refusal(400, "JSON_PARSER_ERROR", "the body needs a list of records")
    if len(records) > MOST_ROWS:
        raise _too_many(len(records))
    names = [type_named(record) for record in records]
    if None in names:
        raise Refusal(400, "INVALID_TYPE", "every record needs attributes with a type")
    if sum(1 for _ in groupby(names)) > MOST_CHUNKS:
        raise Refusal(400, "LIMIT_EXCEEDED", f"the records are in more than {MOST_CHUNKS} chunks of one type")
    return [dict(record) for record in records]


def _too_many(count: int, most: int = MOST_ROWS) -> Refusal:
    """More rows than a call takes."""
    return Refusal(400, "EXCEEDED_MAX_SIZE_REQUEST", f"record limit reached. cannot submit more than {most}: {count}")


def _type_of(record: dict[str, Any]) -> str:
    """The object of a record; takes the attributes out of it."""
    name = type_named(record)
    record.pop("attributes", None)
    return str(name)


def _each(
    state: OrgState, records: list[dict[str, Any]], all_or_none: bool, work: Work, row_fault: RowFault | None
) -> list[Any]:
    """Do the work for each record; with `all_or_none` one failure takes back all."""
    mark = state.tables.begin()
    results: list[dict[str, Any]] = []
    for position, record in enumerate(records):
        given = str(record.get("id") or record.get("Id") or "")
        try:
            if row_fault is not None and row_fault.hits(position, canonical(given) or given):
                raise Refusal(400, row_fault.code, row_fault.message, ())
            results.append({**_one(record, work), "success": True, "errors": []})
        except Refusal as refusal:
            failed: dict[str, Any] = {"success": False, "errors": [refusal.row()]}
            results.append({"id": canonical(given), **failed} if canonical(given) else failed)
    if all_or_none and not all(result["success"] for result in results):
        state.tables.rollback(mark)
        return [_rolled_back(result) for result in results]
    state.tables.commit(mark)
    return results


def _one(record: dict[str, Any], work: Work) -> dict[str, Any]:
    """The work for one record; an object that does not exist is a refusal like any other."""
    try:
        return work(record)
    except KeyError as error:
        raise Refusal(400, "INVALID_TYPE", f"sObject type is not supported: {error.args[0]}", ()) from error


def _rolled_back(result: dict[str, Any]) -> dict[str, Any]:
    """A row that would have been saved, where another was not."""
    if not result["success"]:
        return result
    message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    error = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": message, "fields": []}
    return {"id": result["id"], "success": False, "errors": [error]}
