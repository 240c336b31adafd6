"""Records, users and teams that the CRM does not show any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store_builders import HS, SF, account, account_ref, deal, put, user

from syncd.errors import GuardTrippedError
from syncd.model.records import Team, TeamMember
from syncd.model.refs import Kind
from syncd.store import mirror
from syncd.store.engine import Store
from tests.databases import NOW

LATER = NOW + timedelta(hours=1)


def _sweep(store: Store, live: list[str], **rest: object) -> int:
    with store.write() as conn:
        gone = mirror.vanished(conn, SF, Kind.ACCOUNT, iter(live), **rest)  # type: ignore[arg-type]
        return mirror.mark_gone(conn, SF, Kind.ACCOUNT, gone, now=LATER, run_id="r")


def _live(store: Store) -> list[str]:
    with store.read() as conn:
        return [record.ref.id for record in mirror.records(conn, SF, Kind.ACCOUNT)]


def _fill(store: Store, count: int) -> list[str]:
    ids = [f"{number:04}" for number in range(count)]
    with store.write() as conn:
        put(conn, *(account(number) for number in ids), deal(1, "0000"), account("0000", system=HS))
    return ids


def test_what_is_not_live_any_more_is_marked_deleted(store: Store) -> None:
    ids = _fill(store, 2200)
    assert _sweep(store, [*ids[:-3], "new in the CRM", ids[0]]) == 3
    assert _live(store) == ids[:-3]
    with store.read() as conn:
        gone = mirror.get_record(conn, account_ref(ids[-1]))
        assert gone.deleted
        assert gone.stamp == NOW
        assert len(list(mirror.records(conn, HS, Kind.ACCOUNT))) == 1
        assert len(list(mirror.records(conn, SF, Kind.OPPORTUNITY))) == 1


def test_sweep_is_repeatable(store: Store) -> None:
    ids = _fill(store, 20)
    assert _sweep(store, ids[:-1]) == 1
    assert _sweep(store, ids[:-1]) == 0


@pytest.mark.parametrize(
    ("count", "missing", "trips"), [(1000, 20, False), (1000, 21, True), (20, 10, False), (20, 11, True)]
)
def test_sweep_stops_above_its_share(store: Store, count: int, missing: int, trips: bool) -> None:
    ids = _fill(store, count)
    if not trips:
        assert _sweep(store, ids[missing:]) == missing
        return
    with pytest.raises(GuardTrippedError) as caught:
        _sweep(store, ids[missing:])
    assert caught.value.code == "SYN404"
    assert f"{missing} of {count} accounts" in caught.value.summary
    assert _live(store) == ids


def test_share_may_be_raised(store: Store) -> None:
    ids = _fill(store, 40)
    assert _sweep(store, ids[:20], max_share=0.5) == 20


def test_empty_answer_never_empties_the_mirror(store: Store) -> None:
    ids = _fill(store, 50)
    with pytest.raises(GuardTrippedError):
        _sweep(store, [])
    assert _live(store) == ids


def test_rows_that_changed_while_ids_were_read_are_left_alone(store: Store) -> None:
    ids = _fill(store, 5)
    with store.write() as conn:
        put(conn, account("new"), now=NOW + timedelta(minutes=5))
    assert _sweep(store, ids[:4], seen_before=NOW + timedelta(minutes=1)) == 1
    assert _live(store) == [*ids[:4], "new"]


def test_vanished_record_comes_back_when_it_is_read_again(store: Store) -> None:
    ids = _fill(store, 5)
    _sweep(store, ids[1:])
    with store.write() as conn:
        assert put(conn, account(ids[0])).changed == 1
    assert _live(store) == ids


def test_users_are_stored_and_only_changes_counted(store: Store) -> None:
    people = [user("1"), user("2", active=False, eligible=False, login="two@org", fields={"region": "EMEA"}), user("3")]
    with store.write() as conn:
        assert mirror.store_users(conn, SF, people, now=NOW, run_id="r") == 3
        assert mirror.store_users(conn, SF, people, now=LATER, run_id="r") == 0
        mirror.store_users(conn, HS, [user("1", system=HS)], now=NOW, run_id="r")
        assert mirror.users(conn, SF) == tuple(people)
        assert [found.ref.system for found in mirror.users(conn)] == [HS, SF, SF, SF]


def test_user_who_vanished_stays_inactive_until_seen_again(store: Store) -> None:
    with store.write() as conn:
        mirror.store_users(conn, SF, [user("1"), user("2")], now=NOW, run_id="r")
        assert mirror.store_users(conn, SF, [user("2")], now=LATER, run_id="r") == 1
        assert [found.active for found in mirror.users(conn, SF)] == [False, True]
        assert mirror.store_users(conn, SF, [user("2")], now=LATER, run_id="r") == 0
        assert mirror.store_users(conn, SF, [user("1"), user("2")], now=LATER, run_id="r") == 1
        assert [found.active for found in mirror.users(conn, SF)] == [True, True]


def test_lost_sight_of_the_users_is_not_a_mass_departure(store: Store) -> None:
    people = [user(f"{number:02}") for number in range(30)]
    with store.write() as conn:
        mirror.store_users(conn, SF, people, now=NOW, run_id="r")
        with pytest.raises(GuardTrippedError) as caught:
            mirror.store_users(conn, SF, [], now=LATER, run_id="r")
        assert caught.value.code == "SYN404"
        assert all(found.active for found in mirror.users(conn, SF))


def test_users_of_another_system_are_refused(store: Store) -> None:
    with store.write() as conn, pytest.raises(ValueError, match="another system"):
        mirror.store_users(conn, SF, [user("1", system=HS)], now=NOW, run_id="r")


def test_teams_are_replaced_and_empty_ones_are_none(store: Store) -> None:
    team = Team(
        account_ref(1), (TeamMember("005-a", (("TeamMemberRole", "Manager"),)), TeamMember("005-b")), restorable=False
    )
    with store.write() as conn:
        assert mirror.teams(conn, SF) == mirror.TeamsView(readable=False)
        mirror.store_teams(conn, SF, [team, Team(account_ref(2), ())], now=NOW)
        assert mirror.teams(conn, SF) == mirror.TeamsView(True, {"1": team})
        mirror.store_teams(conn, SF, [], now=NOW)
        assert mirror.teams(conn, SF) == mirror.TeamsView(True, {})


def test_unreadable_teams_are_known_as_unreadable(store: Store) -> None:
    team = Team(account_ref(1), (TeamMember("005-a"),))
    with store.write() as conn:
        mirror.store_teams(conn, SF, [team], now=NOW)
        mirror.store_teams(conn, SF, None, now=LATER)
        assert mirror.teams(conn, SF) == mirror.TeamsView(False, {"1": team})


def test_a_record_that_changed_while_it_was_asked_for_is_not_marked(store: Store) -> None:
    ids = _fill(store, 3)
    with store.write() as conn:
        assert mirror.mark_gone(conn, SF, Kind.ACCOUNT, ids[:2], now=LATER, run_id="r", seen_before=NOW) == 0
        assert mirror.mark_gone(conn, SF, Kind.ACCOUNT, ids[:2], now=LATER, run_id="r", seen_before=LATER) == 2
    assert _live(store) == ids[2:]
