"""One holder at a time, taken over only after it ran out, each time with a higher epoch."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.errors import ExitCode, LeaseHeldError
from syncd.store import lease
from syncd.store.engine import Store
from syncd.store.lease import Lease
from tests.databases import NOW

TTL = timedelta(minutes=1)


def _at(seconds: float) -> dict[str, object]:
    return {"now": NOW + timedelta(seconds=seconds), "ttl": TTL}


def test_free_lease_is_taken(store: Store) -> None:
    with store.write() as conn:
        assert lease.current(conn) is None
        mine = lease.acquire(conn, "a", **_at(0))  # type: ignore[arg-type]
        assert mine == Lease(1, "a", NOW + TTL)
        assert lease.current(conn) == mine


@pytest.mark.parametrize("holder", ["b", "a"])
def test_held_lease_is_refused_naming_the_holder(store: Store, holder: str) -> None:
    with store.write() as conn:
        mine = lease.acquire(conn, "a", **_at(0))  # type: ignore[arg-type]
        with pytest.raises(LeaseHeldError) as caught:
            lease.acquire(conn, holder, **_at(59.999))  # type: ignore[arg-type]
        assert caught.value.code == "SYN701"
        assert caught.value.exit_code is ExitCode.LEADER
        assert "a holds the lease until 2026-11-20T10:01:00.000Z" in caught.value.summary
        assert lease.current(conn) == mine


def test_lease_that_ran_out_is_taken_over_with_a_higher_epoch(store: Store) -> None:
    with store.write() as conn:
        lease.acquire(conn, "a", **_at(0))  # type: ignore[arg-type]
        assert lease.acquire(conn, "b", **_at(60)) == Lease(2, "b", NOW + 2 * TTL)  # type: ignore[arg-type]
        assert lease.acquire(conn, "a", **_at(999)).epoch == 3  # type: ignore[arg-type]


def test_holder_that_certainly_lives_no_more_is_taken_over_at_once(store: Store) -> None:
    asked = []
    with store.write() as conn:
        lease.acquire(conn, "a", **_at(0))  # type: ignore[arg-type]
        with pytest.raises(LeaseHeldError):
            lease.acquire(conn, "b", gone=lambda holder: bool(asked.append(holder)), **_at(1))  # type: ignore[arg-type]
        assert lease.acquire(conn, "b", gone=lambda holder: True, **_at(1)).epoch == 2  # type: ignore[arg-type]
    assert asked == ["a"]


def test_renewed_lease_stands_longer_under_its_epoch(store: Store) -> None:
    with store.write() as conn:
        mine = lease.acquire(conn, "a", **_at(0))  # type: ignore[arg-type]
        renewed = lease.renew(conn, mine, **_at(30))  # type: ignore[arg-type]
        assert renewed == Lease(1, "a", NOW + timedelta(seconds=90))
        lease.require(conn, 1, now=NOW + timedelta(seconds=89))


def test_clock_that_steps_back_never_shortens_a_lease(store: Store) -> None:
    with store.write() as conn:
        mine = lease.acquire(conn, "a", **_at(0))  # type: ignore[arg-type]
        assert lease.renew(conn, mine, **_at(-3600)).until == mine.until  # type: ignore[arg-type]


def test_lost_lease_is_neither_renewed_nor_required(store: Store) -> None:
    with store.write() as conn:
        mine = lease.acquire(conn, "a", **_at(0))  # type: ignore[arg-type]
        for act in (
            lambda: lease.renew(conn, mine, **_at(60)),  # type: ignore[arg-type]
            lambda: lease.require(conn, 1, now=NOW + TTL),
            lambda: lease.require(conn, 2, now=NOW),
        ):
            with pytest.raises(LeaseHeldError) as caught:
                act()
            assert caught.value.code == "SYN702"
        lease.acquire(conn, "b", **_at(60))  # type: ignore[arg-type]
        with pytest.raises(LeaseHeldError) as caught:
            lease.renew(conn, mine, **_at(61))  # type: ignore[arg-type]
        assert "b holds epoch 2" in caught.value.summary
        lease.require(conn, 2, now=NOW + TTL)


def test_released_lease_is_free_at_once_and_its_epoch_dead(store: Store) -> None:
    with store.write() as conn:
        mine = lease.acquire(conn, "a", **_at(0))  # type: ignore[arg-type]
        lease.release(conn, mine)
        assert lease.current(conn) is None
        with pytest.raises(LeaseHeldError):
            lease.require(conn, mine.epoch, now=NOW)
        assert lease.acquire(conn, "b", **_at(1)).epoch == 2  # type: ignore[arg-type]


def test_releasing_a_lease_that_was_taken_over_changes_nothing(store: Store) -> None:
    with store.write() as conn:
        mine = lease.acquire(conn, "a", **_at(0))  # type: ignore[arg-type]
        theirs = lease.acquire(conn, "b", **_at(60))  # type: ignore[arg-type]
        lease.release(conn, mine)
        assert lease.current(conn) == theirs


def test_nothing_is_required_of_a_lease_nobody_ever_took(store: Store) -> None:
    with store.read() as conn:
        for epoch in (0, 1):
            with pytest.raises(LeaseHeldError) as caught:
                lease.require(conn, epoch, now=NOW)
            assert "nobody" in caught.value.summary
