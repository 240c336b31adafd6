"""Records and rows as facts: RULES.md section 3."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from condition_reading import BERLIN, CATALOGUE, MONEY, NOW, facts_of
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.rules.derivation import CompanyRecords, Derivation, OwnershipView, derive_book, facts_from_raw
from syncd.rules.deriving.families import join_families
from syncd.rules.facts import Applied, Facts, Seen

SF, HS = System.SALESFORCE, System.HUBSPOT
STAMP = datetime(2026, 11, 1, tzinfo=UTC)


def account(system: System, id_: str, owner: str | None = None, parent: str | None = None, **fields: str) -> Record:
    return Record(Ref(system, Kind.ACCOUNT, id_), STAMP, fields, owner=owner, account=parent)


def deal(system: System, id_: str, owner: str | None = None, **fields: str) -> Record:
    return Record(Ref(system, Kind.OPPORTUNITY, id_), STAMP, fields, owner=owner)


def user(system: System, id_: str, email: str, *, active: bool = True) -> User:
    return User(Ref(system, Kind.USER, id_), email, email, active)


USERS = {
    each.ref: each
    for each in (
        user(SF, "005A", "anna@example.com"),
        user(HS, "71", "Anna@Example.com"),
        user(SF, "005B", "ben@example.com", active=False),
        user(HS, "72", "ben@example.com"),
    )
}
VIEW = OwnershipView(users=USERS)


def book(*companies: CompanyRecords, view: OwnershipView = VIEW, **settings_: object) -> list[Facts]:
    derivation = Derivation(**{"catalogue": CATALOGUE, "money": MONEY, "order": (SF, HS), **settings_})  # type: ignore[arg-type]
    return list(derive_book(companies, derivation, view, NOW))


def one(*records: Record, deals: tuple[Record, ...] = (), view: OwnershipView = VIEW, **settings_: object) -> Facts:
    (facts,) = book(CompanyRecords("k", records, deals), view=view, **settings_)
    return facts


# One company of two systems


def test_each_field_comes_from_the_first_system_that_has_a_value() -> None:
    facts = one(
        account(SF, "1", name="Acme", industry="Banking"),
        account(HS, "2", name="ACME Inc", industry="Finance", employees="50"),
    )
    assert facts.values["name"] == "acme"
    assert facts.values["employees"] == Decimal(50)
    assert facts.seen["industry"] == Seen(SF, "Banking", ((HS, "Finance"),))
    assert facts.seen["employees"] == Seen(HS, "50")
    assert facts.values["systems"] == {"salesforce", "hubspot"}


def test_the_order_of_a_single_field_wins_over_the_default() -> None:
    records = account(SF, "1", industry="Banking", name="A"), account(HS, "2", industry="Finance", name="B")
    facts = one(*records, field_order={"industry": (HS, SF)})
    assert facts.values["industry"] == "finance"
    assert facts.values["name"] == "a"
    assert facts.seen["industry"] == Seen(HS, "Finance", ((SF, "Banking"),))


def test_a_value_that_cannot_be_read_is_no_value() -> None:
    facts = one(account(SF, "1", employees="lots"), account(HS, "2", employees="70"))
    assert facts.values["employees"] == Decimal(70)
    assert facts.seen["employees"] == Seen(HS, "70", ((SF, "lots"),))
    assert facts.findings == ("employees: 'lots' is not a number (salesforce)",)


def test_state_is_read_in_the_company_s_country_whichever_system_tells_it() -> None:
    facts = one(account(SF, "1", state="CA"), account(HS, "2", country="United States"))
    assert facts.values["state"] == "US-CA"


def test_all_ids_of_a_company_match() -> None:
    merged = Record(Ref(HS, Kind.ACCOUNT, "9"), STAMP, {}, merged_from=("7", "8"))
    facts = one(merged, account(SF, "0015500000Xyy06AAB"))
    assert facts.values["hubspot_id"] == {"7", "8", "9"}
    assert facts.values["salesforce_id"] == "0015500000Xyy06AAB"
    assert facts.accounts == ("hubspot:account:9", "salesforce:account:0015500000Xyy06AAB")


def test_deleted_records_are_not_there() -> None:
    gone = Record(Ref(SF, Kind.ACCOUNT, "1"), STAMP, {"name": "Acme"}, deleted=True)
    assert book(CompanyRecords("k", (gone,))) == []
    facts = one(gone, account(HS, "2"))
    assert facts.values["systems"] == {"hubspot"}


def test_the_crm_s_own_lifecycle_and_score_are_read() -> None:
    facts = one(account(HS, "2", lifecycle="Customer", score="71"))
    assert facts.values["lifecycle"] == "customer"
    assert facts.values["score"] == Decimal(71)


# Owners


def test_current_owner_is_the_leading_system_s() -> None:
    records = account(SF, "1", owner="005A"), account(HS, "2", owner="72")
    facts = one(*records)
    assert facts.current_owner is not None
    assert facts.current_owner.email == "anna@example.com"
    assert facts.current_owner.ids == {SF: "005A", HS: "71"}
    assert facts.owner_ids == {SF: "005A", HS: "72"}
    assert (facts.values["owner"], facts.owner_active) == ("anna@example.com", True)
    assert facts.seen["owner"] == Seen(SF, "anna@example.com", ((HS, "ben@example.com"),))
    led = one(*records, leading=HS)
    assert led.current_owner is not None
    assert led.current_owner.email == "ben@example.com"


def test_a_company_outside_the_leading_system_has_its_other_owner() -> None:
    facts = one(account(HS, "2", owner="71"))
    assert facts.current_owner is not None
    assert facts.current_owner.email == "anna@example.com"


def test_an_inactive_owner_is_the_owner_but_not_active() -> None:
    facts = one(account(SF, "1", owner="005B"))
    assert facts.values["owner"] == "ben@example.com"
    assert not facts.owner_active
    assert facts.values["owner_active"] is False


def test_an_owner_whom_the_system_no_longer_shows_is_named_by_ref() -> None:
    facts = one(account(SF, "1", owner="005X"))
    assert facts.current_owner is not None
    assert facts.current_owner.email == "salesforce:user:005X"
    assert "owner" not in facts.values
    assert not facts.owner_active


def test_no_owner_is_no_value() -> None:
    facts = one(account(SF, "1"), account(HS, "2", owner="71"))
    assert facts.current_owner is None
    assert "owner" not in facts.values
    assert "owner_active" not in facts.values


def test_what_the_ledger_knows_is_in_the_facts() -> None:
    applied = {"owner": Applied("emea/dach", "anna@example.com", STAMP)}
    view = OwnershipView(USERS, {"k": applied}, {"k": (STAMP, "changed by Ben")}, {"k": STAMP}, {"k": "has 3 members"})
    facts = one(account(SF, "1", owner="005A"), view=view)
    assert facts.values["territory"] == "emea/dach"
    assert facts.values["owner_changed_at"] == STAMP
    assert facts.applied == applied
    assert (facts.changed_by_person_at, facts.changed_by_person_text) == (STAMP, "changed by Ben")
    assert facts.team_holds == "has 3 members"


# Opportunities

OPEN = deal(SF, "d1", stage="Negotiation", amount="1000", is_closed="false", is_won="false", close_date="2027-01-31")
OPEN_EUR = deal(HS, "d2", stage="New", amount="1000 EUR", is_closed="false")
WON = deal(SF, "d3", stage="Won", amount="500.10", is_closed="true", is_won="true", close_date="2026-06-30")
WON_LONG_AGO = deal(SF, "d4", amount="9000", is_closed="true", is_won="true", close_date="2025-11-30")
WON_JUST_IN = deal(SF, "d5", amount="0.20", is_closed="true", is_won="true", close_date="2025-12-01")
LOST = deal(SF, "d6", stage="Lost", amount="70", is_closed="true", is_won="false", close_date="2026-06-30")


def test_fields_derived_from_opportunities() -> None:
    facts = one(account(SF, "1"), deals=(OPEN, OPEN_EUR, WON, WON_LONG_AGO, WON_JUST_IN, LOST))
    values = facts.values
    assert values["open_opportunities"] == 2
    assert values["open_pipeline"] == Decimal("2100.00")
    assert values["open_stages"] == {"negotiation", "new"}
    assert values["won_amount_12m"] == Decimal("500.30")
    assert values["won_count_12m"] == 2
    assert values["last_won_at"] == datetime(2026, 6, 30, tzinfo=UTC)


def test_derived_counts_sums_and_sets_are_never_missing() -> None:
    facts = one(account(SF, "1"))
    zero = ["open_opportunities", "open_pipeline", "won_amount_12m", "won_count_12m", "children", "family_employees"]
    assert [facts.values[name] for name in [*zero, "family_open_pipeline"]] == [Decimal(0)] * 7
    assert facts.values["open_stages"] == frozenset()
    assert facts.values["has_customer_parent"] is False
    assert "last_won_at" not in facts.values


def test_only_opportunities_that_rules_may_ask_for_are_kept() -> None:
    facts = one(account(SF, "1"), deals=(LOST, WON_LONG_AGO, WON, OPEN))
    assert [each.key for each in facts.opportunities] == ["salesforce:opportunity:d1", "salesforce:opportunity:d3"]
    assert [each.is_open for each in facts.opportunities] == [True, False]


def test_an_opportunity_knows_its_owner_and_deleted_ones_do_not_count() -> None:
    gone = Record(Ref(SF, Kind.OPPORTUNITY, "d9"), STAMP, {"amount": "5"}, deleted=True)
    mine = deal(SF, "d8", owner="005A", stage="New")
    facts = one(account(SF, "1"), deals=(gone, mine))
    assert [each.owner for each in facts.opportunities] == ["anna@example.com"]
    assert facts.values["open_opportunities"] == 1


def test_money_without_a_rate_is_missing_and_said() -> None:
    facts = one(account(SF, "1", annual_revenue="5 GBP"), deals=(deal(SF, "d1", amount="7 GBP"),))
    assert "annual_revenue" not in facts.values
    assert facts.values["open_pipeline"] == 0
    assert len(facts.findings) == 2
    assert all("GBP" in each for each in facts.findings)


def test_sums_of_money_are_exact() -> None:
    deals = tuple(deal(SF, f"d{index}", amount=amount) for index, amount in enumerate(["1e30", "0.01", "-1e30"]))
    assert one(account(SF, "1"), deals=deals).values["open_pipeline"] == Decimal("0.01")


# Families


def company(id_: str, parent: str | None = None, won: bool = False, **fields: str) -> CompanyRecords:
    return CompanyRecords(f"k{id_}", (account(SF, id_, parent=parent, **fields),), (WON,) if won else ())


def families(*companies: CompanyRecords) -> dict[str, Facts]:
    return {facts.key: facts for facts in book(*companies)}


def test_families_add_up_over_all_levels() -> None:
    found = families(
        company("top", employees="10", won=True),
        company("mid", "top", employees="5"),
        company("low", "mid", employees="1"),
        company("side", "top"),
        company("other", employees="99"),
    )
    assert {facts.values["family_employees"] for key, facts in found.items() if key != "kother"} == {Decimal(16)}
    assert found["kother"].values["family_employees"] == 99
    assert [found[key].values["children"] for key in ("ktop", "kmid", "klow", "kside")] == [2, 1, 0, 0]
    assert {facts.values["ultimate_parent"] for facts in found.values()} == {"top", "other"}
    assert [found[key].values["has_customer_parent"] for key in ("ktop", "kmid", "klow")] == [False, True, True]


def test_parents_are_found_by_any_id_of_a_company() -> None:
    top = CompanyRecords("t", (account(SF, "001"), Record(Ref(HS, Kind.ACCOUNT, "9"), STAMP, {}, merged_from=("8",))))
    low = CompanyRecords("l", (account(HS, "5", parent="8"),))
    found = {facts.key: facts for facts in book(top, low)}
    assert found["t"].values["children"] == 1
    assert found["l"].values["ultimate_parent"] == {"001", "8", "9"}


def test_a_parent_outside_the_book_still_joins_its_children() -> None:
    found = families(company("a", "gone", employees="3"), company("b", "gone", employees="4"))
    assert found["ka"].values["family_employees"] == 7
    assert found["ka"].values["ultimate_parent"] == "gone"


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_a_ring_of_parents_is_one_family_and_ends(length: int) -> None:
    ring = [company(str(n), str((n + 1) % length), won=n == 0, employees="1") for n in range(length)]
    found = families(*ring, company("tail", "0", employees="1"))
    assert found["ktail"].values["family_employees"] == length + 1
    assert found["ktail"].values["has_customer_parent"] is True
    assert found["ktail"].values["ultimate_parent"] == "0"
    assert found["k0"].values["has_customer_parent"] is False
    assert all(found[f"k{n}"].values["has_customer_parent"] for n in range(1, length))


def test_a_line_of_parents_may_be_long() -> None:
    line = [company("0", won=True), *(company(str(n), str(n - 1)) for n in range(1, 5000))]
    found = families(*line)
    assert found["k4999"].values["ultimate_parent"] == "0"
    assert found["k4999"].values["has_customer_parent"] is True


# Rows and cases


def test_raw_texts_become_facts() -> None:
    facts = facts_of({"owner": " Anna@Example.com", "employees": "2k", "country": "Holland", "nonsense": "x"})
    assert facts.values["owner"] == "anna@example.com"
    assert facts.current_owner is not None
    assert facts.owner_active
    assert (facts.values["employees"], facts.values["country"]) == (Decimal(2000), "NL")
    assert "nonsense" not in facts.values
    assert facts.seen["country"] == Seen(None, "Holland")


def test_given_derived_fields_win_over_opportunities() -> None:
    deals = [{"stage": "New", "amount": "5"}, {"stage": "Old", "amount": "6"}]
    facts = facts_of({"open_stages": ("Negotiation",), "open_pipeline": "77", "children": "3"}, deals)
    assert facts.values["open_stages"] == {"negotiation"}
    assert facts.values["open_pipeline"] == 77
    assert facts.values["open_opportunities"] == 2
    assert facts.values["children"] == 3
    (joined,) = join_families([facts])
    assert joined.values["children"] == 3


def test_given_owner_active_wins() -> None:
    assert not facts_of({"owner": "a@example.com", "owner_active": "false"}).owner_active
    derivation = Derivation(catalogue=CATALOGUE)
    facts = facts_from_raw("a", {"owner": "a@b.com"}, derivation=derivation, now=NOW, owner_active=False)
    assert facts.values["owner_active"] is False
    assert not facts_of({}).owner_active


def test_rows_of_one_book_are_joined_by_their_ids() -> None:
    derivation = Derivation(catalogue=CATALOGUE)
    rows = {"1": {"employees": "10"}, "2": {"parent": "1", "employees": "5"}}
    facts = [facts_from_raw(key, raw, derivation=derivation, now=NOW) for key, raw in rows.items()]
    assert [each.values["family_employees"] for each in facts] == [10, 5]
    assert [each.values["family_employees"] for each in join_families(facts)] == [15, 15]


FILL = {"default_country": "US", "fill_missing_country": True}


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        ({"state": "CA"}, {"country": "US", "state": "US-CA"}),
        ({"postal_code": "2134"}, {"country": "US", "postal_code": "02134"}),
        ({"state": "ON", "country": "Canada"}, {"country": "CA", "state": "CA-ON"}),
        ({"state": "x", "country": "Atlantis"}, {"country": "atlantis", "state": "x"}),
        ({"city": "Boston"}, {"city": "boston"}),
    ],
)
def test_missing_country_is_filled_where_there_is_a_state_or_zip(raw: dict[str, str], values: dict[str, str]) -> None:
    facts = facts_of(raw, **FILL)
    assert {name: facts.values[name] for name in values} == values
    assert ("country" in facts.values) is ("country" in values)
    assert bool(facts.notes) is ("country" in values and "country" not in raw)


def test_nothing_is_filled_unless_the_pack_says_so() -> None:
    assert "country" not in facts_of({"state": "CA"}, default_country="US").values
    assert facts_of({"state": "CA"}).values["state"] == "ca"


def test_a_padded_zip_is_a_finding() -> None:
    facts = facts_of({"country": "US", "postal_code": "2134"})
    assert facts.values["postal_code"] == "02134"
    assert "02134" in facts.findings[0]


def test_days_are_read_in_the_pack_s_zone() -> None:
    assert facts_of({"created_at": "2026-07-01"}, zone=BERLIN).values["created_at"] == datetime(
        2026, 6, 30, 22, tzinfo=UTC
    )


def test_shared_domains_count_as_missing() -> None:
    facts = facts_of({"domain": "www.agency.com"}, shared_domains=frozenset({"agency.com"}))
    assert "domain" not in facts.values
    assert facts.findings == ()
    assert facts_of({"domain": "n/a"}).findings == ("domain: 'n/a' is no registrable domain",)


# The order of input never matters


@settings(max_examples=25)
@given(st.data())
def test_the_order_of_input_never_matters(data: st.DataObject) -> None:
    companies = [
        CompanyRecords(
            f"k{n}",
            (
                account(SF, f"s{n}", owner="005A", parent=f"s{(n * 3) % 7}" if n else None, employees=str(n)),
                account(HS, f"h{n}", owner="72", employees="x", country="Germany", state="BY"),
            ),
            (OPEN, WON, LOST, OPEN_EUR),
        )
        for n in range(7)
    ]
    plain = {facts.key: facts for facts in book(*companies)}
    order = st.permutations(range(4))
    shuffled = []
    for each in data.draw(st.permutations(companies)):
        deals = tuple(each.opportunities[index] for index in data.draw(order))
        accounts = each.accounts[::-1] if data.draw(st.booleans()) else each.accounts
        shuffled.append(CompanyRecords(each.key, accounts, deals))
    assert {facts.key: facts for facts in book(*shuffled)} == plain
