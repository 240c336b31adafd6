"""Episodes, notices, monitor states and silences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from syncd.errors import StorageError
from syncd.store import episodes
from syncd.store.engine import Store
from syncd.store.episodes import Episode, Silence
from tests.databases import NOW

LATER = NOW + timedelta(minutes=10)
PENDING = Episode(
    id=None,
    fingerprint="fp1",
    monitor="RepLeft",
    subject="salesforce:user:005",
    labels={"team": "emea"},
    severity="ticket",
    state="pending",
    started_at=NOW,
    summary="Jo left",
    detail={"accounts": 3},
)


def _saved(conn: Connection, episode: Episode = PENDING) -> Episode:
    return episodes.save_episode(conn, episode)


def _id(episode: Episode) -> int:
    assert episode.id is not None
    return episode.id


def test_episode_lives_from_pending_to_resolved(store: Store) -> None:
    with store.write() as conn:
        pending = _saved(conn)
        assert replace(pending, id=None) == PENDING
        assert episodes.open_episodes(conn) == (pending,)
        firing = _saved(conn, replace(pending, state="firing", fired_at=LATER, summary="Jo left, 3 accounts"))
        assert episodes.open_episodes(conn) == (firing,)
        resolved = _saved(conn, replace(firing, state="resolved", resolved_at=LATER))
        assert episodes.open_episodes(conn) == ()
        assert episodes.list_episodes(conn, states=["resolved"]) == (resolved,)


def test_fingerprint_has_one_open_episode(store: Store) -> None:
    with store.write() as conn:
        first = _saved(conn)
        with pytest.raises(StorageError) as caught:
            _saved(conn)
        assert caught.value.code == "SYN611"
        _saved(conn, replace(PENDING, fingerprint="fp2"))
        _saved(conn, replace(first, state="resolved", resolved_at=LATER))
        second = _saved(conn, replace(PENDING, started_at=LATER))
        assert second.id != first.id
        assert episodes.list_episodes(conn, limit=2)[0] == second


@pytest.mark.parametrize(("before", "after"), [("firing", "pending"), ("resolved", "pending"), ("resolved", "firing")])
def test_episode_never_steps_back(store: Store, before: str, after: str) -> None:
    with store.write() as conn:
        episode = _saved(conn, replace(PENDING, state=before))  # type: ignore[arg-type]
        with pytest.raises(StorageError) as caught:
            _saved(conn, replace(episode, state=after))  # type: ignore[arg-type]
        assert caught.value.code == "SYN611"


def test_unknown_episode_is_told(store: Store) -> None:
    with store.write() as conn:
        for act in (
            lambda: _saved(conn, replace(PENDING, id=9)),
            lambda: episodes.acknowledge(conn, 9, "uid:7", NOW),
        ):
            with pytest.raises(StorageError) as caught:
                act()
            assert caught.value.code == "SYN616"


def test_acknowledgement_is_kept(store: Store) -> None:
    with store.write() as conn:
        episode = _saved(conn)
        episodes.acknowledge(conn, _id(episode), "uid:7", LATER)
        assert episodes.open_episodes(conn)[0].acknowledged_by == "uid:7"


def test_notice_is_queued_once_per_episode_receiver_reason_and_sequence(store: Store) -> None:
    with store.write() as conn:
        episode_id = _id(_saved(conn))

        def queue(receiver: str = "slack", reason: str = "fired", **rest: int) -> bool:
            return episodes.enqueue_notice(conn, episode_id, receiver, reason, {"text": "x"}, now=NOW, **rest)  # type: ignore[arg-type]

        assert [queue(), queue(), queue("pager"), queue(reason="resolved"), queue(sequence=1), queue(sequence=1)] == [
            True,
            False,
            True,
            True,
            True,
            False,
        ]
        assert len(episodes.notices(conn, episode_id)) == 4


def test_notice_goes_with_the_transaction_that_queued_it(store: Store) -> None:
    with store.write() as conn:
        episode_id = _id(_saved(conn))
    with pytest.raises(KeyError), store.write() as conn:
        raise KeyError(episodes.enqueue_notice(conn, episode_id, "slack", "fired", {}, now=NOW))
    with store.read() as conn:
        assert episodes.notices(conn, episode_id) == ()


def test_a_receiver_is_told_of_an_end_only_after_it_took_the_beginning(store: Store) -> None:
    with store.write() as conn:
        episode_id = _id(_saved(conn))
        episodes.enqueue_notice(conn, episode_id, "pager", "fired", {}, now=NOW)
        (fired,) = episodes.claim_notices(conn, now=NOW, limit=9)
        episodes.finish_notice(conn, fired.id, ok=False, reason="timeout", now=NOW, retry_at=LATER)
        for receiver in ("pager", "file"):
            episodes.enqueue_notice(conn, episode_id, receiver, "resolved", {}, now=NOW)
        assert [each.receiver for each in episodes.claim_notices(conn, now=NOW, limit=9)] == ["file"]
        claimed = episodes.claim_notices(conn, now=LATER, limit=2)
        assert [(each.receiver, each.reason) for each in claimed] == [("pager", "fired"), ("pager", "resolved")]


def test_claimed_notices_are_nobody_elses_until_they_are_overdue(store: Store) -> None:
    with store.write() as conn:
        episode_id = _id(_saved(conn))
        for number in range(3):
            episodes.enqueue_notice(conn, episode_id, f"slack-{number}", "fired", {"n": number}, now=NOW)
        first = episodes.claim_notices(conn, now=NOW, limit=2)
        assert [(notice.body["n"], notice.attempts, notice.state) for notice in first] == [
            (0, 1, "sending"),
            (1, 1, "sending"),
        ]
        assert [notice.body["n"] for notice in episodes.claim_notices(conn, now=NOW, limit=9)] == [2]
        assert episodes.claim_notices(conn, now=NOW, limit=9) == ()
        died = episodes.claim_notices(conn, now=LATER, limit=9)
        assert [(notice.body["n"], notice.attempts) for notice in died] == [(0, 2), (1, 2), (2, 2)]


def test_notice_is_tried_again_when_it_is_due_and_not_after_its_end(store: Store) -> None:
    with store.write() as conn:
        episode_id = _id(_saved(conn))
        for receiver in ("sent", "later", "failed"):
            episodes.enqueue_notice(conn, episode_id, receiver, "fired", {}, now=NOW)
        for notice in episodes.claim_notices(conn, now=NOW, limit=9):
            retry_at = LATER if notice.receiver == "later" else None
            ok = notice.receiver == "sent"
            episodes.finish_notice(conn, notice.id, ok=ok, reason="timeout", now=NOW, retry_at=retry_at)
        assert episodes.claim_notices(conn, now=NOW, limit=9) == ()
        assert [notice.receiver for notice in episodes.claim_notices(conn, now=LATER, limit=9)] == ["later"]
        states = {notice.receiver: (notice.state, notice.outcome) for notice in episodes.notices(conn, episode_id)}
        assert states == {
            "sent": ("sent", "timeout"),
            "failed": ("failed", "timeout"),
            "later": ("sending", "timeout"),
        }


def test_notice_may_be_due_later(store: Store) -> None:
    with store.write() as conn:
        episode_id = _id(_saved(conn))
        episodes.enqueue_notice(conn, episode_id, "slack", "fired", {}, now=NOW, due_at=LATER)
        assert episodes.claim_notices(conn, now=NOW, limit=9) == ()
        assert len(episodes.claim_notices(conn, now=LATER, limit=9)) == 1


def test_notice_that_is_not_being_sent_cannot_end(store: Store) -> None:
    with store.write() as conn:
        episode_id = _id(_saved(conn))
        episodes.enqueue_notice(conn, episode_id, "slack", "fired", {}, now=NOW)
        (notice,) = episodes.notices(conn, episode_id)
        for notice_id in (notice.id, 99):
            with pytest.raises(StorageError) as caught:
                episodes.finish_notice(conn, notice_id, ok=True, reason=None, now=NOW)
            assert caught.value.code == "SYN611"


def test_monitor_state_is_replaced_with_its_baseline(store: Store) -> None:
    with store.write() as conn:
        assert (episodes.monitor_state(conn, "RepLeft"), episodes.baseline_key(conn, "RepLeft")) == ({}, None)
        states = {f"user{number}": "active" for number in range(1200)}
        episodes.save_monitor_state(conn, "RepLeft", "pack1", states)
        episodes.save_monitor_state(conn, "AccountChurned", "pack0", {"c1": "customer"})
        episodes.save_monitor_state(conn, "RepLeft", "pack2", {"user1": "inactive", "user2": "active", "new": "x"})
        assert episodes.monitor_state(conn, "RepLeft") == {"user1": "inactive", "user2": "active", "new": "x"}
        assert episodes.baseline_key(conn, "RepLeft") == "pack2"
        assert episodes.monitor_state(conn, "AccountChurned") == {"c1": "customer"}


def test_silence_is_in_force_between_its_instants(store: Store) -> None:
    with store.write() as conn:
        silence_id = episodes.add_silence(
            conn, matchers={"monitor": "RepLeft"}, ends_at=LATER, author="uid:7", comment="known", now=NOW
        )
        silence = Silence(silence_id, {"monitor": "RepLeft"}, NOW, LATER, "uid:7", "known")
        assert episodes.silences(conn, NOW) == (silence,)
        assert episodes.silences(conn, LATER) == ()
        assert episodes.silences(conn, NOW - timedelta(seconds=1)) == ()
        episodes.end_silence(conn, silence_id, now=NOW + timedelta(minutes=1))
        assert episodes.silences(conn, NOW + timedelta(minutes=1)) == ()
        for unknown in (silence_id, 99):
            with pytest.raises(StorageError) as caught:
                episodes.end_silence(conn, unknown, now=NOW + timedelta(minutes=2))
            assert caught.value.code == "SYN616"


@pytest.mark.parametrize(("matchers", "ends_at"), [({}, LATER), ({"a": "b"}, NOW)])
def test_silence_of_everything_or_nothing_is_refused(store: Store, matchers: dict[str, str], ends_at: object) -> None:
    with store.write() as conn, pytest.raises(ValueError, match="matchers"):
        episodes.add_silence(conn, matchers=matchers, ends_at=ends_at, author="a", comment="c", now=NOW)  # type: ignore[arg-type]
