"""Reading records: list, one record, batch read, search (hubspot.md 2.1 to 2.3 and 9.1 to 9.3)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from syncd.sandbox.hubspot.associations import LABELLED
from syncd.sandbox.hubspot.definitions import KIND_BY_NAME, ObjectKind
from syncd.sandbox.hubspot.records import Entry, ObjectTable
from syncd.sandbox.hubspot.refusals import not_found, validation
from syncd.sandbox.hubspot.search import Hits, Searcher, read_query
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import stamp_text, truth
from syncd.sandbox.wire import Request, Response

LARGEST_PAGE = 100
LARGEST_PAGE_WITH_HISTORY = 50
BATCH = 100
_ASSOCIATION_PAGE = 100
RECYCLE_BIN_MILLISECONDS = 90 * 86_400_000
Document = dict[str, Any]


class RecordReader:
    """Answers what reads records of any object type."""

    def __init__(self, state: PortalState) -> None:
        self._state = state
        self._searchers = {name: Searcher(table, state.quirks) for name, table in state.tables.items()}

    def list_page(self, request: Request, table: ObjectTable) -> Response:
        """A page in the order of ids; the cursor is the id of the next record."""
        history = listed(request, "propertiesWithHistory")
        most = LARGEST_PAGE_WITH_HISTORY if history else LARGEST_PAGE
        limit = read_limit(request, default=10, most=most)
        after = request.query.get("after", ["0"])[0] or "0"
        if not after.isdecimal():
            raise validation(f"{after} is not a valid cursor", after=[after])
        archived = truth(request.query.get("archived", ["false"])[0])
        ids = self._archived(table) if archived else table.live
        start = bisect_left(ids, int(after))
        end = start + min(limit, self._state.quirks.short_pages or limit)
        entries = [entry for key in ids[start:end] if not self._state.hidden(table, entry := table.entries[key])]
        results = self.render(entries, table.kind, listed(request, "properties"), history)
        self._associate(results, table, listed(request, "associations"))
        document: Document = {"results": results}
        if end < len(ids):
            link = f"{self._state.base_url}{request.path}?limit={limit}&after={ids[end]}"
            document["paging"] = {"next": {"after": str(ids[end]), "link": link}}
        return Response.of_json(200, document)

    def one(self, request: Request, table: ObjectTable, record_id: str) -> Response:
        """One record by id; an id that was merged away answers with the merged record and its own id (2.4)."""
        if "idProperty" in request.query:
            raise validation(f"{request.query['idProperty'][0]} is a non-unique property", idProperty=["non-unique"])
        entry = table.find(record_id)
        archived = truth(request.query.get("archived", ["false"])[0])
        if entry is None or (entry.archived is not None) != archived or self._state.hidden(table, entry):
            raise not_found()
        history = listed(request, "propertiesWithHistory")
        results = self.render([entry], table.kind, listed(request, "properties"), history)
        self._associate(results, table, listed(request, "associations"))
        return Response.of_json(200, results[0])

    def batch_read(self, request: Request, table: ObjectTable) -> Response:
        """Up to 100 records by id, as the store holds them; 207 with the ids that were not found."""
        document = json_object(request)
        ids = input_ids(document, BATCH)
        if document.get("idProperty"):
            raise validation(f"{document['idProperty']} is a non-unique property", idProperty=["non-unique"])
        archived = truth(request.query.get("archived", ["false"])[0])
        found: dict[int, Entry] = {}
        missing: list[str] = []
        for record_id in ids:
            entry = self._visible(table, record_id, archived=archived)
            if entry is None:
                missing.append(record_id)
            else:
                found[entry.id] = entry
        wanted, history = document.get("properties") or [], document.get("propertiesWithHistory") or []
        results = self.render([found[key] for key in sorted(found)], table.kind, wanted, history)
        return batch_response(self._state, results, [missing_error(table.kind, missing)] if missing else [], 200)

    def search(self, request: Request, table: ObjectTable) -> Response:
        """A page of hits in the index's order; values are the store's unless the switch says otherwise."""
        document = json_object(request)
        query = read_query(document, table, self._state.quirks)
        hits = self._searchers[table.kind.name].run(query, self._state.now)
        entries = self._hit_entries(hits, table)
        names = document.get("properties") or []
        answer: Document = {"total": hits.total, "results": self.render(entries, table.kind, names, [], plain=True)}
        if hits.after is not None:
            answer["paging"] = {"next": {"after": str(hits.after)}}
        return Response.of_json(200, answer)

    def render(
        self,
        entries: Iterable[Entry],
        kind: ObjectKind,
        names: Sequence[str],
        history: Sequence[str],
        *,
        plain: bool = False,
    ) -> list[Document]:
        """Records as documents. Properties that do not exist are left out in silence, empty ones are null."""
        table = self._state.tables[kind.name]
        basics = {"createdate", kind.stamp, "hs_object_id"}
        asked = set(names) | set(history) if names or history else set(kind.defaults)
        wanted = sorted(basics | {name for name in asked if table.visible(name)})
        results = []
        for entry in entries:
            properties = entry.properties
            document: Document = {
                "id": str(entry.id),
                "properties": {name: properties.get(name) for name in wanted},
                "createdAt": properties["createdate"],
                "updatedAt": properties[kind.stamp],
                "archived": entry.archived is not None,
            }
            if entry.archived is not None:
                document["archivedAt"] = stamp_text(entry.archived)
            if history and not plain:
                document["propertiesWithHistory"] = {
                    name: [version.to_json() for version in entry.versions(name)]
                    for name in history
                    if table.visible(name)
                }
            results.append(document)
        return results

    def _hit_entries(self, hits: Hits, table: ObjectTable) -> list[Entry]:
        """The records to show for hits: the store's, or the index's where the store lacks it or the switch says so."""
        entries = []
        for key in hits.ids:
            entry = table.entries.get(key)
            view = hits.stale.get(key)
            gone = entry is None or entry.archived is not None
            if view is not None and view.properties is not None and (gone or self._state.quirks.hits_show_index):
                created = entry.created if entry is not None else view.updated
                entry = Entry(key, dict(view.properties), created, view.updated)
            if entry is not None and not self._state.hidden(table, entry):
                entries.append(entry)
        return entries

    def _archived(self, table: ObjectTable) -> list[int]:
        """The ids in the recycle bin: archived in the last 90 days; merged-away ones where the switch says so."""
        since = self._state.now - RECYCLE_BIN_MILLISECONDS
        shown = []
        for key in table.archived:
            entry = table.entries[key]
            merged = entry.merged_into is not None
            if (entry.archived or 0) >= since and (not merged or self._state.quirks.archived_shows_merged):
                shown.append(key)
        return shown

    def _visible(self, table: ObjectTable, record_id: str, *, archived: bool) -> Entry | None:
        """The record that a batch read finds under an id."""
        entry = table.find(record_id)
        if entry is None or (entry.archived is not None) != archived or self._state.hidden(table, entry):
            return None
        if str(entry.id) != record_id and not self._state.quirks.batch_read_follows_merges:
            return None
        return entry

    def _associate(self, results: Sequence[Document], table: ObjectTable, names: Sequence[str]) -> None:
        """Put the first page of associated ids into each result; the primary and the plain association are two rows."""
        for name in names:
            kind = KIND_BY_NAME.get(name.lower())
            if kind is None:
                raise validation(f"{name} is not an object type that can be associated", associations=[name])
            pair = (table.kind.name, kind.name)
            labelled = LABELLED.get(pair, (0, 0))[1]
            word = f"{table.kind.singular}_to_{kind.singular}"
            for result in results:
                rows = []
                for other, types in self._state.associations.of(pair[0], int(result["id"]), pair[1]).items():
                    if labelled in types:
                        rows.append({"id": str(other), "type": word})
                    rows.append({"id": str(other), "type": f"{word}_unlabeled"})
                if rows:
                    linked: Document = {"results": rows[:_ASSOCIATION_PAGE]}
                    if len(rows) > _ASSOCIATION_PAGE:
                        linked["paging"] = {"next": {"after": rows[_ASSOCIATION_PAGE]["id"], "link": ""}}
                    result.setdefault("associations", {})[kind.name] = linked


def listed(request: Request, name: str) -> list[str]:
    """A query parameter that may be repeated, joined by commas, or both."""
    return [part for value in request.query.get(name, []) for part in value.split(",") if part]


def read_limit(request: Request, *, default: int, most: int) -> int:
    """The `limit` of a query; a Refusal outside 1 to `most`."""
    text = request.query.get("limit", [str(default)])[0]
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise validation(f"Invalid limit {text}: it must be between 1 and {most}", limit=[text])
    return int(text)


def json_object(request: Request) -> Document:
    """The body as a JSON object; a Refusal for anything else."""
    try:
        document = request.json()
    except ValueError:
        raise validation("Invalid input JSON", code="INVALID_JSON") from None
    if not isinstance(document, dict):
        raise validation("Invalid input JSON: an object is expected", code="INVALID_JSON")
    return document


def inputs_of(document: Mapping[str, Any], most: int) -> list[Document]:
    """The `inputs` of a batch; a Refusal for none, too many, or ones that are no objects."""
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(item, dict) for item in inputs):
        raise validation("inputs must be a list of objects that is not empty", inputs=["invalid"])
    if len(inputs) > most:
        raise validation(
            f"The maximum number of inputs supported in a batch request is {most}", inputs=[str(len(inputs))]
        )
    return inputs


def input_ids(document: Mapping[str, Any], most: int) -> list[str]:
    """The ids of a batch's inputs as text."""
    ids = [item.get("id") for item in inputs_of(document, most)]
    if any(not isinstance(one, str | int) or isinstance(one, bool) for one in ids):
        raise validation("every input needs an id", inputs=["id"])
    return [str(one) for one in ids]


def missing_error(kind: ObjectKind, ids: Sequence[str]) -> Document:
    """The entry of `errors` for ids that were not found."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {kind.singular.upper()} objects, they may be deleted or not exist."
        " Check that ids are valid.",
        "context": {"ids": list(ids)},
    }


def batch_response(
    state: PortalState, results: Sequence[Document], errors: Sequence[Document], status: int
) -> Response:
    """The envelope of a batch: `status`, or 207 with `numErrors` and `errors` where there are any."""
    stamp = stamp_text(state.now)
    document: Document = {"status": "COMPLETE", "results": list(results)}
    if errors:
        document |= {"numErrors": len(errors), "errors": list(errors)}
    document |= {"startedAt": stamp, "completedAt": stamp}
    return Response.of_json(207 if errors else status, document)
