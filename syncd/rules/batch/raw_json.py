"""The fields of many records, each a line of JSON, as columns of texts. Knows nothing of what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.json

_SURROGATE = "\\ud"
"""How JSON tells what Arrow cannot hold, half of a surrogate pair; such rows are left to Python."""


def odd_rows(text: str, lines: Sequence[str]) -> list[int]:
    """The lines of a text that Arrow cannot read."""
    return [row for row, line in enumerate(lines) if _SURROGATE in line] if _SURROGATE in text else []


def columns_of_json(
    text: str, lines: Sequence[str], odd: Sequence[int], names: Sequence[str]
) -> Mapping[str, pa.Array] | None:
    """The fields of these names as columns, empty in odd lines; None where some line holds what none of ours does."""
    if odd:
        plain = list(lines)
        for row in odd:
            plain[row] = "{}"
        text = "\n".join(plain)
    data = text.encode("ascii")
    schema = pa.schema([pa.field(name, pa.string()) for name in names])
    options = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    whole = pyarrow.json.ReadOptions(use_threads=False, block_size=len(data) + 1)
    try:
        table = pyarrow.json.read_json(pa.BufferReader(data), read_options=whole, parse_options=options)
    except pa.ArrowInvalid:
        return None
    return {name: table.column(name).combine_chunks() for name in table.column_names}
