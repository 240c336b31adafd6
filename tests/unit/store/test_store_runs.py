"""Runs of jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.errors import StorageError
from syncd.store import runs
from syncd.store.engine import Store
from tests.databases import NOW


def test_runs_are_listed_newest_first(store: Store) -> None:
    with store.write() as conn:
        for number, job in enumerate(["pull", "plan", "pull"]):
            runs.start_run(conn, f"r{number}", job, now=NOW + timedelta(minutes=number), detail={"full": True})
        runs.finish_run(conn, "r0", "incomplete", now=NOW + timedelta(hours=1), summary={"read": 3})
        assert [run.run_id for run in runs.runs(conn, 9)] == ["r2", "r1", "r0"]
        assert [run.run_id for run in runs.runs(conn, 1, "pull")] == ["r2"]
        assert runs.get_run(conn, "r0") == runs.Run(
            "r0", "pull", NOW, NOW + timedelta(hours=1), "incomplete", {"full": True}, {"read": 3}
        )
        assert runs.get_run(conn, "r1").finished_at is None
        assert runs.get_run(conn, "none") is None


def test_last_success_counts_only_runs_that_ended_well(store: Store) -> None:
    with store.write() as conn:
        for number, outcome in enumerate(["ok", "ok", "incomplete", "failed"]):
            runs.start_run(conn, f"r{number}", "pull", now=NOW)
            runs.finish_run(conn, f"r{number}", outcome, now=NOW + timedelta(minutes=number), summary={})
        runs.start_run(conn, "under way", "pull", now=NOW)
        assert runs.last_success(conn, "pull") == NOW + timedelta(minutes=1)
        assert runs.last_success(conn, "plan") is None


def test_what_runs_of_several_jobs_came_to_is_one_question(store: Store) -> None:
    with store.write() as conn:
        for number, (job, outcome) in enumerate([("pull", "ok"), ("apply", "ok"), ("watch", "ok"), ("pull", "failed")]):
            began = NOW + timedelta(minutes=number)
            runs.start_run(conn, f"r{number}", job, now=began)
            runs.finish_run(conn, f"r{number}", outcome, now=began, summary={"number": number})
        runs.start_run(conn, "under way", "sweep", now=NOW)
        since = runs.summaries_since(conn, ["pull", "apply"], NOW + timedelta(minutes=1))
        assert sorted(summary["number"] for summary in since) == [1, 3]
        ended = runs.last_successes(conn, ["pull", "apply", "sweep", "plan"])
        assert ended == {"pull": NOW, "apply": NOW + timedelta(minutes=1)}


def test_run_starts_and_ends_once(store: Store) -> None:
    with store.write() as conn:
        runs.start_run(conn, "r", "pull", now=NOW)
        with pytest.raises(StorageError) as caught:
            runs.start_run(conn, "r", "plan", now=NOW)
        assert caught.value.code == "SYN611"
        runs.finish_run(conn, "r", "ok", now=NOW, summary={})
        for run_id in ("r", "none"):
            with pytest.raises(StorageError) as caught:
                runs.finish_run(conn, run_id, "failed", now=NOW, summary={})
            assert caught.value.code == "SYN616"


def test_the_past_of_a_job_is_that_of_the_runs_that_began_as_asked(store: Store) -> None:
    """A sweep is a pull with another detail: neither makes the other seem done."""
    later = [NOW + timedelta(minutes=number) for number in range(4)]
    began = [
        ("pull", {"sweep": True}, "ok"),
        ("pull", {}, "ok"),
        ("pull", {"sweep": True}, "failed"),
        ("plan", {}, "ok"),
    ]
    with store.write() as conn:
        assert runs.past(conn, "pull") == runs.Past(None, None, None)
        assert runs.first_start(conn) is None
        for number, (job, detail, outcome) in enumerate(began):
            runs.start_run(conn, f"r{number}", job, now=later[number], detail=detail)
            runs.finish_run(conn, f"r{number}", outcome, now=later[number], summary={})
        assert runs.past(conn, "pull") == runs.Past(later[1], later[2], "failed")
        assert runs.past(conn, "pull", [{"sweep": True}]) == runs.Past(later[0], later[2], "failed")
        assert runs.past(conn, "pull", [{}]) == runs.Past(later[1], later[1], "ok")
        assert runs.past(conn, "pull", [{}, {"sweep": True}]) == runs.Past(later[1], later[2], "failed")
        assert runs.past(conn, "watch", [{}]) == runs.Past(None, None, None)
        assert runs.first_start(conn) == NOW
