"""The fields of many records, each a line of JSON, as columns of texts. Knows nothing of what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.json

from syncd.model.raw_accounts import RawAccounts

_SURROGATE = "\\ud"
"""How JSON tells what Arrow cannot hold, half of a surrogate pair; such rows are left to Python."""


@dataclass(frozen=True, slots=True)
class ParsedRecords:
    """Records with the fields that were asked for as columns of texts, empty in `odd` lines, which Arrow cannot read.

    `columns` is None where some line holds what none of ours does.
    """

    raw: RawAccounts
    odd: list[int]
    columns: Mapping[str, pa.Array] | None


def parsed_records(raw: RawAccounts, names: Sequence[str]) -> ParsedRecords:
    """The fields of these names of some records; most of it without Python's lock."""
    if _SURROGATE not in raw.fields:  # nearly always: no line becomes an object
        return ParsedRecords(raw, [], _columns(raw.fields, names))
    lines = raw.fields.split("\n")
    odd = [row for row, line in enumerate(lines) if _SURROGATE in line]
    for row in odd:
        lines[row] = "{}"
    return ParsedRecords(raw, odd, _columns("\n".join(lines), names))


def _columns(text: str, names: Sequence[str]) -> Mapping[str, pa.Array] | None:
    data = text.encode("ascii")
    schema = pa.schema([pa.field(name, pa.string()) for name in names])
    options = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    whole = pyarrow.json.ReadOptions(use_threads=False, block_size=len(data) + 1)
    try:
        table = pyarrow.json.read_json(pa.BufferReader(data), read_options=whole, parse_options=options)
    except pa.ArrowInvalid:
        return None
    return {name: table.column(name).combine_chunks() for name in table.column_names}
