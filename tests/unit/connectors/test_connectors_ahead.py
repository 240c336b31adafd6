"""A request that comes next for sure is under way while the last answer is worked on, and is sent once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from syncd.clock import ManualClock
from syncd.connectors.budget import salesforce_budget
from syncd.connectors.gate import Gate
from syncd.connectors.wire import HttpRequest, HttpResponse, NetworkWire, WireError
from syncd.errors import QuotaExhaustedError

FIRST, NEXT = HttpRequest("GET", "http://localhost/1"), HttpRequest("GET", "http://localhost/2")


class SlowNetwork(NetworkWire):
    """A network that answers with the path when it is let; `failing` paths get no answer."""

    def __init__(self, failing: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.arrived, self.let = threading.Event(), threading.Event()
        self._failing = failing

    def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request.url)
        self.arrived.set()
        assert self.let.wait(20)
        if request.url in self._failing:
            raise WireError("reset", True)
        return HttpResponse(200, {}, request.url.encode())


def gate_of(wire, told: str = "api-usage=0/1000") -> Gate:
    budget = salesforce_budget(ManualClock(datetime(2026, 11, 20, 10, tzinfo=UTC)))
    budget.note_limit_info(told)
    return Gate(wire, budget, lambda _answer: None)


def test_an_expected_request_is_under_way_before_it_is_asked_for_and_sent_once():
    wire = SlowNetwork()
    gate = gate_of(wire)
    gate.expect(NEXT)
    assert wire.arrived.wait(20)
    assert gate.calls == 0
    wire.let.set()
    assert gate.send(NEXT).body == b"http://localhost/2"
    assert gate.last is not None
    assert gate.request == NEXT
    assert (wire.sent, gate.calls) == ([NEXT.url], 1)
    gate.send(NEXT)
    assert (wire.sent, gate.calls) == ([NEXT.url, NEXT.url], 2)


def test_another_request_goes_its_own_way():
    wire = SlowNetwork()
    gate = gate_of(wire)
    wire.let.set()
    gate.expect(NEXT)
    assert gate.send(FIRST).body == b"http://localhost/1"
    assert gate.send(NEXT).body == b"http://localhost/2"
    assert sorted(wire.sent) == [FIRST.url, NEXT.url]


def test_what_went_wrong_is_told_to_whoever_asks():
    wire = SlowNetwork(failing=(NEXT.url,))
    gate = gate_of(wire)
    wire.let.set()
    gate.expect(NEXT)
    with pytest.raises(WireError, match="reset"):
        gate.send(NEXT)
    assert gate.last is None


def test_a_request_that_the_budget_refuses_is_not_sent_ahead():
    wire = SlowNetwork()
    wire.let.set()
    gate = gate_of(wire, "api-usage=999/1000")
    gate.expect(NEXT)
    with pytest.raises(QuotaExhaustedError):
        gate.send(NEXT)
    assert wire.sent == []


def test_nothing_is_sent_ahead_where_no_time_passes():
    class Inside:
        sent = 0

        def send(self, request: HttpRequest) -> HttpResponse:
            self.sent += 1
            return HttpResponse(200)

    wire = Inside()
    assert not gate_of(wire).is_networked
    assert gate_of(SlowNetwork()).is_networked


def test_where_no_thread_is_left_the_request_is_sent_when_asked_for_and_counts_once(monkeypatch: pytest.MonkeyPatch):
    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    admitted = []
    wire = SlowNetwork()
    wire.let.set()
    gate = gate_of(wire)
    monkeypatch.setattr(gate._budget, "admit", lambda pool, *, writing: admitted.append(pool))
    monkeypatch.setattr("_thread.start_new_thread", none_left)
    gate.expect(NEXT)
    assert wire.sent == []
    assert gate.send(NEXT).body == b"http://localhost/2"
    assert (wire.sent, gate.calls, len(admitted)) == ([NEXT.url], 1, 1)
