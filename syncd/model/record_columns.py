"""Records of one kind by column: what a first load does to millions of rows is done to a few texts a page.

Says the same as the records themselves, to the byte; whoever wants one gets it made. Knows no CRM and no database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from json.encoder import encode_basestring_ascii
from typing import TypeVar, overload

from syncd.model.records import PLAIN_SIGNS, Record, hash_of
from syncd.model.refs import Kind, Ref, System

_Texts = Sequence[str | None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class RecordColumns(Sequence[Record]):
    """Records of one kind of one system, none of which absorbed another (`merged_from`); columns are equally long.

    `stamps` are canonical text (`clock.iso`). `fields` are columns by rule field name; a cell that is empty or None is
    no field. The other columns are as `Record` names them.
    """

    system: System
    kind: Kind
    ids: Sequence[str]
    stamps: Sequence[str]
    owners: _Texts
    accounts: _Texts
    deleted: Sequence[bool]
    merged_into: _Texts
    modified_by: _Texts
    fields: Mapping[str, _Texts]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Record]:
        return map(
            Record,
            map(Ref, repeat(self.system), repeat(self.kind), self.ids),
            map(datetime.fromisoformat, self.stamps),
            self._each_fields(),
            self.owners,
            self.accounts,
            self.deleted,
            self.merged_into,
            repeat(()),
            self.modified_by,
        )

    @overload
    def __getitem__(self, place: int) -> Record: ...

    @overload
    def __getitem__(self, place: slice) -> RecordColumns: ...

    def __getitem__(self, place: int | slice) -> Record | RecordColumns:
        if isinstance(place, slice):
            return self.chosen(range(len(self))[place])
        (record,) = self.chosen([range(len(self))[place]])
        return record

    def chosen(self, places: Sequence[int]) -> RecordColumns:
        """The records at these places, in their order."""
        if places == range(len(self)):
            return self
        return RecordColumns(
            self.system,
            self.kind,
            _chosen(self.ids, places),
            _chosen(self.stamps, places),
            _chosen(self.owners, places),
            _chosen(self.accounts, places),
            _chosen(self.deleted, places),
            _chosen(self.merged_into, places),
            _chosen(self.modified_by, places),
            {name: _chosen(column, places) for name, column in self.fields.items()},
        )

    def contents(self) -> list[tuple[str, str]]:
        """What `Record.content` says of each: the fields as JSON, and the hash."""
        said = self._fields_json()
        hashes = map(hash_of, said, self.deleted, self.owners, self.accounts, self.merged_into)
        return [*zip(said, hashes, strict=True)]

    def _each_fields(self) -> Iterator[dict[str, str]]:
        if not self.fields:
            return ({} for _ in self.ids)
        names = tuple(self.fields)
        rows = zip(*self.fields.values(), strict=True)
        return ({name: text for name, text in zip(names, row, strict=True) if text} for row in rows)

    def _fields_json(self) -> list[str]:
        """The fields of each as JSON of ASCII characters, sorted by name."""
        columns = {name: column for name, column in sorted(self.fields.items()) if any(column)}
        if not columns:
            return ["{}"] * len(self)
        template, cells = "", []
        for name, column in columns.items():
            key = encode_basestring_ascii(name)
            texts = _escaped(column)
            if all(texts):
                template += f'{key.replace("%", "%%")}:"%s",'
                cells.append(texts)
            else:
                template += "%s"
                cells.append([f'{key}:"{text}",' if text else "" for text in texts])
        rows = zip(*cells, strict=True)
        if template.endswith(","):
            whole = "{" + template[:-1] + "}"
            return [whole % row for row in rows]
        lines = [template % row for row in rows]
        return ["{" + line[:-1] + "}" for line in lines]


def texts_of(records: Sequence[Record]) -> Iterator[str]:
    """Every text of the records' fields, in no order."""
    if isinstance(records, RecordColumns):
        return filter(None, chain.from_iterable(records.fields.values()))
    return chain.from_iterable([each.fields.values() for each in records])


def _chosen(column: Sequence[T], places: Sequence[int]) -> list[T]:
    return [column[place] for place in places]


def _escaped(column: _Texts) -> _Texts:
    """The texts as they stand between the quotes of JSON; one look at a column that is plain throughout."""
    if not "".join(filter(None, column)).encode("utf-8", "surrogatepass").translate(None, PLAIN_SIGNS):
        return column
    return [encode_basestring_ascii(text)[1:-1] if text else text for text in column]
