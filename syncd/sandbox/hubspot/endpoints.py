"""The smaller endpoints of the fake portal: owners, pipelines, properties, associations, account (2.6 to 2.9)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

from syncd.sandbox.hubspot.associations import CHILD_TO_PARENT, LABELLED, PARENT_TO_CHILD
from syncd.sandbox.hubspot.definitions import KIND_BY_NAME, ObjectKind, Property
from syncd.sandbox.hubspot.limits import RateLimits
from syncd.sandbox.hubspot.reading import batch_response, inputs_of, json_object, read_limit
from syncd.sandbox.hubspot.records import ObjectTable
from syncd.sandbox.hubspot.refusals import not_found, validation
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import truth
from syncd.sandbox.wire import Request, Response

OWNERS_PAGE = 500
ASSOCIATION_INPUTS = 1_000
ASSOCIATION_PAGE = 500
_PRIMARY = "Primary"
Document = dict[str, Any]


class Endpoints:
    """Answers what is neither a record nor a token."""

    def __init__(self, state: PortalState, limits: RateLimits) -> None:
        self._state = state
        self._limits = limits

    def owners(self, request: Request) -> Response:
        """A page of owners, live or archived ones."""
        limit = read_limit(request, default=100, most=OWNERS_PAGE)
        archived = truth(request.query.get("archived", ["false"])[0])
        email = request.query.get("email", [""])[0] or None
        after = _owner_after(request.query.get("after", [""])[0])
        page, last = self._state.owners.page(archived=archived, email=email, after=after, limit=limit)
        document: Document = {"results": [owner.to_json() for owner in page]}
        if last is not None:
            cursor = quote(base64.b64encode(str(last).encode()).decode(), safe="")
            link = f"{self._state.base_url}{request.path}?limit={limit}&after={cursor}&archived={str(archived).lower()}"
            document["paging"] = {"next": {"after": cursor, "link": link}}
        return Response.of_json(200, document)

    def owner(self, request: Request, owner_id: str) -> Response:
        """One owner by id, or by the user's number with idProperty=userId."""
        archived = truth(request.query.get("archived", ["false"])[0])
        by_user = request.query.get("idProperty", ["id"])[0] == "userId"
        if by_user and owner_id.isdecimal():
            found = self._state.owners.by_user(int(owner_id))
        else:
            found = self._state.owners.get(owner_id)
        if found is None or found.archived != archived:
            raise not_found()
        return Response.of_json(200, found.to_json())

    def pipelines(self, table: ObjectTable, parts: Sequence[str]) -> Response:
        """All pipelines of deals, one of them, or its stages. Other objects have none here."""
        rows = self._state.pipelines.to_json() if table.kind.name == "deals" else []
        if not parts:
            return Response.of_json(200, {"results": rows})
        found = next((row for row in rows if row["id"] == parts[0]), None)
        if found is None or len(parts) > 2 or (len(parts) == 2 and parts[1] != "stages"):
            raise not_found()
        return Response.of_json(200, {"results": found["stages"]} if len(parts) == 2 else found)

    def properties(self, table: ObjectTable, parts: Sequence[str]) -> Response:
        """The definitions of all properties of an object, or of one."""
        shown = [row for name, row in sorted(table.definitions.items()) if table.visible(name)]
        if not parts:
            return Response.of_json(200, {"results": [_definition(row) for row in shown]})
        found = next((row for row in shown if row.name == parts[0]), None)
        if found is None or len(parts) > 1:
            raise not_found()
        return Response.of_json(200, _definition(found))

    def associations_batch(self, request: Request, from_name: str, to_name: str) -> Response:
        """The associations of up to 1,000 records; those without any come back as errors, which is no failure (2.7)."""
        source, target = _kind(from_name), _kind(to_name)
        results, lonely = [], []
        for item in inputs_of(json_object(request), ASSOCIATION_INPUTS):
            record_id = str(item.get("id", ""))
            document = self._associated(source, record_id, target, str(item.get("after") or "0"))
            if document is None:
                lonely.append(record_id)
            else:
                results.append(document)
        errors = [
            {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                "message": f"No {target.singular} is associated with {source.singular} {record_id}.",
                "context": {
                    "fromObjectId": [record_id],
                    "fromObjectType": [source.singular],
                    "toObjectType": [target.singular],
                },
            }
            for record_id in lonely
        ]
        return batch_response(self._state, results, errors, 200)

    def associations_of(self, request: Request, from_name: str, record_id: str, to_name: str) -> Response:
        """The associations of one record, in pages of 500."""
        after = request.query.get("after", ["0"])[0] or "0"
        limit = read_limit(request, default=ASSOCIATION_PAGE, most=ASSOCIATION_PAGE)
        document = self._associated(_kind(from_name), record_id, _kind(to_name), after, limit) or {"to": []}
        answer: Document = {"results": document["to"]}
        if "paging" in document:
            answer["paging"] = document["paging"]
        return Response.of_json(200, answer)

    def account(self) -> Response:
        """Which portal this is, and its time zone."""
        now = self._state.clock.now().astimezone(self._state.zone)
        offset = now.utcoffset() or timedelta()
        return Response.of_json(
            200,
            {
                "portalId": self._state.portal_id,
                "accountType": "STANDARD",
                "timeZone": self._state.zone.key,
                "companyCurrency": "USD",
                "additionalCurrencies": [],
                "utcOffset": _offset_text(offset),
                "utcOffsetMilliseconds": offset // timedelta(milliseconds=1),
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            },
        )

    def daily_usage(self) -> Response:
        """How much of the day's calls is used (4.1)."""
        now = self._state.clock.now().astimezone(self._state.zone)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        row = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": self._limits.day,
            "currentUsage": self._limits.used_today,
            "collectedAt": now.isoformat(timespec="milliseconds"),
            "fetchStatus": "SUCCESS",
            "resetsAt": midnight.isoformat(timespec="milliseconds"),
        }
        return Response.of_json(200, {"results": [row]})

    def _associated(
        self, source: ObjectKind, record_id: str, target: ObjectKind, after: str, limit: int = ASSOCIATION_PAGE
    ) -> Document | None:
        """A page of what is associated with a record that lives; None where there is nothing or no record."""
        entry = self._state.tables[source.name].find(record_id)
        if entry is None or entry.archived is not None:
            return None
        others = self._state.associations.of(source.name, entry.id, target.name)
        live = self._state.tables[target.name]
        rows = [
            {"toObjectId": other, "associationTypes": _types(source, target, types)}
            for other, types in others.items()
            if other > int(after or 0) and (found := live.entries.get(other)) is not None and found.archived is None
        ]
        if not rows:
            return None
        document: Document = {"from": {"id": record_id}, "to": rows[:limit]}
        if len(rows) > limit:
            document["paging"] = {"next": {"after": str(rows[limit - 1]["toObjectId"]), "link": ""}}
        return document


