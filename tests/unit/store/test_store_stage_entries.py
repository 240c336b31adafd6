"""Ways of deals through their stages: noted by pulls, told by CRMs, gone with the deal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from store_builders import deal, put

from syncd.model.records import Record
from syncd.model.refs import Ref
from syncd.store import housekeeping, stage_entries
from syncd.store.engine import Store
from syncd.store.stage_entries import StageEntry
from tests.databases import NOW


def staged(number: int, stage: str, minutes: int, **fields: str) -> Record:
    made = deal(number, 1)
    return replace(made, stamp=NOW + timedelta(minutes=minutes), fields={**made.fields, "stage": stage, **fields})


def known(store: Store) -> dict[Ref, list[tuple[int, str]]]:
    with store.read() as conn:
        found = stage_entries.ways(conn)
    return {ref: [((each.at - NOW) // timedelta(minutes=1), each.stage) for each in way] for ref, way in found.items()}


def test_each_stage_that_a_pull_sees_is_noted_once_and_a_closed_deal_is_over(store: Store) -> None:
    ref = deal(1, 1).ref
    for each in (
        staged(1, "Prospecting", 0),
        staged(1, "Prospecting", 5, name="renamed"),
        staged(1, "Proposal", 10),
        staged(1, "Qualification", 8),
        staged(1, "Closed Won", 20, is_closed="true", is_won="true"),
    ):
        with store.write() as conn:
            put(conn, each, staged(2, "Closed Lost", 0, is_closed="true"))
    assert known(store) == {ref: [(0, "Prospecting"), (10, "Proposal")]}


def test_what_a_crm_tells_takes_the_place_of_what_was_seen_until_then(store: Store) -> None:
    ref, other = deal(1, 1).ref, deal(2, 1).ref
    told = [
        StageEntry(NOW - timedelta(days=2), "Prospecting"),
        StageEntry(NOW + timedelta(minutes=12), "Qualification"),
    ]
    with store.write() as conn:
        put(conn, staged(1, "Qualification", 10), staged(2, "Prospecting", 10))
        put(conn, staged(1, "Proposal", 30))
        assert stage_entries.tell_stages(conn, {ref: told, other: []}) == 1
        assert stage_entries.told_ways(conn) == {ref}
    assert known(store)[ref] == [(-2880, "Prospecting"), (12, "Qualification"), (30, "Proposal")]
    assert known(store)[other] == [(10, "Prospecting")]
    with store.write() as conn:
        put(conn, replace(staged(1, "Proposal", 40), deleted=True))
        housekeeping.PARTS["records"](conn, NOW + timedelta(days=60))
    assert list(known(store)) == [other]
