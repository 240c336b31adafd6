"""Roles beside `owner` (RULES.md section 4): overlays, `otherwise: clear`, pairs with an earlier role, queues."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pack_writing import codes, errors, found, loaded
from rule_builders import CATALOGUE, NOW, applied, facts, territory

from syncd.model.decisions import Decision, Outcome
from syncd.model.money import MoneyTable
from syncd.rules.cases import run_cases
from syncd.rules.engine import Book, decide
from syncd.rules.explanation import explain
from syncd.rules.facts import Directory, Facts, Rep
from syncd.rules.loader import check_pack
from syncd.rules.pack import OwnersByQueue, Pack

OWNER = "  - {name: everyone, when: always, owners: [anna@x.com, ben@x.com]}\n"
PODS = "owner,csm\nanna@x.com,carol@x.com\nben@x.com,seat:pod-2\nZOE@x.com,dan@x.com\n"
SEATS = "reps:\n  - {seat: pod-2, holder: cleo@x.com, cover: dora@x.com, until: 2026-12-31}\n"
EVERYBODY = Directory({}, assume_active=True)


def roles(path: Path, csm: str, more: str = SEATS, owner: str = OWNER, pods: str = PODS) -> Pack:
    """A pack with an owner tree and these top-level territories of role csm."""
    text = f"format: 1\n{more}territories:\n{owner}{csm}"
    return loaded(path, {"pack.yaml": text, "pods.csv": pods})


def decided(pack: Pack, *companies: Facts, now: datetime = NOW, people: Directory = EVERYBODY) -> dict[str, Decision]:
    """The decisions of role csm by company."""
    return {each.company: each for each in decide(pack, Book(companies, people), now) if each.role == "csm"}


class TestOtherwise:
    CLEAR = "  - {name: csm-de, role: csm, otherwise: clear, when: {country: DE}, owners: [carol@x.com]}\n"
    KEEP = CLEAR.replace("otherwise: clear, ", "")

    def test_an_account_that_matches_nothing_keeps_its_value(self, tmp_path) -> None:
        found = decided(roles(tmp_path, self.KEEP), facts("A", "anna@x.com", csm="old@x.com", country="FR"))["A"]
        assert (found.outcome, found.reason, found.owner.email) == (Outcome.KEEP, "no-territory", "old@x.com")
        assert found.territory is None

    def test_otherwise_clear_empties_it(self, tmp_path) -> None:
        found = decided(roles(tmp_path, self.CLEAR), facts("A", "anna@x.com", csm="old@x.com", country="FR"))["A"]
        assert (found.outcome, found.reason, found.owner) == (Outcome.CHANGE, "cleared", None)
        assert found.current_owner.email == "old@x.com"
        assert found.text == "emptied: no territory of the role matches, and role csm says `otherwise: clear`"

    def test_what_is_empty_already_stays_so(self, tmp_path) -> None:
        found = decided(roles(tmp_path, self.CLEAR), facts("A", "anna@x.com", country="FR"))["A"]
        assert (found.outcome, found.reason, found.owner) == (Outcome.KEEP, "no-territory", None)

    def test_a_territory_of_the_role_is_not_emptied(self, tmp_path) -> None:
        found = decided(roles(tmp_path, self.CLEAR), facts("A", "anna@x.com", csm="old@x.com", country="DE"))["A"]
        assert (found.reason, found.owner.email) == ("picked", "carol@x.com")

    def test_unassigned_leaves_the_value_unless_the_role_says_otherwise(self, tmp_path) -> None:
        line = "  - {name: csm-small, role: csm, when: {country: DE}, owners: unassigned}\n"
        account = facts("A", "anna@x.com", csm="old@x.com", country="DE")
        stays = decided(roles(tmp_path, line), account)["A"]
        assert (stays.outcome, stays.owner.email) == (Outcome.UNASSIGNED, "old@x.com")
        emptied = decided(roles(tmp_path, line.replace("role: csm", "role: csm, otherwise: clear")), account)["A"]
        assert (emptied.outcome, emptied.reason, emptied.owner) == (Outcome.CHANGE, "cleared", None)
        assert emptied.place.line == 6

    def test_holds_come_before_it(self, tmp_path) -> None:
        more = SEATS + "protect: {renewal: {when: {type: Customer}, roles: [csm], reason: renewal}}\n"
        account = facts("A", "anna@x.com", csm="old@x.com", country="FR", type="customer")
        held = decided(roles(tmp_path, self.CLEAR, more), account)["A"]
        assert (held.outcome, held.reason, held.owner.email) == (Outcome.HELD, "renewal", "old@x.com")
        assert "cleared" in [reason for reason, _ in held.outranked]

    def test_the_top_level_territories_of_a_role_agree(self, tmp_path) -> None:
        other = "  - {name: csm-fr, role: csm, when: {country: FR}, owners: [carol@x.com]}\n"
        text = f"format: 1\nterritories:\n{OWNER}{self.CLEAR}{other}"
        assert errors(tmp_path, {"pack.yaml": text}) == ["pack.yaml:5:5 SYN276"]
        agreed = text.replace("csm-fr, role: csm", "csm-fr, role: csm, otherwise: clear")
        assert codes(tmp_path, {"pack.yaml": agreed}) == []
        kept = text.replace("otherwise: clear", "otherwise: keep")
        assert codes(tmp_path, {"pack.yaml": kept}) == []

    @pytest.mark.parametrize(
        "line",
        [
            "  - {name: top, otherwise: clear, when: {country: DE}, owners: [a@x.com]}\n",
            "  - {name: top, role: owner, otherwise: keep, when: {country: DE}, owners: [a@x.com]}\n",
            "  - {name: top, role: csm, when: {country: DE}, owners: [a@x.com], territories: "
            "[{name: below, otherwise: clear, when: {employees: '> 5'}, owners: [b@x.com]}]}\n",
        ],
    )
    def test_it_stands_beside_another_role_on_the_top_level_only(self, tmp_path, line) -> None:
        assert codes(tmp_path, {"pack.yaml": f"format: 1\nterritories:\n{line}{OWNER}"}) == ["SYN276"]

    def test_it_is_clear_or_keep(self, tmp_path) -> None:
        line = self.CLEAR.replace("clear", "empty")
        assert codes(tmp_path, {"pack.yaml": f"format: 1\nterritories:\n{OWNER}{line}"}) == ["SYN242"]


class TestPairs:
    PAIR = (
        "  - {name: csm-all, role: csm, when: always, "
        "owners: {pair_with: owner, file: pods.csv}, overflow: [o@x.com]}\n"
    )

    def test_the_rep_is_looked_up_by_the_owner_just_decided(self, tmp_path) -> None:
        one = roles(tmp_path, self.PAIR)
        kept, picked = facts("A", "anna@x.com"), facts("B", "old@x.com")
        found = decided(one, kept, picked)
        assert found["A"].owner.email == "carol@x.com"
        assert found["B"].owner.email == "cleo@x.com"  # B goes to ben, whose pod is the seat
        assert found["A"].text == "picked by territory csm-all: carol@x.com is the only candidate"

    def test_it_follows_a_held_or_overridden_owner(self, tmp_path) -> None:
        more = SEATS + "overrides: [{account: B, owner: zoe@x.com, by: mei, why: sponsor}]\n"
        found = decided(
            roles(tmp_path, self.PAIR, more), facts("A", "zoe@x.com", locked=True), facts("B", "anna@x.com")
        )
        assert {key: each.owner.email for key, each in found.items()} == {"A": "dan@x.com", "B": "dan@x.com"}

    def test_who_is_beside_the_owner_already_is_kept(self, tmp_path) -> None:
        found = decided(roles(tmp_path, self.PAIR), facts("A", "anna@x.com", csm="carol@x.com"))["A"]
        assert (found.outcome, found.reason) == (Outcome.KEEP, "kept")
        moved = decided(roles(tmp_path, self.PAIR), facts("A", "anna@x.com", csm="dan@x.com"))["A"]
        assert (moved.outcome, moved.owner.email) == (Outcome.CHANGE, "carol@x.com")

    def test_an_owner_without_a_row_or_no_owner_goes_to_overflow(self, tmp_path) -> None:
        owner = "  - {name: odd, when: {type: Odd}, owners: unassigned}\n" + OWNER
        one = roles(tmp_path, self.PAIR, owner=owner)
        found = decided(one, facts("A", "lena@x.com", type="odd"), facts("B", type="odd"))
        assert {key: each.owner.email for key, each in found.items()} == {"A": "o@x.com", "B": "o@x.com"}
        lonely = roles(tmp_path, self.PAIR.replace(", overflow: [o@x.com]", ""), owner=owner)
        found = decided(lonely, facts("A", "lena@x.com", csm="dan@x.com", type="odd"), facts("B", type="odd"))
        assert (found["A"].reason, found["B"].outcome) == ("no-eligible-rep", Outcome.UNASSIGNED)

    def test_a_pair_who_is_no_active_user_goes_to_overflow(self, tmp_path) -> None:
        people = Directory({"carol@x.com": Rep("carol@x.com", "c", {}, frozenset(), frozenset())}, assume_active=True)
        assert (
            decided(roles(tmp_path, self.PAIR), facts("A", "anna@x.com"), people=people)["A"].owner.email == "o@x.com"
        )

    def test_a_seat_s_dates_and_the_owner_s_next_change_are_the_pair_s(self, tmp_path) -> None:
        found = decided(roles(tmp_path, self.PAIR), facts("A", "ben@x.com"))["A"]
        assert found.next_change_at == datetime(2027, 1, 1, tzinfo=UTC)
        after = decided(roles(tmp_path, self.PAIR), facts("A", "ben@x.com"), now=datetime(2027, 1, 1, tzinfo=UTC))["A"]
        assert after.owner.email == "dora@x.com"
        more = SEATS.replace(", until: 2026-12-31", "") + "  - {email: anna@x.com, end: 2027-03-31}\n"
        found = decided(roles(tmp_path, self.PAIR, more), facts("A", "anna@x.com", csm="carol@x.com"))["A"]
        assert found.next_change_at == datetime(2027, 4, 1, tzinfo=UTC)

    def test_a_seat_in_the_first_column_is_whoever_has_it(self, tmp_path) -> None:
        owner = "  - {name: everyone, when: always, owners: [seat:pod-2]}\n"
        one = roles(tmp_path, self.PAIR, owner=owner, pods="owner,csm\nseat:pod-2,kim@x.com\n")
        assert decided(one, facts("A"))["A"].owner.email == "kim@x.com"

    def test_it_may_pair_with_another_role_that_is_decided_before(self, tmp_path) -> None:
        tree = "  - {name: se-all, role: se, when: always, owners: {pair_with: csm, file: se.csv, column: engineer}}\n"
        text = f"format: 1\n{SEATS}territories:\n{OWNER}{self.PAIR}{tree}"
        files = {"pack.yaml": text, "pods.csv": PODS, "se.csv": "csm,engineer,region\ncarol@x.com,eve@x.com,EU\n"}
        one = loaded(tmp_path, files)
        found = decide(one, Book((facts("A", "anna@x.com"),), EVERYBODY), NOW)
        assert {each.role: each.owner.email for each in found} == {
            "owner": "anna@x.com",
            "csm": "carol@x.com",
            "se": "eve@x.com",
        }

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ("{name: a, when: {country: DE}, owners: {pair_with: owner, file: pods.csv}}", ["SYN277"]),
            ("{name: a, role: csm, when: always, owners: {pair_with: csm, file: pods.csv}}", ["SYN277"]),
            ("{name: a, role: csm, when: always, owners: {pair_with: onwer, file: pods.csv}}", ["SYN261", "SYN250"]),
            ("{name: a, role: se, when: always, owners: {pair_with: owner, file: pods.csv}}", ["SYN261"]),
            ("{name: a, role: csm, when: always, owners: {pair_with: owner, file: none.csv}}", ["SYN209"]),
            ("{name: a, role: csm, when: always, owners: {pair_with: owner}}", ["SYN243"]),
            ("{name: a, role: csm, when: always, owners: {pair_with: owner, file: pods.csv, key: x}}", ["SYN240"]),
            ("{name: a, role: csm, when: always, owners: {pair_with: owner, file: pods.csv, column: no}}", ["SYN261"]),
            (
                "{name: a, role: csm, when: always, owners: [a@x.com], overflow: {pair_with: owner, file: pods.csv}}",
                ["SYN241"],
            ),
        ],
    )
    def test_a_mistake_in_a_pair_is_found(self, tmp_path, lines, expected) -> None:
        text = f"format: 1\n{SEATS}territories:\n  - {lines}\n{OWNER}"
        assert sorted(codes(tmp_path, {"pack.yaml": text, "pods.csv": PODS})) == sorted(expected)

    def test_the_rows_of_a_pair_file_are_checked(self, tmp_path) -> None:
        rows = "owner,csm\nanna@x.com,carol@x.com\nANNA@x.com,dan@x.com\n"
        rows += "nobody,eve@x.com\nben@x.com,tbd\nkim@x.com,seat:none\n"
        text = f"format: 1\nterritories:\n{OWNER}{self.PAIR}"
        said = [f"{each.place} {each.code}" for each in found(tmp_path, {"pack.yaml": text, "pods.csv": rows})]
        assert said == ["pods.csv:3:1 SYN258", "pods.csv:4:1 SYN259", "pods.csv:5:11 SYN259", "pods.csv:6:11 SYN250"]

    def test_explain_settles_the_owner_first(self, tmp_path) -> None:
        one = roles(tmp_path, self.PAIR)
        book = Book((facts("A", "anna@x.com"),), EVERYBODY)
        assert [each.email for each in explain(one, book, "A", NOW, role="csm").options] == ["carol@x.com", "o@x.com"]
        decisions = decide(one, book, NOW)
        told = explain(one, book, "A", NOW, decisions[0], role="csm", others=decisions)
        assert told.decision.owner.email == "carol@x.com"

    def test_a_case_expects_the_paired_role(self, tmp_path) -> None:
        case = """\
