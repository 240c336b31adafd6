"""Generated data: the same for the same seed, skewed and dirty as real books are, and fit for both faces."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.clock import ManualClock
from syncd.sandbox.dataset import AS_OF, Dataset, from_financedb, generate, load_folder
from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.seeding.companies import made_up
from syncd.sandbox.seeding.ids import check_suffix, salesforce_id

LISTED = Path(__file__).parents[4] / "shared" / "data" / "financedb" / "companies.csv"
COMPANIES = 3_000
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def world() -> Dataset:
    return generate(COMPANIES, 7)


def _digest(dataset: Dataset) -> str:
    text = json.dumps([dict(dataset.salesforce), dict(dataset.hubspot)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _share(rows: Rows, name: str) -> float:
    """The share of rows with no value in a column."""
    return sum(1 for row in rows if row[name] is None) / len(rows)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert _digest(generate(300, 5)) == _digest(generate(300, 5))
    assert _digest(generate(300, 5)) != _digest(generate(300, 6))


def test_the_bytes_of_a_seed_are_the_same_everywhere() -> None:
    """A change of this digest changes every demo and every saved simulation seed: say so in the changelog."""
    assert _digest(generate(50, 1)) == "55d3718e04b13e6ddccb26b3c6a98c087790a9193b03932b7f65c676480fc45c"


def test_all_dates_follow_the_instant_given() -> None:
    later = AS_OF + timedelta(days=365)
    one, other = generate(200, 5), generate(200, 5, as_of=later)
    closes = [max(row["CloseDate"] for row in data.salesforce["Opportunity"]) for data in (one, other)]
    assert (datetime.fromisoformat(str(closes[1])) - datetime.fromisoformat(str(closes[0]))).days == 365
    assert max(str(row["hs_lastmodifieddate"]) for row in one.hubspot["companies"]) < "2026-11-20T09:00:00.000Z"


@pytest.mark.parametrize("companies", [0, 1, 2, 25])
def test_small_worlds_can_be_made_and_loaded(companies: int) -> None:
    world = generate(companies, 3)
    assert len(world.salesforce["Account"]) + len(world.hubspot["companies"]) >= companies
    with pytest.raises(ValueError, match="-1 companies"):
        generate(-1, 3)


def test_two_thirds_stand_in_salesforce_and_half_in_hubspot(world: Dataset) -> None:
    assert len(world.salesforce["Account"]) == pytest.approx(COMPANIES * 2 / 3, rel=0.06)
    assert len(world.hubspot["companies"]) == pytest.approx(COMPANIES / 2, rel=0.06)
    websites = {_bare(row["Website"]) for row in world.salesforce["Account"] if row["Website"]}
    domains = {str(row["domain"]) for row in world.hubspot["companies"] if row["domain"]}
    assert len(websites & domains) == pytest.approx(COMPANIES / 6, rel=0.2)


def _bare(website: object) -> str:
    return re.sub(r"^(https?://)?(www\.)?", "", str(website).lower()).split("/")[0]


def test_countries_are_skewed_and_spelled_many_ways(world: Dataset) -> None:
    spelled = Counter(row["BillingCountry"] for row in world.salesforce["Account"])
    american = sum(spelled[word] for word in ("United States", "USA", "US", "U.S.", "United States of America", "usa"))
    assert 0.3 < american / len(world.salesforce["Account"]) < 0.45
    for word in ("United States", "USA", "Deutschland", "UK", "Holland"):
        assert spelled[word] > 0, word


def test_sizes_are_log_normal_and_revenue_goes_with_them(world: Dataset) -> None:
    rows = [row for row in world.salesforce["Account"] if row["NumberOfEmployees"] and row["AnnualRevenue"]]
    sizes = sorted(int(str(row["NumberOfEmployees"])) for row in rows)
    median, mean = sizes[len(sizes) // 2], sum(sizes) / len(sizes)
    assert 100 < median < 300
    assert mean > 2.5 * median
    large = [float(str(row["AnnualRevenue"])) for row in rows if int(str(row["NumberOfEmployees"])) > 1_000]
    small = [float(str(row["AnnualRevenue"])) for row in rows if int(str(row["NumberOfEmployees"])) < 50]
    assert sum(large) / len(large) > 20 * sum(small) / len(small)


@pytest.mark.parametrize(
    ("system", "table", "column", "least", "most"),
    [
        ("salesforce", "Account", "BillingCountry", 0.02, 0.07),
        ("salesforce", "Account", "Website", 0.04, 0.10),
        ("salesforce", "Account", "NumberOfEmployees", 0.11, 0.20),
        ("salesforce", "Account", "AnnualRevenue", 0.25, 0.36),
        ("salesforce", "Account", "Industry", 0.08, 0.16),
        ("salesforce", "Account", "BillingPostalCode", 0.05, 0.14),
        ("salesforce", "Account", "OwnerId", 0.0, 0.0),
        ("hubspot", "companies", "hubspot_owner_id", 0.07, 0.14),
        ("hubspot", "companies", "domain", 0.05, 0.12),
        ("salesforce", "Opportunity", "Amount", 0.005, 0.06),
    ],
)
def test_values_are_missing_as_often_as_in_real_books(
    world: Dataset, system: str, table: str, column: str, least: float, most: float
) -> None:
    assert least <= _share(getattr(world, system)[table], column) <= most


def test_zip_codes_come_with_and_without_their_zeros_and_their_four_digits(world: Dataset) -> None:
    codes = [
        str(row["BillingPostalCode"]).strip()
        for row in world.salesforce["Account"]
        if row["BillingPostalCode"] and str(row["Phone"]).startswith(("+1 ", "+1-")) and row["BillingState"] != "ON"
    ]
    assert any(re.fullmatch(r"0\d{4}", code) for code in codes)
    assert any(re.fullmatch(r"\d{4}", code) for code in codes)
    assert any(re.fullmatch(r"\d{5}-\d{4}", code) for code in codes)


def test_websites_and_names_are_spelled_variously(world: Dataset) -> None:
    sites = [str(row["Website"]) for row in world.salesforce["Account"] if row["Website"]]
    for sign in ("https://www.", "http://www.", "?utm_source", ".COM"):
        assert any(sign in site for site in sites), sign
    assert any(site == "gmail.com" for site in sites)
    names = [str(row["Name"]) for row in world.salesforce["Account"]]
    assert any(name.endswith(" ") for name in names)
    assert any("  " in name for name in names)
    assert any(name.isupper() for name in names)


def test_there_are_duplicates_within_each_system(world: Dataset) -> None:
    for rows, column in ((world.salesforce["Account"], "Website"), (world.hubspot["companies"], "website")):
        sites = Counter(_bare(row[column]) for row in rows if row[column] and "mail" not in str(row[column]))
        twice = sum(1 for site, count in sites.items() if count == 2)
        assert 0.005 < twice / len(rows) < 0.04


def test_people_stand_in_both_systems_under_one_email(world: Dataset) -> None:
    users, owners = world.salesforce["User"], world.hubspot["owners"]
    emails = {str(row["Email"]) for row in users}, {str(row["email"]).lower() for row in owners}
    assert 40 <= len(emails[0] | emails[1]) <= 60
    assert (len(emails[0] - emails[1]), len(emails[1] - emails[0])) == (1, 1)
    assert 2 <= sum(1 for row in users if not row["IsActive"]) <= 6
    assert [row["UserType"] for row in users].count("PowerPartner") == 1
    assert [row["type"] for row in owners].count("QUEUE") == 1
    archived = [row for row in owners if row["archived"]]
    assert len(archived) >= 2
    assert all(row["userId"] is None for row in archived)
    assert {row["Email"] for row in users if not row["IsActive"]} == {str(row["email"]).lower() for row in archived}


def test_some_accounts_belong_to_people_who_left(world: Dataset) -> None:
    gone = {row["Id"] for row in world.salesforce["User"] if not row["IsActive"]}
    owned = sum(1 for row in world.salesforce["Account"] if row["OwnerId"] in gone)
    assert 0.01 < owned / len(world.salesforce["Account"]) < 0.08


def test_every_reference_leads_somewhere(world: Dataset) -> None:
    accounts = {row["Id"] for row in world.salesforce["Account"]}
    users = {row["Id"] for row in world.salesforce["User"]}
    parents = {row["ParentId"] for row in world.salesforce["Account"] if row["ParentId"]}
    assert 0.02 < sum(1 for row in world.salesforce["Account"] if row["ParentId"]) / len(accounts) < 0.08
    assert parents <= accounts
    assert {row["OwnerId"] for row in world.salesforce["Account"]} <= users
    assert {row["AccountId"] for row in world.salesforce["Opportunity"]} <= accounts
    assert {row["OwnerId"] for row in world.salesforce["Opportunity"]} <= users
    assert {row["AccountId"] for row in world.salesforce["AccountTeamMember"]} <= accounts
    companies = {row["id"] for row in world.hubspot["companies"]}
    owners = {row["id"] for row in world.hubspot["owners"]} | {None}
    assert {row["hs_parent_company_id"] for row in world.hubspot["companies"]} <= companies | {None}
    assert {row["hubspot_owner_id"] for row in world.hubspot["companies"]} <= owners
    assert {row["associatedcompanyid"] for row in world.hubspot["deals"]} <= companies


def test_no_company_is_its_own_ancestor() -> None:
    for seed in range(80):
        parent = {company.index: company.parent for company in made_up(60, seed, AS_OF)}
        for start in parent:
            seen: set[int] = set()
            node: int | None = start
            while node is not None:
                assert node not in seen
                seen.add(node)
                node = parent[node]


def test_deals_are_open_won_and_lost_and_some_won_this_quarter(world: Dataset) -> None:
    rows = world.salesforce["Opportunity"]
    stages = Counter(row["StageName"] for row in rows)
    assert set(stages) == {
        "Prospecting",
        "Qualification",
        "Discovery",
        "Proposal",
        "Negotiation",
        "Closed Won",
        "Closed Lost",
    }
    won = sorted(str(row["CloseDate"]) for row in rows if row["IsWon"])
    assert "2024-11-01" < won[0] < "2025-02-01"
    assert sum(1 for day in won if "2026-10-01" <= day <= "2026-11-20") > len(won) / 20
    assert won[-1] <= "2026-11-20"
    assert all(row["IsClosed"] == row["StageName"].startswith("Closed") for row in rows)
    deals = world.hubspot["deals"]
    assert {row["hs_is_closed"] for row in deals if row["dealstage"] == "closedwon"} == {"true"}
    assert {row["hs_is_closed_won"] for row in deals if row["dealstage"] == "contractsent"} == {"false"}


def test_customers_are_marked_and_have_won_deals(world: Dataset) -> None:
    won = {row["AccountId"] for row in world.salesforce["Opportunity"] if row["IsWon"]}
    customers = {row["Id"] for row in world.salesforce["Account"] if row["Type"] == "Customer"}
    assert won <= customers
    assert 0.15 < len(customers) / len(world.salesforce["Account"]) < 0.3
    assert Counter(row["lifecyclestage"] for row in world.hubspot["companies"])["customer"] > 100


def test_hubspot_values_are_text_and_its_ids_gain_a_digit(world: Dataset) -> None:
    for name in ("companies", "deals"):
        ids = [str(row["id"]) for row in world.hubspot[name]]
        assert len({len(key) for key in ids}) == 2
        assert sorted(ids, key=int) != sorted(ids)
        assert all(value is None or isinstance(value, str) for row in world.hubspot[name] for value in row.values())


def test_both_faces_take_the_data(world: Dataset) -> None:
    clock = ManualClock(AS_OF)
    portal, org = HubspotPortal(clock=clock), SalesforceOrg(clock=clock)
    for name, rows in world.hubspot.items():
        assert len(portal.load(name, rows)) == len(rows)
    for name, rows in world.salesforce.items():
        assert len(org.load(name, rows)) == len(rows)
    first = world.hubspot["companies"][0]
    record = portal.record("companies", str(first["id"]))
    assert record is not None
    assert record["properties"]["name"] == first["name"]
    account = world.salesforce["Account"][0]
    stored = org.record("Account", str(account["Id"]))
    assert stored is not None
    assert {name: stored.get(name) for name in account} == account


@pytest.fixture(scope="module")
def peopled() -> Dataset:
    return generate(400, 7, leads=60)


def test_leads_contacts_and_tasks_change_nothing_else_and_are_the_same_for_a_seed(peopled: Dataset) -> None:
    bare = generate(400, 7)
    for more, less in ((peopled.salesforce, bare.salesforce), (peopled.hubspot, bare.hubspot)):
        assert {name: more[name] for name in less} == dict(less)
    assert _digest(peopled) == _digest(generate(400, 7, leads=60))
    assert not {"Lead", "Contact", "Task"} & set(bare.salesforce)
    assert generate(50, 3, leads=0).salesforce["Lead"] == []
    assert len(generate(0, 3, leads=4).salesforce["Lead"]) == 4
    with pytest.raises(ValueError, match="-1 leads"):
        generate(50, 3, leads=-1)


def test_people_outside_refer_to_what_is_there(peopled: Dataset) -> None:
    tables = peopled.salesforce
    accounts, users = ({row["Id"] for row in tables[name]} for name in ("Account", "User"))
    holders = users | {row["Id"] for row in tables["Group"]}
    for name, column in (("Contact", "AccountId"), ("Task", "WhatId")):
        assert {row[column] for row in tables[name]} <= accounts
        assert {row["OwnerId"] for row in tables[name]} <= users
    assert {row["OwnerId"] for row in tables["Lead"]} <= holders
    assert {row["ConvertedAccountId"] for row in tables["Lead"] if row["IsConverted"]} <= accounts
    companies = {row["id"] for row in peopled.hubspot["companies"]}
    for name in ("contacts", "tasks"):
        assert {row["associatedcompanyid"] for row in peopled.hubspot[name]} <= companies | {None}
    emails = [row["email"] for row in peopled.hubspot["contacts"]]
    assert len(emails) == len(set(emails))


def test_leads_of_the_last_days_wait_in_the_queue_or_are_worked_or_over(peopled: Dataset) -> None:
    rows = peopled.salesforce["Lead"]
    assert len(rows) == 60
    [queue] = [row["Id"] for row in peopled.salesforce["Group"]]
    assert {row["Status"] for row in rows if row["OwnerId"] == queue} == {"Open - Not Contacted"}
    assert 0.4 < sum(row["OwnerId"] == queue for row in rows) / len(rows) < 0.8
    asked = [str(row["CreatedDate"]) for row in rows]
    assert asked == sorted(asked)
    assert "2026-11-15" < asked[0] < "2026-11-16"
    assert "2026-11-20T08:50" < asked[-1] < "2026-11-20T09:00"
    domains = {_bare(row["Website"]) for row in peopled.salesforce["Account"] if row["Website"]}
    assert sum(str(row["Email"]).partition("@")[2] in domains for row in rows) > 10
    emails = Counter(row["Email"] for row in rows)
    assert max(emails.values()) > 1, "somebody asks twice"
    waiting = [row for row in peopled.hubspot["contacts"] if row["lifecyclestage"] == "lead"]
    assert waiting
    assert all(row["hubspot_owner_id"] is None for row in waiting)


def test_both_faces_take_the_people_outside(peopled: Dataset) -> None:
    clock = ManualClock(AS_OF)
    portal, org = HubspotPortal(clock=clock), SalesforceOrg(clock=clock)
    for name, rows in peopled.hubspot.items():
        assert len(portal.load(name, rows)) == len(rows)
    for name, rows in peopled.salesforce.items():
        assert len(org.load(name, rows)) == len(rows)


def test_salesforce_ids_carry_their_check_characters() -> None:
    assert check_suffix("001A0000006Vm9r") == "IAC"
    assert salesforce_id("001", 1)[:15] == "001Sb0000000001"
    assert len({salesforce_id("001", number).lower() for number in range(5_000)}) == 5_000


def _write(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_a_folder_of_csv_files_is_read(tmp_path: Path) -> None:
    _write(tmp_path, "salesforce/Opportunity.csv", "Id,Name\n006,Deal\n")
    _write(tmp_path, "salesforce/Account.csv", '\ufeffId,Name,Website\n001,"Two\nlines",\n')
    _write(tmp_path, "salesforce/User.csv", "Id,IsActive\n005,true\n")
    _write(tmp_path, "hubspot/companies.csv", "id,name\r\n1,Ünïon\u2028Co\r\n")
    _write(tmp_path, "hubspot/notes.txt", "not data")
    data = load_folder(tmp_path)
    assert list(data.salesforce) == ["User", "Account", "Opportunity"]
    assert data.salesforce["Account"] == [{"Id": "001", "Name": "Two\nlines", "Website": None}]
    assert data.hubspot == {"companies": [{"id": "1", "name": "Ünïon\u2028Co"}]}


def test_every_unusable_file_is_named_at_once(tmp_path: Path) -> None:
    _write(tmp_path, "salesforce/Account.csv", "Id,Name\n001,A,B\n002\n")
    _write(tmp_path, "salesforce/User.csv", "Id,Id\n")
    _write(tmp_path, "hubspot/companies.csv", "")
    (tmp_path / "hubspot" / "deals.csv").write_bytes(b"id\n\xff\n")
    with pytest.raises(ValueError, match="not UTF-8") as caught:
        load_folder(tmp_path)
    text = str(caught.value)
    assert "Account.csv:2: 3 cells, the header names 2" in text
    assert "Account.csv:3: 1 cells" in text
    assert "User.csv:1: a column is named twice: Id" in text
    assert "companies.csv:1: the first line must name every column" in text


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"neither salesforce/\*.csv nor hubspot/\*.csv"):
        load_folder(tmp_path)
    with pytest.raises(ValueError, match="not a folder"):
        load_folder(tmp_path / "nowhere")


HEADER = "symbol,name,sector,industry_group,industry,country,state,city,zipcode,website,market_cap_band,exchange"


def test_a_list_of_real_companies_becomes_a_world(tmp_path: Path) -> None:
    row = "S{n},Company {n},Financials,,Banks,Germany,BE,Berlin,10115,http://www.c{n}.de,Mid Cap,X"
    rows = [row.format(n=number) for number in range(300)]
    _write(tmp_path, "list.csv", "\n".join([HEADER, *rows]) + "\n")
    world = from_financedb(tmp_path / "list.csv", 5, as_of=datetime(2026, 12, 1, tzinfo=UTC))
    assert 170 < len(world.salesforce["Account"]) < 230
    first = world.salesforce["Account"][0]
    assert (first["BillingCountry"], first["Industry"], first["BillingPostalCode"]) == ("Germany", "Banks", "10115")
    assert str(first["Website"]).startswith("http://www.c")
    assert {"Deutschland", "Germany"} <= {row["country"] for row in world.hubspot["companies"]}
    assert world == from_financedb(tmp_path / "list.csv", 5, as_of=datetime(2026, 12, 1, tzinfo=UTC))


def test_a_list_without_the_columns_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "list.csv", "name,country\nA,DE\n")
    with pytest.raises(ValueError, match=r"list.csv:1: missing columns: city, industry"):
        from_financedb(tmp_path / "list.csv", 5)
    _write(tmp_path, "list.csv", HEADER + "\n")
    with pytest.raises(ValueError, match="no rows"):
        from_financedb(tmp_path / "list.csv", 5)


@pytest.mark.data
@pytest.mark.skipif(not LISTED.exists(), reason="the real company list is not beside the repository (../shared/data)")
def test_the_real_list_of_listed_companies_becomes_a_world() -> None:
    world = from_financedb(LISTED, 1)
    accounts, companies = world.salesforce["Account"], world.hubspot["companies"]
    assert len(accounts) == pytest.approx(29_049 * 2 / 3, rel=0.02)
    assert len(companies) == pytest.approx(29_049 / 2, rel=0.04)
    websites = {_bare(row["Website"]) for row in accounts if row["Website"]}
    domains = {str(row["domain"]) for row in companies if row["domain"]}
    assert len(websites & domains) == pytest.approx(29_049 / 6, rel=0.15)
    assert "China" in {row["BillingCountry"] for row in accounts}
