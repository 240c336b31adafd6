"""`follow_parent` (RULES.md sections 4 and 5): child accounts take the owner of their ultimate parent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import permutations

import pytest
from rule_builders import NOW, decide_all, facts, is_, nested, pack, rep, territory, user

from syncd.model.decisions import Decision, Outcome
from syncd.model.refs import System
from syncd.rules.deriving.families import join_families
from syncd.rules.engine import Book, decide
from syncd.rules.explanation import explain
from syncd.rules.facts import Directory, Facts
from syncd.rules.pack import Dispute, Override, Pack, Protect, Seat

ALL = territory("all", None, ["anna@x", "ben@x"], follow_parent=True)
KEPT = facts("P", "anna@x")


def child(key: str = "C", owner: str | None = "old@x", parent: str = "P", **rest: object) -> Facts:
    return facts(key, owner, parent=parent, **rest)


def decided(pack_: Pack, *companies: Facts, **rest: object) -> dict[str, Decision]:
    return decide_all(pack_, *join_families(companies), **rest)


def test_a_child_takes_the_owner_that_its_parent_keeps() -> None:
    found = decided(pack(ALL), KEPT, child())["C"]
    assert (found.owner.email, found.outcome, found.reason) == ("anna@x", Outcome.CHANGE, "follow-parent")
    assert found.text == "follows its ultimate parent P: anna@x (kept)"
    assert (found.territory, found.place) == ("all", ALL.place)


def test_a_child_that_has_that_owner_already_keeps_them() -> None:
    found = decided(pack(ALL), KEPT, child(owner="anna@x"))["C"]
    assert (found.outcome, found.reason) == (Outcome.KEEP, "follow-parent")


def test_following_comes_before_the_territory_s_own_keep() -> None:
    found = decided(pack(ALL), KEPT, child(owner="ben@x"))["C"]
    assert found.owner.email == "anna@x"
    assert ("kept", "kept by territory all: it names ben@x") in found.outranked


def test_it_is_the_ultimate_parent_that_counts_however_deep_the_line() -> None:
    line = [child(f"C{number}", "old@x", f"C{number - 1}" if number else "P") for number in range(30)]
    found = decided(pack(ALL), KEPT, *line)
    assert {found[each.key].owner.email for each in line} == {"anna@x"}
    assert {found[each.key].text for each in line} == {"follows its ultimate parent P: anna@x (kept)"}


def test_a_ring_of_parents_follows_the_one_with_the_smallest_key() -> None:
    ring = [child("A", "anna@x", "B"), child("B", "ben@x", "C"), child("C", None, "A"), child("D", None, "C")]
    for order in permutations(ring):
        found = decided(pack(ALL), *order)
        assert {key: each.owner.email for key, each in found.items()} == dict.fromkeys("ABCD", "anna@x")
        assert found["A"].reason == "kept"
        assert "its parents form a ring, of which it counts as the top" in found["A"].text


def test_an_account_that_is_its_own_parent_has_none() -> None:
    found = decided(pack(ALL), child("C", "ben@x", "C"))["C"]
    assert (found.reason, found.owner.email) == ("kept", "ben@x")


def test_a_parent_that_is_not_among_the_accounts_leaves_the_territory_to_decide_and_says_so() -> None:
    found = decided(pack(ALL), child("C", "ben@x", "gone"))["C"]
    assert found.reason == "kept"
    assert found.notes == ("follow-parent does not apply: its parent gone is not among the accounts",)


def test_the_highest_parent_among_the_accounts_is_followed() -> None:
    found = decided(pack(ALL), child("B", "ben@x", "gone"), child("C", "old@x", "B"))
    assert (found["B"].reason, found["C"].owner.email) == ("kept", "ben@x")


def test_a_given_ultimate_parent_is_followed() -> None:
    found = decided(pack(ALL), KEPT, facts("C", "old@x", ultimate_parent="P"))["C"]
    assert found.owner.email == "anna@x"


def test_given_ultimate_parents_in_a_ring_end_at_the_smallest_key() -> None:
    found = decided(pack(ALL), facts("A", "anna@x", ultimate_parent="B"), facts("B", "ben@x", ultimate_parent="A"))
    assert {key: each.owner.email for key, each in found.items()} == {"A": "anna@x", "B": "anna@x"}


@pytest.mark.parametrize(
    ("rest", "parent", "reason", "owner"),
    [
        ({"disputes": (Dispute("P", ALL.place),)}, facts("P", "gone@x", active=False), "dispute", "gone@x"),
        ({}, facts("P", "mei@x", locked=True), "locked", "mei@x"),
        ({"overrides": (Override("P", "zoe@x", ALL.place, "mei", "why"),)}, KEPT, "override", "zoe@x"),
        (
            {"overrides": (Override("P", "zoe@x", ALL.place, "m", "w", date(2026, 1, 1)),)},
            KEPT,
            "override-expired",
            "anna@x",
        ),
    ],
)
def test_a_parent_that_is_held_or_overridden_is_followed_all_the_same(rest, parent, reason, owner) -> None:
    found = decided(pack(ALL, **rest), parent, child())
    assert (found["P"].reason, found["C"].owner.email) == (reason, owner)


def test_an_owner_of_the_parent_who_is_no_active_user_is_not_followed() -> None:
    people = Directory({each: user(each) for each in ("ben@x", "anna@x")})
    held = facts("P", "gone@x", active=False)
    found = decided(pack(ALL, disputes=(Dispute("P", ALL.place),)), held, child(owner="ben@x"), directory=people)["C"]
    assert (found.reason, found.owner.email) == ("kept", "ben@x")
    assert "gone@x, the owner of its ultimate parent P, is not a user" in found.text


def test_a_parent_without_an_owner_is_not_followed() -> None:
    tree = [territory("holdings", is_("type", "Holding")), ALL]
    found = decided(pack(*tree), facts("P", None, type="Holding"), child(owner="ben@x"))["C"]
    assert (found.reason, found.owner.email) == ("kept", "ben@x")
    assert "its ultimate parent P has no owner (unassigned)" in found.text


def test_the_owner_that_an_unassigned_parent_has_is_followed() -> None:
    tree = [territory("holdings", is_("type", "Holding")), ALL]
    assert decided(pack(*tree), facts("P", "zoe@x", type="Holding"), child())["C"].owner.email == "zoe@x"


def test_a_parent_outside_the_managed_territories_is_followed_to_whom_it_has() -> None:
    tree = [territory("holdings", is_("type", "Holding"), "zoe@x"), ALL]
    found = decided(pack(*tree, manage=("all",)), facts("P", "old@x", type="Holding"), child(owner="ben@x"))
    assert (found["P"].owner.email, found["C"].owner.email) == ("zoe@x", "old@x")


HOLDS = {
    "dispute": {"disputes": (Dispute("C", ALL.place),)},
    "override": {"overrides": (Override("C", "zoe@x", ALL.place, "mei", "why"),)},
    "late": {"protect": (Protect("late", ALL.place, is_("type", "Late"), "late"),)},
}


@pytest.mark.parametrize("reason", [*HOLDS, "locked", "changed-by-person", "has-team"])
def test_what_ranks_above_following_decides_and_following_is_listed(reason) -> None:
    held = {
        "locked": {"locked": True},
        "changed-by-person": {"changed_by_person_at": NOW},
        "has-team": {"team_holds": "t"},
    }
    one = child(type="Late", **held.get(reason, {}))
    for above in (KEPT, facts("P")):  # settled in pass 1, picked in pass 2
        found = decided(pack(ALL, **HOLDS.get(reason, {})), above, one)["C"]
        assert found.reason == reason
        assert "follow-parent" in [each for each, _ in found.outranked]


def test_a_team_is_not_lost_where_the_parent_s_owner_is_the_child_s_already() -> None:
    assert decided(pack(ALL), KEPT, child(owner="anna@x", team_holds="has 3"))["C"].reason == "follow-parent"


def test_a_child_of_a_picked_parent_takes_its_owner_right_after_the_pick_and_counts_from_then_on() -> None:
    both = pack(ALL)
    found = decided(both, facts("A"), child("B", None, "A"), child("C", None, "A"), facts("X"), facts("Y"))
    # A goes to anna (by e-mail), B and C follow; ben then has room for X and for Y before anna gets another
    assert {key: each.owner.email for key, each in found.items()} == {
        "A": "anna@x", "B": "anna@x", "C": "anna@x", "X": "ben@x", "Y": "ben@x"
    }  # fmt: skip
    assert found["Y"].loads == {"anna@x": "3", "ben@x": "1"}
    assert found["B"].text == "follows its ultimate parent A: anna@x (picked)"


def test_a_child_waits_for_a_parent_that_another_territory_picks_for() -> None:
    tree = [territory("kids", is_("type", "Kid"), "kid@x", follow_parent=True), territory("rest", None, "top@x")]
    assert decided(pack(*tree), facts("P", "old@x"), child(type="Kid"))["C"].owner.email == "top@x"


def test_a_child_of_a_parent_for_whom_nobody_is_found_is_left_to_its_own_territory() -> None:
    tree = [
        territory("kids", is_("type", "Kid"), ["anna@x", "ben@x"], follow_parent=True),
        territory("rest", None, "nobody@x"),
    ]
    people = Directory({each: user(each) for each in ("anna@x", "ben@x", "old@x")})
    found = decided(
        pack(*tree), facts("P"), child("K1", None, type="Kid"), child("K2", None, type="Kid"), directory=people
    )
    backward = decided(
        pack(*tree), child("K2", None, type="Kid"), child("K1", None, type="Kid"), facts("P"), directory=people
    )
    assert backward == found
    assert found["P"].outcome is Outcome.UNASSIGNED
    assert (found["K1"].reason, found["K2"].reason) == ("picked", "picked")
    assert {found["K1"].owner.email, found["K2"].owner.email} == {"anna@x", "ben@x"}
    kept = decided(pack(*tree), facts("P"), child("K1", "ben@x", type="Kid"), directory=people)["K1"]
    assert (kept.reason, kept.owner.email) == ("kept", "ben@x")


def test_caps_do_not_limit_followers_but_they_count_toward_them() -> None:
    capped = territory("all", None, ["anna@x", "ben@x"], follow_parent=True, assign="first")
    reps = (rep("anna@x", max_accounts=1),)
    found = decided(pack(capped, reps=reps), KEPT, child(), facts("Z"))
    assert (found["C"].owner.email, found["Z"].owner.email) == ("anna@x", "ben@x")


def test_only_territories_that_say_so_follow_and_a_child_territory_may_say_no() -> None:
    tree = nested(
        territory("emea", is_("country", "DE"), "emea@x", follow_parent=True),
        territory("dach", is_("type", "Kid"), "dach@x", follow_parent=False),
    )
    rest = territory("rest", None, "rest@x")
    found = decided(pack(tree, rest), KEPT, child("C", None, country="DE"), child("D", None, country="DE", type="Kid"))
    assert (found["C"].owner.email, found["D"].owner.email) == (found["P"].owner.email, "dach@x")


def test_the_other_roles_follow_the_same_role_of_the_parent() -> None:
    csm = territory("csm-all", None, ["carol@x", "dan@x"], role="csm", follow_parent=True)
    book = join_families([facts("P", "anna@x", csm="dan@x"), child(owner="anna@x", csm="carol@x")])
    found = {
        (each.company, each.role): each
        for each in decide(
            pack(ALL, other_roles={"csm": (csm,)}), Book(tuple(book), Directory({}, assume_active=True)), NOW
        )
    }
    assert found["C", "csm"].owner.email == "dan@x"
    assert found["C", "owner"].owner.email == "anna@x"


def test_a_parent_outside_the_role_s_tree_is_followed_to_whom_it_has() -> None:
    csm = territory("csm-kids", is_("type", "Kid"), "carol@x", role="csm", follow_parent=True)
    people = Directory({}, assume_active=True)
    for has, expected in (("dan@x", "dan@x"), (None, "carol@x")):
        top = facts("P", "anna@x", **({"csm": has} if has else {}))
        book = tuple(join_families([top, child(type="Kid")]))
        found = decide(pack(ALL, other_roles={"csm": (csm,)}), Book(book, people), NOW)
        assert next(each for each in found if (each.company, each.role) == ("C", "csm")).owner.email == expected


def test_time_changes_a_follower_when_it_changes_the_parent() -> None:
    reps = (rep("anna@x", end=date(2026, 12, 31)),)
    found = decided(pack(ALL, reps=reps), KEPT, child())
    assert found["C"].next_change_at == found["P"].next_change_at == datetime(2027, 1, 1, tzinfo=UTC)
    seats = (Seat("west", ALL.place, "lena@x", "jo@x", date(2026, 12, 10)),)
    override = Override("P", "seat:west", ALL.place, "mei", "why")
    found = decided(pack(ALL, seats=seats, overrides=(override,)), KEPT, child())
    assert found["C"].owner.email == "jo@x"
    assert found["C"].next_change_at == datetime(2026, 12, 10, tzinfo=UTC)


def test_an_owner_who_may_not_own_the_child_s_records_is_not_followed() -> None:
    everywhere, only = user("ben@x"), user("anna@x", active=(System.SALESFORCE,))
    people = Directory({each.email: each for each in (everywhere, only)}, written=frozenset({System.HUBSPOT}))
    from syncd.model.refs import Kind, Ref

    refs = (Ref(System.HUBSPOT, Kind.ACCOUNT, "77"),)
    found = decided(pack(ALL), KEPT, child(owner="ben@x", refs=refs), directory=people)["C"]
    assert (found.reason, found.owner.email) == ("kept", "ben@x")
    assert "is not an active user in hubspot" in found.text


def test_explain_shows_whom_it_follows_or_that_the_parent_is_still_to_be_picked() -> None:
    book = Book(tuple(join_families([facts("P"), child()])), Directory({}, assume_active=True))
    one = explain(pack(ALL), book, "C", NOW)
    assert one.decision is None
    assert one.precedence[0].text == "follows its ultimate parent P, whose owner is picked"
    decisions = decide(pack(ALL), book, NOW)
    saved = next(each for each in decisions if each.company == "C")
    shown = explain(pack(ALL), book, "C", NOW, saved, others=decisions)
    assert shown.decision is saved
    assert shown.precedence[0].text == saved.text == "follows its ultimate parent P: anna@x (picked)"
    settled = Book(tuple(join_families([KEPT, child()])), book.directory)
    assert explain(pack(ALL), settled, "C", NOW).decision.owner.email == "anna@x"
    ring = Book(tuple(join_families([child("A", None, "B"), child("B", None, "A")])), book.directory)
    assert "its parents form a ring (A, B), of which A counts as the top" in explain(pack(ALL), ring, "B", NOW).notes
