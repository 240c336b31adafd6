"""Exchange rates of Salesforce: read once a day, kept, and never changed at or before a day that was used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from jobs_world import NOW, SALESFORCE, World

from syncd.connectors.wire import HttpResponse
from syncd.jobs.currencies.money import dated_rates
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply
from syncd.jobs.plans.plan import make_plan
from syncd.model.money import CurrencyRate, rates_into
from syncd.model.refs import Kind, System
from syncd.store import currencies
from syncd.store.engine import Store

PACK = """
format: 1
pack: {{name: exchange}}
territories:
  - name: large
    when: {{annual_revenue: '>= 900k EUR'}}
    owners: [{first}]
  - name: rest
    when: always
    owners: [{second}]
"""
SETTINGS = '[money]\nrates = "kept/rates.csv"\nsource = "salesforce"'
DATED = "DatedConversionRate"


@pytest.fixture
def rated(make_world: Callable[..., World]) -> World:
    """An organization of dollars with dated euros: one euro is 1.25 dollars, and a dollar since November."""
    world = make_world(extra=SETTINGS, only=SALESFORCE)
    world.salesforce.load("CurrencyType", [{"IsoCode": "EUR", "ConversionRate": 0.5, "IsActive": True}])
    rows = [("2026-01-01", 0.8), ("2026-11-01", 1.0)]
    world.salesforce.load(DATED, [{"IsoCode": "EUR", "StartDate": day, "ConversionRate": rate} for day, rate in rows])
    text = PACK.format(first=world.reps[0], second=world.reps[1])
    (world.folder / "pack" / "pack.yaml").write_text(text)
    for account in world.accounts(SALESFORCE):
        world.edit_salesforce(account, AnnualRevenue=1_000_000)
    world.wait(2)
    return world


def table(world: World, day: str) -> dict[str, Decimal]:
    return dict(dated_rates(world.settings().money).on(date.fromisoformat(day)).rates)


def rate_id(world: World, start: str) -> str:
    return next(str(row["Id"]) for row in world.salesforce.records(DATED) if row["StartDate"] == start)


def rate_calls(world: World) -> int:
    return len(world.wire(SALESFORCE).requests("CurrencyType")) + len(world.wire(SALESFORCE).requests(DATED))


def test_dated_rates_are_laid_out_and_win_over_the_one_without_a_date(rated: World) -> None:
    rated.pulled()
    assert table(rated, "2026-06-30") == {"EUR": Decimal("1.25")}
    assert table(rated, "2026-11-20") == {"EUR": Decimal(1)}
    plan = make_plan(rated.context, all_decisions=True)
    assert plan["rates"] == {"currency": "USD", "as_of": "2026-11-01"}
    assert {entry["territory"] for entry in plan["decisions"]} == {"large"}


def test_rates_are_asked_once_a_day(rated: World) -> None:
    rated.pulled()
    assert rate_calls(rated) == 2
    rated.wait(5)
    rated.pulled()
    assert rate_calls(rated) == 2
    rated.wait(24 * 60)
    rated.pulled()
    assert rate_calls(rated) == 4


def test_a_change_of_rate_alone_moves_nobody_and_a_correction_of_the_past_neither(rated: World) -> None:
    rated.pulled()
    rated.adopt()
    plan_id = rated.approve(make_plan(rated.context))
    with leadership(rated.context) as leader:
        apply(rated.context, leader, plan_id)
    rated.wait()
    rated.pulled()
    rated.salesforce.edit({"object": DATED, "id": rate_id(rated, "2026-11-01"), "set": {"ConversionRate": 0.5}})
    rated.wait(24 * 60)
    rated.start()
    rated.pulled()
    assert table(rated, "2026-11-20") == {"EUR": Decimal(1)}, "the table of a day that was used"
    assert table(rated, "2026-11-21") == {"EUR": Decimal(2)}
    plan = make_plan(rated.context, all_decisions=True)
    assert plan["rates"]["as_of"] == "2026-11-21"
    assert plan["changes"] == []


def test_a_closed_deal_keeps_the_rate_of_its_day(rated: World) -> None:
    rated.pulled()
    facts = rated.context.rates()
    assert facts.on(date(2026, 6, 30)).convert(Decimal(100), "EUR") == Decimal(125)
    from syncd.model.records import Record
    from syncd.model.refs import Ref
    from syncd.rules.derivation import CompanyRecords, Derivation, OwnershipView, derive_book

    account = Record(Ref(SALESFORCE, Kind.ACCOUNT, "a"), NOW, {"name": "A"}, None)
    deals = tuple(
        Record(
            Ref(SALESFORCE, Kind.OPPORTUNITY, day),
            NOW,
            {"amount": "100 EUR", "is_closed": closed, "is_won": closed, "close_date": day},
            None,
            "a",
        )
        for day, closed in (("2026-06-30", "true"), ("2026-11-10", "true"), ("2026-12-24", "false"))
    )
    derivation = Derivation(rates=facts, money=facts.on(NOW.date()))
    (found,) = derive_book([CompanyRecords("a", (account,), deals)], derivation, OwnershipView(), NOW)
    assert found.values["won_amount_12m"] == Decimal(225)
    assert found.values["open_pipeline"] == Decimal(100)


def test_an_organization_without_dated_rates_has_the_one_it_shows_from_the_day_it_is_seen(rated: World) -> None:
    for row in rated.salesforce.records(DATED):
        rated.salesforce.edit({"object": DATED, "id": row["Id"], "delete": True})
    rated.pulled()
    assert table(rated, "2026-11-19") == {}
    assert table(rated, "2026-11-20") == {"EUR": Decimal(2)}


def test_rates_that_cannot_be_read_leave_those_before_and_stop_nothing(rated: World) -> None:
    rated.pulled()
    row = {"IsoCode": "EUR", "StartDate": "2026-11-21", "ConversionRate": 0}
    rated.salesforce.load(DATED, [row])
    rated.wait(24 * 60)
    rated.start()
    notes = rated.pulled().systems[0].notes
    assert any("SYN451" in note and "EUR since 2026-11-21 is 0" in note for note in notes)
    assert table(rated, "2026-11-21") == {"EUR": Decimal(1)}
    rated.wait(24 * 60)
    rated.start()
    rated.trouble(SALESFORCE, "CurrencyType", HttpResponse(403, {}, b'[{"errorCode": "INSUFFICIENT_ACCESS"}]'))
    assert any("exchange rates cannot be read" in note for note in rated.pulled().systems[0].notes)


def test_an_organization_of_one_currency_says_that_there_are_no_rates(rated: World) -> None:
    rated.salesforce.edit({"feature": {"multi_currency": False}})
    assert any("one currency only" in note for note in rated.pulled().systems[0].notes)
    assert table(rated, "2026-11-20") == {}


def test_the_file_is_written_anew_from_the_database(rated: World) -> None:
    rated.pulled()
    path: Path = rated.folder / "kept" / "rates.csv"
    before = path.read_text()
    path.write_text("currency,rate,date\nEUR,99,2026-01-01\n")
    rated.start()
    assert path.read_text() == before
    path.unlink()
    rated.start()
    assert path.read_text() == before


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    from syncd.clock import ManualClock

    found = Store.open(f"sqlite:///{tmp_path}/s.db", clock=ManualClock(NOW), create=True)
    yield found
    found.close()


def test_no_row_is_ever_added_at_or_before_a_day_that_was_in_force(store: Store) -> None:
    """Whatever is told, in whatever order: the table of each day stays as it was once that day was used."""
    told: list[list[tuple[str, str | None, str]]] = [
        [("EUR", None, "1"), ("GBP", "2026-01-01", "2")],
        [("EUR", None, "3"), ("GBP", "2026-01-01", "5"), ("GBP", "2025-12-01", "7")],
        [("EUR", "2026-11-01", "4"), ("CHF", "2020-01-01", "9"), ("GBP", "2026-11-21", "6")],
        [("EUR", None, "8"), ("CHF", "2020-01-01", "9")],
    ]
    used: dict[date, object] = {}
    for number, rows in enumerate(told):
        now = datetime(2026, 11, 20 + number // 2, 10 + number, tzinfo=UTC)
        rates = [CurrencyRate(c, Decimal(u), d and date.fromisoformat(d)) for c, d, u in rows]
        rates.append(CurrencyRate("USD", Decimal(1)))
        with store.write() as conn:
            currencies.keep_rates(conn, System.SALESFORCE, rates, now=now)
            kept = currencies.stored_rates(conn, System.SALESFORCE)
        from syncd.model.money import DatedRates

        dated = DatedRates("USD", rates_into("USD", kept))
        for day, before in used.items():
            assert dated.on(day) == before
        present = dated.on(now.date())
        if present.as_of is not None:
            used[present.as_of] = present
    store.close()


def test_rates_cross_into_any_reporting_currency() -> None:
    told = [
        CurrencyRate("USD", Decimal(1), date(2026, 1, 1)),
        CurrencyRate("EUR", Decimal("0.8"), date(2026, 1, 1)),
        CurrencyRate("EUR", Decimal("0.5"), date(2026, 6, 1)),
        CurrencyRate("GBP", Decimal("0.4"), date(2026, 3, 1)),
    ]
    assert rates_into("EUR", told) == (
        ("GBP", date(2026, 3, 1), Decimal(2)),
        ("GBP", date(2026, 6, 1), Decimal("1.25")),
        ("USD", date(2026, 1, 1), Decimal("0.8")),
        ("USD", date(2026, 6, 1), Decimal("0.5")),
    )
    assert rates_into("JPY", told) == ()


def test_a_source_without_a_file_to_keep_the_rates_in_is_a_mistake() -> None:
    from pydantic import ValidationError

    from syncd.settings.model import MoneySettings

    with pytest.raises(ValidationError, match="needs `rates`"):
        MoneySettings(source="salesforce")
