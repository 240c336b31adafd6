"""`quota`, `explain quota` and `forecast` over a mirror with planted deals: sums, files, checks and early warnings."""

from __future__ import annotations

import copy
import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jobs_world import World

from syncd.cli.main import cli
from syncd.errors import InputError, UsageError
from syncd.jobs.aids.forecasting import forecast
from syncd.jobs.aids.overview import overview_document
from syncd.jobs.aids.quotas import Goal, explain_quota, quota, quota_file
from syncd.jobs.checking import check
from syncd.jobs.watching.watch import watch
from syncd.model.refs import Kind, Ref, System
from syncd.report.aids.forecast_sheet import forecast_sheet
from syncd.report.aids.quota_sheet import quota_explanation_sheet, quota_sheet
from syncd.report.aids.sheet_html import render_html
from syncd.report.aids.sheet_markdown import render_markdown
from syncd.report.aids.sheet_text import render_text
from syncd.sandbox.dataset import Dataset
from syncd.store import episodes, stage_entries

PACK = """
format: 1
pack: {{name: quotas}}
reps: [{{email: {one}, capacity: 30}}, {{email: {two}, capacity: 10, start: 2027-01-01, ramp: [0.5, 0.5, 0.5, 1]}}]
territories:
  - name: world
    territories:
      - {{name: large, when: {{employees: ">= 500"}}, owners: [{one}]{own}}}
      - {{name: rest, when: always, owners: [{two}]}}
    when: always
{more}
"""


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, data: Dataset, empty_database: Path) -> Iterator[World]:
    tmp_path = tmp_path_factory.mktemp("quotas")
    shutil.copyfile(empty_database, tmp_path / "syncd.db")
    (tmp_path / "rates.csv").write_text("currency,rate,date\nEUR,1.25,2026-01-01\n")
    made = World.make(
        tmp_path, f"sqlite:///{tmp_path}/syncd.db", copy.deepcopy(data), extra='[money]\nrates = "rates.csv"'
    )
    made.pulled()
    made.adopt()
    yield made
    made.context.close()


@pytest.fixture
def world(standing: World) -> World:
    write(standing)
    return standing


def write(world: World, own: str = "", more: str = "") -> None:
    one, two = world.reps[:2]
    (world.folder / "pack" / "pack.yaml").write_text(PACK.format(one=one, two=two, own=own, more=more))


def rendered(document: Mapping[str, Any], sheet_of: Callable[[Any], Any]) -> str:
    json.dumps(document)
    sheet = sheet_of(document)
    assert render_html(sheet)
    assert render_markdown(sheet)
    return render_text(sheet)


def amounts(document: Mapping[str, Any]) -> dict[str, Decimal]:
    return {each["territory"]: Decimal(each["quota"]) for each in document["territories"]}


def test_a_target_is_split_exactly_and_the_file_goes_into_the_pack(world: World) -> None:
    for method in ("potential", "history", "capacity", "blend"):
        found = amounts(quota(world.context, Goal("2027", "12345678.91", method)))
        assert found["world"] == found["world/large"] + found["world/rest"] == Decimal("12345678.91")
    document = quota(world.context, Goal("2027", "1200001", "capacity", each="quarter", step=Decimal(1000)))
    found = amounts(document)
    assert found["world/large"] + found["world/rest"] == 1200001
    told = explain_quota(world.context, "world", Goal("2027", "1200001", "capacity"))
    large, rest = told["made_of"]
    both = float(large["capacity"]) + float(rest["capacity"])
    assert float(found["world/large"] / 1200001) == pytest.approx(float(large["capacity"]) / both, abs=0.001)
    assert rest["reps"][world.reps[1]] == "8.75"  # 10, that is half for three months, and in full for nine
    (world.folder / "pack" / "quotas.csv").write_text(quota_file(document, reps=True))
    write(world, more="quotas: {file: quotas.csv}")
    result = check(world.context.settings, world.folder / "pack", now=world.clock.now())
    assert [each for each in result.findings if each.severity == "error"] == []
    quarters = [quota(world.context, Goal(f"2027-Q{number}")) for number in range(1, 5)]
    assert sum(amounts(each)["world"] for each in quarters) == 1200001
    checked = quota(world.context, Goal("2027-Q1", file=world.folder / "pack" / "quotas.csv"))
    assert amounts(checked)["world"] == amounts(quarters[0])["world"]
    text = rendered(document, quota_sheet) + rendered(checked, quota_sheet)
    assert "2027-Q1" in text
    assert "planning gap" in text


