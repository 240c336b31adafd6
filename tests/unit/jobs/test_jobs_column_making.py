"""The whole mirror as columns: of every company what deriving it alone gives, whatever the records are like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")

from random_mirrors import Mirrors

from syncd.jobs.books.book import derivation_of
from syncd.jobs.books.column_making import read_book
from syncd.jobs.books.company_records import records_of
from syncd.model.money import MoneyTable
from syncd.model.refs import System
from syncd.rules.batch.book_columns import DEALS, DEALT, OTHERS, SINCE, UNTIL, BookPart
from syncd.rules.batch.book_making import part_of
from syncd.rules.derivation import Derivation, OwnershipView, derive_alone
from syncd.store import raw_accounts
from tests.databases import postgres_server

SEEDS = [("sqlite", seed) for seed in range(4)]
SEEDS.append(pytest.param("postgresql", 4, marks=pytest.mark.postgres))  # type: ignore[arg-type]


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/syncd.db"
        return
    server = postgres_server()
    name = server.migrated()
    yield server.url(name)
    server.give_back(name)


def derivations(plain: Derivation) -> Iterator[Derivation]:
    yield plain
    yield replace(plain, fill_missing_country=True, default_country="US", order=tuple(reversed(plain.order)))
    orders: dict[str, tuple[System, ...]] = {"industry": (System.HUBSPOT,), "country": (System.SALESFORCE,)}
    orders |= {"state": (System.HUBSPOT, System.SALESFORCE), "parent": ()}
    money = MoneyTable("USD", {"XYZ": Decimal("0.5")})
    shared = frozenset({"acme1.com", "acme7.com"})
    yield replace(plain, field_order=orders, money=money, shared_domains=shared, default_country="DE")


def told(part: BookPart) -> dict[str, dict[str, Any]]:
    """Everything that a part says, by company."""
    columns = {name: part.coded(name) for name in part.batch.schema.names if name.startswith(("field ", "owner "))}
    found: dict[str, dict[str, Any]] = {}
    for row, key in enumerate(part.all_keys):
        of = {name: each.values[code] for name, each in columns.items() if each and (code := each.codes[row]) >= 0}
        said: dict[str, Any] = {name: repr(value) for name, value in of.items()}
        said |= {system: part.ids(system)[row].as_py() for system in System}
        said |= {name: int(part.numbers(name)[row]) for name in (DEALT, SINCE, UNTIL)}
        said |= {name: sorted(part.array(name)[row].as_py()) for name in (DEALS, OTHERS)}
        found[key] = said
    assert len(found) == part.count
    return found


@pytest.mark.parametrize(("url", "seed"), SEEDS, indirect=["url"])
def test_columns_say_what_each_company_derived_alone_says(
    tmp_path: Path, url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_accounts, "_ROWS", 37)  # several chunks, whose values are of different kinds
    mirrors = Mirrors(seed, tmp_path, url)
    mirrors.write_pack()
    mirrors.fill(110)
    now, systems = mirrors.clock.now(), mirrors.context.systems
    pack = mirrors.context.pack(tmp_path / "pack", now=now, rates_on=None)
    with mirrors.context.store.read() as conn:
        for derivation in derivations(derivation_of(mirrors.context, pack, now.date())):
            whole = read_book(conn, systems, derivation, now).joined({"about": "it"})
            records = records_of(conn, whole.all_keys, systems)
            alone = part_of(derive_alone(records, derivation, OwnershipView(), now), {})
            assert told(whole) == told(alone)
            assert whole.about == {"about": "it"}
    mirrors.context.close()


def test_an_empty_mirror_is_a_book_without_companies(tmp_path: Path) -> None:
    mirrors = Mirrors(1, tmp_path, f"sqlite:///{tmp_path}/syncd.db")
    with mirrors.context.store.read() as conn:
        read = read_book(conn, mirrors.context.systems, Derivation(), mirrors.clock.now())
        assert read.joined({}).count == 0
    mirrors.context.close()
