"""A request that is under way before its answer is needed: what a network takes passes while the last answer is stored.

For reading alone, and for what is surely asked next: an answer that nobody takes was a call for nothing. It may be
under way while a transaction is open, but none waits for it: whoever asks for the answer does so outside of any.
"""

from __future__ import annotations

import _thread
import threading

from syncd.connectors.wire import HttpRequest, HttpResponse, Wire


class SentAhead:
    """One such request, in a thread of its own."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self._done = threading.Event()
        self._answer: HttpResponse | None = None
        self._error: Exception | None = None

    @classmethod
    def start(cls, wire: Wire, request: HttpRequest) -> SentAhead | None:
        """Begin to send; None where the machine has no thread left."""
        ahead = cls(request)
        try:
            # a threading.Thread without memory for its first step leaves whoever started it waiting for ever (F33)
            _thread.start_new_thread(ahead._send, (wire,))
        except RuntimeError:
            return None
        return ahead

    def answer(self) -> HttpResponse:
        """Wait for the answer; the error that the wire raised instead. The wire sees to it that this ends."""
        self._done.wait()
        if self._answer is None:
            raise self._error if self._error is not None else AssertionError("ended without an answer")
        return self._answer

    def _send(self, wire: Wire) -> None:
        try:
            self._answer = wire.send(self.request)
        except Exception as error:  # noqa: BLE001 - boundary: raised to whoever asks for the answer
            self._error = error
        finally:
            self._done.set()
