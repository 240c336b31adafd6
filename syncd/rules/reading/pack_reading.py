"""What every part of a pack is read with: findings, files, the field catalogue, and the names to check at the end.

Knows the order of nothing; `loader` fills in what later parts need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.errors import Place
from syncd.model.fields import FieldCatalogue
from syncd.model.money import MoneyTable
from syncd.model.refs import Kind
from syncd.rules.conditions import Condition
from syncd.rules.findings import Findings
from syncd.rules.nodes import Mapping as MappingNode
from syncd.rules.nodes import Node, Scalar, Sequence
from syncd.rules.pack import UTC_ZONE, NamedList
from syncd.rules.parsing.condition_parser import ConditionScope, parse_condition
from syncd.rules.reading.csv_reader import Sheet, read_csv
from syncd.rules.reading.pack_files import PackFiles
from syncd.rules.reading.reading_memory import Names, Part, ReadingMemory, Run, Said, Watched

NO_VALUES: Mapping[str, frozenset[str]] = MappingProxyType({})


@dataclass(slots=True)
class Reading:
    """One loading of one pack.

    `emptied` are the (mapping, key) pairs with nothing after the key: reported by the reader, so not missed twice.
    `unread` are the words of files that could not be read: a name among them is not missed, it may be defined there.
    `references` are the names used, by kind, with the place of each use; checked when everything is read. So are
    `pairs` (a role and the role that it is paired with) and `queues` that territories name.
    """

    files: PackFiles
    findings: Findings
    catalogue: FieldCatalogue
    money: MoneyTable
    now: datetime | None = None
    zone: ZoneInfo = UTC_ZONE
    default_country: str | None = None
    segments: Mapping[str, Condition] = field(default_factory=lambda: MappingProxyType({}))
    lists: Mapping[str, NamedList] = field(default_factory=lambda: MappingProxyType({}))
    unreadable: frozenset[str] = frozenset()
    shared_domains: frozenset[str] = frozenset()
    schema_values: Mapping[Kind, Mapping[str, frozenset[str]]] = field(default_factory=lambda: MappingProxyType({}))
    emptied: set[tuple[Place, str]] = field(default_factory=set)
    unread: frozenset[str] = frozenset()
    references: list[tuple[str, str, Place]] = field(default_factory=list)
    pairs: list[tuple[str, str, Place]] = field(default_factory=list)
    queues: list[tuple[str, Place]] = field(default_factory=list)
    memory: ReadingMemory | None = None
    _sheets: dict[str, Sheet | None] = field(default_factory=dict)
    _lists_asked: set[str | None] = field(default_factory=set)
    _segments_asked: set[str | None] = field(default_factory=set)
    _sheets_asked: dict[tuple[Scalar, int | None], Sheet | None] = field(default_factory=dict)

    @property
    def today(self) -> date | None:
        """Today in the pack's zone, None where the caller gave no clock."""
        return self.now.astimezone(self.zone).date() if self.now is not None else None

    def refer(self, kind: str, name: str, place: Place) -> None:
        """Note that a pool, seat or territory is named here."""
        self.references.append((kind, name, place))

    def refer_rep(self, rep: str, place: Place) -> None:
        """Note a rep that is named here: only a seat must exist, any e-mail may be a user."""
        if rep.startswith("seat:"):
            self.refer("seat", rep.removeprefix("seat:"), place)

    def sheet(self, name: Scalar, most_lines: int | None = None) -> Sheet | None:
        """The CSV file that the pack names here; None after an error. Each file is read once.

        One with more lines than `most_lines` is an error (SYN267) before any of it is read.
        """
        found = self._sheet(name, most_lines)
        self._sheets_asked[name, most_lines] = found
        return found

    def _sheet(self, name: Scalar, most_lines: int | None) -> Sheet | None:
        path = self.files.named(name.text, name.place)
        if path is None:
            return None
        if path not in self._sheets:
            data = self.files.read(path, name.place)
            if data is not None and most_lines is not None and data.count(b"\n") > most_lines:
                message = f"`{path}` has more than {most_lines:,} lines"
                hint = "name long lists of accounts under `lists` or `owners`"
                self.findings.error("SYN267", message, name.place, hint)
                return None
            self._sheets[path] = self._read_csv(data, path) if data is not None else None
        return self._sheets[path]

    def _read_csv(self, data: bytes, path: str) -> Sheet | None:
        if self.memory is None:
            return read_csv(data, path, self.findings)
        return self.memory.file("csv", path, data, lambda: read_csv(data, path, self.findings), self.findings)

    def remembered(self, node: Node, above: object) -> Part | None:
        """The entry as the last reading had it, if all that it depends on is as it was. What it said is said again."""
        part = self.memory.part(node) if self.memory is not None else None
        if part is None or self.memory is None or not self._holds(part, above):
            return None
        self._say(part.said)
        self.memory.keep(part)
        return part

    def remembered_run(self, root: Sequence, above: object) -> Run | None:
        """The same of all entries of an inserted file at once; None where one of them has to be looked at."""
        run = self.memory.run(root) if self.memory is not None else None
        if run is None or self.memory is None or not self._holds(run, above):
            return None
        self._say(run.said)
        self.memory.keep_run(run)
        return run

    def _holds(self, kept: Part | Run, above: object) -> bool:
        """Whether all that it depends on is as it was."""
        if kept.above != above or not kept.lists.hold(self.lists) or not kept.segments.hold(self.segments):
            return False
        return all(self.sheet(*asked) is sheet for asked, sheet in kept.sheets.items())

    def _say(self, said: Said) -> None:
        for found in said.found:
            self.findings.add(*found)
        self.references += said.references
        self.pairs += said.pairs
        self.queues += said.queues

    def begin_parts(self) -> None:
        """All that every condition depends on is read: take from the memory what was read under the same."""
        if self.memory is not None:
            asked = (self.catalogue, self.money, self.shared_domains, self.unreadable | self.unread, self.today)
            self.memory.begin((*asked, self.zone.key, self.default_country))

    @contextmanager
    def noted(self) -> Iterator[Said]:
        """Note all that is said meanwhile, and what is asked for; `keep` takes it from there."""
        self._lists_asked.clear()
        self._segments_asked.clear()
        self._sheets_asked.clear()
        said = Said()
        starts = len(self.references), len(self.pairs), len(self.queues)
        with self.findings.heard() as said.found:
            yield said
        said.references = self.references[starts[0] :]
        said.pairs = self.pairs[starts[1] :]
        said.queues = self.queues[starts[2] :]

    def keep(self, node: Node, above: object, result: object, said: Said) -> None:
        """Keep an entry, read while all was noted, for the next reading."""
        if self.memory is not None:
            lists, segments = (
                Names.asked_of(self.lists, self._lists_asked),
                Names.asked_of(self.segments, self._segments_asked),
            )
            self.memory.keep(Part(node, above, result, said, lists, segments, dict(self._sheets_asked)))

    def scope(
        self,
        kind: Kind = Kind.ACCOUNT,
        *,
        ancestors: tuple[Condition, ...] = (),
        forbidden: frozenset[str] = frozenset(),
    ) -> ConditionScope:
        """The scope to parse a condition in."""
        return ConditionScope(
            kind=kind,
            catalogue=self.catalogue,
            segments=self.segments if self.memory is None else Watched(self.segments, self._segments_asked),
            lists=self.lists if self.memory is None else Watched(self.lists, self._lists_asked),
            money=self.money,
            default_country=self.default_country,
            ancestors=ancestors,
            forbidden=forbidden,
            zone=self.zone,
            shared_domains=self.shared_domains,
            unreadable=self.unreadable | self.unread,
            schema_values=self.schema_values.get(kind, NO_VALUES),
        )

    def condition(self, node: Node | None, scope: ConditionScope) -> Condition | None:
        """The condition of a node; None without one and after an error."""
        if node is None:
            return None
        if isinstance(node, MappingNode) and not node.entries and any(place == node.place for place, _ in self.emptied):
            return None
        return parse_condition(node, scope, self.findings)
