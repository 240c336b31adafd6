"""Rows of a table as columns of numbers: the same conditions as one by one, kept and compiled without making them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

import pytest
from pack_writing import CATCH_ALL, loaded
from rule_builders import NOW

from syncd.rules.classes.territories import PackClasses
from syncd.rules.conditions import AnyOf, EvaluationContext, TableRows, holds, next_change, trace
from syncd.rules.deciding.frame import reads_clock
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.explaining.clauses import failing
from syncd.rules.facts import Facts, Value
from syncd.rules.pack import Pack, Territory
from syncd.rules.pack_bytes import pack_from_bytes, pack_to_bytes
from syncd.rules.proving.space import grouped

CONTEXT = EvaluationContext(NOW)
ROOT = "format: 1\nlists: {vip: [acme.com, globex.com]}\nterritories:\n  - {table: t.csv}\n" + CATCH_ALL
CELLS: dict[str, tuple[str, ...]] = {
    "country": ("US", "DE | AT", "", "!= US"),
    "state": ("CA", "NY", "", "", "", ""),
    "postal_code": ("94105", "94105-1234", "941*", "94100..94199", "10115", ""),
    "domain": ("@vip", "acme.com", "(missing)", "", ""),
    "employees": (">= 100", "10..50", "7", "", ""),
    "annual_revenue": ("5M", ">= 1M", "", ""),
    "last_activity_at": ("2026-11-30", "", "", ""),
}
VALUES: dict[str, tuple[Value | None, ...]] = {
    "country": ("US", "DE", "AT", "FR", None),
    "state": ("US-CA", "US-NY", None),
    "postal_code": ("94105", "94199", "10115", "99999", None),
    "domain": ("acme.com", "initech.com", None),
    "employees": (Decimal(7), Decimal(20), Decimal(100), None),
    "annual_revenue": (Decimal(5_000_000), Decimal(7), None),
    "last_activity_at": (NOW.replace(month=11, day=30), NOW, None),
}


def random_pack(root: Path, seed: int) -> Pack:
    """A table of three territories whose rows stand in blocks, so that each has alternatives."""
    dice = Random(f"table {seed}")
    lines = [",".join(("territory", "owners", *CELLS))]
    for name in ("a", "b", "c"):
        for _ in range(12):
            row = {field: dice.choice(cells) for field, cells in CELLS.items()}
            row["state"] = row["state"] if row["country"] == "US" else ""
            row["employees"] = row["employees"] if any(row.values()) else "7"
            lines.append(",".join((name, "unassigned", *row.values())))
    return loaded(root, {"pack.yaml": ROOT, "t.csv": "\n".join(lines) + "\n"})


def accounts(seed: int) -> list[Facts]:
    dice = Random(f"accounts {seed}")
    drawn = [{field: dice.choice(values) for field, values in VALUES.items()} for _ in range(60)]
    return [
        Facts(f"A{number}", (), values={field: value for field, value in each.items() if value is not None})
        for number, each in enumerate(drawn)
    ]


def tables(pack: Pack) -> list[tuple[Territory, AnyOf, AnyOf]]:
    """The territories with rows: their condition as columns, and with each row made beforehand."""
    found = []
    for territory in pack.territories():
        when = territory.when
        if isinstance(when, AnyOf) and isinstance(when.conditions, TableRows):
            found.append((territory, when, AnyOf(tuple(when.conditions), when.place, when.text)))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_rows_as_columns_say_what_rows_made_one_by_one_say(seed: int, tmp_path: Path) -> None:
    pack = random_pack(tmp_path, seed)
    read = tables(pack)
    assert read
    classes = PackClasses(pack).at(CONTEXT)
    for company in accounts(seed):
        for _, columns, apart in read:
            outcome = any(holds(row, company, CONTEXT) for row in apart.conditions)
            assert holds(columns, company, CONTEXT) is outcome
            assert holds(grouped(columns), company, CONTEXT) is outcome
            assert trace(columns, company, CONTEXT) == trace(apart, company, CONTEXT)
            assert failing(columns, company, CONTEXT) == failing(apart, company, CONTEXT)
            assert next_change(columns, company, CONTEXT) == next_change(apart, company, CONTEXT)
        assert classes.choose("owner", company) == choose_territory(pack, "owner", company, CONTEXT)
    for _, columns, apart in read:
        assert reads_clock(columns) is reads_clock(apart)


def test_rows_are_a_sequence_of_conditions_each_at_its_line(tmp_path: Path) -> None:
    (_, when, apart), *_ = tables(random_pack(tmp_path, 0))
    rows = when.conditions
    assert len(rows) == len(apart.conditions) == 12
    assert rows[0] is rows[0] is next(iter(rows))
    assert rows[2:4] == apart.conditions[2:4]
    assert [each.place and each.place.line for each in rows] == list(range(2, 14))
    with pytest.raises(IndexError):
        rows[12]


def test_zip_codes_of_one_territory_are_one_list_however_many_rows_they_have(tmp_path: Path) -> None:
    rows = [f"z{number % 4},unassigned,US,{number:05},{'>= 100' if number % 3 else ''}\n" for number in range(4000)]
    content = "territory,owners,country,postal_code,employees\n" + "".join(rows)
    pack = loaded(tmp_path, {"pack.yaml": ROOT, "t.csv": content})
    table = PackClasses(pack).role("owner").table
    assert len(table.terms) == 2 * 4 + 1, "with a size and without, for each territory, and the catch-all"


def test_a_pack_with_a_table_comes_back_equal_and_small(tmp_path: Path) -> None:
    rows = "".join(f"z{number % 7},US,{number:05},unassigned\n" for number in range(3000))
    pack = loaded(tmp_path, {"pack.yaml": ROOT, "t.csv": "territory,country,postal_code,owners\n" + rows})
    kept = pack_to_bytes(pack)
    again = pack_from_bytes(kept)
    assert again == pack
    assert len(kept) < 60 * 3000, "sixty bytes a row: a row is numbers, and a cell its text"
    company = Facts("A1", (), values={"country": "US", "postal_code": "01234"})
    assert choose_territory(again, "owner", company, CONTEXT).path[-1].name == f"z{1234 % 7}"
