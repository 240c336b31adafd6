"""The retry policy: how often, how long, and what is no attempt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from syncd.clock import ManualClock
from syncd.connectors.retry import CallFailedError, Failure, Remedy, RetryPolicy, limited, retry_after, unanswered
from syncd.connectors.wire import WireError
from syncd.entropy import SeededEntropy
from syncd.errors import AuthError, BadDataError, RateLimitedError, RetryableError, SchemaError

START = datetime(2026, 11, 20, 10, tzinfo=UTC)


class Script:
    """A call that fails as told, then returns `done`."""

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise CallFailedError(self.failures.pop(0))
        return "done"


def passing(wait: float | None = None, *, soon: bool = False) -> Failure:
    return Failure(Remedy.REPEAT, RetryableError("SYN412", "busy"), wait=wait, soon=soon)


def policy(clock: ManualClock, **settings: float) -> RetryPolicy:
    return RetryPolicy(clock, SeededEntropy(7), **settings)  # type: ignore[arg-type]


def test_a_passing_failure_is_repeated_up_to_five_sends() -> None:
    clock, call = ManualClock(START), Script(*[passing()] * 9)
    with pytest.raises(RetryableError):
        policy(clock).run(call)
    assert call.calls == 5


def test_four_failures_are_survived_and_waits_stay_under_a_doubling_ceiling() -> None:
    clock, call = ManualClock(START), Script(*[passing()] * 4)
    assert policy(clock).run(call) == "done"
    assert 0 < clock.monotonic() <= 1 + 2 + 4 + 8


def test_jitter_comes_from_entropy_so_a_run_can_be_replayed() -> None:
    waits = []
    for _ in range(2):
        clock = ManualClock(START)
        policy(clock).run(Script(*[passing()] * 4))
        waits.append(clock.monotonic())
    assert waits[0] == waits[1]


def test_a_wait_that_the_crm_asks_for_is_the_least_and_is_capped() -> None:
    clock = ManualClock(START)
    policy(clock).run(Script(passing(30.0)))
    assert clock.monotonic() == pytest.approx(30.0)
    policy(clock).run(Script(passing(86_400.0)))
    assert clock.monotonic() == pytest.approx(90.0)


def test_a_dropped_idle_connection_is_tried_again_at_once() -> None:
    clock = ManualClock(START)
    policy(clock).run(Script(passing(soon=True)))
    assert clock.monotonic() == 0


def test_rate_limit_waits_are_no_attempts() -> None:
    clock = ManualClock(START)
    slow = limited("slow down", where="x", wait=10.0)
    call = Script(*[slow] * 12, *[passing()] * 4)
    assert policy(clock).run(call) == "done"
    assert call.calls == 17


def test_no_call_waits_longer_than_its_patience() -> None:
    clock, call = ManualClock(START), Script(*[limited("slow down", where="x", wait=86_400.0)] * 3)
    with pytest.raises(RateLimitedError) as caught:
        policy(clock).run(call)
    assert (call.calls, caught.value.wait, clock.monotonic()) == (1, 86_400.0, 0)


def test_a_rate_limit_that_says_zero_cannot_spin() -> None:
    clock, call = ManualClock(START), Script(*[limited("slow down", where="x", wait=0.0)] * 10_000)
    with pytest.raises(RateLimitedError):
        policy(clock).run(call)
    assert call.calls <= 301


def test_all_waits_of_a_run_have_one_budget() -> None:
    clock = ManualClock(START)
    one = policy(clock, run_budget=25.0)
    one.run(Script(limited("slow down", where="x", wait=20.0)))
    with pytest.raises(RateLimitedError):
        one.run(Script(limited("slow down", where="x", wait=20.0)))
    assert clock.monotonic() == 20.0


def test_a_refused_token_is_refreshed_once_and_the_call_repeated_once() -> None:
    refreshed: list[int] = []
    refused = Failure(Remedy.REFRESH, AuthError("SYN401", "refused"))
    call = Script(refused)
    assert policy(ManualClock(START)).run(call, lambda: refreshed.append(1)) == "done"
    again = Script(refused, refused, refused)
    with pytest.raises(AuthError):
        policy(ManualClock(START)).run(again, lambda: refreshed.append(1))
    assert (call.calls, again.calls, len(refreshed)) == (2, 2, 2)


@pytest.mark.parametrize("refresh", [None, lambda: None])
def test_a_final_failure_is_raised_at_once(refresh: Callable[[], None] | None) -> None:
    call = Script(Failure(Remedy.STOP, SchemaError("SYN405", "gone")))
    with pytest.raises(SchemaError):
        policy(ManualClock(START)).run(call, refresh)
    assert call.calls == 1


def test_a_bug_is_not_retried() -> None:
    calls: list[int] = []

    def broken() -> None:
        calls.append(1)
        raise KeyError("bug")

    with pytest.raises(KeyError):
        policy(ManualClock(START)).run(broken)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("error", "kind", "code", "applied", "soon"),
    [
        (WireError("connect", False), RetryableError, "SYN410", False, False),
        (WireError("timeout", True), RetryableError, "SYN411", None, False),
        (WireError("reset", True), RetryableError, "SYN411", None, True),
        (WireError("broken", True), BadDataError, "SYN421", None, False),
    ],
)
def test_what_no_answer_means(error: WireError, kind: type, code: str, applied: bool | None, soon: bool) -> None:
    failure = unanswered(error, "salesforce")
    assert (type(failure.error), failure.error.code, failure.remedy) == (kind, code, Remedy.REPEAT)
    assert getattr(failure.error, "applied", None) is applied
    assert failure.soon is soon


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("86400", 86_400.0),
        ("Fri, 20 Nov 2026 10:02:00 GMT", 120.0),
        ("Fri, 20 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_every_form_of_retry_after_is_read(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, START) == seconds