def test_what_is_required_of_the_pipeline_is_held_against_history(world: World) -> None:
    small, huge = (quota(world.context, Goal("2027", target)) for target in ("1", "900M"))
    assert small["whole"]["conversion"]["over"] is False
    assert huge["whole"]["conversion"]["over"] is True
    assert Decimal(huge["whole"]["gap"]) > 0 > Decimal(small["whole"]["gap"])
    assert "!" in rendered(huge, quota_sheet)


def test_a_territorys_own_quota_is_the_target_and_stays_out_of_the_file(world: World) -> None:
    write(world, own=", quota: 2M EUR")
    with pytest.raises(UsageError, match="SYN776") as caught:
        quota(world.context, Goal("2027-Q1"))
    assert "write --target 12M" in str(caught.value.hint)
    document = quota(world.context, Goal("2027"))
    assert document["own"] == ["world/large"]
    assert Decimal(document["target"]) == 2_500_000
    rows = list(csv.DictReader(quota_file(document).splitlines()))
    assert {row["territory"] for row in rows} == {"world", "world/rest"}
    told = explain_quota(world.context, "large", Goal("2027"))
    assert told["standing"]["written"] == "2000000 EUR"
    assert told["made_of"][0]["amount"] == told["row"]["quota"]
    assert "pack.yaml:" in rendered(told, quota_explanation_sheet)
    with pytest.raises(UsageError, match="SYN770"):
        explain_quota(world.context, "larg", Goal("2027"))


def test_a_file_of_quarters_is_held_against_the_year_that_they_fill(world: World) -> None:
    document = quota(world.context, Goal("2027", "12M", each="quarter"))
    file = world.folder / "quotas.csv"
    file.write_text(quota_file(document).replace(",", ";").replace("\n", "\r\n"), encoding="utf-8-sig")
    checked = quota(world.context, Goal("2027", file=file))
    assert {each["territory"]: each["quota"] for each in checked["territories"]} == {
        each["territory"]: each["quota"] for each in document["territories"]
    }
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    file.write_text("\n".join(line for line in (*lines, lines[1]) if "2027-Q3" not in line))
    with pytest.raises(InputError, match="SYN775") as error:
        quota(world.context, Goal("2027", file=file))
    said = [each.message for each in error.value.findings]
    assert any("and no more of 2027" in each for each in said)
    assert any("a second quota for" in each and "2027-Q1" in each for each in said)


def test_parts_of_a_territory_with_accounts_of_its_own_and_others_below_add_up_to_its_quota(world: World) -> None:
    one, two = world.reps[:2]
    (world.folder / "pack" / "pack.yaml").write_text(
        f"format: 1\nterritories:\n  - name: world\n    when: always\n    owners: [{one}]\n"
        f"    territories: [{{name: large, when: {{employees: '>= 500'}}, owners: [{two}]}}]\n"
    )
    document = quota(world.context, Goal("2027", "12M", each="quarter"))
    quotas = {each["territory"]: Decimal(each["quota"]) for each in document["territories"]}
    parts = {path: list(map(Decimal, row.values())) for path, row in document["parts"]["territories"].items()}
    assert {path: sum(row) for path, row in parts.items()} == quotas
    assert quotas["world"] == 12_000_000
    assert 0 < quotas["world/large"] < 12_000_000


def test_a_target_in_a_currency_without_a_rate_says_which_rate_is_missing(world: World) -> None:
    with pytest.raises(UsageError, match="no rate for CHF"):
        quota(world.context, Goal("2027", "3M CHF"))


def test_a_file_with_problems_is_refused_with_all_of_them(world: World) -> None:
    file = world.folder / "wrong.csv"
    file.write_text(
        "territory,rep,period,quota,currency\nlarge,,2027,1k,\nlarge,,2027,x,\nlrge,,2027,1,XXX\n,,2027,1,\n"
    )
    with pytest.raises(InputError, match="SYN775") as error:
        quota(world.context, Goal("2027", file=file))
    assert [each.place.line for each in error.value.findings if each.place] == [3, 4, 4, 5]
    with pytest.raises(UsageError, match="SYN774"):
        quota(world.context, Goal("Q1-2027"))
    assert "--target" in cli.get_command(None, "quota").get_help(cli.make_context("syncd", ["quota", "--help"]))  # type: ignore[arg-type,union-attr]


