"""Named lists: `lists`, written in the pack or kept in a CSV column.

Entries stay raw text; what they mean depends on the field they are compared with. Knows nothing of conditions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from syncd.rules.nodes import Entry, Node, Scalar, Sequence
from syncd.rules.pack import NamedList
from syncd.rules.reading.options import Options, described, read_name
from syncd.rules.reading.pack_reading import Reading


@dataclass(frozen=True, slots=True)
class NamedLists:
    """The lists that could be read, and the names of those that could not and are reported."""

    lists: Mapping[str, NamedList]
    unreadable: frozenset[str]


def read_lists(entries: list[Entry], reading: Reading) -> NamedLists:
    """Every named list. An empty one is a warning (SYN281): nothing stands in it, so its matcher is never true."""
    found: dict[str, NamedList] = {}
    unreadable: set[str] = set()
    for entry in entries:
        before = reading.findings.error_count
        name = read_name(entry.key, reading)
        texts = _entries(entry.key.text, entry.value, reading)
        if name is None or texts is None or reading.findings.error_count > before:
            unreadable.add(entry.key.text)
            continue
        if not texts:
            reading.findings.warning("SYN281", f"the list `{name}` is empty", entry.key.place)
        found[name] = NamedList(name, texts, entry.key.place)
    return NamedLists(MappingProxyType(found), frozenset(unreadable))


def _entries(name: str, value: Node, reading: Reading) -> tuple[str, ...] | None:
    """The entries of one list; None after an error, also one that was reported before."""
    if isinstance(value, Sequence):
        return tuple(dict.fromkeys(_text(item, reading) for item in value.items))
    if isinstance(value, Scalar):
        message = f"the list `{name}` is written as [a, b] or {{file, column}}, not as {described(value)}"
        reading.findings.error("SYN241", message, value.place, f"write [{value.text}]")
        return None
    return _from_file(Options(value, f"the list `{name}`", ("file", "column"), reading), reading)


def _text(item: Node, reading: Reading) -> str:
    if isinstance(item, Scalar):
        return item.text
    reading.findings.error("SYN241", f"a named list holds plain values, not {described(item)}", item.place)
    return ""


def _from_file(options: Options, reading: Reading) -> tuple[str, ...] | None:
    has_file = options.require("file", "name a CSV file: lists/strategic.csv")
    has_column = options.require("column", "name the column of the file that holds the entries")
    file, column = options.scalar("file"), options.text("column")
    if not has_file or not has_column or file is None or column is None:
        return None
    sheet = reading.sheet(file)
    position = sheet.require(column, options.place_of("column"), reading.findings) if sheet is not None else None
    if sheet is None or position is None:
        return None
    return sheet.distinct(position)
