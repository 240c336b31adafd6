# ruff: noqa: E402 - the extra is looked for first
"""Columns of a book come back as they were put in: every value with its spelling, and damage is noticed."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

np = pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
pytest.importorskip("polars", reason="the extra `fast` is not installed")

from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.rules.batch.book_columns import BookPart, UnsoundColumnsError, read_part, write_part
from syncd.rules.batch.book_making import PartMaker
from syncd.rules.batch.keeping import distinct
from syncd.rules.derivation import CompanyRecords
from syncd.rules.deriving.known_facts import KnownFacts
from syncd.rules.facts import Facts, OpportunityFacts, Value

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
VALUES: dict[str, tuple[Value | None, ...]] = {
    "text": ("a", "", "ü", "a", None, "sand\ud800bank"),
    "plain": ("x", None, "y", "x", "x", "z"),
    "whole": (Decimal(1), Decimal(10**17), Decimal(-5), None, Decimal(0), Decimal(1)),
    "spelled": (Decimal("1.0"), Decimal(1), Decimal("1E+3"), Decimal("-0"), Decimal("0.00"), None),
    "huge": (Decimal(10**30), None, None, Decimal(7), None, None),
    "flag": (True, False, None, True, None, False),
    "date": (NOW, NOW + timedelta(microseconds=1), None, NOW, datetime(1960, 1, 1, tzinfo=UTC), None),
    "set": (frozenset({"a", "b"}), frozenset({"c"}), None, frozenset({"b", "a"}), None, None),
    "mixed": (frozenset({"a"}), "a", Decimal("2.50"), True, NOW, None),
}
ROWS = 6


def made(rows: range = range(ROWS)) -> BookPart:
    maker = PartMaker()
    for row in rows:
        ref = Ref(System.SALESFORCE, Kind.ACCOUNT, f"001{row}")
        deal = Record(Ref(System.SALESFORCE, Kind.OPPORTUNITY, f"006{row}"), NOW)
        other = Record(Ref(System.SALESFORCE, Kind.ACCOUNT, f"009{row}"), NOW)
        values = {name: value for name, cells in VALUES.items() if (value := cells[row]) is not None}
        deals = (OpportunityFacts("d", {}, is_open=True),) if row % 2 else ()
        facts = Facts(str(ref), (str(ref),), (ref,), values, opportunities=deals, owner_ids={System.SALESFORCE: "u"})
        until = NOW + timedelta(days=1) if row == 2 else None
        known = KnownFacts((), facts, NOW if row == 2 else None, until)
        maker.add(CompanyRecords(str(ref), (Record(ref, NOW), other), (deal,)), known)
    return maker.part({"state": {"change": 7}})


def written(part: BookPart) -> bytes:
    file = io.BytesIO()
    write_part(part, file)
    return file.getvalue()


def spelled(part: BookPart, name: str) -> list[tuple[type, str] | None]:
    column = part.column(name)
    assert column is not None
    found = [None if code < 0 else column.values[code] for code in column.codes.tolist()]
    return [None if each is None else _told(each) for each in found]


def _told(value: Value) -> tuple[type, str]:
    return type(value), str(sorted(value) if isinstance(value, frozenset) else value)


@pytest.mark.parametrize("name", sorted(VALUES))
def test_every_value_comes_back_with_its_spelling(name: str) -> None:
    expected = [None if value is None else _told(value) for value in VALUES[name]]
    assert spelled(read_part(written(made())), name) == expected


def test_companies_are_found_by_their_records_and_deals() -> None:
    part = read_part(written(made()))
    assert part.rows_with("id salesforce", ["0013", "0010", "nobody"]).tolist() == [0, 3]
    assert part.rows_with("deals", ["salesforce:opportunity:0064"]).tolist() == [4]
    assert part.rows_with("others", ["salesforce:account:0091", "salesforce:account:0095"]).tolist() == [1, 5]
    assert part.keys(np.array([2])) == ["salesforce:account:0012"]
    assert part.about == {"state": {"change": 7}}


def test_parts_taken_together_say_what_each_said() -> None:
    maker = PartMaker()
    maker.take(made(range(3)), np.array([2, 0]))
    maker.take(read_part(written(made(range(3, ROWS)))), np.array([1]))
    both = maker.part({})
    for name, values in VALUES.items():
        if any(values[row] is not None for row in (2, 0, 4)):
            expected = [None if (value := values[row]) is None else _told(value) for row in (2, 0, 4)]
            assert spelled(both, name) == expected
    assert both.numbers("since").tolist()[0] > both.numbers("since").tolist()[1]


def test_equal_parts_have_one_mark_and_others_another() -> None:
    assert made().mark == read_part(written(made())).mark
    assert made().mark != made(range(5)).mark


def test_what_is_no_book_is_refused() -> None:
    data = written(made())
    for harmed in (b"", b"x" * 100, data[: len(data) // 2], data[:-8]):
        with pytest.raises(UnsoundColumnsError):
            read_part(harmed)


def test_a_changed_byte_is_noticed_or_changes_nothing() -> None:
    data = written(made())
    whole = made()
    noticed = 0
    for at in range(0, len(data), 41):
        harmed = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        try:
            part = read_part(harmed)
            columns = {name: part.array(name).to_pylist() for name in whole.batch.schema.names if "text" not in name}
        except UnsoundColumnsError:
            noticed += 1
            continue
        assert columns == {name: whole.array(name).to_pylist() for name in columns}
    assert noticed > len(data) // 41 // 4


@pytest.mark.parametrize("size", [10, 1 << 40])
def test_numbers_are_told_apart_in_an_array_as_by_sorting(size: int) -> None:
    numbers = np.array([7, 3, 7, 0, 3], dtype=np.int64)
    found, places = distinct(numbers, size)
    assert found.tolist() == [0, 3, 7]
    assert found[places].tolist() == numbers.tolist()
