"""Reading records: list, one record, batch read, search (hubspot.md 2.1 to 2.3 and 9.1 to 9.3)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from syncd.sandbox.hubspot.associations import LABELLED
from syncd.sandbox.hubspot.checking import WriteChecks
from syncd.sandbox.hubspot.definitions import KIND_BY_NAME, ObjectKind
from syncd.sandbox.hubspot.envelopes import (
    BATCH,
    Document,
    batch_response,
    input_ids,
    json_object,
    listed,
    missing_error,
    read_limit,
)
from syncd.sandbox.hubspot.records import Entry, ObjectTable
from syncd.sandbox.hubspot.refusals import not_found, validation
from syncd.sandbox.hubspot.search import Hits, Searcher, read_query
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import stamp_text, truth
from syncd.sandbox.wire import Request, Response

LARGEST_PAGE = 100
LARGEST_PAGE_WITH_HISTORY = 50
_ASSOCIATION_PAGE = 100
RECYCLE_BIN_MILLISECONDS = 90 * 86_400_000


class RecordReader:
    """Answers what reads records of any object type."""

    def __init__(self, state: PortalState, checks: WriteChecks) -> None:
        self._state = state
        self._checks = checks
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
            cursor = after if self._state.quirks.looping_cursor and after != "0" else str(ids[end])
            link = f"{self._state.base_url}{request.path}?limit={limit}&after={cursor}"
            document["paging"] = {"next": {"after": cursor, "link": link}}
        return Response.of_json(200, document)

    def one(self, request: Request, table: ObjectTable, record_id: str) -> Response:
        """One record by id; an id that was merged away answers with the merged record and its own id (2.4)."""
        entry = self._checks.found(table, record_id, request.query.get("idProperty", [""])[0])
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
        archived = truth(request.query.get("archived", ["false"])[0])
        found: dict[int, Entry] = {}
        missing: list[str] = []
        for record_id in ids:
            entry = self._visible(table, record_id, document.get("idProperty"), archived=archived)
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

    def _visible(self, table: ObjectTable, record_id: str, id_property: object, *, archived: bool) -> Entry | None:
        """The record that a batch read finds under an id, or under the value of a unique property."""
        entry = self._checks.found(table, record_id, id_property)
        if entry is None or (entry.archived is not None) != archived or self._state.hidden(table, entry):
            return None
        if not id_property and str(entry.id) != record_id and not self._state.quirks.batch_read_follows_merges:
            return None
        return entry

    def _associate(self, results: Sequence[Document], table: ObjectTable, names: Sequence[str]) -> None:
        """Put the first page of associated ids into each result; the primary and the plain association are two rows."""
        for name in names:
            kind = KIND_BY_NAME.get(name.lower())
            if kind is None:
                raise validation(f"{name} is not an object type that can be associated", associations=[name])
            for result in results:
                rows = self._linked(table, int(result["id"]), kind)
                if rows:
                    linked: Document = {"results": rows[:_ASSOCIATION_PAGE]}
                    if len(rows) > _ASSOCIATION_PAGE:
                        linked["paging"] = {"next": {"after": rows[_ASSOCIATION_PAGE]["id"], "link": ""}}
                    result.setdefault("associations", {})[kind.name] = linked

    def _linked(self, table: ObjectTable, record_id: int, kind: ObjectKind) -> list[Document]:
        """The records associated with one, a row for each type: the primary one first, then the plain one (9.1)."""
        labelled = LABELLED.get((table.kind.name, kind.name), (0, 0))[1]
        words = self._state.associations.words(table.kind, kind)
        rows = []
        for other, types in self._state.linked(table.kind.name, record_id, kind.name).items():
            ordered = sorted(types, key=lambda one: (one != labelled, one))
            rows += [{"id": str(other), "type": words[one]} for one in ordered if one in words]
        return rows
