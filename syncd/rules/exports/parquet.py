"""Exports in Parquet: one file, or a folder of them, opened and checked before any row is read.

A row's number counts through all files, in the order of their names. Knows columns and cells, not accounts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from syncd.errors import Severity
from syncd.rules.arrays import numbers_array
from syncd.rules.exports.cell_texts import can_be_id, can_be_text, texts_of
from syncd.rules.exports.rows import Remarks, Row, header_columns

ROWS = 65_536
"""Rows that are read at a time."""
FILE, ROW = "__file__", "__row__"
"""Columns beside those of the export: the name of the file, and the number of the row in it, from 0."""


@dataclass(frozen=True, slots=True)
class ParquetExport:
    """Files of one schema. `columns` are fields by the name of their column; `starts` the rows before each file."""

    files: tuple[Path, ...]
    starts: tuple[int, ...]
    schema: pa.Schema
    columns: tuple[tuple[str, str], ...]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.starts[-1]

    @property
    def id_column(self) -> str:
        """The name of the column that holds the ids."""
        return next(name for name, field in self.columns if field == "id")


def open_parquet(
    path: Path, known: Collection[str], required: Collection[str], remarks: Remarks
) -> ParquetExport | None:
    """The export, its schema checked; None after findings, SYN302 and SYN304 as for a CSV among them.

    SYN560 a file that cannot be opened as Parquet, or a folder without one; SYN561 a column of a type that holds no
    values of rules; SYN562 files of a folder with different columns, and folders in it.
    """
    files = _files(path, remarks)
    schemas: list[pa.Schema] = []
    starts = [0]
    for file in files:
        try:
            metadata = pq.read_metadata(file)
            schemas.append(_schema(metadata))
        except (OSError, pa.ArrowException) as error:
            _unreadable(file, error, remarks)
            return None
        starts.append(starts[-1] + metadata.num_rows)
    if not schemas:
        return None
    remarks.take_parts(files, tuple(starts[:-1]))
    schema = schemas[0]
    for number, other in enumerate(schemas[1:], start=1):
        if not schema.equals(other):
            message = f"its columns are not those of {files[0]}: {_difference(schema, other)}"
            remarks.add("SYN562", Severity.ERROR, message, starts[number] + 1, "write all files with one schema")
            return None
    named = header_columns(list(schema.names), 1, known, required, remarks)
    if named is None:
        return None
    columns = [(name, field) for name, field in zip(schema.names, named, strict=True) if field is not None]
    odd = [(name, schema.field(name).type) for name, _ in columns if schema.names.count(name) == 1]
    odd = [(name, type_) for name, type_ in odd if not can_be_text(type_)]
    for name, type_ in odd:
        message = f"the column `{name}` is of the type {type_}, which holds no values of rules"
        remarks.add("SYN561", Severity.ERROR, message, 1, "text, numbers, booleans, dates and lists of texts are read")
    for name, field in columns:
        if field == "id" and (name, schema.field(name).type) not in odd and not can_be_id(schema.field(name).type):
            message = f"the column `{name}` is of the type {schema.field(name).type}"
            remarks.add("SYN561", Severity.ERROR, message, 1, "an id is text or a whole number")
            return None
    if odd or len(columns) != len({name for name, _ in columns}):
        return None
    return ParquetExport(files, tuple(starts), schema, tuple(columns))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a file that are read together: one of its row groups, or all of them; the first is row `start` of it."""

    file: Path
    group: int | None = None
    start: int = 0

    def batches(self, names: Collection[str], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """These columns of its rows as the `schema` declares them, and where each row stands, some rows at a time.

        Raises OSError and ArrowException where the file cannot be read, or no longer is what it was.
        """
        row = self.start
        groups = None if self.group is None else [self.group]
        with pq.ParquetFile(self.file) as opened:
            for batch in opened.iter_batches(ROWS, row_groups=groups, columns=list(names)):
                yield _placed(batch, schema, self.file.name, row)
                row += len(batch)


def batches(export: ParquetExport, remarks: Remarks) -> Iterator[pa.RecordBatch]:
    """The export's known columns, and where each row stands; a file that breaks off is a finding and the end."""
    names = [name for name, _ in export.columns]
    for number, file in enumerate(export.files):
        try:
            yield from Stretch(file).batches(names, export.schema)
        except (OSError, pa.ArrowException) as error:
            _unreadable(file, error, remarks, export.starts[number] + 1)
            return


def stretches(export: ParquetExport) -> tuple[Stretch, ...]:
    """The export's row groups, which can be read apart. Raises OSError for a file that is no longer what it was."""
    found: list[Stretch] = []
    for file in export.files:
        try:
            metadata, start = pq.read_metadata(file), 0
        except pa.ArrowException as error:
            raise OSError(f"{file.name} cannot be read as Parquet") from error
        for group in range(metadata.num_row_groups):
            found.append(Stretch(file.absolute(), group, start))
            start += metadata.row_group(group).num_rows
    return tuple(found)


def parquet_rows(path: Path, known: Collection[str], required: Collection[str], remarks: Remarks) -> Iterator[Row]:
    """The rows of an export in Parquet, as `read_rows` gives those of a CSV. Never raises."""
    export = open_parquet(path, known, required, remarks)
    if export is None:
        return
    line = 0
    for batch in batches(export, remarks):
        for cells in cells_of(batch, export.columns):
            line += 1
            if cells:
                yield Row(line, cells)


def cells_of(batch: pa.RecordBatch, columns: Collection[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """The rows of a batch as texts by field, empty cells left out."""
    fields = [field for _, field in columns]
    texts = [texts_of(batch.column(name)).to_pylist() for name, _ in columns]
    for row in zip(*texts, strict=True):
        yield {field: cell for field, cell in zip(fields, row, strict=True) if cell is not None}


def _placed(batch: pa.RecordBatch, schema: pa.Schema, file: str, start: int) -> pa.RecordBatch:
    count, names = len(batch), batch.schema.names
    columns = [_as(batch.column(name), schema.field(name).type) for name in names]
    files = pa.repeat(pa.scalar(file, pa.string()), count)
    rows = numbers_array(np.arange(start, start + count, dtype=np.int64))
    return pa.RecordBatch.from_arrays([*columns, files, rows], names=[*names, FILE, ROW])


def _as(column: pa.Array, type_: pa.DataType) -> pa.Array:
    """A column as the type that its export declares, where the reader hands it over as another."""
    return column if column.type == type_ or pa.types.is_dictionary(type_) else column.cast(type_)


def _schema(metadata: pq.FileMetaData) -> pa.Schema:
    """The columns of a file. Instants in 96 bits, as Spark writes them, are UTC, which their type does not say."""
    schema = metadata.schema.to_arrow_schema().remove_metadata()
    for number in range(metadata.num_columns):
        leaf = metadata.schema.column(number)
        if leaf.physical_type == "INT96" and leaf.path == leaf.name:
            place = schema.get_field_index(leaf.name)
            schema = schema.set(place, pa.field(leaf.name, pa.timestamp("ns", "UTC")))
    return schema


def _files(path: Path, remarks: Remarks) -> tuple[Path, ...]:
    """The files of an export, after findings for what a folder must not hold; none where nothing can be read."""
    if not path.is_dir():
        return (path,)
    entries = sorted(each for each in path.iterdir() if not each.name.startswith((".", "_")))
    folders = [each.name for each in entries if each.is_dir()]
    if folders:
        message = f"the folder `{folders[0]}` in it is not read"
        hint = "name a folder that holds the files themselves; values in the names of folders are no columns here"
        remarks.add("SYN562", Severity.ERROR, message, 1, hint)
        return ()
    files = tuple(each for each in entries if each.suffix.lower() in (".parquet", ".pq"))
    if not files:
        remarks.add("SYN560", Severity.ERROR, "the folder holds no file *.parquet", 1)
    return files


def _unreadable(file: Path, error: Exception, remarks: Remarks, line: int = 1) -> None:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
    message = f"{file.name} cannot be read as Parquet: {words}"
    remarks.add("SYN560", Severity.ERROR, message, line, "write the file again, or save the export as CSV")


def _difference(one: pa.Schema, other: pa.Schema) -> str:
    for field in one:
        if field.name not in other.names:
            return f"`{field.name}` is missing"
        if other.field(field.name).type != field.type:
            return f"`{field.name}` is {other.field(field.name).type}, not {field.type}"
    more = [name for name in other.names if name not in one.names]
    return f"`{more[0]}` is new" if more else "their order differs"
