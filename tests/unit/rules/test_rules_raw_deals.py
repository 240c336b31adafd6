"""Opportunities read a field at a time: of every account what the company reader says of its records."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random  # noqa: TID251 - seeded: the test must repeat
from typing import Any

import pytest

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")

import pyarrow as pa

from syncd.model.fields import FieldCatalogue, FieldType
from syncd.model.money import DatedRates, MoneyTable
from syncd.model.raw_accounts import RawAccounts
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.rules.arrays import texts_array
from syncd.rules.batch.book_columns import ALWAYS, DEALT, SINCE, UNTIL, BookPart, instants
from syncd.rules.batch.raw_deals import RawDeals, deal_fields
from syncd.rules.batch.raw_json import parsed_records
from syncd.rules.deriving.company_reader import CompanyReader
from syncd.rules.deriving.company_records import Derivation, OwnershipView

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
PLAIN = Derivation(money=MoneyTable("USD", {"EUR": Decimal("1.25")}))
OTHER_TYPES = replace(
    PLAIN,
    catalogue=FieldCatalogue(
        account=PLAIN.catalogue.account,
        opportunity={**PLAIN.catalogue.opportunity, "stage": FieldType.SEVERAL, "amount": FieldType.TEXT},
    ),
)
DATED = replace(PLAIN, rates=DatedRates("USD", (("EUR", date(2025, 1, 1), Decimal("1.5")),)))
FIELDS = {
    "amount": ["100", "250", "1.50", "5 EUR", "ten", "-3", "", "0"],
    "stage": ["Prospecting", "prospecting", "Closed Won", " ", "\ud800"],
    "is_closed": ["true", "false", "false", "maybe"],
    "is_won": ["true", "false", "false", "false", "false"],
    "close_date": ["2026-01-20", "2026-11-20", "2027-03-01", "2020-01-01", "2026-11-20T18:00:00Z", "yesterday"],
    "name": ["deal", "\ud83d\ude00"],
}


def deals(dice: Random, count: int, names: dict[str, list[str]]) -> list[tuple[str, str, str, str]]:
    """Id, account, owner and fields of opportunities, by id; one in ten is on no account."""
    found = []
    for number in range(count):
        said = {name: dice.choice(values) for name, values in names.items() if dice.random() < 0.8}
        account = f"001{dice.randrange(count // 2):015}" if dice.random() < 0.9 else ""
        fields = json.dumps(said, sort_keys=True, separators=(",", ":"))
        found.append((f"006{number:015}", account, dice.choice(["", "005000000000000001"]), fields))
    return found


def raws(told: list[tuple[str, str, str, str]], size: int) -> list[RawAccounts]:
    chunks = [told[start : start + size] for start in range(0, len(told), size)]
    return [
        RawAccounts(
            System.SALESFORCE, len(some), *("\n".join(each[at] for each in some) for at in (0, 2, 1)),
            "\n" * (len(some) - 1), "\n".join(each[3] for each in some),
        )
        for some in chunks
    ]  # fmt: skip


def told_of(value: Any) -> str:
    """A value with its type, in an order of its own: equal sets may be iterated differently."""
    return repr(sorted(value)) if isinstance(value, frozenset) else repr(value)


def expected(told: list[tuple[str, str, str, str]], derivation: Derivation) -> dict[str, dict[str, Any]]:
    records: dict[str, list[Record]] = defaultdict(list)
    for record, account, owner, fields in told:
        ref = Ref(System.SALESFORCE, Kind.OPPORTUNITY, record)
        records[account].append(Record(ref, NOW, json.loads(fields), owner or None, account))
    reader = CompanyReader(derivation, OwnershipView(), NOW)
    found = {}
    for account, mine in records.items():
        said = reader.dealt(mine)
        times = ALWAYS if said.since is None or said.until is None else (instants(said.since), instants(said.until))
        found[account] = {name: told_of(value) for name, value in said.values.items()} | {
            DEALT: int(said.is_kept), SINCE: times[0], UNTIL: times[1], "refs": [str(each.ref) for each in mine],
        }  # fmt: skip
    return found


@pytest.mark.parametrize("derivation", [PLAIN, OTHER_TYPES, DATED])
@pytest.mark.parametrize("seed", range(6))
def test_columns_say_of_each_account_what_its_records_say(derivation: Derivation, seed: int) -> None:
    dice = Random(seed)
    odd = dice.random() < 0.5
    names = FIELDS if odd else {name: [each for each in told if each.isascii()] for name, told in FIELDS.items()}
    told = deals(dice, 120, names)
    parts = (parsed_records(raw, deal_fields(derivation)) for raw in raws(told, dice.choice([7, 50, 500])))
    found = RawDeals(System.SALESFORCE, derivation, NOW, parts)
    accounts = sorted({account for _, account, _, _ in told if account} | {"001none"})
    dice.shuffle(accounts)
    numbers, columns, refs = found.of(texts_array(accounts))
    known, nothing = expected(told, derivation), CompanyReader(derivation, OwnershipView(), NOW).dealt(())
    for row, account in enumerate(accounts):
        said: dict[str, Any] = {"refs": refs[row].as_py()}
        said |= {name: int(numbers[name][row]) for name in (DEALT, SINCE, UNTIL)}
        said |= {name: value for name, column in columns.items() if (value := _value(column, row)) is not None}
        default = {name: told_of(value) for name, value in nothing.values.items()}
        default |= {DEALT: 0, SINCE: ALWAYS[0], UNTIL: ALWAYS[1], "refs": []}
        assert said == known.get(account, default), account
        assert [str(each.ref) for each in found.records(account)] == said["refs"]


def test_a_system_without_opportunities_says_nothing_of_anybody() -> None:
    numbers, _, refs = RawDeals(System.HUBSPOT, PLAIN, NOW, ()).of(texts_array(["1", "2"]))
    assert (numbers[DEALT].tolist(), refs.to_pylist()) == ([0, 0], [[], []])


@pytest.mark.parametrize("size", [1, 7, 50])
def test_accounts_are_told_alike_however_many_come_at_once(size: int) -> None:
    dice = Random(size)
    told = deals(dice, 120, FIELDS)
    found = RawDeals(System.SALESFORCE, PLAIN, NOW, (parsed_records(raw, deal_fields(PLAIN)) for raw in raws(told, 50)))
    accounts = ["000", *sorted({account for _, account, _, _ in told if account}), "001none", "zzz"]
    whole = found.of(texts_array(accounts))[2].to_pylist()
    parts = [found.of(texts_array(accounts[start : start + size])) for start in range(0, len(accounts), size)]
    assert [each for _, _, refs in parts for each in refs.to_pylist()] == whole
    assert whole[0] == whole[-1] == []
    assert any(whole)
    assert found.of(texts_array([]))[2].to_pylist() == []


def test_only_accounts_with_something_won_or_odd_are_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at, plain = [], CompanyReader.dealt

    def dealt(self: CompanyReader, opportunities: Sequence[Record]) -> Any:
        looked_at.append([each.ref.id for each in opportunities])
        return plain(self, opportunities)

    monkeypatch.setattr(CompanyReader, "dealt", dealt)
    fields = ['{"amount":"5"}', '{"is_won":"true"}', '{"is_won":"false"}', '{"stage":"\\ud800"}']
    told = [(f"006{number}", f"001{number}", "", each) for number, each in enumerate(fields)]
    for some, expected_looks in ((told, [[], ["0061"], ["0063"]]), (told[:3], [[], ["0061"]])):
        looked_at.clear()
        RawDeals(System.SALESFORCE, PLAIN, NOW, [parsed_records(raws(some, 9)[0], deal_fields(PLAIN))])
        assert looked_at == expected_looks


def _value(spelled: Any, row: int) -> str | None:
    """A value of a column as a part of it alone would be read back."""
    array, about = spelled
    schema = pa.schema([pa.field("x", array.type, metadata=about)])
    column = BookPart(pa.RecordBatch.from_arrays([array], schema=schema)).coded("x")
    assert column is not None
    code = int(column.codes[row])
    return told_of(column.values[code]) if code >= 0 else None
