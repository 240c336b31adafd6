"""The monitors about data, each over a small mirror: when it fires, when it does not, and when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from alerts_world import HS, NOW, SF, World, account, gone, user, won

from syncd.model.plans import PlanStatus, SavedPlan, document_hash
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref
from syncd.store import companies as store_companies
from syncd.store import mirror, ownership, plans

BASE = """\
format: 1
pack: {{name: acme, working_hours: ["00:00-24:00"]}}
{more}
territories:
  - name: emea
    when: {{country: [DE, AT, CH, FR, GB]}}
    owners: [anna@example.com, ben@example.com]
    assign: balanced
  - name: rest
    when: always
    owners: [cleo@example.com]
"""


def begin(world: World, more: str = "", *records: Record) -> None:
    """Three active people, some accounts, and a baseline taken."""
    world.pack(BASE.format(more=more))
    world.users(user("anna"), user("ben"), user("cleo"))
    world.put(*(records or (account(1), account(2), account(3))))
    world.pulled()
    world.watch()


def look(world: World, *monitors: str, minutes: float = 5) -> list[str]:
    world.later(minutes)
    world.watch()
    return world.firing(*monitors)


def deal(number: int, of: Record, **fields: str) -> Record:
    """An opportunity of an account with these fields."""
    ref = Ref(of.ref.system, Kind.OPPORTUNITY, f"006{number}")
    return Record(ref, NOW, {"name": f"Deal {number}", **fields}, owner="005anna", account=of.ref.id)


LOST = {"is_closed": "true", "is_won": "false", "close_date": "2026-11-18", "type": "Renewal"}


def test_a_customer_whose_renewal_is_lost_has_churned(world: World) -> None:
    begin(world)
    world.put(deal(1, account(1), **LOST), deal(2, account(2), **{**LOST, "type": "New Business"}))
    assert look(world, "AccountChurned") == ["AccountChurned Company 1"]
    (episode,) = world.episodes("AccountChurned")
    assert "the renewal Deal 1 was lost on 2026-11-18, and nothing was won since" in episode.detail["evidence"]
    world.put(account(1, type="Former Customer"))
    assert look(world, "AccountChurned") == ["AccountChurned Company 1"]
    assert len(world.episodes("AccountChurned")) == 1


@pytest.mark.parametrize(
    ("more", "other"),
    [
        ("", deal(2, account(1), is_closed="false", name="Renewal 2027")),
        ("", won(3, account(1), 10, "2026-11-19")),
        ("monitors: {AccountChurned: {renewals: false}}", None),
        ("monitors: {AccountChurned: {except: {name: Company 1}}}", None),
    ],
)
def test_a_lost_renewal_is_no_churn_while_something_speaks_against_it(
    world: World, more: str, other: Record | None
) -> None:
    begin(world, more)
    world.put(deal(1, account(1), **LOST), *([other] if other else []))
    assert look(world, "AccountChurned") == []


def test_a_rep_is_announced_before_their_last_day_and_has_left_after_it(world: World) -> None:
    begin(world, "reps: [{email: anna@example.com, end: 2026-11-22}]")
    assert world.firing("RepLeavingSoon", "RepLeft") == ["RepLeavingSoon anna@example.com"]
    assert [each for each in world.notices() if each[0] == "RepLeavingSoon"] == []  # the baseline's digest tells it
    world.clock.set(datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    assert look(world, "RepLeft", minutes=0) == []
    world.clock.set(datetime(2026, 11, 23, 0, 20, tzinfo=UTC))
    assert look(world, "RepLeavingSoon", "RepLeft", minutes=0) == ["RepLeft anna@example.com"]
    (episode,) = world.episodes("RepLeft")
    assert "their last day was 2026-11-22, pack.yaml:3" in str(episode.detail["evidence"])
    assert episode.detail["accounts_total"] == 3


def test_a_rep_without_accounts_or_with_a_far_end_is_not_announced(world: World) -> None:
    begin(world, "reps: [{email: ben@example.com, end: 2026-11-22}, {email: anna@example.com, end: 2027-11-22}]")
    assert world.firing("RepLeavingSoon") == []


def test_a_leaver_with_240_accounts_is_one_alert_and_one_notice(world: World) -> None:
    begin(world, "", *(account(number) for number in range(240)))
    world.users(user("anna", active=False), user("ben"), user("cleo"))
    assert look(world) == ["RepLeft anna@example.com"]
    assert world.notices() == [("RepLeft", "log", "fired")]
    (episode,) = world.episodes("RepLeft")
    assert len(episode.detail["accounts"]) == episode.detail["accounts_total"] == 240


def test_accounts_left_over_from_a_leaver_are_told_of_after_a_week(world: World) -> None:
    begin(world)
    world.users(user("anna", active=False), user("ben"), user("cleo"))
    assert look(world, "OwnerInactive") == []
    for _ in range(7):
        assert look(world, "OwnerInactive", minutes=1439) == []
    assert look(world, "OwnerInactive", minutes=20) == ["OwnerInactive owners"]
    world.put(*(account(number, owner="005ben") for number in (1, 2, 3)))
    assert look(world, "OwnerInactive") == []


def test_accounts_that_nobody_can_take_are_one_alert_a_top_territory(world: World) -> None:
    with world.store.write() as conn:
        mirror.store_teams(conn, SF, [], now=world.clock.now())
    begin(world, "", account(1), account(2, country="Japan", owner=None), account(3, country="Japan", owner=None))
    world.users(user("anna"), user("ben"), user("cleo", active=False))
    assert look(world, "Unassigned") == ["Unassigned rest"]
    (episode,) = world.episodes("Unassigned")
    assert episode.detail["accounts_total"] == 2
    assert "no eligible rep (pack.yaml:" in episode.detail["evidence"][0]
    world.users(user("anna"), user("ben"), user("cleo"))
    assert look(world, "Unassigned") == []


def test_a_territory_that_changed_much_since_the_last_plan_is_told_once(world: World) -> None:
    begin(world, "", *(account(number) for number in range(20)))
    world.put(*(account(number, country="Japan") for number in range(4)))
    assert look(world, "TerritoryComposition") == []
    world.put(account(4, country="Japan"))
    assert look(world, "TerritoryComposition") == ["TerritoryComposition emea", "TerritoryComposition rest"]
    summaries = {each.subject: each.summary for each in world.episodes("TerritoryComposition")}
    assert "emea had 20 accounts: 0 came and 5 left" in summaries["emea"]
    for episode in world.episodes("TerritoryComposition"):
        from syncd.jobs.watching.alerting import acknowledge

        acknowledge(world.context, episode.id or 0)
    assert look(world, "TerritoryComposition") == []
    assert look(world, "TerritoryComposition", minutes=20) == []


def test_accounts_that_come_and_go_count_by_themselves(world: World) -> None:
    begin(world, "", *(account(number) for number in range(20)))
    world.put(*(gone(account(number)) for number in range(3)), *(account(100 + number) for number in range(3)))
    assert look(world, "TerritoryComposition") == []
    world.put(*(account(200 + number) for number in range(3)))
    assert look(world, "TerritoryComposition") == ["TerritoryComposition emea"]


def test_idle_accounts_of_a_rep(world: World) -> None:
    old, new = "2026-05-01T00:00:00.000Z", "2026-11-10T00:00:00.000Z"
    idle = [account(number, last_activity_at=old) for number in range(10)]
    worked = [account(100 + number, last_activity_at=new) for number in range(10)]
    young = [account(200 + number, created_at=new) for number in range(5)]
    begin(world, "", *idle, *worked, *young)
    assert world.firing("UnworkedAccounts") == []
    world.put(*(gone(record) for record in young))
    assert look(world, "UnworkedAccounts") == ["UnworkedAccounts anna@example.com"]
    world.put(account(0, last_activity_at=new))
    assert look(world, "UnworkedAccounts") == []


def test_nothing_is_unworked_where_no_activity_is_known(world: World) -> None:
    begin(world, "", *(account(number) for number in range(30)))
    assert world.firing("UnworkedAccounts") == []


@pytest.mark.parametrize(
    ("limit", "fires"), [("max_accounts: 20", True), ("capacity: 20", True), ("capacity: 22", False)]
)
def test_a_book_that_is_too_full(world: World, limit: str, fires: bool) -> None:
    begin(world, f"reps: [{{email: anna@example.com, {limit}}}]", *(account(number) for number in range(23)))
    assert world.firing("BookOverCapacity") == (["BookOverCapacity anna@example.com"] if fires else [])
    world.put(*(account(number, owner="005ben") for number in range(3)))
    assert look(world, "BookOverCapacity") == []


def test_an_uneven_territory_is_told_of_after_a_day(world: World) -> None:
    begin(world, "", *(account(number, owner="005anna" if number < 6 else "005ben") for number in range(12)))
    world.put(*(account(number, owner="005anna") for number in range(6, 10)))
    assert look(world, "Imbalance") == []
    for _ in range(4):
        look(world, minutes=359)
    assert look(world, "Imbalance", minutes=20) == ["Imbalance emea"]
    (episode,) = world.episodes("Imbalance")
    assert "anna@example.com carries 67% more" in episode.summary


OVERRIDES = """overrides:
  - {{account: "1", owner: ben@example.com, by: mei@example.com, why: sponsor, expires: {day}}}
