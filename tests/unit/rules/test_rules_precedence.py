"""Section 5: who gets the account before any pick, in order; what is outranked; and when holds do not apply."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from rule_builders import (
    NOW,
    applied,
    decide_all,
    decide_one,
    facts,
    is_,
    nested,
    pack,
    place,
    pool,
    rep,
    sf_ref,
    territory,
    user,
)

from syncd.model.decisions import Outcome
from syncd.model.refs import System
from syncd.rules.conditions import Always
from syncd.rules.facts import Directory
from syncd.rules.pack import Dispute, Duration, Override, OwnersByLookup, OwnersByPool, Protect, Seat

REST = territory("rest", None, "rest@x", place=place(9))
SPRING = datetime(2026, 4, 1, tzinfo=UTC)


def protect(name, when=None, **rest):
    return Protect(name, place(20, "protect.yaml"), when or Always(), rest.pop("reason", f"{name} reason"), **rest)


def override(owner="ben@x", expires=date(2026, 12, 31), **rest):
    return Override(rest.pop("account", "A1"), owner, place(30, "overrides.yaml"), "mei@x", "sponsor", expires, **rest)


DISPUTE = Dispute("A1", place(40, "disputes.yaml"), date(2026, 11, 20), "mei@x", "two claims")


def everything(**changes):
    """A pack and an account on which every step of the order applies."""
    steps = {"overrides": (override(),), "disputes": (DISPUTE,), "protect": (protect("late-deal"), protect("a-rule"))}
    return pack(REST, **{**steps, **changes})


ACCOUNT = {"locked": True, "changed_by_person_at": SPRING, "team_holds": "has 3 team members"}


@pytest.mark.parametrize(
    ("left_out", "account", "reason", "where"),
    [
        ((), ACCOUNT, "dispute", "disputes.yaml"),
        (("disputes",), ACCOUNT, "has-team", "overrides.yaml"),
        (("disputes",), {**ACCOUNT, "team_holds": None}, "override", "overrides.yaml"),
        (("disputes", "overrides"), ACCOUNT, "locked", None),
        (("disputes", "overrides"), {**ACCOUNT, "locked": False}, "changed-by-person", None),
        (("disputes", "overrides"), {"team_holds": "has 3 team members"}, "a-rule", "protect.yaml"),
        (("disputes", "overrides", "protect"), {"team_holds": "has 3 team members"}, "has-team", None),
        (("disputes", "overrides", "protect"), {}, "picked", "territories.yaml"),
    ],
)
def test_the_first_step_that_applies_decides(left_out, account, reason, where):
    decision = decide_one(everything(**dict.fromkeys(left_out, ())), facts("A1", "old@x", **account))
    assert decision.reason == reason
    assert (decision.place.path if decision.place else None) == where
    assert decision.territory == "rest"


def test_all_that_is_outranked_is_listed_in_order():
    decision = decide_one(everything(), facts("A1", "old@x", **ACCOUNT))
    reasons = [reason for reason, _ in decision.outranked]
    held = ["has-team", "override", "locked", "changed-by-person", "a-rule", "late-deal", "has-team", "picked"]
    assert reasons == held
    assert decision.outranked[-1] == ("picked", "territory rest would pick")


def test_a_kept_owner_is_shown_as_outranked_by_a_hold():
    decision = decide_one(everything(disputes=(), overrides=()), facts("A1", "rest@x"))
    assert (decision.outcome, decision.reason) == (Outcome.HELD, "a-rule")
    assert decision.outranked == (
        ("late-deal", "held: late-deal reason"),
        ("kept", "kept by territory rest: it names rest@x"),
    )


def test_a_hold_leaves_the_present_owner():
    decision = decide_one(everything(overrides=()), facts("A1", "old@x"))
    assert decision.outcome is Outcome.HELD
    assert decision.owner == decision.current_owner
    assert decision.text == "held: a dispute is open (two claims)"


@pytest.mark.parametrize("account", [{"locked": True}, {"changed_by_person_at": SPRING}, {}])
@pytest.mark.parametrize("owner", ["gone@x", None])
def test_lock_person_and_protect_do_not_hold_without_an_active_owner_and_the_decision_says_so(account, owner):
    rules = () if account else (protect("late-deal"),)
    decision = decide_one(pack(REST, protect=rules), facts("A1", owner, active=False, **account))
    assert (decision.outcome, decision.owner.email) == (Outcome.CHANGE, "rest@x")
    why = "its owner gone@x is not an active user" if owner else "it has no owner"
    assert decision.text.endswith(f"does not hold it: {why}")
    assert len(decision.notes) == 1
    assert decision.notes[0].endswith(why)


def test_a_dispute_and_a_team_hold_also_with_an_inactive_owner():
    gone = {"owner": "gone@x", "active": False}
    assert decide_one(pack(REST, disputes=(DISPUTE,)), facts("A1", **gone)).reason == "dispute"
    assert decide_one(pack(REST), facts("A1", team_holds="has 3 team members", **gone)).reason == "has-team"


def test_a_team_does_not_keep_an_account_whose_territory_names_its_owner_from_being_kept():
    decision = decide_one(pack(REST), facts("A1", "rest@x", team_holds="has 3 team members"))
    assert (decision.outcome, decision.reason) == (Outcome.KEEP, "kept")


def test_a_territory_that_names_only_the_present_owner_leaves_a_team_where_it_is():
    alone = pack(territory("t", None, ["a@x"], keep=False))
    assert decide_one(alone, facts("A1", "a@x", team_holds="has 3 team members")).outcome is Outcome.KEEP
    assert decide_one(alone, facts("A1", "b@x", team_holds="has 3 team members")).reason == "has-team"
    two = pack(territory("t", None, ["a@x", "b@x"], keep=False))
    assert decide_one(two, facts("A1", "a@x", team_holds="has 3 team members")).reason == "has-team"


def test_an_account_held_for_its_team_counts_toward_its_present_owner():
    two = territory("two", None, ["a@x", "b@x"], keep=False)
    decisions = decide_all(pack(two), facts("A1", "a@x", team_holds="has 2 team members"), facts("A2"))
    assert decisions["A1"].reason == "has-team"
    assert decisions["A2"].owner.email == "b@x"


class TestOverride:
    def test_in_force_it_gives_the_account_to_its_owner_through_its_last_day(self):
        decision = decide_one(pack(REST, overrides=(override(expires=date(2026, 12, 1)),)), facts("A1", "old@x"))
        assert (decision.outcome, decision.owner.email) == (Outcome.CHANGE, "ben@x")
        assert decision.text == "override to ben@x by mei@x: sponsor, until 2026-12-01"
        assert decision.next_change_at == datetime(2026, 12, 2, tzinfo=UTC)

    def test_it_does_not_drop_a_team(self):
        company = facts("A1", "rest@x", team_holds="has 3 team members")
        decision = decide_one(pack(REST, overrides=(override(),)), company)
        assert (decision.outcome, decision.reason) == (Outcome.HELD, "has-team")
        assert "the account has 3 team members, which a change of owner would lose" in decision.text
        assert [reason for reason, _ in decision.outranked] == ["override", "kept"]

    def test_an_owner_who_has_the_account_keeps_it(self):
        decision = decide_one(pack(REST, overrides=(override(),)), facts("A1", "ben@x"))
        assert (decision.outcome, decision.reason) == (Outcome.KEEP, "override")

    def test_past_its_date_the_account_is_held_even_with_an_inactive_owner(self):
        expired = pack(REST, overrides=(override(expires=date(2026, 11, 30)),))
        for active in (True, False):
            decision = decide_one(expired, facts("A1", "old@x", active=active))
            assert (decision.outcome, decision.reason) == (Outcome.HELD, "override-expired")

    def test_the_one_in_force_speaks_before_an_expired_one(self):
        both = (override("late@x", date(2026, 11, 30)), override())
        assert decide_one(pack(REST, overrides=both), facts("A1", "old@x")).owner.email == "ben@x"

    @pytest.mark.parametrize("active", [(), (System.SALESFORCE,)])
    def test_an_owner_who_is_not_active_in_every_written_system_holds_the_account(self, active):
        directory = Directory({"ben@x": user("ben@x", active=active)}, written=frozenset(System))
        refs = (sf_ref(1), sf_ref(1).__class__(System.HUBSPOT, sf_ref(1).kind, "7"))
        decision = decide_one(pack(REST, overrides=(override(),)), facts("A1", "old@x", refs=refs), directory)
        assert (decision.outcome, decision.reason) == (Outcome.HELD, "override-owner-inactive")
        assert decision.owner.email == "old@x"

    def test_it_speaks_for_its_role_only(self):
        csm = pack(REST, other_roles={"csm": (territory("csm-rest", None, "c@x"),)}, overrides=(override(role="csm"),))
        assert decide_one(csm, facts("A1", "old@x")).reason == "picked"


def test_a_dispute_that_opens_later_does_not_hold_yet_but_will():
    later = Dispute("A1", place(40), date(2026, 12, 5))
    decision = decide_one(pack(REST, disputes=(later,)), facts("A1", "rest@x"))
    assert decision.reason == "kept"
    assert decision.next_change_at == datetime(2026, 12, 5, tzinfo=UTC)


class TestRespectPeople:
    def test_a_persons_change_holds_until_the_time_has_passed(self):
        changed = datetime(2026, 9, 1, 15, tzinfo=UTC)
        respect = pack(REST, respect_people_for=Duration(90, "d"))
        company = facts("A1", "old@x", changed_by_person_at=changed, changed_by_person_text="changed by Mei")
        held = decide_one(respect, company, now=datetime(2026, 11, 30, 23, tzinfo=UTC))
        assert (held.reason, held.text) == ("changed-by-person", "held: changed by Mei")
        assert held.next_change_at == datetime(2026, 12, 1, tzinfo=UTC)
        assert decide_one(respect, company, now=held.next_change_at).reason == "picked"

    def test_without_a_span_it_holds_for_good(self):
        company = facts("A1", "old@x", changed_by_person_at=datetime(1999, 1, 1, tzinfo=UTC))
        assert decide_one(pack(REST), company).reason == "changed-by-person"


class TestProtect:
    def test_its_condition_its_last_day_and_its_roles_count(self):
        german = is_("country", "DE")
        on_day = pack(REST, protect=(protect("p", german, until=date(2026, 12, 1)),))
        over = pack(REST, protect=(protect("p", german, until=date(2026, 11, 30)),))
        other = pack(REST, protect=(protect("p", german, roles=("csm",)),))
        assert decide_one(on_day, facts("A1", "old@x", country="DE")).reason == "p"
        assert decide_one(on_day, facts("A1", "old@x", country="US")).reason == "picked"
        assert decide_one(over, facts("A1", "old@x", country="DE")).reason == "picked"
        assert decide_one(other, facts("A1", "old@x", country="DE")).reason == "picked"


class TestKeep:
    def test_whoever_the_territory_names_keeps_the_account(self):
        seat = Seat("west", place(1), holder="holder@x", cover="cover@x")
        members = pool("triage", "p@x", ("seat:west", "2"))
        lookup = OwnersByLookup("reps.csv", "domain", "rep", {"acme.com": "look@x"})
        for owners, owner in [
            (["a@x", "b@x"], "b@x"),
            (["seat:west"], "holder@x"),
            (OwnersByPool("triage"), "p@x"),
            (OwnersByPool("triage"), "holder@x"),
            (lookup, "look@x"),
        ]:
            decision = decide_one(
                pack(territory("t", None, owners), seats=(seat,), pools=(members,)),
                facts("A1", owner, domain="acme.com"),
            )
            assert (decision.outcome, decision.reason, decision.owner.email) == (Outcome.KEEP, "kept", owner)

    def test_cap_absence_and_ramp_take_no_account_away(self):
        from syncd.rules.pack import Cap, OutOfOffice

        away = OutOfOffice(date(2026, 11, 1), date(2026, 12, 31))
        full = pack(
            territory("t", None, ["a@x", "b@x"], cap=Cap(total=0)),
            reps=(rep("a@x", max_accounts=0, out_of_office=(away,), start=date(2026, 1, 1), ramp=(0,)),),
        )
        assert decide_one(full, facts("A1", "a@x")).reason == "kept"

    @pytest.mark.parametrize("dates", [{"end": date(2026, 11, 30)}, {"start": date(2026, 12, 2)}])
    def test_outside_start_and_end_the_account_is_picked_anew(self, dates):
        dated = pack(territory("t", None, ["a@x", "b@x"]), reps=(rep("a@x", **dates),))
        assert decide_one(dated, facts("A1", "a@x")).owner.email == "b@x"

    def test_on_the_last_day_the_account_is_kept_and_the_decision_says_when_that_ends(self):
        dated = pack(territory("t", None, ["a@x", "b@x"]), reps=(rep("a@x", end=date(2026, 12, 1)),))
        decision = decide_one(dated, facts("A1", "a@x"))
        assert decision.reason == "kept"
        assert decision.next_change_at == datetime(2026, 12, 2, tzinfo=UTC)

    def test_an_owner_inactive_in_one_written_system_does_not_keep(self):
        hubspot = sf_ref(1).__class__(System.HUBSPOT, sf_ref(1).kind, "7")
        people = {"a@x": user("a@x", active=(System.SALESFORCE,)), "b@x": user("b@x")}
        two = pack(territory("t", None, ["a@x", "b@x"]))
        everywhere = Directory(people, written=frozenset(System))
        assert decide_one(two, facts("A1", "a@x", refs=(sf_ref(1), hubspot)), everywhere).owner.email == "b@x"
        assert decide_one(two, facts("A1", "a@x", refs=(sf_ref(1),)), everywhere).owner.email == "a@x"
        one = Directory(people, written=frozenset({System.SALESFORCE}))
        assert decide_one(two, facts("A1", "a@x", refs=(sf_ref(1), hubspot)), one).owner.email == "a@x"

    def test_keep_false_gives_a_member_no_preference_but_remembers_its_pick(self):
        loose = pack(territory("t", None, ["a@x", "b@x"], keep=False, assign="first"))
        assert decide_one(loose, facts("A1", "b@x")).owner.email == "a@x"
        remembered = decide_one(loose, facts("A1", "b@x", applied=applied("t", "b@x")))
        assert (remembered.outcome, remembered.reason) == (Outcome.KEEP, "remembered")
        assert decide_one(loose, facts("A1", "b@x", applied=applied("other", "b@x"))).owner.email == "a@x"
        assert decide_one(loose, facts("A1", "b@x", applied=applied("t", "c@x"))).owner.email == "a@x"
        assert decide_one(loose, facts("A1", "c@x", applied=applied("t", "c@x"))).owner.email == "a@x"

    def test_a_renamed_territory_remembers_by_its_former_name(self):
        renamed = pack(territory("new", None, ["a@x", "b@x"], keep=False, assign="first", was="old"))
        assert decide_one(renamed, facts("A1", "b@x", applied=applied("emea/old", "b@x"))).reason == "remembered"

    def test_a_rep_of_the_overflow_keeps_what_they_were_picked_for_and_nothing_else(self):
        full = pack(
            nested(territory("up", None, (), overflow=OwnersByPool("more")), territory("t", None, ["a@x"])),
            pools=(pool("more", "o@x"),),
        )
        assert decide_one(full, facts("A1", "o@x", applied=applied("up/t", "o@x"))).reason == "remembered"
        assert decide_one(full, facts("A1", "o@x")).owner.email == "a@x"

    def test_a_territory_that_assigns_nobody_leaves_and_lists_the_owner(self):
        decision = decide_one(pack(territory("t")), facts("A1", "old@x"))
        assert (decision.outcome, decision.reason, decision.owner.email) == (Outcome.UNASSIGNED, "unassigned", "old@x")


class TestSeats:
    SEAT = Seat("west", place(1), holder="lena@x", cover="jonas@x", from_=date(2026, 12, 5))

    def test_a_holder_who_comes_later_is_covered_until_then(self):
        west = pack(territory("t", None, ["seat:west"]), seats=(self.SEAT,))
        before = decide_one(west, facts("A1"))
        assert before.owner.email == "jonas@x"
        assert before.next_change_at == datetime(2026, 12, 5, tzinfo=UTC)
        assert decide_one(west, facts("A1"), now=before.next_change_at).owner.email == "lena@x"

    def test_an_inactive_holder_is_covered(self):
        west = pack(territory("t", None, ["seat:west"]), seats=(Seat("west", place(1), "lena@x", "jonas@x"),))
        directory = Directory({"lena@x": user("lena@x", active=())}, assume_active=True)
        assert decide_one(west, facts("A1", "lena@x", active=False), directory).owner.email == "jonas@x"

    def test_an_empty_seat_is_no_candidate(self):
        west = pack(territory("t", None, ["seat:west"]), seats=(Seat("west", place(1)),))
        assert decide_one(west, facts("A1", "old@x")).reason == "no-eligible-rep"


def test_another_role_reads_and_keeps_the_field_of_its_name():
    from syncd.rules.engine import Book, decide
    from syncd.rules.facts import Directory as People

    csm = pack(REST, other_roles={"csm": (territory("c", is_("country", "DE"), ["c@x", "d@x"]),)})
    companies = (facts("A1", "rest@x", country="DE", csm="d@x"), facts("A2", "rest@x", country="US", csm="e@x"))
    decisions = [d for d in decide(csm, Book(companies, People({}, assume_active=True)), NOW) if d.role == "csm"]
    assert [(d.company, d.outcome, d.reason, d.owner.email) for d in decisions] == [
        ("A1", Outcome.KEEP, "kept", "d@x"),
        ("A2", Outcome.KEEP, "no-territory", "e@x"),
    ]