def test_a_forecast_is_kept_and_warns_early(world: World) -> None:
    more = """quotas: {file: quotas.csv}
monitors: {AttainmentBelow: {below: 1%, resolve: 2%, early: 30%}}"""
    write(world, more=more)
    (world.folder / "pack" / "quotas.csv").write_text("territory,period,quota\nworld,2026-Q4,900M\nlarge,2026-Q4,1\n")
    document = forecast(world.context)
    assert document["period"] == "2026-Q4"
    rows = {each["territory"]: each for each in document["territories"]}
    assert rows["world"]["chance"] < 0.3
    parts = [Decimal(rows[path]["forecast"]) for path in ("world/large", "world/rest")]
    assert abs(Decimal(rows["world"]["forecast"]) - sum(parts)) <= Decimal("0.02")
    assert all(Decimal(each["low"]) <= Decimal(each["forecast"]) <= Decimal(each["high"]) for each in rows.values())
    assert "In all" in rendered(document, forecast_sheet)
    watch(world.context)
    with world.context.store.read() as conn:
        every = episodes.list_episodes(conn, states=None, limit=50)
    found = [each for each in every if each.monitor == "AttainmentBelow"]
    (whole,) = [each for each in found if each.subject == "world"]
    assert any("forecast of 2026-11-20" in each for each in whole.detail["evidence"])


@pytest.mark.parametrize("pace", ["linear", "seasonal"])
def test_forecast_report_and_alerts_tell_one_attainment(world: World, pace: str) -> None:
    write(world, more=f"quotas: {{file: quotas.csv}}\nmonitors: {{AttainmentBelow: {{pace: {pace}}}}}")
    rows = "world,2026-Q4,5M\nlarge,2026-Q4,3M\nrest,2026-Q4,2M\n"
    (world.folder / "pack" / "quotas.csv").write_text(f"territory,period,quota\n{rows}")
    win = {"Name": "Renewal", "StageName": "Closed Won", "CloseDate": "2026-11-03", "Amount": 70_000}
    world.salesforce.load(
        "Opportunity", [win | {"AccountId": each["Id"]} for each in world.salesforce.records("Account")]
    )
    world.clock.advance(timedelta(minutes=30))
    world.pulled()
    reported = {each["subject"]: each for each in overview_document(world.context, "weekly")["attainment"]}
    forecasted = {each["territory"]: each for each in forecast(world.context)["territories"]}
    assert reported.keys() == {"world", "world/large", "world/rest"}
    assert Decimal(reported["world"]["won"]) > 0
    for path, each in reported.items():
        assert Decimal(forecasted[path]["won"]) == Decimal(each["won"])
        assert forecasted[path]["pace"] == pytest.approx(float(each["pace"]), abs=0.001)


def test_the_stages_that_a_crm_remembers_are_asked_for_once_and_pulls_go_on(world: World) -> None:
    deal, won = world.salesforce.load(
        "Opportunity",
        [
            {"Name": "Rollout", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-12-20"}
            for account in [row["Id"] for row in world.salesforce.records("Account")][:2]
        ],
    )
    for stage in ("Qualification", "Proposal/Price Quote"):
        world.clock.advance(timedelta(days=1))
        for each in (deal, won):
            world.salesforce.edit({"object": "Opportunity", "id": each, "set": {"StageName": stage}})
    world.clock.advance(timedelta(days=1))
    world.salesforce.edit(
        {"object": "Opportunity", "id": won, "set": {"StageName": "Closed Won", "CloseDate": "2026-11-23"}}
    )
    world.clock.advance(timedelta(hours=1))
    world.pulled()
    assert ways(world, deal) == ["Proposal/Price Quote"]
    stages = {each["stage"]: each for each in forecast(world.context, crm_history=True)["stages"]["by_stage"]}
    assert ways(world, deal) == ["Qualification", "Proposal/Price Quote"]
    assert ways(world, won) == ["Qualification", "Proposal/Price Quote", "Closed Won"]
    assert "Closed Won" not in stages
    assert stages["Qualification"]["moved_on"]["hits"] == 2
    assert stages["Proposal/Price Quote"]["won"]["of"] == 1
    world.clock.advance(timedelta(hours=1))
    world.salesforce.edit({"object": "Opportunity", "id": deal, "set": {"StageName": "Negotiation/Review"}})
    world.clock.advance(timedelta(hours=1))
    world.pulled()
    assert ways(world, deal)[-1] == "Negotiation/Review"
    text = rendered(forecast(world.context, crm_history=True), forecast_sheet)
    assert "Negotiation/Review" in text
    assert re.search(r"known of [1-9]\d* of \d+ ended deals", " ".join(text.split()))


def ways(world: World, deal: str) -> list[str]:
    with world.context.store.read() as conn:
        return [each.stage for each in stage_entries.ways(conn)[Ref(System.SALESFORCE, Kind.OPPORTUNITY, deal)]]
