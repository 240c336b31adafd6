"""What wakes the daemon: whatever is set is seen, and a signal in the middle of anything stops nothing."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from syncd.clock import SystemClock
from syncd.jobs.daemon.waking import Waking

CLOCK = SystemClock()


def test_what_was_set_before_ends_the_next_wait() -> None:
    waking = Waking()
    started = CLOCK.monotonic()
    for _ in range(100_000):  # more than the pipe takes
        waking.set()
    waking.wait(60)
    assert CLOCK.monotonic() - started < 30


def test_what_was_used_up_ends_no_wait() -> None:
    waking = Waking()
    waking.set()
    waking.wait(60)
    started = CLOCK.monotonic()
    waking.wait(0.05)
    assert CLOCK.monotonic() - started >= 0.04


def test_another_thread_ends_the_wait() -> None:
    waking = Waking()
    other = threading.Timer(0.02, waking.set)
    other.start()
    started = CLOCK.monotonic()
    waking.wait(60)
    assert CLOCK.monotonic() - started < 30
    other.join()


def test_a_signal_at_any_moment_does_not_stop_it() -> None:
    """With a threading.Event in its place this stands still: the handler waits for the lock that its thread holds."""
    waking, seen = Waking(), 0

    def on_alarm(_signal: int, _frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        waking.set()

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.000_05, 0.000_05)
    try:
        until = CLOCK.monotonic() + 1.0
        rounds = 0
        while CLOCK.monotonic() < until:
            waking.wait(0.001)
            rounds += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen > 100
    assert rounds > 100
