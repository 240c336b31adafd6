"""Whether a row still stands on what the book holds: a record that went elsewhere, and one that is on no account."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planning_world import NOW, account, directory, email, facts, key, pack, territory

from syncd.model.decisions import Decision, Outcome, Owner
from syncd.model.plans import OutboxRow, RowState
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.planning.proposing.builder import PlanInput
from syncd.planning.proposing.fingerprints import RepState, loose_fingerprint
from syncd.planning.proposing.staleness import present_rows

CONTACT = Ref(System.SALESFORCE, Kind.CONTACT, "0031")
ROW = OutboxRow(1, "p", account(1), "005old", "005anna", key(1), None, "f", RowState.APPROVED)
LOOSE = replace(ROW, ref=CONTACT, because="left")


def book(*companies: int, followers: tuple[Record, ...] = ()) -> PlanInput:
    anna = Owner(email("anna"))
    decided = [
        Decision(key(number), (), "owner", "emea/dach", anna, None, Outcome.CHANGE, "picked", "picked", None)
        for number in (1, 2)
    ]
    return PlanInput(
        pack=pack(roles={"owner": (territory(),)}),
        decisions=decided,
        facts={each.key: each for each in map(facts, companies)},
        now=NOW,
        created_at=NOW,
        pack_revision="rev1",
        directory=directory(),
        followers=followers,
    )


def test_a_row_whose_record_is_in_its_company_stands() -> None:
    assert set(present_rows(book(1, 2), {"decisions": []}, [ROW])) == {ROW.slot}


@pytest.mark.parametrize("row", [ROW, replace(ROW, ref=account(9))])
def test_a_row_whose_company_or_record_is_gone_is_left_out(row: OutboxRow) -> None:
    source = book(2) if row is ROW else book(1, 2)
    assert present_rows(source, {"decisions": []}, [row]) == {}


def test_a_contact_on_no_account_stands_by_its_own_record() -> None:
    source = book(1, followers=(Record(CONTACT, NOW, {}, "005old"),))
    found = present_rows(source, {"decisions": []}, [LOOSE])
    assert found[LOOSE.slot].owner == "005old"
    assert present_rows(book(1), {"decisions": []}, [LOOSE]) == {}


def test_whom_no_system_knows_any_more_counts_as_inactive() -> None:
    source = book(1, followers=(Record(CONTACT, NOW, {}, "005old"),))
    row = replace(LOOSE, new="005nobody")
    gone = RepState("005nobody", active=False, eligible=False)
    found = present_rows(source, {"decisions": []}, [row])[row.slot]
    assert found.fingerprint == loose_fingerprint(CONTACT, "005old", target=gone)
