"""One row by its address: read, change, create, delete, and the conditional headers (salesforce.md 3.3 and 8.6)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from syncd.sandbox.faults import RowFault
from syncd.sandbox.salesforce.bodies import json_object
from syncd.sandbox.salesforce.fieldtypes import instant_of
from syncd.sandbox.salesforce.lifecycle import delete
from syncd.sandbox.salesforce.refusals import Refusal, no_such_column, not_found
from syncd.sandbox.salesforce.soql.binding import BoundPath, Scope
from syncd.sandbox.salesforce.soql.rendering import Shape
from syncd.sandbox.salesforce.soql.tree import Query
from syncd.sandbox.salesforce.state import OrgState, Saving, find
from syncd.sandbox.salesforce.tables import Row, Table
from syncd.sandbox.salesforce.upserting import by_external_id, key_field, upsert
from syncd.sandbox.salesforce.writing import create, update
from syncd.sandbox.timekeeping import http_date
from syncd.sandbox.wire import Request, Response

_WITH_ETAG = "Account"


def read(state: OrgState, name: str, record_id: str, request: Request, version: str) -> Response:
    """Answer GET /sobjects/X/ID. Raises Refusal 404, or 412; 304 where the caller has the row already."""
    table, row = find(state, name, record_id)
    unchanged = _precondition(request, table.schema.name, row)
    headers = _row_headers(table.schema.name, row)
    if unchanged:
        return Response(304, headers)
    wanted = [field for text in request.query.get("fields", []) for field in text.split(",") if field]
    shape = shape_for(state, table, wanted)
    return Response.of_json(200, shape.rendered(row, version), headers)


def shape_for(state: OrgState, table: Table, wanted: Sequence[str]) -> Shape:
    """What a row shows: the fields asked for, else all that are seen. Raises Refusal INVALID_FIELD."""
    scope = Scope(state.tables, state.visibility, Query("", table.schema.name), state.clock.now())
    shape = Shape(table.schema, scope)
    for path in wanted or [item.name for item in table.schema.fields.values()]:
        field = table.schema.get(path.strip())
        if field is not None and state.visibility.sees(table.schema, field):
            shape.add(BoundPath((), field))
        elif wanted:
            raise no_such_column(path, table.schema.name)
    return shape


def change(
    state: OrgState, name: str, record_id: str, request: Request, saving: Saving, row_fault: RowFault | None = None
) -> Response:
    """Answer PATCH /sobjects/X/ID with 204. Raises Refusal; 412 where a precondition no longer holds."""
    table, row = find(state, name, record_id)
    _precondition(request, table.schema.name, row)
    if row_fault is not None and row_fault.hits(0, row["Id"]):
        raise Refusal(400, row_fault.code, row_fault.message, ())
    update(state, name, record_id, _body(request), saving)
    return Response(204)


def read_by_key(state: OrgState, name: str, key: str, value: str, request: Request, version: str) -> Response:
    """Answer GET /sobjects/X/FIELD/VALUE. Raises Refusal 404, or answers 300 with the addresses of several rows."""
    row = by_external_id(state, name, key, value)
    if row is None:
        raise not_found()
    return read(state, name, str(row["Id"]), request, version)


def change_by_key(
    state: OrgState, name: str, key: str, value: str, request: Request, saving: Saving, row_fault: RowFault | None
) -> Response:
    """Answer PATCH /sobjects/X/FIELD/VALUE: 201 for a new row, 200 for a changed one. Raises Refusal."""
    if key.lower() == "id":
        return change(state, name, value, request, saving, row_fault)
    values = _body(request)
    field = key_field(state, state.tables.table(name), key)
    if any(given.lower() == field.name.lower() for given in values):
        message = f"The {field.name} field should not be specified in the sobject data."
        raise Refusal(400, "INVALID_FIELD", message, (field.name,))
    record_id, made = upsert(state, name, key, value, values, saving)
    answer = {"id": record_id, "success": True, "errors": [], "created": made}
    return Response.of_json(201 if made else 200, answer)


def drop_by_key(state: OrgState, name: str, key: str, value: str, saving: Saving) -> Response:
    """Answer DELETE /sobjects/X/FIELD/VALUE with 204. Raises Refusal."""
    row = by_external_id(state, name, key, value)
    if row is None:
        raise not_found()
    return drop(state, name, str(row["Id"]), saving)


def add(state: OrgState, name: str, request: Request, saving: Saving, version: str) -> Response:
    """Answer POST /sobjects/X with 201 and the new id. Raises Refusal."""
    record_id = create(state, name, _body(request), saving)
    where = f"/services/data/{version}/sobjects/{state.tables.table(name).schema.name}/{record_id}"
    return Response.of_json(201, {"id": record_id, "success": True, "errors": []}, {"Location": where})


def drop(state: OrgState, name: str, record_id: str, saving: Saving) -> Response:
    """Answer DELETE /sobjects/X/ID with 204. Raises Refusal."""
    delete(state, name, record_id, saving)
    return Response(204)


def _body(request: Request) -> dict[str, Any]:
    """The fields of a JSON body, without `attributes`."""
    document = json_object(request)
    document.pop("attributes", None)
    return document


def _etag(row: Row) -> str:
    """The entity tag of a row as it stands; the platform ends it in `-gzip`."""
    return f'"{hashlib.sha256((row["Id"] + row["SystemModstamp"]).encode()).hexdigest()[:16]}-gzip"'


def _row_headers(name: str, row: Row) -> dict[str, str]:
    """`Last-Modified`, and for accounts `ETag`."""
    headers = {"Last-Modified": http_date(instant_of(row["LastModifiedDate"]))}
    return {**headers, "ETag": _etag(row)} if name == _WITH_ETAG else headers


def _precondition(request: Request, name: str, row: Row) -> bool:
    """Whether the caller has this state already (304). Raises Refusal 412, or 400 for a date that is none.

    Whole seconds of LastModifiedDate decide, so that a change within the same second passes.
    """
    modified = instant_of(row["LastModifiedDate"])
    failed = Refusal(412, "PRECONDITION_FAILED", "The resource has been modified since the date or tag given")
    since = request.headers.get("if-unmodified-since")
    if since is not None and modified > _header_date(since):
        raise failed
    tags = request.headers.get("if-match")
    if tags is not None and name == _WITH_ETAG and tags.strip() != "*" and _etag(row) not in _tags(tags):
        raise failed
    if request.method != "GET":
        return False
    none_of = request.headers.get("if-none-match")
    if none_of is not None and name == _WITH_ETAG:
        return _etag(row) in _tags(none_of)
    newer_than = request.headers.get("if-modified-since")
    return newer_than is not None and modified <= _header_date(newer_than)


def _tags(header: str) -> list[str]:
    """The entity tags of a header."""
    return [tag.strip() for tag in header.split(",")]


def _header_date(text: str) -> datetime:
    """A date of a conditional header. Raises Refusal 400."""
    try:
        instant = parsedate_to_datetime(text)
    except ValueError as error:
        raise Refusal(400, "INVALID_HEADER", f"cannot read the date {text!r}") from error
    if instant.tzinfo is None:
        raise Refusal(400, "INVALID_HEADER", f"the date {text!r} has no zone")
    return instant
