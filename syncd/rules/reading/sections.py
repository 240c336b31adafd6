"""The files of a pack merged into its sections: named maps, lists, and the ordered lists with the files they insert.

Knows which sections there are and how files merge (RULES.md 1), not what stands in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from syncd.errors import Place
from syncd.rules.nodes import Entry, Mapping, Node, Scalar, Sequence
from syncd.rules.reading.options import described
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.yaml_reader import Document
from syncd.rules.suggestion import did_you_mean

MAPS = ("segments", "lists", "pools", "protect", "guard", "monitors", "retrieve", "score", "routing")
LISTS = ("reps", "overrides", "deal_holdouts", "disputes", "quotas", "tests")
ORDERED = ("lifecycle",)
"""Lists whose order decides beside `territories`: each stands in one file and may insert others."""
SECTIONS = ("format", "pack", "territories", *MAPS, *LISTS, *ORDERED)
_OPTIONS = {
    "guard": "write guard: {changes: {max: 500}}",
    "retrieve": "write retrieve: {when: {last_activity_at: {not_since: 90d}}, to: {pool: triage}}",
    "score": "write score: {components: {size: {field: employees, curve: [[0, 0], [1000, 40]]}}}",
    "routing": "write routing: {leads: [{match: account}, {territory: true}, {pool: triage}]}",
}
FROM_FILE = frozenset({"overrides", "disputes", "quotas"})
"""Lists that may stand in a CSV: `overrides: {file: overrides.csv}`."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """The list of a file that stands where `- file: ` names it."""

    root: Sequence


class Sections:
    """The content of a pack by section.

    `maps` and `lists` hold the entries and items of all files in the order of the files; `territories` one list per
    file that has one, as in `ordered`; `pack` is the one mapping, or None. `lost` counts the insertions that could not
    be followed.
    """

    def __init__(self, reading: Reading, documents: Iterable[Document]) -> None:
        self.maps: dict[str, list[Entry]] = {name: [] for name in MAPS}
        self.lists: dict[str, list[Node]] = {name: [] for name in LISTS}
        self.territories: list[Sequence] = []
        self.ordered: dict[str, list[Sequence]] = {name: [] for name in ORDERED}
        self.pack: Mapping | None = None
        self.lost = 0
        self._reading = reading
        self._findings = reading.findings
        self._documents = {document.path: document for document in documents}
        self._inserted: dict[str, Place] = {}
        self._formats: list[Scalar] = []
        self._first_pack: Place | None = None
        for document in self._documents.values():
            reading.emptied |= document.emptied
            reading.unread |= document.words
        for document in self._documents.values():
            self._merge(document)
        self._check_format()
        self._check_doubles()

    def inserted(self, items: Iterable[Node]) -> Iterator[Node]:
        """The items of an ordered list, each `- file: x.yaml` replaced by the items of that file's list.

        A file is inserted once in a pack, so no file can insert itself for ever.
        """
        for item in self.parts(items):
            if isinstance(item, Inserted):
                yield from self.inserted(item.root.items)
            else:
                yield item

    def parts(self, items: Iterable[Node]) -> Iterator[Node | Inserted]:
        """The same, the list of each file that is inserted as a whole; what that inserts is for the caller to ask."""
        for item in items:
            named = item.get("file") if isinstance(item, Mapping) else None
            if named is None or not isinstance(item, Mapping) or item.get("name") is not None:
                yield item
            elif not isinstance(named, Scalar) or len(item.entries) > 1:
                hint = "write `- file: territories/emea.yaml` and nothing else"
                self._findings.error(
                    "SYN247", "an entry with `file` inserts that file and holds nothing else", item.place, hint
                )
            else:
                yield from self._insert(named)

    def report_unused(self) -> None:
        """An error for each file that holds a list and is inserted nowhere; call it when all lists are read."""
        for path, document in self._documents.items():
            if isinstance(document.root, Sequence) and path not in self._inserted:
                hint = f"insert it with `- file: {path}`, or put the list below a key such as `territories:`"
                self._findings.error(
                    "SYN247", "this file holds a list that no other file inserts", document.root.place, hint
                )

    def _insert(self, named: Scalar) -> Iterator[Inserted]:
        path = self._reading.files.named(named.text, named.place)
        document = self._to_insert(path, named) if path is not None else None
        if document is None or path is None or not document.readable:
            self.lost += 1
        elif isinstance(document.root, Sequence):
            yield Inserted(document.root)
        else:
            held = described(document.root) if document.root is not None else "nothing"
            message = f"an inserted file holds nothing but the list; `{path}` holds {held}"
            self._findings.error(
                "SYN247", message, named.place, "begin the file with `- `; move other keys to another file"
            )
            self.lost += 1

    def _to_insert(self, path: str, named: Scalar) -> Document | None:
        if path in self._inserted:
            message = f"`{path}` is inserted twice, first at {self._inserted[path]}"
            self._findings.error("SYN247", message, named.place, "keep one of the two")
        elif path not in self._documents:
            message = f"there is no YAML file `{path}` in the pack"
            self._findings.error("SYN247", message, named.place, did_you_mean(path, self._documents))
        else:
            self._inserted[path] = named.place
            return self._documents[path]
        return None

    def _merge(self, document: Document) -> None:
        root = document.root
        if isinstance(root, Scalar):
            message = "a pack file is a mapping of sections, not one text"
            self._findings.error("SYN241", message, root.place, did_you_mean(root.text, SECTIONS))
        if not isinstance(root, Mapping):
            return
        for entry in root:
            self._merge_section(entry.key, entry.value)

    def _merge_section(self, key: Scalar, value: Node) -> None:
        name = key.text
        if name in self.maps:
            self.maps[name].extend(self._entries_of(name, value))
        elif name in self.lists:
            self.lists[name].extend(self._items_of(name, value))
        elif name == "territories":
            self._add_territories(value)
        elif name == "format":
            self._formats.append(value if isinstance(value, Scalar) else key)
        elif name == "pack":
            self._set_pack(key, value)
        elif name in self.ordered:
            self.ordered[name].append(Sequence(self._items_of(name, value), value.place))
        else:
            message = f"a pack has no section `{name[:60]}`"
            self._findings.error("SYN240", message, key.place, did_you_mean(name, SECTIONS))

    def _entries_of(self, name: str, value: Node) -> tuple[Entry, ...]:
        if isinstance(value, Mapping):
            return value.entries
        hint = _OPTIONS.get(name, f"write {name}:, then `name: …` in the lines below")
        self._findings.error("SYN241", f"`{name}` is a mapping, not {described(value)}", value.place, hint)
        return ()

    def _items_of(self, name: str, value: Node) -> tuple[Node, ...]:
        if isinstance(value, Sequence):
            return value.items
        if name in FROM_FILE and isinstance(value, Mapping):
            return (value,)
        self._findings.error(
            "SYN241", f"`{name}` is a list, not {described(value)}", value.place, "begin each item with `- `"
        )
        return ()

    def _add_territories(self, value: Node) -> None:
        if isinstance(value, Mapping):
            self.territories.append(Sequence((value,), value.place))
        elif isinstance(value, Sequence):
            self.territories.append(value)
        else:
            hint = "begin each territory with `- name: `"
            self._findings.error("SYN241", f"`territories` is a list, not {described(value)}", value.place, hint)

    def _set_pack(self, key: Scalar, value: Node) -> None:
        if self._first_pack is not None:
            message = f"`pack` stands in two files, first at {self._first_pack}"
            self._findings.error("SYN246", message, key.place, "keep it in one file")
        elif isinstance(value, Mapping):
            self.pack, self._first_pack = value, key.place
        else:
            self._findings.error("SYN241", f"`pack` is a mapping, not {described(value)}", value.place)

    def _check_format(self) -> None:
        for found in self._formats:
            if found.text != "1":
                hint = "this version reads format 1; a newer format needs a newer syncd"
                self._findings.error(
                    "SYN245", f"the format of the pack is 1, not `{found.text[:20]}`", found.place, hint
                )
        first = next(
            (document.root for document in self._documents.values() if isinstance(document.root, Mapping)), None
        )
        if not self._formats and first is not None and (first.place, "format") not in self._reading.emptied:
            message = "no file says which format the pack has; it is read as format 1"
            self._findings.warning("SYN245", message, first.place, "add `format: 1`")

    def _check_doubles(self) -> None:
        for section, entries in self.maps.items():
            seen: dict[str, Entry] = {}
            for entry in entries:
                first = seen.setdefault(entry.key.text, entry)
                if first is not entry:
                    message = f"`{entry.key.text}` stands twice in `{section}`, first at {first.key.place}"
                    self._findings.error("SYN206", message, entry.key.place, "keep one, or give it another name")
            self.maps[section] = list(seen.values())
