"""The evaluator as a pure function of record batches: accounts in, whom nothing moves counted, all others as they came.

A recipe becomes bytes, so that the same kernel is made in any process of any machine. Equal to reading and deciding
plainly: a row with anything unusual comes out as it went in. Knows a pack at one instant, and rows; opens no files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from syncd import __version__
from syncd.model.fields import FieldType
from syncd.model.refs import long_salesforce_id
from syncd.rules.accounts import facts_of_row, is_active
from syncd.rules.arrow.field_columns import Cells, FieldColumns, Mask
from syncd.rules.arrow.id_digests import Digests, digests_of
from syncd.rules.batch.batch_table import Batch
from syncd.rules.batch.columns import MISSING, Column, Columns
from syncd.rules.batch.keeping import OWNER, Holders, Keeper
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.kept import Kept
from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.exports.cell_texts import texts_of
from syncd.rules.exports.parquet import FILE, ROW, cells_of
from syncd.rules.facts import Directory, Facts, Value
from syncd.rules.pack import Pack
from syncd.rules.pack_bytes import UnreadableBytesError, plain_from_bytes, plain_to_bytes

RESULT = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("cells", pa.string()),
        pa.field("territory", pa.string()),
        pa.field("owner", pa.string()),
        pa.field("tally", pa.string()),
        pa.field("ids", pa.binary()),
    ]
)
"""What comes out: rows that are not settled (`file`, `row` from 0, `cells` by field as JSON); for each batch the
digests of its `ids`, 8 bytes each; and for each `territory` and `owner` what was settled (`tally` as JSON)."""
_NEVER_BAD = frozenset({FieldType.TEXT, FieldType.PICKLIST, FieldType.EMAIL, FieldType.STATE, FieldType.SEVERAL})
_PLACES = ("state", "postal_code")
_NO_ROWS = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a kernel is made of. `with_deals` are accounts that have opportunities: they are left as they are.

    `columns` are fields by the name of their column; `types` is the schema of the export, as Arrow writes it.
    """

    pack: Pack
    directory: Directory
    derivation: Derivation
    now: datetime
    with_deals: frozenset[str]
    columns: tuple[tuple[str, str], ...]
    types: bytes

    def to_bytes(self) -> bytes:
        """The recipe as bytes that hold values only."""
        parts = (self.pack, self.directory, self.derivation, self.now, self.with_deals, self.columns, self.types)
        return plain_to_bytes((__version__, parts))

    @classmethod
    def from_bytes(cls, data: bytes) -> Recipe:
        """The recipe that `to_bytes` gave. Raises UnreadableBytesError for other bytes, as those of another version."""
        found = plain_from_bytes(data)
        if not isinstance(found, tuple) or found[0] != __version__:
            raise UnreadableBytesError(f"these bytes are not of syncd {__version__}")
        return cls(*found[1])


