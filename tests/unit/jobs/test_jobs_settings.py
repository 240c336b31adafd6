"""What settings become: the mapping and its revision, the rates, and a plan over an export."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from jobs_world import NOW, World

from syncd.errors import ConfigError, InputError
from syncd.jobs.currencies.money import dated_rates, money_table
from syncd.jobs.mapping import field_catalogue, field_order, mapping_revision, system_mapping
from syncd.jobs.plans.export import plan_of_export
from syncd.model.fields import FieldType
from syncd.model.refs import Kind, System
from syncd.settings import Settings, load_settings
from syncd.settings.model import MoneySettings

BASE = """
[salesforce]
login_url = "https://acme.my.salesforce.com"
client_id = "x"
{salesforce}
[hubspot]
{hubspot}
"""


def settings(tmp_path: Path, salesforce: str = "", hubspot: str = "", more: str = "") -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(more + BASE.format(salesforce=salesforce, hubspot=hubspot))
    return load_settings(path, {})


def test_a_field_of_ones_own_is_mapped_and_typed(tmp_path: Path) -> None:
    own = 'fields.account.tier = {field = "Tier__c", type = "picklist"}'
    found = settings(tmp_path, own, 'fields.account.tier = "tier"')
    assert field_catalogue(found).of(Kind.ACCOUNT)["tier"] is FieldType.PICKLIST
    assert system_mapping(found, System.SALESFORCE).kinds[Kind.ACCOUNT].fields["tier"] == "Tier__c"
    assert system_mapping(found, System.HUBSPOT).kinds[Kind.ACCOUNT].fields["tier"] == "tier"


def test_a_field_that_rules_know_needs_no_type_and_takes_no_other(tmp_path: Path) -> None:
    found = settings(tmp_path, 'fields.account.industry = "Vertical__c"')
    assert system_mapping(found, System.SALESFORCE).kinds[Kind.ACCOUNT].fields["industry"] == "Vertical__c"
    field_catalogue(found)
    wrong = settings(tmp_path, 'fields.account.employees = {field = "Staff__c", type = "text"}')
    with pytest.raises(ConfigError, match="SYN108 the field 'employees' is text here and number elsewhere"):
        field_catalogue(wrong)


def test_a_field_without_a_type_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no type") as caught:
        field_catalogue(settings(tmp_path, hubspot='fields.opportunity.source = "src"'))
    assert (caught.value.code, caught.value.where) == ("SYN108", "hubspot.fields.opportunity.source")
    assert "type" in str(caught.value.hint)


def test_all_wrong_fields_are_told_at_once(tmp_path: Path) -> None:
    wrong = settings(
        tmp_path,
        'fields.account = {plot = "Plot__c", employees = {field = "Staff__c", type = "text"}, all = "X__c"}',
        'fields.opportunity.source = "src"',
    )
    with pytest.raises(ConfigError, match="4 fields of the settings cannot be read") as caught:
        field_catalogue(wrong)
    assert [(each.code, each.message.partition(": ")[0]) for each in caught.value.findings] == [
        ("SYN108", "salesforce.fields.account.plot"),
        ("SYN108", "salesforce.fields.account.employees"),
        ("SYN284", "salesforce.fields.account.all"),
        ("SYN108", "hubspot.fields.opportunity.source"),
    ]


@pytest.mark.parametrize("name", ["all", "in_segment", "opportunities", "owners", "quota"])
def test_a_field_may_not_be_called_like_a_word_of_the_rules(tmp_path: Path, name: str) -> None:
    own = f'fields.account.{name} = {{field = "X__c", type = "text"}}'
    with pytest.raises(ConfigError, match="it is a word of the rules") as caught:
        field_catalogue(settings(tmp_path, own))
    assert (caught.value.code, caught.value.where) == ("SYN284", f"salesforce.fields.account.{name}")
    field_catalogue(settings(tmp_path, 'fields.account.name = "Legal_Name__c"'))


def test_conflicting_types_of_two_systems_are_refused(tmp_path: Path) -> None:
    one = 'fields.account.tier = {{field = "t", type = "{}"}}'
    with pytest.raises(ConfigError, match="is number here and picklist elsewhere"):
        field_catalogue(settings(tmp_path, one.format("picklist"), one.format("number")))


def test_the_mapping_revision_tells_mappings_apart_and_nothing_else(tmp_path: Path) -> None:
    base = mapping_revision(settings(tmp_path))
    assert mapping_revision(settings(tmp_path, more='mode = "apply"\n')) == base
    others = [
        settings(tmp_path, 'fields.account.industry = "Vertical__c"'),
        settings(tmp_path, more='identity = {hubspot_cross_reference = "sf_id"}\n'),
        settings(tmp_path, hubspot='fields.opportunity.source = {field = "src", type = "text"}'),
    ]
    assert len({base, *map(mapping_revision, others)}) == 4


def test_the_leading_system_comes_first_unless_a_field_says_otherwise(tmp_path: Path) -> None:
    more = 'leading_system = "hubspot"\nfields_from = {industry = ["salesforce"]}\n'
    default, single = field_order(settings(tmp_path, more=more))
    assert default == (System.HUBSPOT, System.SALESFORCE)
    assert single == {"industry": (System.SALESFORCE,)}


def rates(tmp_path: Path, text: str | bytes) -> MoneySettings:
    path = tmp_path / "rates.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return MoneySettings(rates=path)


def test_the_newest_rate_of_a_currency_counts(tmp_path: Path) -> None:
    table = money_table(
        rates(tmp_path, "\ufeffdate,currency,rate\n2026-11-02,eur,1.10\n2026-11-01,EUR,1.05\n\n2026-10-01,GBP,1.3\n"),
        on=date(2026, 11, 2),
    )
    assert dict(table.rates) == {"EUR": Decimal("1.10"), "GBP": Decimal("1.3")}
    assert str(table.as_of) == "2026-11-02"
    assert money_table(MoneySettings(), on=date(2026, 11, 2)).rates == {}


def test_the_rates_of_a_day_are_those_in_force_on_it(tmp_path: Path) -> None:
    known = dated_rates(
        rates(tmp_path, "currency,rate,date\nEUR,1.05,2026-11-01\nEUR,1.10,2026-12-01\nGBP,1.3,2026-11-15\n")
    )
    assert known.on(date(2026, 10, 31)).rates == {}
    assert (known.on(date(2026, 11, 14)).rates, known.on(date(2026, 11, 14)).as_of) == (
        {"EUR": Decimal("1.05")},
        date(2026, 11, 1),
    )
    assert known.on(date(2026, 11, 30)).rates == {"EUR": Decimal("1.05"), "GBP": Decimal("1.3")}
    assert known.on(date(2026, 11, 15)) == known.on(date(2026, 11, 30)), "a rate of the future is not used yet"


def test_every_wrong_rate_is_a_finding_with_its_line(tmp_path: Path) -> None:
    text = (
        'currency,rate,date\nEUR,"1,08",2026-11-01\nGBP,1.3,1.11.2026\n\nCHF,-1,2026-11-01\nSEK,NaN,2026-11-01\n'
        "euro,1,2026-11-01\nDKK\nNOK,0.1,2026-11-01\nNOK,0.2,2026-11-01\nPLN,Infinity,2026-11-01\n"
    )
    with pytest.raises(InputError, match="SYN331 the rates are invalid") as caught:
        dated_rates(rates(tmp_path, text))
    found = [(one.place.line, one.message) for one in caught.value.findings if one.place]
    assert found == [
        (2, "not a rate: the rate is '1,08'"),
        (3, "not a rate: the date is '1.11.2026'"),
        (5, "not a rate: the rate is '-1'"),
        (6, "not a rate: the rate is 'NaN'"),
        (7, "not a rate: the currency is 'euro'"),
        (8, "not a rate: the rate is ''"),
        (10, "not a rate: a second rate of NOK on 2026-11-01"),
        (11, "not a rate: the rate is 'Infinity'"),
    ]


@pytest.mark.parametrize("text", ["currency,rate\nEUR,1\n", "", b"currency,rate,date\nEUR,1,\xff\n"])
def test_a_file_that_holds_no_rates_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(InputError, match="SYN331"):
        dated_rates(rates(tmp_path, text))


def test_rates_that_are_not_there_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rates\.csv: SYN331 the rates cannot be read: No such file"):
        dated_rates(MoneySettings(rates=tmp_path / "rates.csv"))


def test_an_export_is_planned_without_mirror_or_memory(world: World) -> None:
    accounts = world.folder / "accounts.csv"
    accounts.write_text(
        f"id,name,country,owner\n1,Acme,US,{world.reps[0]}\n2,Bolt,DE,gone@northwind.example\n3,Coil,,\n"
    )
    plan, findings = plan_of_export(
        Settings(), world.folder / "pack", accounts, None, None, now=NOW, all_decisions=True
    )
    assert plan["plan_id"] is None
    assert plan["summary"]["evaluated"] == 3
    assert [one["accounts"] for one in plan["decisions"]] == [["1"], ["2"], ["3"]]
    assert {row["ref"] for row in plan["changes"]} >= {"3"}
    assert findings == ()
