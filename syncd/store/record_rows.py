"""Rows of the mirror's table of records, as a driver takes them: no column type converts anything any more.

Knows no connection. What a row is compared with, and which rows are written, is decided in records.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat

from syncd.clock import iso_all
from syncd.model.record_columns import RecordColumns
from syncd.model.records import Record
from syncd.model.refs import Kind, System
from syncd.store.columns import clean, to_json
from syncd.store.lookup import domain_key, folded, host_key, name_key
from syncd.store.stage_entries import open_stage

Row = tuple[object, ...]
Texts = Sequence[str | None]

NAMES = (
    "system",
    "kind",
    "id",
    "stamp",
    "owner",
    "account",
    "deleted",
    "merged_into",
    "merged_from",
    "modified_by",
    "fields",
    "content_hash",
    "change_seq",
    "first_seen",
    "changed_at",
    "run_id",
    "name_key",
    "domain",
)
"""The columns of a row as it is written, in order."""
_SYSTEMS = {system: system.value for system in System}
_KINDS = {kind: kind.value for kind in Kind}
"""The texts of members: asking each for its value takes longer than anything else about a row."""


def row_of(record: Record, stamp: str, content: tuple[str, str], seq: int, now: str, run_id: str | None) -> Row:
    """The row of one record, by its stamp as text and its content; `seq` numbers the change."""
    ref, account = record.ref, record.ref.kind is Kind.ACCOUNT
    return (
        _SYSTEMS[ref.system],
        _KINDS[ref.kind],
        ref.id,
        stamp,
        cleaned(record.owner),
        cleaned(record.account),
        record.deleted,
        cleaned(record.merged_into),
        _merged_from(record),
        cleaned(record.modified_by),
        content[0],
        content[1],
        seq,
        now,
        now,
        run_id,
        cleaned(name_key(record.fields)) if account else None,
        cleaned(domain_key(record.fields)) if account else None,
    )


def stage_of(record: Record, stamp: str) -> tuple[str, str, str] | None:
    """What `note_stages` takes of a record that is an open deal."""
    if record.ref.kind is not Kind.OPPORTUNITY:
        return None
    fields = record.fields
    stage = open_stage(record.deleted, fields.get("is_closed"), fields.get("is_won"), fields.get("stage"))
    return None if stage is None else (clean(str(record.ref)), stamp, clean(stage))


@dataclass(frozen=True, slots=True, eq=False)
class Fresh:
    """Records of one kind of which the mirror holds none, column by column: what a row costs is little more than its
    texts. Ids are clean."""

    system: System
    kind: Kind
    ids: Sequence[str]
    stamps: Sequence[str]
    owners: Texts
    accounts: Texts
    deleted: Sequence[bool]
    merged_into: Texts
    merged_from: Iterable[str | None]
    modified_by: Texts
    contents: Sequence[tuple[str, str]]
    name_keys: Texts
    domains: Texts
    stages: Iterable[tuple[str, str, str]]

    @classmethod
    def of(cls, system: System, kind: Kind, records: Sequence[Record]) -> Fresh:
        """Those of records as they are."""
        stamps = _as_texts([record.stamp for record in records])
        account = kind is Kind.ACCOUNT
        return cls(
            system,
            kind,
            [record.ref.id for record in records],
            stamps,
            [record.owner for record in records],
            [record.account for record in records],
            [record.deleted for record in records],
            [record.merged_into for record in records],
            [_merged_from(record) for record in records],
            [record.modified_by for record in records],
            [record.content() for record in records],
            [name_key(record.fields) for record in records] if account else (),
            [domain_key(record.fields) for record in records] if account else (),
            filter(None, map(stage_of, records, stamps)),
        )

    @classmethod
    def of_columns(cls, columns: RecordColumns) -> Fresh:
        """Those of records that came by column: none of them has to be made."""
        fields, nothing = columns.fields, (None,) * len(columns)
        account = columns.kind is Kind.ACCOUNT
        hosts = map(_first, fields.get("domain", nothing), fields.get("website", nothing))
        return cls(
            columns.system,
            columns.kind,
            columns.ids,
            columns.stamps,
            columns.owners,
            columns.accounts,
            columns.deleted,
            columns.merged_into,
            nothing,
            columns.modified_by,
            columns.contents(),
            [*map(folded, fields.get("name", nothing))] if account else (),
            [*map(host_key, hosts)] if account else (),
            _stages(columns) if columns.kind is Kind.OPPORTUNITY else (),
        )

    def missed(self, settled: str) -> int:
        """How many live ones are stamped before this instant."""
        return sum(stamp < settled and not gone for stamp, gone in zip(self.stamps, self.deleted, strict=True))

    def rows(self, first: int, now: str, run_id: str | None) -> Iterator[Row]:
        """The rows, whose changes are numbered from `first`."""
        return zip(
            repeat(_SYSTEMS[self.system]),
            repeat(_KINDS[self.kind]),
            self.ids,
            self.stamps,
            _all_cleaned(self.owners),
            _all_cleaned(self.accounts),
            self.deleted,
            _all_cleaned(self.merged_into),
            self.merged_from,
            _all_cleaned(self.modified_by),
            [content[0] for content in self.contents],
            [content[1] for content in self.contents],
            range(first, first + len(self.ids)),
            repeat(now),
            repeat(now),
            repeat(run_id),
            _all_cleaned(self.name_keys) if self.kind is Kind.ACCOUNT else repeat(None),
            _all_cleaned(self.domains) if self.kind is Kind.ACCOUNT else repeat(None),
        )


def are_clean(texts: Iterable[str]) -> bool:
    """Whether these stand as they are in any database, looked at in one go."""
    said = "".join(texts)
    return said.isascii() and "\x00" not in said


def cleaned(text: str | None) -> str | None:
    """The text as a database can hold it."""
    return text if text is None or (text.isascii() and "\x00" not in text) else clean(text)


def _all_cleaned(texts: Texts) -> Iterable[str | None]:
    """Each text as `cleaned` has it; what is plain throughout, as ids are, is looked at once."""
    return texts if are_clean(filter(None, texts)) else map(cleaned, texts)


def _first(domain: str | None, website: str | None) -> str | None:
    return domain or website


def _stages(columns: RecordColumns) -> Iterator[tuple[str, str, str]]:
    """What `note_stages` takes of those that are open deals."""
    nothing = (None,) * len(columns)
    closed, won, stage = (columns.fields.get(name, nothing) for name in ("is_closed", "is_won", "stage"))
    names = f"{columns.system}:{columns.kind}:"
    found = map(open_stage, columns.deleted, closed, won, stage)
    return (
        (names + known, stamp, clean(text))
        for known, stamp, text in zip(columns.ids, columns.stamps, found, strict=True)
        if text is not None
    )


def _merged_from(record: Record) -> str | None:
    return to_json(list(record.merged_from)) if record.merged_from else None


def _as_texts(stamps: Sequence[datetime]) -> list[str]:
    """The stamps as text. What was changed in bulk has few, and a reader of pages makes one object of each."""
    different = {id(stamp): stamp for stamp in stamps}
    if 2 * len(different) > len(stamps):
        return iso_all(stamps)
    known = dict(zip(different, iso_all(different.values()), strict=True))
    return [known[id(stamp)] for stamp in stamps]