class Kernel:
    """A recipe made ready: what is compiled, and what was read before, is kept from batch to batch, and counts too."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        derivation = recipe.derivation
        self._keeper = Keeper(recipe.pack, Frame.of(recipe.pack, recipe.directory, recipe.now))
        needed, fields = self._keeper.fields, derivation.catalogue.account
        reader = derivation.reader()
        self._fields = {
            name: FieldColumns(fields[name], reader)
            for _, name in recipe.columns
            if name in fields and (name in needed or name == "country" or fields[name] not in _NEVER_BAD)
        }
        self.schema = pa.ipc.read_schema(pa.py_buffer(recipe.types))
        alone = facts_from_raw("", {}, derivation=derivation, now=recipe.now).values
        self._derived: Mapping[str, Value] = {name: value for name, value in alone.items() if name in needed}
        self._default_country = derivation.default_country if derivation.fill_missing_country else None
        self._odd_ids = pa.array(sorted(recipe.with_deals | self._keeper.excepted), type=pa.string())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `schema` that it reads."""
        return tuple(raw for raw, _ in self._recipe.columns)

    def settle_all(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What became of the rows of some batches, by RESULT: of each its rows that are not settled, last the counts.

        The batches have the recipe's columns, FILE and ROW.
        """
        self._keeper.taken()  # whoever broke off before left counts behind
        for batch in batches:
            yield self._settled(batch)
        yield _counted(self._keeper.taken())

    def _settled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        table = {name: batch.column(raw) for raw, name in self._recipe.columns}
        ids = texts_of(table["id"])
        cells = self._read(table)
        left_out = self._odd(ids, table) | np.asarray(ids.is_null())
        for each in cells.values():
            left_out |= each.bad
        columns = Columns(len(batch), dict(self._columns(cells, len(batch))))
        source = _Source(self._recipe, table)
        holders = Holders.of(columns.by_field.get(OWNER), len(batch))
        kept = self._keeper.settle(Batch(columns, source.facts_at, _NO_ROWS), left_out, holders)
        return _left(batch, source, np.flatnonzero(~kept), digests_of(ids))

    def _odd(self, ids: pa.Array, table: Mapping[str, pa.Array]) -> Mask:
        """Rows that the plain way has to look at whatever their values are."""
        odd: Mask = np.asarray(pc.is_in(ids, self._odd_ids)).copy()
        if "owner_active" in table:
            odd |= np.asarray(texts_of(table["owner_active"]).is_valid())
        if self._keeper.excepted:
            short = np.flatnonzero(np.asarray(pc.equal(pc.utf8_length(ids), 15).fill_null(False)))
            for row in short.tolist():
                odd[row] |= self._keeper.is_excepted((long_salesforce_id(ids[row].as_py()),))
        return odd

    def _read(self, table: Mapping[str, pa.Array]) -> dict[str, Cells]:
        """The cells of every field that counts, the country first."""
        found: dict[str, Cells] = {}
        country = self._country(table)
        for name, fields in self._fields.items():
            if name in _PLACES:
                found[name] = fields.read_in(table[name], country)
            else:
                found[name] = country if name == "country" else fields.read(table[name])
        if "country" not in found and "country" in self._keeper.fields:
            found["country"] = country
        return found

    def _country(self, table: Mapping[str, pa.Array]) -> Cells:
        """The country of each row: its own, else the pack's default where it has a place."""
        count = len(table["id"])
        if "country" in self._fields:
            cells = self._fields["country"].read(table["country"])
            unnamed = np.asarray(texts_of(table["country"]).is_null())
        else:
            cells = Cells([], np.full(count, MISSING, dtype=np.int32))
            unnamed = np.ones(count, dtype=np.bool_)
        if self._default_country is None:
            return cells
        placed = np.zeros(count, dtype=np.bool_)
        for name in _PLACES:
            if name in table:
                placed |= np.asarray(texts_of(table[name]).is_valid())
        return cells.filled(unnamed & placed, self._default_country)

    def _columns(self, cells: Mapping[str, Cells], count: int) -> Iterable[tuple[str, Column]]:
        for name in self._keeper.fields:
            derived = self._derived.get(name)
            if name == "owner_active":
                if "owner" in cells:
                    yield name, self._of_owners(cells["owner"])
            elif name in cells:
                yield name, cells[name].column(derived)
            elif derived is not None:
                yield name, Column([derived], np.zeros(count, dtype=np.int32))

    def _of_owners(self, owners: Cells) -> Column:
        """Whether each row's owner is active; rows that say so themselves take the plain way."""
        different, which = np.unique(owners.codes, return_inverse=True)
        codes = np.full(len(different), MISSING, dtype=np.int32)
        for place, code in enumerate(different.tolist()):
            if code >= 0:
                codes[place] = int(is_active(self._recipe.directory, str(owners.values[code])))
        return Column([False, True], codes[which])


@dataclass(frozen=True, slots=True)
class _Source:
    """A batch as texts and facts, where somebody needs them."""

    recipe: Recipe
    table: Mapping[str, pa.Array]

    def cells(self, rows: pa.Array) -> Iterable[dict[str, str]]:
        """The cells of some rows by field."""
        names = list(self.table)
        some = pa.RecordBatch.from_arrays([self.table[name].take(rows) for name in names], names=names)
        return cells_of(some, [(name, name) for name in names])

    def facts_at(self, row: int) -> Facts:
        """The facts of one row, its opportunities apart: whoever has some is left out."""
        (cells,) = self.cells(pa.array([row]))
        recipe = self.recipe
        return facts_of_row(cells.get("id", ""), cells, (), recipe.directory, recipe.derivation, recipe.now)


def _left(batch: pa.RecordBatch, source: _Source, rows: NDArray[np.int64], ids: Digests) -> pa.RecordBatch:
    """Some rows of a batch as they came, and the digests of all its ids."""
    some = pa.array(rows)
    cells = [json.dumps(each, ensure_ascii=False) for each in source.cells(some)]
    return _result(
        file=[*batch.column(FILE).take(some).to_pylist(), None],
        row=[*batch.column(ROW).take(some).to_pylist(), None],
        cells=[*cells, None],
        ids=[*(None for _ in cells), ids.astype("<u8").tobytes()],
    )


def _counted(kept: Sequence[Kept]) -> pa.RecordBatch:
    return _result(
        territory=[each.territory for each in kept],
        owner=[each.owner for each in kept],
        tally=[_tally_text(each) for each in kept],
    )


def _result(**columns: Sequence[object]) -> pa.RecordBatch:
    """A batch by RESULT, null in the columns that are not given."""
    count = len(next(iter(columns.values())))
    arrays = [pa.array(columns.get(each.name, [None] * count), each.type) for each in RESULT]
    return pa.RecordBatch.from_arrays(arrays, schema=RESULT)


def _tally_text(kept: Kept) -> str:
    amounts = {name: str(amount) for name, amount in sorted(kept.amounts.items())}
    return json.dumps([kept.identity, kept.count, dict(sorted(kept.bands.items())), amounts])


def tally_of(text: str) -> tuple[str, int, dict[str, int], dict[str, Decimal]]:
    """A tally as it was: who carries them, how many there are, by band, and their sums by field."""
    identity, count, bands, amounts = json.loads(text)
    return identity, count, bands, {name: Decimal(amount) for name, amount in amounts.items()}
