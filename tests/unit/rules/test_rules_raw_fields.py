"""A field read many texts at a time: value by value what the plain reader gives, whatever the texts are like."""

from __future__ import annotations

from decimal import Decimal
from random import Random  # noqa: TID251 - seeded: the test must repeat

import pytest

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")

import numpy as np
import pyarrow as pa

from syncd.model.fields import FieldType
from syncd.model.money import MoneyTable
from syncd.rules.batch.book_columns import BookPart
from syncd.rules.batch.raw_fields import LOCATED, RawField, Read, are_blank
from syncd.rules.deriving.field_values import ValueReader
from syncd.rules.facts import Value

READER = ValueReader(MoneyTable("USD", {"EUR": Decimal("1.25")}), shared_domains=frozenset({"shared.com"}))
SPACES = ["", " ", "\t", "\u3000", "\x1c", "  ", "\u200b"]
WORDS = {
    FieldType.TEXT: ["Acme", "ACME  GmbH", "Straße", "ﬁn", "a\tb", " a", "a ", "é", "İ", "x\x00y", "1", "~"],
    FieldType.DOMAIN: [
        *("acme.com", "ACME.com", "https://www.acme.co.uk/x?y", "gmail.com", "shared.com", "com", "co.uk", "a.ck"),
        *("xn--80ak6aa92e.com", "straße.de", "acme", "a-b.io", "-a.com", "blogspot.com", "x.blogspot.com", "a@b.org"),
        *("1.2.3.4", "acme.com.", "acme.notatld", "www.ck", "github.io", "city.kawasaki.jp"),
    ],
    FieldType.NUMBER: ["10", "007", "1_000", "2.5M", "1e3", "-5", "0", "-0", "1.0", "ten", "9" * 18, "9" * 19, "١٢"],
    FieldType.MONEY: ["100", "USD 2M", "5 EUR", "2.50", "7 XYZ", "5M", "10 USD", "x"],
    FieldType.DATE: ["2026-01-20", "2026-01-20T10:00:00Z", "yesterday", "2026-02-30", "2026-01-20T10:00"],
    FieldType.BOOLEAN: ["true", "FALSE", "yes", "1", "maybe"],
    FieldType.COUNTRY: ["DE", "Germany", "usa", "Atlantis", "United States", "US", "Österreich"],
    FieldType.STATE: ["CA", "Bayern", "US-NY", "california", "Nowhere", "BY"],
    FieldType.POSTAL_CODE: [
        "94105",
        "94105-1234",
        "941",
        "0941",
        "K1A 0B1",
        "k1a-0b1",
        "-",
        "９４１０５",
        "d-80331",
        "1",
    ],
    FieldType.SEVERAL: ["a;b", "B; a", ";", "a", "Ä;ä"],
    FieldType.SYSTEM_ID: ["001000000000001", "001000000000001AAA", "a;b", " 7 ", ";"],
}
WORDS[FieldType.PICKLIST] = WORDS[FieldType.EMAIL] = WORDS[FieldType.TEXT]
COUNTRIES = ["US", "DE", "US", "atlantis"]


def texts(type_: FieldType, count: int, only: int | None = None) -> list[str | None]:
    dice = Random(f"{type_} {count}")
    words: list[str | None] = [*WORDS[type_][:only], *(SPACES if only is None else []), None]
    return [dice.choice(words) for _ in range(count)]


def plain(type_: FieldType, text: str | None, country: str | None) -> Value | None:
    return None if not text or text.isspace() else READER.read(type_, text, country)[0]


def values_of(read: Read) -> list[Value | None]:
    array, about = read.arrow()
    schema = pa.schema([pa.field("field it", array.type, metadata=about)])
    column = BookPart(pa.RecordBatch.from_arrays([array], schema=schema)).column("it")
    assert column is not None
    return [None if code < 0 else column.values[code] for code in column.codes.tolist()]


def told(values: list[Value | None]) -> list[str]:
    return [repr(value) if not isinstance(value, frozenset) else repr(sorted(value)) for value in values]


def test_every_type_is_tried() -> None:
    assert set(WORDS) == set(FieldType)


@pytest.mark.parametrize("only", [None, 2, 1], ids=["dirty", "two", "one"])
@pytest.mark.parametrize("type_", [each for each in FieldType if each not in LOCATED])
def test_a_column_of_texts_is_read_as_each_text_is(type_: FieldType, only: int | None) -> None:
    field = RawField(type_, READER)
    for count in (1, 7, 300):
        raw = texts(type_, count, only)
        read = field.read(pa.array(raw, type=pa.string()))
        assert told(values_of(read)) == told([plain(type_, each, None) for each in raw])


@pytest.mark.parametrize("type_", sorted(LOCATED))
def test_places_are_read_within_the_country_of_their_row(type_: FieldType) -> None:
    field = RawField(type_, READER)
    for count in (1, 7, 300):
        raw, homes = texts(type_, count), [number % 5 - 1 for number in range(count)]
        read = field.read_in(pa.array(raw, type=pa.string()), np.array(homes, dtype=np.int32), COUNTRIES)
        expected = [
            plain(type_, each, COUNTRIES[home] if home >= 0 else None) for each, home in zip(raw, homes, strict=True)
        ]
        assert told(values_of(read)) == told(expected)


def test_blank_texts_are_those_that_python_calls_so() -> None:
    raw = [*SPACES, None, *WORDS[FieldType.TEXT], "\u00a0", "\u2028"]
    assert are_blank(pa.array(raw, type=pa.string())).tolist() == [not text or text.isspace() for text in raw]
