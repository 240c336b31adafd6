"""One retry policy for everything that is read: what failed, what remedies it, how long to wait.

A connector says in one function what an answer means (a Failure); this module says how often and how long. Writes do
not come here: whether a write is sent again is decided after a read. It knows no CRM and no status code.
"""

from __future__ import annotations

import email.utils
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

import tenacity

from syncd.clock import Clock
from syncd.connectors.wire import WireError
from syncd.entropy import Entropy
from syncd.errors import BadDataError, CrmError, RateLimitedError, RetryableError

ATTEMPTS: Final = 5
BACKOFF_BASE: Final = 1.0
BACKOFF_CAP: Final = 60.0
WAIT_FLOOR: Final = 1.0
PATIENCE: Final = 300.0
RUN_BUDGET: Final = 1800.0

T = TypeVar("T")


class Remedy(StrEnum):
    """What helps against a failure."""

    REPEAT = "repeat"
    WAIT = "wait"
    REFRESH = "refresh"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Failure:
    """What an answer (or its absence) means: the remedy, and the error to raise where the remedy is spent.

    `wait` is in seconds: the least for a repeat, and all of it for a wait. `soon` lets the first repeat go at once.
    `code` is the CRM's own word.
    """

    remedy: Remedy
    error: CrmError
    wait: float | None = None
    soon: bool = False
    code: str | None = None


class CallFailedError(Exception):
    """One call failed as `failure` says; it leaves the connector only as `failure.error`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error.code)
        self.failure = failure


class RetryPolicy:
    """How a connector's reads are retried; made for one run.

    At most `attempts` sends of one call, with exponential full-jitter waits from Entropy, slept by the Clock. Waiting
    for a rate limit is no attempt, but no call waits longer than `patience` seconds for one, and all waits of the run
    together no longer than `run_budget`. A refused token is refreshed once a call, and the call repeated once.
    """

    def __init__(
        self,
        clock: Clock,
        entropy: Entropy,
        *,
        attempts: int = ATTEMPTS,
        patience: float = PATIENCE,
        run_budget: float = RUN_BUDGET,
    ) -> None:
        self._clock = clock
        self._entropy = entropy
        self._attempts = attempts
        self._patience = patience
        self._left = run_budget

    def run(self, call: Callable[[], T], refresh: Callable[[], None] | None = None) -> T:
        """What `call` returns; its failure's error (a CrmError) once the remedies are spent."""
        course = _Course(self._attempts, self._patience, self._delay, refresh)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: self._goes_on(course, error)),
            wait=lambda _: course.delay,
            stop=tenacity.stop_never,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(call)
        except CallFailedError as failed:
            raise failed.failure.error from None

    def _goes_on(self, course: _Course, error: BaseException) -> bool:
        return isinstance(error, CallFailedError) and course.remedied(error.failure) and course.delay <= self._left

    def _delay(self, attempt: int, failure: Failure) -> float:
        """Full jitter: anything from nothing to a doubling ceiling, but not under what the CRM asked for."""
        if failure.soon and attempt == 1:
            return 0.0
        ceiling = min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** (attempt - 1))
        return max(self._entropy.uniform(0.0, ceiling), min(failure.wait or 0.0, BACKOFF_CAP))

    def _sleep(self, seconds: float) -> None:
        self._left -= seconds
        self._clock.sleep(seconds)


class _Course:
    """One call's way through its failures."""

    def __init__(
        self,
        attempts: int,
        patience: float,
        delay: Callable[[int, Failure], float],
        refresh: Callable[[], None] | None,
    ) -> None:
        self.delay = 0.0
        self._attempts_left = attempts
        self._attempts = attempts
        self._patience = patience
        self._delay_of = delay
        self._refresh = refresh

    def remedied(self, failure: Failure) -> bool:
        """Whether to send again, after `delay` seconds."""
        self.delay = 0.0
        if failure.remedy is Remedy.REPEAT:
            self._attempts_left -= 1
            self.delay = self._delay_of(self._attempts - self._attempts_left, failure)
            return self._attempts_left > 0
        if failure.remedy is Remedy.WAIT:
            self.delay = max(WAIT_FLOOR, failure.wait or 0.0)
            self._patience -= self.delay
            return self._patience >= 0.0
        if failure.remedy is Remedy.REFRESH and self._refresh is not None:
            refresh, self._refresh = self._refresh, None
            refresh()
            return True
        return False


def unanswered(error: WireError, where: str) -> Failure:
    """What it means for a read that no whole answer came."""
    if error.kind == "broken":
        return Failure(
            Remedy.REPEAT, BadDataError("SYN421", f"the answer was cut or garbled ({error.detail})", where=where)
        )
    code = "SYN411" if error.sent else "SYN410"
    summary = "no answer came" if error.sent else "the server could not be reached"
    hint = None if error.sent else "syncd doctor tries the proxy, the name and the login one by one"
    problem = RetryableError(
        code, f"{summary} ({error})", where=where, hint=hint, applied=None if error.sent else False
    )
    return Failure(Remedy.REPEAT, problem, soon=error.kind == "reset")


def limited(summary: str, *, where: str, wait: float | None, code: str | None = None) -> Failure:
    """A rate limit that passes in `wait` seconds."""
    error = RateLimitedError("SYN413", summary, wait=wait, where=where)
    return Failure(Remedy.WAIT, error, wait=wait, code=code)


def retry_after(text: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, which may be a date; None where it is absent or unreadable."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text.strip())
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())