tests:
  - {name: paired, account: {owner: anna@x.com}, expect: {role: csm, owner: carol@x.com}}
  - name: kept by the ledger of that role
    account: {owner: anna@x.com}
    ledger: {territory: csm-all, owner: carol@x.com, at: 2026-11-01}
    expect: {role: csm, owner: carol@x.com}
"""
        text = f"format: 1\nreps:\n  - {{seat: pod-2, holder: cleo@x.com}}\nterritories:\n{OWNER}{self.PAIR}{case}"
        pack = loaded(tmp_path, {"pack.yaml": text, "pods.csv": PODS})
        results = run_cases(pack, catalogue=CATALOGUE, money=MoneyTable(), now=NOW)
        assert [(each.failures, each.notes) for each in results] == [((), ()), ((), ())]


class TestQueues:
    QUEUE = "  - {name: inbound, when: {country: DE}, owners: {queue: inbound-dach}}\n"

    def test_a_queue_is_an_error_where_no_leads_are_routed_to_territories(self, tmp_path) -> None:
        text = f"format: 1\nterritories:\n{self.QUEUE}{OWNER}"
        assert errors(tmp_path, {"pack.yaml": text}) == ["pack.yaml:3:58 SYN278"]
        accounts = "routing: {leads: [{match: account}]}\n"
        assert errors(tmp_path, {"pack.yaml": text + accounts}) == ["pack.yaml:3:58 SYN278"]

    def test_it_is_right_where_they_are_and_a_table_may_name_one(self, tmp_path) -> None:
        routed = "routing: {leads: [{match: account}, {territory: true}]}\n"
        pack, findings = check_pack(tmp_path_with(tmp_path, f"format: 1\nterritories:\n{self.QUEUE}{OWNER}{routed}"))
        assert [str(each) for each in findings] == []
        assert pack is not None
        assert next(pack.territories()).owners == OwnersByQueue("inbound-dach")
        rows = "territory,country,owners\ninbound,DE,queue:inbound-dach\nrest,,unassigned\n"
        table = loaded(tmp_path, {"pack.yaml": f"format: 1\nterritories: {{table: t.csv}}\n{routed}", "t.csv": rows})
        assert next(table.territories()).owners == OwnersByQueue("inbound-dach")

    def test_an_account_that_reaches_one_stays_with_its_active_owner_else_nobody_has_it(self) -> None:
        from rule_builders import decide_one, pack

        tree = pack(territory("inbound", None, OwnersByQueue("q")))
        held = decide_one(tree, facts("A", "anna@x"))
        assert (held.outcome, held.reason, held.owner.email) == (Outcome.HELD, "queue", "anna@x")
        assert "which can own leads but no account" in held.text
        assert decide_one(tree, facts("A", "gone@x", active=False)).outcome is Outcome.UNASSIGNED
        assert decide_one(tree, facts("A")).outcome is Outcome.UNASSIGNED


def tmp_path_with(path: Path, text: str) -> Path:
    (path / "pack.yaml").write_text(text)
    return path


class TestOverlays:
    def test_each_role_is_decided_by_its_own_tree_with_loads_of_its_own(self, tmp_path) -> None:
        text = f"""\
