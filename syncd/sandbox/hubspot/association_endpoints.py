"""Associations as the API reads and writes them: v4 and dated paths with labels, v3 with words (hubspot.md 2.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.sandbox.hubspot.associations import LABELLED
from syncd.sandbox.hubspot.changes import RecordChanges
from syncd.sandbox.hubspot.definitions import ObjectKind
from syncd.sandbox.hubspot.envelopes import Document, batch_response, inputs_of, json_object, read_limit
from syncd.sandbox.hubspot.records import Entry
from syncd.sandbox.hubspot.refusals import not_allowed, not_found, plain, validation
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.wire import Request, Response

READ_INPUTS = 1_000
WRITE_INPUTS = 2_000
PAGE = 500


class AssociationEndpoints:
    """Answers what is asked about associations."""

    def __init__(self, state: PortalState, changes: RecordChanges) -> None:
        self._state = state
        self._changes = changes

    def batch(self, request: Request, source: ObjectKind, target: ObjectKind, rest: Sequence[str]) -> Response:
        """Answer a v4 or dated path behind a pair of types: `/batch/…` or `/labels`."""
        match request.method, list(rest):
            case "POST", ["batch", "read"]:
                return self._batch_read(request, source, target)
            case "POST", ["batch", "create"]:
                return self._batch_create(request, source, target)
            case "POST", ["batch", "archive"]:
                return self._batch_archive(request, source, target)
            case "POST", ["batch", "labels", "archive"]:
                return self._batch_unlabel(request, source, target)
            case "POST", ["batch", "associate", "default"]:
                return self._batch_default(request, source, target)
            case _, ["labels", *more]:
                return self._labels(request, source, target, more)
            case _:
                raise not_allowed()

    def words(self, request: Request, source: ObjectKind, target: ObjectKind, rest: Sequence[str]) -> Response:
        """Answer a v3 path behind a pair of types: associations by word, without labels."""
        words = self._state.associations.words(source, target)
        match request.method, list(rest):
            case "GET", ["types"]:
                rows = [{"id": str(key), "name": word} for key, word in sorted(words.items()) if key]
                return Response.of_json(200, {"results": rows})
            case "POST", ["batch", "read"]:
                return self._batch_read(request, source, target, words)
            case "POST", ["batch", "create" | "archive" as verb]:
                inputs = inputs_of(json_object(request), WRITE_INPUTS)
                for item in inputs:
                    types = _types_of_word(words, str(item.get("type", "")))
                    entry, other = self._ends(source, item.get("from"), target, item.get("to"))
                    self._apply(verb, source, entry, target, other, types)
                if verb == "archive":
                    return Response(204)
                return batch_response(self._state, inputs, [], 201)
            case _:
                raise not_allowed()

    def of_record(
        self,
        request: Request,
        source: ObjectKind,
        record_id: str,
        target: ObjectKind,
        rest: Sequence[str],
        *,
        old: bool,
    ) -> Response:
        """Answer a path behind one record: its associations, or one written or archived. `old` is v3."""
        match request.method, list(rest):
            case "GET", []:
                return self._listed(request, source, record_id, target, old=old)
            case "PUT", ["default", other]:
                row = self._default(source, {"id": record_id}, target, {"id": other})
                return batch_response(self._state, [row], [], 200)
            case "PUT", [other, *_]:
                types = self._asked(request, source, target, list(rest), old=old)
                entry, found = self._ends(source, {"id": record_id}, target, {"id": other})
                self._apply("create", source, entry, target, found, types)
                return Response.of_json(201, self._pair(source, entry, target, found, types))
            case "DELETE", [other, *more]:
                words = self._state.associations.words(source, target)
                types = _types_of_word(words, more[0]) if more else frozenset()
                entry, found = self._ends(source, {"id": record_id}, target, {"id": other})
                self._apply("archive", source, entry, target, found, types)
                return Response(204)
            case _:
                raise not_allowed()

    def _listed(
        self, request: Request, source: ObjectKind, record_id: str, target: ObjectKind, *, old: bool
    ) -> Response:
        after = request.query.get("after", ["0"])[0] or "0"
        limit = read_limit(request, default=PAGE, most=PAGE)
        words = self._state.associations.words(source, target) if old else None
        document = self._associated(source, record_id, target, after, limit, words) or {"to": []}
        answer: Document = {"results": document["to"]}
        if "paging" in document:
            answer["paging"] = document["paging"]
        return Response.of_json(200, answer)

    def _batch_read(
        self, request: Request, source: ObjectKind, target: ObjectKind, words: Mapping[int, str] | None = None
    ) -> Response:
        """The associations of up to 1,000 records; those without any come back as errors, which is no failure (2.7)."""
        results, lonely = [], []
        for item in inputs_of(json_object(request), READ_INPUTS):
            record_id = str(item.get("id", ""))
            after = str(item.get("after") or "0")
            document = self._associated(source, record_id, target, after, PAGE, words)
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

    def _batch_create(self, request: Request, source: ObjectKind, target: ObjectKind) -> Response:
        results = []
        for item in inputs_of(json_object(request), WRITE_INPUTS):
            types = self._type_ids(item.get("types"), source, target)
            entry, other = self._ends(source, item.get("from"), target, item.get("to"))
            self._apply("create", source, entry, target, other, types)
            results.append(self._pair(source, entry, target, other, types))
        return batch_response(self._state, results, [], 201)

    def _batch_archive(self, request: Request, source: ObjectKind, target: ObjectKind) -> Response:
        for item in inputs_of(json_object(request), WRITE_INPUTS):
            for one in item.get("to") or []:
                entry, other = self._ends(source, item.get("from"), target, one)
                self._apply("archive", source, entry, target, other, frozenset())
        return Response(204)

    def _batch_unlabel(self, request: Request, source: ObjectKind, target: ObjectKind) -> Response:
        for item in inputs_of(json_object(request), WRITE_INPUTS):
            types = self._type_ids(item.get("types"), source, target)
            entry, other = self._ends(source, item.get("from"), target, item.get("to"))
            self._apply("archive", source, entry, target, other, types)
        return Response(204)

    def _batch_default(self, request: Request, source: ObjectKind, target: ObjectKind) -> Response:
        inputs = inputs_of(json_object(request), WRITE_INPUTS)
        rows = [self._default(source, item.get("from"), target, item.get("to")) for item in inputs]
        return batch_response(self._state, rows, [], 200)

    def _default(self, source: ObjectKind, one: Any, target: ObjectKind, other: Any) -> Document:
        """Associate two records without a label; the row that says so."""
        entry, found = self._ends(source, one, target, other)
        self._apply("create", source, entry, target, found, frozenset())
        usual = LABELLED.get((source.name, target.name), (0, 0))[0]
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": usual}
        return {"from": {"id": str(entry.id)}, "to": {"id": str(found.id)}, "associationSpec": spec}

    def _labels(self, request: Request, source: ObjectKind, target: ObjectKind, rest: list[str]) -> Response:
        """The labels of a pair; the account's own may be made, renamed and deleted."""
        held = self._state.associations
        match request.method, rest:
            case "GET", []:
                labels = held.labels(source.name, target.name)
            case "POST", []:
                document = json_object(request)
                if not document.get("label") or not document.get("name"):
                    raise validation("A label needs a name and a label", label=["missing"])
                inverse = document.get("inverseLabel")
                labels = held.define(
                    source.name, target.name, str(document["label"]), None if inverse is None else str(inverse)
                )
            case "PUT", []:
                document = json_object(request)
                own = held.custom.get((source.name, target.name), {})
                type_id = int(document.get("associationTypeId", 0))
                if type_id not in own:
                    raise not_found()
                own[type_id] = str(document.get("label"))
                return Response(204)
            case "DELETE", [type_id]:
                if not type_id.isdecimal() or int(type_id) not in held.custom.get((source.name, target.name), {}):
                    raise not_found()
                held.undefine(source.name, target.name, int(type_id))
                return Response(204)
            case _:
                raise not_allowed()
        rows = [{"category": one.category, "typeId": one.type_id, "label": one.label} for one in labels]
        return Response.of_json(200, {"results": rows})

    def _asked(
        self, request: Request, source: ObjectKind, target: ObjectKind, rest: list[str], *, old: bool
    ) -> frozenset[int]:
        """The types that a PUT of one association asks for."""
        if old and len(rest) == 2:
            return _types_of_word(self._state.associations.words(source, target), rest[1])
        try:
            specs = request.json()
        except ValueError:
            raise validation("Invalid input JSON", code="INVALID_JSON") from None
        return self._type_ids(specs, source, target)

    def _type_ids(self, specs: Any, source: ObjectKind, target: ObjectKind) -> frozenset[int]:
        """The type ids of association specs; a Refusal for one that the pair does not have."""
        known = {one.type_id for one in self._state.associations.labels(source.name, target.name)}
        asked = [spec.get("associationTypeId") for spec in specs or [] if isinstance(spec, dict)]
        found = frozenset(one for one in asked if one in known)
        if not asked or len(found) < len(set(asked)):
            text = f"{asked} are not association types from {source.name} to {target.name}"
            raise validation(text, associationTypeId=[str(one) for one in asked])
        return found

    def _ends(self, source: ObjectKind, one: Any, target: ObjectKind, other: Any) -> tuple[Entry, Entry]:
        """The two records of an association, which must live."""
        ends = []
        for kind, given in ((source, one), (target, other)):
            record_id = str(given.get("id", "")) if isinstance(given, dict) else ""
            entry = self._state.tables[kind.name].find(record_id)
            if entry is None or entry.archived is not None:
                text = f"{kind.singular} {record_id} does not exist"
                raise plain(400, "VALIDATION_ERROR", text, subCategory="crm.associations.INVALID_OBJECT_IDS")
            ends.append(entry)
        return ends[0], ends[1]

    def _apply(
        self, verb: str, source: ObjectKind, entry: Entry, target: ObjectKind, other: Entry, types: frozenset[int]
    ) -> None:
        table = self._state.tables[source.name]
        if verb == "create":
            self._changes.associate(table, entry, target.name, other.id, types)
        else:
            self._changes.dissociate(table, entry, target.name, other.id, types)

    def _pair(
        self, source: ObjectKind, entry: Entry, target: ObjectKind, other: Entry, types: frozenset[int]
    ) -> Document:
        """A pair of records as a write of their association answers."""
        labels = self._state.associations.labels(source.name, target.name)
        return {
            "fromObjectTypeId": source.type_id,
            "fromObjectId": entry.id,
            "toObjectTypeId": target.type_id,
            "toObjectId": other.id,
            "labels": [one.label for one in labels if one.type_id in types and one.label is not None],
        }

    def _associated(
        self,
        source: ObjectKind,
        record_id: str,
        target: ObjectKind,
        after: str,
        limit: int,
        words: Mapping[int, str] | None,
    ) -> Document | None:
        """A page of what is associated with a record that lives; None where there is nothing or no record."""
        entry = self._state.tables[source.name].find(record_id)
        if entry is None or entry.archived is not None:
            return None
        others = self._state.linked(source.name, entry.id, target.name)
        above = int(after) if after.isdecimal() else 0
        live = [(other, types) for other, types in others.items() if other > above]
        if not live:
            return None
        rows: list[Document] = []
        for other, types in live[:limit]:
            rows += self._rows(source, target, other, types, words)
        document: Document = {"from": {"id": record_id}, "to": rows}
        if len(live) > limit:
            document["paging"] = {"next": {"after": str(live[limit - 1][0]), "link": ""}}
        return document

    def _rows(
        self,
        source: ObjectKind,
        target: ObjectKind,
        other: int,
        types: frozenset[int],
        words: Mapping[int, str] | None,
    ) -> list[Document]:
        """An association as v4 shows it, or as v3 does, a row for each of its types; the primary one comes first."""
        primary = LABELLED.get((source.name, target.name), (0, 0))[1]
        ordered = sorted(types, key=lambda one: (one != primary, one))
        if words is not None:
            return [{"id": str(other), "type": words[one]} for one in ordered if one in words]
        labels = {one.type_id: one for one in self._state.associations.labels(source.name, target.name)}
        shown = [
            {"category": labels[one].category, "typeId": one, "label": labels[one].label}
            for one in ordered
            if one in labels
        ]
        return [{"toObjectId": other, "associationTypes": shown}]


def _types_of_word(words: Mapping[int, str], word: str) -> frozenset[int]:
    """The type that a v3 path or body means by a word or by its number; a Refusal for an unknown one."""
    found = frozenset(key for key, name in words.items() if word in (name, str(key)))
    if not found:
        raise validation(f"{word} is not a known association type", type=[word])
    return found
