"""Telling people's changes from our own, and adopting a baseline."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from planning_world import HS, NOW, SF, World, account, decision, facts, held, key

from syncd.errors import RefusedError
from syncd.model.records import Record
from syncd.model.refs import Ref
from syncd.planning.adoption import adopt
from syncd.planning.ownership import OwnershipHistory, person_changes, unmarked
from syncd.store import ledger, mirror, ownership
from syncd.store.ownership import OwnerChange, OwnerMark

EARLIER = NOW - timedelta(days=10)
LATER = NOW - timedelta(days=1)


def record(owner: str | None, ref: Ref | None = None, **changes: object) -> Record:
    return replace(Record(ref or account(1), LATER, {}, owner, modified_by="005ben"), **changes)


def changed(owner: str, at: datetime = LATER, by: str | None = "005ben") -> OwnerChange:
    return OwnerChange(at, "005old", owner, at + timedelta(minutes=5), by)


def changes_by_people(
    *records: Record,
    marks: dict[Ref, OwnerMark],
    changes: dict[Ref, OwnerChange] | None = None,
    open_refs: frozenset[Ref] = frozenset(),
) -> dict[str, tuple[datetime, str]]:
    links = {one.ref: key(1) for one in records}
    return person_changes(records, links, OwnershipHistory(marks, changes or {}, open_refs))


def test_an_owner_that_is_not_the_mark_was_changed_by_a_person() -> None:
    found = changes_by_people(
        record("005ben"),
        marks={account(1): OwnerMark("005old", "adopted", EARLIER)},
        changes={account(1): changed("005ben")},
    )
    assert found == {key(1): (LATER, "changed by 005ben on 2026-11-19 in salesforce")}


def test_an_owner_that_is_the_mark_is_nobodys_change() -> None:
    marks = {account(1): OwnerMark("005anna", "written", EARLIER)}
    ours = {account(1): changed("005anna", EARLIER - timedelta(minutes=5))}
    assert changes_by_people(record("005anna"), marks=marks) == {}
    assert changes_by_people(record("005anna"), marks=marks, changes=ours) == {}


def test_an_owner_that_a_person_moved_away_and_put_back_is_that_persons_word() -> None:
    marks = {account(1): OwnerMark("005anna", "written", EARLIER)}
    found = changes_by_people(record("005anna"), marks=marks, changes={account(1): changed("005anna")})
    assert found == {key(1): (LATER, "changed by 005ben on 2026-11-19 in salesforce")}


def test_an_owner_that_the_native_sync_set_as_awaited_is_nobodys_change() -> None:
    marks = {account(1): OwnerMark("005anna", "expected", EARLIER)}
    assert changes_by_people(record("005anna"), marks=marks, changes={account(1): changed("005anna")}) == {}


def test_before_adoption_nobody_changed_anything() -> None:
    assert changes_by_people(record("005ben"), marks={}, changes={account(1): changed("005ben")}) == {}


def test_a_write_under_way_is_nobodys_change() -> None:
    marks = {account(1): OwnerMark("005old", "adopted", EARLIER)}
    assert changes_by_people(record("005anna"), marks=marks, open_refs=frozenset({account(1)})) == {}


def test_what_the_native_sync_has_not_written_yet_is_awaited_and_no_change() -> None:
    ref = account(1, HS)
    marks = {ref: OwnerMark("77anna", "expected", NOW)}
    before = {ref: OwnerChange(EARLIER, None, "77old", EARLIER)}
    assert changes_by_people(record("77old", ref), marks=marks, changes=before) == {}


def test_another_owner_than_the_expected_one_is_a_persons_change() -> None:
    ref = account(1, HS)
    marks = {ref: OwnerMark("77anna", "expected", EARLIER)}
    found = changes_by_people(record("77ben", ref), marks=marks, changes={ref: changed("77ben", by=None)})
    assert found == {key(1): (LATER, "changed by somebody on 2026-11-19 in hubspot")}


def test_of_two_systems_the_latest_change_counts() -> None:
    marks = {
        account(1): OwnerMark("005old", "adopted", EARLIER),
        account(1, HS): OwnerMark("77old", "adopted", EARLIER),
    }
    late = {account(1): changed("005ben"), account(1, HS): changed("77ben", NOW)}
    found = changes_by_people(record("005ben"), record("77ben", account(1, HS)), marks=marks, changes=late)
    assert found[key(1)][0] == NOW


def test_a_deleted_record_is_nobodys_change() -> None:
    marks = {account(1): OwnerMark("005old", "adopted", EARLIER)}
    assert changes_by_people(record("005ben", deleted=True), marks=marks) == {}


def test_new_accounts_without_a_mark_are_listed() -> None:
    marks = {account(1): OwnerMark("005old", "adopted", EARLIER)}
    records = [record("005old"), record("005ben", account(2)), record("005ben", account(3), deleted=True)]
    assert [one.ref for one in unmarked(records, marks)] == [account(2)]


def complete(world: World) -> None:
    with world.store.write() as conn:
        mirror.bind_system(conn, SF, "org", now=NOW)
        mirror.record_reading(conn, [record("005old"), record("005ben", account(2))], now=NOW, run_id="r1")
        mirror.mark_complete(conn, SF, as_of=NOW, run_id="r1", mapping_revision="m1")


def adoption(world: World, *, again: bool = True) -> object:
    books = [facts(1), facts(2, owned_by="anna"), facts(3)]
    decisions = [decision(books[0]), decision(books[1]), held(books[2])]
    with world.store.write() as conn:
        return adopt(
            conn,
            systems=(SF,),
            decisions=decisions,
            facts={each.key: each for each in books},
            who="mei",
            now=NOW,
            run_id="r1",
            pack_revision="rev1",
            again=again,
        )


def test_adoption_makes_todays_owners_the_baseline_and_counts_what_the_rules_say(world: World) -> None:
    complete(world)
    adopted = adoption(world)
    assert adopted.marked == 2  # type: ignore[attr-defined]
    assert adopted.reasons == {"would-change: picked": 1, "kept": 1, "dispute": 1}  # type: ignore[attr-defined]
    with world.store.read() as conn:
        assert ownership.marks(conn)[account(2)].owner == "005ben"
        (entry,) = ledger.entries(conn, event="baseline.adopted")
        assert ownership.applied(conn)[key(2)]["owner"].territory == "emea/dach"
    assert (entry.actor, entry.facts["marked"]) == ("mei", 2)


def test_adoption_is_refused_before_a_complete_mirror(world: World) -> None:
    with pytest.raises(RefusedError) as caught:
        adoption(world)
    assert caught.value.code == "SYN525"


def test_a_second_adoption_has_to_be_asked_for(world: World) -> None:
    complete(world)
    with pytest.raises(RefusedError) as caught:
        adoption(world, again=False)
    assert caught.value.code == "SYN526"
