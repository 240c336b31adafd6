"""Property definitions and their groups as the API reads, makes, changes and archives them (hubspot.md 2.9)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from syncd.sandbox.hubspot.definitions import FIELD_TYPES, Group, Option, Property
from syncd.sandbox.hubspot.envelopes import BATCH, Document, batch_response, inputs_of, json_object, missing_error
from syncd.sandbox.hubspot.records import ObjectTable
from syncd.sandbox.hubspot.refusals import Refusal, conflict, not_allowed, not_found, plain, validation
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import stamp_text, truth
from syncd.sandbox.wire import Request, Response

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_BEGINNING = "2026-01-01T00:00:00.000Z"
_OF_USERS = ("hs_created_by_user_id", "hs_updated_by_user_id")


class PropertyEndpoints:
    """Answers what is asked about properties. The token does not see hidden ones, and so they do not exist."""

    def __init__(self, state: PortalState) -> None:
        self._state = state

    def answer(self, request: Request, table: ObjectTable, parts: Sequence[str]) -> Response:
        """Answer `/{property}`, `/batch/{verb}`, `/groups/{group}` or nothing behind the object type, by method."""
        match request.method, list(parts):
            case "GET", []:
                return self._list(request, table)
            case "POST", []:
                return Response.of_json(201, self._create(table, json_object(request)))
            case "POST", ["batch", verb]:
                return self._batch(request, table, verb)
            case _, ["groups", *rest]:
                return self._groups(request, table, rest)
            case "GET", [name]:
                archived = truth(request.query.get("archived", ["false"])[0])
                return Response.of_json(200, self.shown(table, self._found(table, name, archived=archived)))
            case "PATCH", [name]:
                return Response.of_json(200, self._change(table, self._found(table, name), json_object(request)))
            case "DELETE", [name]:
                self._archive(table, name)
                return Response(204)
            case _:
                raise not_allowed()

    def shown(self, table: ObjectTable, row: Property) -> Document:
        """A definition as the API shows it; the options of a stage or a pipeline are those that there are."""
        document: Document = {
            "name": row.name,
            "label": row.label,
            "type": row.type,
            "fieldType": row.field_type,
            "description": row.description,
            "groupName": row.group or table.kind.group,
            "options": [
                {"label": one.label, "value": one.value, "displayOrder": place, "hidden": one.hidden}
                for place, one in enumerate(self._options(table, row))
            ],
            "displayOrder": -1,
            "calculated": row.calculated,
            "externalOptions": row.reference is not None,
            "hasUniqueValue": row.unique,
            "hidden": row.name in _OF_USERS,
            "hubspotDefined": not row.custom,
            "modificationMetadata": {
                "archivable": row.custom,
                "readOnlyDefinition": not row.custom,
                "readOnlyValue": row.read_only,
            },
            "formField": False,
            "dataSensitivity": "non_sensitive",
            "archived": row.archived is not None,
            "updatedAt": _BEGINNING if row.updated is None else stamp_text(row.updated),
        }
        if row.reference:
            document["referencedObjectType"] = row.reference
        if row.archived is not None:
            document["archivedAt"] = stamp_text(row.archived)
        return document

    def _options(self, table: ObjectTable, row: Property) -> Sequence[Option]:
        pipelines = self._state.pipelines_of.get(table.kind.name)
        if pipelines is None or row.name not in (table.kind.pipeline, table.kind.stage):
            return row.options
        if row.name == table.kind.pipeline:
            return [Option(one.label, one.id) for one in pipelines.rows.values()]
        return [Option(stage.label, stage.id) for one in pipelines.rows.values() for stage in one.stages]

    def _list(self, request: Request, table: ObjectTable) -> Response:
        archived = truth(request.query.get("archived", ["false"])[0])
        if request.query.get("dataSensitivity", ["non_sensitive"])[0] != "non_sensitive":
            return Response.of_json(200, {"results": []})
        rows = [row for name, row in sorted(table.definitions.items()) if name not in table.hidden_properties]
        found = [self.shown(table, row) for row in rows if (row.archived is not None) == archived]
        return Response.of_json(200, {"results": found})

    def _found(self, table: ObjectTable, name: str, *, archived: bool = False) -> Property:
        row = table.definitions.get(name)
        if row is None or name in table.hidden_properties or (row.archived is not None) != archived:
            raise not_found()
        return row

    def _create(self, table: ObjectTable, document: Mapping[str, Any]) -> Document:
        missing = [key for key in ("name", "label", "type", "fieldType", "groupName") if not document.get(key)]
        if missing:
            raise validation(f"Invalid input JSON: {', '.join(missing)} must be set", required=missing)
        name, kind = str(document["name"]), str(document["type"])
        if not _NAME.fullmatch(name):
            raise validation(f"{name} is not a valid property name", code="INVALID_NAME", propertyName=[name])
        if kind not in FIELD_TYPES:
            raise validation(f"{kind} is not a property type", code="INVALID_TYPE", type=[kind])
        if document["groupName"] not in self._state.groups[table.kind.name]:
            raise validation(f"property group {document['groupName']} does not exist", groupName=["invalid"])
        held = table.definitions.get(name)
        if held is not None and held.archived is None:
            raise conflict(f"A property named '{name}' already exists.")
        table.definitions[name] = Property(
            name,
            kind,
            str(document["fieldType"]),
            str(document["label"]),
            options=_read_options(document.get("options")),
            group=str(document["groupName"]),
            description=str(document.get("description") or ""),
            unique=truth(document.get("hasUniqueValue", False)),
            custom=True,
            updated=self._state.now,
        )
        return self.shown(table, table.definitions[name])

    def _change(self, table: ObjectTable, row: Property, document: Mapping[str, Any]) -> Document:
        """Change a definition; of a property that HubSpot made only the options may change."""
        changed = {"label", "type", "fieldType", "groupName", "description"} & document.keys()
        if not row.custom and changed:
            raise plain(400, "VALIDATION_ERROR", f"{row.name} is defined by HubSpot and cannot be changed")
        options = _read_options(document["options"]) if "options" in document else row.options
        table.definitions[row.name] = replace(
            row,
            label=str(document.get("label", row.label)),
            type=str(document.get("type", row.type)),
            field_type=str(document.get("fieldType", row.field_type)),
            group=str(document.get("groupName", row.group)),
            description=str(document.get("description", row.description)),
            options=options,
            updated=self._state.now,
        )
        return self.shown(table, table.definitions[row.name])

    def _archive(self, table: ObjectTable, name: str) -> None:
        row = self._found(table, name)
        if not row.custom:
            raise plain(400, "VALIDATION_ERROR", f"{name} is defined by HubSpot and cannot be archived")
        table.definitions[name] = replace(row, archived=self._state.now)

    def _batch(self, request: Request, table: ObjectTable, verb: str) -> Response:
        document = json_object(request)
        inputs = inputs_of(document, BATCH)
        if verb == "create":
            return batch_response(self._state, [self._create(table, one) for one in inputs], [], 201)
        names = [str(one.get("name", "")) for one in inputs]
        if verb == "archive":
            for name in names:
                self._archive(table, name)
            return Response(204)
        if verb != "read":
            raise not_found()
        results, missing = [], []
        for name in names:
            try:
                row = self._found(table, name, archived=truth(document.get("archived", False)))
                results.append(self.shown(table, row))
            except Refusal:
                missing.append(name)
        return batch_response(self._state, results, [missing_error(table.kind, missing)] if missing else [], 200)

    def _groups(self, request: Request, table: ObjectTable, parts: list[str]) -> Response:
        groups = self._state.groups[table.kind.name]
        if not parts and request.method == "GET":
            return Response.of_json(200, {"results": [_group(row) for row in groups.values()]})
        if not parts and request.method == "POST":
            document = json_object(request)
            name = str(document.get("name", ""))
            if name in groups:
                raise conflict(f"A property group named '{name}' already exists.")
            groups[name] = Group(name, str(document.get("label") or name))
            return Response.of_json(201, _group(groups[name]))
        if len(parts) != 1 or parts[0] not in groups:
            raise not_found()
        row = groups[parts[0]]
        match request.method:
            case "GET":
                return Response.of_json(200, _group(row))
            case "PATCH":
                groups[row.name] = replace(row, label=str(json_object(request).get("label", row.label)))
                return Response.of_json(200, _group(groups[row.name]))
            case "DELETE":
                if any(one.group == row.name and one.archived is None for one in table.definitions.values()):
                    raise validation(f"the property group {row.name} is not empty", groupName=[row.name])
                del groups[row.name]
                return Response(204)
            case _:
                raise not_allowed()


def _group(row: Group) -> Document:
    return {"name": row.name, "label": row.label, "displayOrder": row.order, "archived": False}


def _read_options(options: Any) -> tuple[Option, ...]:
    rows = options if isinstance(options, list) else []
    return tuple(
        Option(str(row.get("label", row.get("value"))), str(row.get("value")), truth(row.get("hidden", False)))
        for row in rows
        if isinstance(row, dict)
    )