def _types(source: ObjectKind, target: ObjectKind, types: frozenset[int]) -> list[Document]:
    """Type ids as the API names them: the primary one is labelled, the plain one is not."""
    labelled = LABELLED.get((source.name, target.name), (0, 0))[1]
    labels = {PARENT_TO_CHILD: "Child Company", CHILD_TO_PARENT: "Parent Company", labelled: _PRIMARY}
    return [
        {"category": "HUBSPOT_DEFINED", "typeId": one, "label": labels.get(one)}
        for one in sorted(types, key=lambda one: (one != labelled, one))
    ]


def _definition(row: Property) -> Document:
    return {
        "name": row.name,
        "label": row.label,
        "type": row.type,
        "fieldType": row.field_type,
        "description": "",
        "groupName": "information",
        "options": [],
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": row.reference is not None,
        **({"referencedObjectType": row.reference} if row.reference else {}),
        "hasUniqueValue": False,
        "hidden": False,
        "hubspotDefined": True,
        "modificationMetadata": {
            "archivable": False,
            "readOnlyDefinition": True,
            "readOnlyValue": row.read_only,
        },
        "formField": False,
        "dataSensitivity": "non_sensitive",
        "archived": False,
        "updatedAt": "2026-01-01T00:00:00.000Z",
    }


def _kind(name: str) -> ObjectKind:
    kind = KIND_BY_NAME.get(name.lower())
    if kind is None:
        raise validation(f"Unable to infer object type from: {name}")
    return kind


def _owner_after(cursor: str) -> int:
    """The owner id in a cursor, which travels in base64 (9.5)."""
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(unquote(cursor), validate=True))
    except ValueError:
        raise validation(f"{cursor} is not a valid cursor", after=[cursor]) from None


def _offset_text(offset: timedelta) -> str:
    minutes = offset // timedelta(minutes=1)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