format: 1
reps: [{{email: carol@x.com, end: 2026-12-31}}]
territories:
  - {{name: csm-de, role: csm, when: {{country: DE}}, owners: [carol@x.com, dan@x.com]}}
{OWNER}  - {{name: se-banks, role: se, when: {{industry: Banking}}, owners: [eve@x.com], keep: false}}
  - {{name: csm-fr, role: csm, when: {{country: FR}}, owners: [dan@x.com]}}
"""
        pack = loaded(tmp_path, {"pack.yaml": text})
        assert pack.roles_in_order == ("owner", "csm", "se")
        companies = [facts("A", "anna@x.com", country="DE"), facts("B", "anna@x.com", country="FR", industry="banking")]
        got = {(each.company, each.role): each for each in decide(pack, Book(tuple(companies), EVERYBODY), NOW)}
        assert {key: each.owner.email if each.owner else None for key, each in got.items()} == {
            ("A", "owner"): "anna@x.com",
            ("A", "csm"): "carol@x.com",
            ("A", "se"): None,
            ("B", "owner"): "anna@x.com",
            ("B", "csm"): "dan@x.com",
            ("B", "se"): "eve@x.com",
        }
        assert got["A", "csm"].loads == {"carol@x.com": "0", "dan@x.com": "0"}
        assert got["A", "csm"].next_change_at == datetime(2027, 1, 1, tzinfo=UTC)

    def test_the_ledger_of_a_role_is_its_own(self, tmp_path) -> None:
        one = roles(tmp_path, "  - {name: csm-all, role: csm, when: always, owners: [c@x.com, d@x.com], keep: false}\n")
        account = {"csm": "d@x.com"}
        assert (
            decided(one, facts("A", "anna@x.com", applied=applied("csm-all", "d@x.com"), **account))["A"].reason
            == "picked"
        )
        own = decided(one, facts("A", "anna@x.com", applied=applied("csm-all", "d@x.com", "csm"), **account))["A"]
        assert own.reason == "remembered"

    def test_labels_and_notes_are_shown_on_the_path(self, tmp_path) -> None:
        line = "  - {name: csm-de, role: csm, labels: {team: dach}, note: new, when: {country: DE}, owners: c@x.com}\n"
        one = roles(tmp_path, line)
        told = explain(one, Book((facts("A", "anna@x.com", country="DE"),), EVERYBODY), "A", NOW, role="csm")
        assert (told.path[0].note, told.path[0].labels) == ("new", (("team", "dach"),))
        assert told.to_json()["path"][0]["labels"] == {"team": "dach"}
        from syncd.report.explanation_text import render_explanation

        shown = render_explanation(told.to_json())
        assert "    labels: team: dach\n    note: new\n" in shown