deal_holdouts: [{{opportunities: {{stage: X}}, of: {{territory: emea}}, by: mei@example.com, why: q, expires: {day}}}]
"""


@pytest.mark.parametrize(
    ("day", "how"),
    [("2026-12-04", "ends on"), ("2026-11-20", "ends on"), ("2026-11-19", "ended on"), ("2026-12-05", "")],
)
def test_exceptions_that_end_are_told_of_until_they_are_renewed(world: World, day: str, how: str) -> None:
    begin(world, OVERRIDES.format(day=day))
    expected = ["OverrideExpiring Company 1", "OverrideExpiring holdout of emea"] if how else []
    assert world.firing("OverrideExpiring") == expected
    assert all(f"{how} {day}" in episode.summary for episode in world.episodes("OverrideExpiring"))
    world.pack(BASE.format(more=OVERRIDES.format(day="2027-06-30")))
    assert look(world, "OverrideExpiring") == []


@pytest.mark.parametrize(("opened", "hours"), [("opened: 2026-11-19, ", 14), ("", 48)])
def test_a_dispute_is_told_of_after_two_days(world: World, opened: str, hours: int) -> None:
    begin(world, f'disputes: [{{account: "1", {opened}by: mei@example.com, why: two claims}}]')
    assert look(world, "DisputeOpen", minutes=hours * 60 - 1) == []
    assert look(world, "DisputeOpen", minutes=16) == ["DisputeOpen Company 1"]


def test_ten_accounts_changed_by_others_are_drift_and_five_are_none_any_more(world: World) -> None:
    begin(world, "", *(account(number) for number in range(12)))
    link(world, *((Ref(SF, Kind.ACCOUNT, str(number)),) for number in range(12)))
    with world.store.write() as conn:
        ownership.adopt_all(conn, now=world.clock.now(), run_id=None)
    world.later(1)
    world.put(*(account(number, owner="005ben") for number in range(9)))
    assert look(world, "Drift") == []
    world.put(account(9, owner="005ben"))
    assert look(world, "Drift") == ["Drift owners"]
    with world.store.write() as conn:
        for number in range(5):
            ref = Ref(SF, Kind.ACCOUNT, str(number))
            ownership.set_mark(conn, ref, "005ben", "written", now=world.clock.now() + timedelta(minutes=1))
    assert look(world, "Drift", minutes=20) == []


def test_an_owner_that_goes_back_and_forth_is_flapping_and_one_that_wanders_is_not(world: World) -> None:
    begin(world)
    for owner in ("005ben", "005anna", "005ben"):
        world.put(account(1, owner=owner))
    for owner in ("005ben", "005cleo"):
        world.put(account(2, owner=owner))
    assert look(world, "OwnershipFlapping") == ["OwnershipFlapping Company 1"]
    (episode,) = world.episodes("OwnershipFlapping")
    assert "anna@example.com -> ben@example.com" in episode.detail["evidence"][0]
    assert look(world, "OwnershipFlapping", minutes=1441) == []


def test_a_company_that_flaps_in_both_crms_is_one_alert(world: World) -> None:
    both = account(1), account(1, system=HS, owner="77anna")
    world.put(*both)
    world.users(user("ben", system=HS), user("anna", system=HS), system=HS)
    link(world, tuple(record.ref for record in both))
    begin(world, "", account(2))
    for owner in ("ben", "anna", "ben"):
        world.put(account(1, owner=f"005{owner}"), account(1, system=HS, owner=f"77{owner}"))
    assert look(world, "OwnershipFlapping") == ["OwnershipFlapping Company 1"]
    (episode,) = world.episodes("OwnershipFlapping")
    assert "3 times in hubspot and 3 times in salesforce" in episode.summary
    assert len([line for line in episode.detail["evidence"] if " in hubspot: " in line]) == 3


def test_two_crms_that_name_two_owners_for_two_hours(world: World) -> None:
    both = account(1), account(1, system=HS, owner="77ben")
    world.put(*both)
    world.users(user("ben", system=HS), user("anna", system=HS), system=HS)
    link(world, tuple(record.ref for record in both))
    begin(world, "", account(2))
    assert [each for each in world.episodes("BaselineFindings") if "OwnerDisagreement" in each.summary] != []
    world.put(account(1, system=HS, owner="77anna"))
    assert look(world, "OwnerDisagreement") == []
    world.put(account(1, owner="005ben"))
    assert look(world, "OwnerDisagreement") == []
    assert look(world, "OwnerDisagreement", minutes=119) == []
    assert look(world, "OwnerDisagreement", minutes=2) == ["OwnerDisagreement owners"]
    episode = world.episodes("OwnerDisagreement")[-1]
    assert episode.detail["evidence"] == ["Company 1: anna@example.com in hubspot, ben@example.com in salesforce"]


def link(world: World, *companies: tuple[Ref, ...]) -> None:
    """Say which records are one company."""
    with world.store.write() as conn:
        links = {ref: str(min(refs)) for refs in companies for ref in refs}
        store_companies.save_links(conn, links, {}, now=world.clock.now())


def test_a_field_that_cannot_be_read_on_many_accounts(world: World) -> None:
    good = [account(number, employees="10") for number in range(300)]
    begin(world, "", *good)
    world.put(*(account(number, employees="about 500") for number in range(19)))
    assert look(world, "DataQuality") == []
    world.put(account(19, employees="many"))
    assert look(world, "DataQuality") == ["DataQuality employees"]
    world.put(*(account(number, employees="7") for number in range(5)))
    assert look(world, "DataQuality") == []


def test_what_the_pack_ignores_is_not_told(world: World) -> None:
    begin(world, "monitors: {RepLeft: {ignore: [Anna@example.com]}}")
    world.users(user("anna", active=False), user("ben"), user("cleo"))
    assert look(world, "RepLeft") == []


def test_a_monitor_is_about_the_accounts_of_its_condition_alone(world: World) -> None:
    begin(world, "monitors: {RepLeft: {when: {tier: gold}, except: {name: Company 2}}}", *_tiers())
    world.users(user("anna", active=False), user("ben"), user("cleo"))
    assert look(world, "RepLeft") == ["RepLeft anna@example.com"]
    (episode,) = world.episodes("RepLeft")
    assert [each["name"] for each in episode.detail["accounts"]] == ["Company 1"]


def _tiers() -> tuple[Record, ...]:
    return account(1, tier="Gold"), account(2, tier="Gold"), account(3, tier="Iron")


@pytest.mark.parametrize("option", ["hours: night", "accounts: none", "labels: 3", "for: soon", "ignore: {a: b}"])
def test_an_option_that_cannot_be_read_is_told_with_its_place(world: World, option: str) -> None:
    begin(world, f"monitors: {{Drift: {{{option}}}}}")
    assert world.firing("PackInvalid") == ["PackInvalid pack"]
    (episode,) = world.episodes("PackInvalid")
    assert "pack.yaml:3" in episode.detail["evidence"][0]


def test_an_exception_that_matches_two_accounts_stops_what_decides_and_nothing_else(world: World) -> None:
    overrides = "overrides: [{account: acme.com, owner: ben@example.com, by: m@example.com, why: x}]"
    begin(world, overrides, account(1, domain="acme.com"), account(2, domain="acme.com"))
    assert world.firing("PackInvalid") == ["PackInvalid pack"]
    world.put(account(1, type="Former Customer", domain="acme.com"))
    assert look(world, "AccountChurned") == ["AccountChurned Company 1"]


QUOTAS = "quotas: {file: quotas.csv}\nmonitors: {AttainmentBelow: {%s}}"


def quotas(world: World, *rows: str) -> None:
    world.file("quotas.csv", "territory,rep,period,quota,currency\n" + "\n".join(rows) + "\n")


def test_a_deal_counts_for_the_rep_who_owned_the_account_when_it_closed(world: World) -> None:
    world.file("quotas.csv", "rep,period,quota\nanna@example.com,2026-Q4,1000\nben@example.com,2026-Q4,1000\n")
    world.clock.set(datetime(2026, 11, 1, 10, tzinfo=UTC))
    begin(world, QUOTAS % "below: 70%")
    world.put(account(1, owner="005ben"))  # stamped on 20 November, after the deal
    world.put(won(1, account(1), 900, "2026-11-10", owner="005cleo"))
    world.clock.set(datetime(2026, 11, 21, 10, tzinfo=UTC))
    assert look(world, "AttainmentBelow", minutes=0) == ["AttainmentBelow ben@example.com"]


def test_amounts_count_at_the_rate_of_the_day_they_closed_on(world: World) -> None:
    rates = world.folder / "rates.csv"
    rates.write_text("currency,rate,date\nEUR,2,2026-10-01\nEUR,1,2026-11-15\n")
    settings = world.context.settings  # its sections are defaults that other settings share: only a copy is changed
    object.__setattr__(settings, "money", settings.money.model_copy(update={"rates": rates}))
    quotas(world, "emea,,2026-Q4,1000,USD")
    begin(world, QUOTAS % "below: 70%", account(1))
    for number, day, amount in ((1, "2026-10-20", "100 EUR"), (2, "2026-11-16", "100 EUR"), (3, "2026-11-17", "50")):
        world.put(deal(number, account(1), is_closed="true", is_won="true", close_date=day, amount=amount))
    look(world)
    (episode,) = world.episodes("AttainmentBelow")
    assert "350 USD won" in episode.summary


def test_a_seasonal_pace_is_that_of_earlier_periods(world: World) -> None:
    """In each of four earlier quarters a tenth was won by this time; 10 % of the quota is all that is expected."""
    quotas(world, "emea,,2026-Q4,1000,")
    begin(world, QUOTAS % "pace: seasonal", account(1))
    assert world.firing("AttainmentBelow") == ["AttainmentBelow emea"]
    (episode,) = world.episodes("AttainmentBelow")
    assert "a seasonal one needs 4 earlier periods, and 0 are known" in str(episode.detail["evidence"])
    past = [(2025, 10), (2026, 1), (2026, 4), (2026, 7), (2025, 7)]
    for index, (year, month) in enumerate(past):
        world.put(won(10 + index, account(1), 100, f"{year}-{month:02}-02"))
        world.put(won(20 + index, account(1), 900, f"{year}-{month + 2:02}-25"))
    world.put(won(1, account(1), 90, "2026-10-20"))
    assert look(world, "AttainmentBelow") == []


def test_a_territory_that_is_far_ahead_is_told_of_and_names_what_is_below(world: World) -> None:
    quotas(world, "emea,,2026-Q4,1000,")
    begin(world, "quotas: {file: quotas.csv}", account(1))
    world.put(won(1, account(1), 900, "2026-11-01"))
    assert look(world, "AttainmentAbove") == ["AttainmentAbove emea"]
    (episode,) = world.episodes("AttainmentAbove")
    assert (episode.severity, Decimal(episode.detail["money"]["amount"])) == ("info", Decimal("351.96"))


def test_an_applied_plan_is_the_new_measure_of_a_territory(world: World) -> None:
    begin(world, "", *(account(number) for number in range(20)))
    world.put(*(account(number, country="Japan") for number in range(4)))
    assert look(world, "TerritoryComposition") == []
    now = world.clock.now()
    content = {"format": 1, "plan_id": "one", "changes": []}
    made = SavedPlan(
        "one", document_hash(content), "plan", PlanStatus.OFFERED, "r", now, now + timedelta(days=1), content
    )
    with world.store.write() as conn:
        plans.save_plan(conn, made)
        plans.approve(conn, "one", plan_hash=made.hash, who="mei", why="x", limits=[], now=now)
        plans.set_status(conn, "one", PlanStatus.APPLIED)
    assert look(world, "TerritoryComposition", "BaselineFindings") == []
    world.put(*(account(number, country="Japan") for number in range(4, 8)))
    assert look(world, "TerritoryComposition") == []
    world.put(account(8, country="Japan"))
    assert look(world, "TerritoryComposition") == ["TerritoryComposition emea", "TerritoryComposition rest"]
