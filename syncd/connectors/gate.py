"""The one way out of a connector: the budget is asked, the call is counted, the wire carries it, the answer is noted.

Both SDKs send through a gate, so nothing of theirs can go around the budget. It knows no CRM's meaning of an answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from syncd.ahead import Ahead
from syncd.connectors.budget import GENERAL, RateBudget
from syncd.connectors.wire import HttpRequest, HttpResponse, Wire, is_networked
from syncd.errors import QuotaExhaustedError


class Gate:
    """A wire with a budget in front of it and a counter beside it."""

    def __init__(self, wire: Wire, budget: RateBudget, note: Callable[[HttpResponse], None]) -> None:
        self._wire = wire
        self._budget = budget
        self._note = note
        self._lock = threading.Lock()
        self._calls = 0
        self._purpose = threading.local()
        self._ahead: tuple[HttpRequest, Ahead[HttpResponse]] | None = None

    @property
    def calls(self) -> int:
        """How many requests have been sent."""
        return self._calls

    @contextmanager
    def purpose(self, pool: str | None = None, *, writing: bool | None = None) -> Iterator[None]:
        """Say what this thread's calls are for: which bucket they draw from, and whether they may use the reserve.

        What is not said stays as it is. Not to be held open across a `yield`: it would cover the caller's own calls.
        """
        before = getattr(self._purpose, "value", (GENERAL, False))
        self._purpose.value = (before[0] if pool is None else pool, before[1] if writing is None else writing)
        try:
            yield
        finally:
            self._purpose.value = before

    @property
    def last(self) -> HttpResponse | None:
        """The last answer that this thread got, None where its last request got none: SDK errors keep no headers."""
        return getattr(self._purpose, "last", None)

    @property
    def request(self) -> HttpRequest | None:
        """The last request that this thread sent; None before the first."""
        return getattr(self._purpose, "request", None)

    def forget(self) -> None:
        """Forget the last answer: an SDK that fails before it sends must not be taken for the call before."""
        self._purpose.last = None

    @property
    def is_networked(self) -> bool:
        """Whether requests leave this process; what is simulated in it has one thing happen after the other."""
        return is_networked(self._wire)

    def expect(self, request: HttpRequest) -> None:
        """Send the read that surely comes next while its caller works on; `send` of an equal one takes the answer.

        It may be under way while a transaction is open, but none waits for it: whoever sends does so outside of any.
        """
        pool, writing = getattr(self._purpose, "value", (GENERAL, False))
        with suppress(QuotaExhaustedError):  # which is told to whoever sends it
            self._budget.admit(pool, writing=writing)
            with self._lock:
                self._ahead = request, Ahead(lambda: self._wire.send(request))

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request; QuotaExhaustedError before it, WireError instead of an answer."""
        self.forget()
        self._purpose.request = request
        pool, writing = getattr(self._purpose, "value", (GENERAL, False))
        ahead = self._expected(request)
        if ahead is None:
            self._budget.admit(pool, writing=writing)
        with self._lock:
            self._calls += 1
        response = self._wire.send(request) if ahead is None else ahead.result()
        self._purpose.last = response
        self._note(response)
        return response

    def _expected(self, request: HttpRequest) -> Ahead[HttpResponse] | None:
        """This very request, if it is under way; it is given once."""
        with self._lock:
            if self._ahead is None or self._ahead[0] != request:
                return None
            (_, ahead), self._ahead = self._ahead, None
            return ahead
