"""What is told when the database fails: the pages' receivers, directly, once when it lasts and once when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from jobs_world import NOW

from syncd.alerts.receivers.delivery import DeliveryError
from syncd.alerts.receivers.routing import Route
from syncd.clock import ManualClock
from syncd.jobs.daemon.emergency import Emergency


class Remembers:
    """A receiver that remembers what it took."""

    def __init__(self, name: str, *severities: str) -> None:
        self.name = name
        self.route = Route(severities=frozenset(severities))
        self.taken: list[Mapping[str, Any]] = []
        self.away = False

    def deliver(self, body: Mapping[str, Any]) -> None:
        if self.away:
            raise DeliveryError("unreachable", "nobody answers")
        self.taken.append(body)

    @property
    def reasons(self) -> list[str]:
        return [body["reason"] for body in self.taken]


class Told:
    """A log that keeps nothing."""

    def event(self, name: str, **facts: object) -> None:
        assert name == "notice.failed"


class Trouble:
    """A daemon's emergency over time, looked at every five seconds."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.pager, self.tickets = Remembers("pager", "page"), Remembers("tickets", "ticket")
        log: Any = Told()
        self.emergency = Emergency(self.clock, log, lambda: (self.pager, self.tickets))

    def lasts(self, seconds: int, *, failing: bool) -> None:
        for _ in range(seconds // 5):
            if failing:
                self.emergency.failed("SYN607: the disk is full")
            self.emergency.look()
            self.clock.advance(timedelta(seconds=5))


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


def test_it_is_told_once_and_its_end_once_and_only_to_those_who_take_pages(trouble: Trouble) -> None:
    trouble.lasts(900, failing=True)
    assert trouble.pager.reasons == ["fired"]
    trouble.lasts(600, failing=False)
    assert trouble.pager.reasons == ["fired", "resolved"]
    assert trouble.tickets.taken == []
    fired, resolved = trouble.pager.taken
    assert fired["dedup_key"] == resolved["dedup_key"]
    assert fired["event_id"] != resolved["event_id"]
    assert fired["severity"] == "page"
    assert "SYN607: the disk is full" in fired["text"]
    assert "first: syncd doctor" in fired["text"]
    assert fired["runbook"] == "docs/runbooks/storage-failing.md"


def test_what_passes_within_a_minute_wakes_nobody(trouble: Trouble) -> None:
    for _ in range(5):
        trouble.lasts(50, failing=True)
        trouble.lasts(400, failing=False)
    assert trouble.pager.taken == []


def test_a_database_that_fails_now_and_then_is_one_emergency(trouble: Trouble) -> None:
    for _ in range(10):
        trouble.lasts(30, failing=True)
        trouble.lasts(120, failing=False)
    trouble.lasts(600, failing=False)
    assert trouble.pager.reasons == ["fired", "resolved"]


def test_a_receiver_that_is_away_is_told_later_and_nobody_twice(trouble: Trouble) -> None:
    trouble.tickets.route = Route()
    trouble.pager.away = True
    trouble.lasts(300, failing=True)
    trouble.pager.away = False
    trouble.lasts(300, failing=True)
    assert trouble.pager.reasons == trouble.tickets.reasons == ["fired"]
    trouble.lasts(600, failing=False)
    assert trouble.pager.reasons == trouble.tickets.reasons == ["fired", "resolved"]


def test_who_was_never_told_of_the_beginning_hears_of_no_end(trouble: Trouble) -> None:
    trouble.pager.away = True
    trouble.lasts(300, failing=True)
    trouble.lasts(90, failing=False)
    trouble.pager.away = False
    trouble.lasts(900, failing=False)
    assert "resolved" not in trouble.pager.reasons
    trouble.lasts(300, failing=True)
    assert trouble.pager.reasons[-1] == "fired", "another time is another emergency"
