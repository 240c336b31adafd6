"""Work that is under way before its result is needed: in a thread, while whoever wants it does something else.

For what waits outside Python's lock (a network, a database), and for what is surely needed next. Knows nothing of what
is done.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Ahead(Generic[Result]):
    """A piece of work in a thread of its own; where the machine has no thread left, it is done when it is asked for."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._done = threading.Event()
        self._found: list[Result] = []
        self._error: Exception | None = None
        try:
            # a threading.Thread without memory for its first step leaves whoever started it waiting for ever (F33)
            _thread.start_new_thread(self._do, ())
            self._is_under_way = True
        except RuntimeError:
            self._is_under_way = False

    def result(self) -> Result:
        """What the work returned, or the error that it raised; waits for its end, to which the work itself sees."""
        if not self._is_under_way:
            self._is_under_way = True
            self._do()
        self.wait()
        if not self._found:
            raise self._error if self._error is not None else AssertionError("ended without a result")
        return self._found[0]

    def wait(self) -> None:
        """Wait until nothing is under way any more, however that ends."""
        if self._is_under_way:
            self._done.wait()

    def _do(self) -> None:
        try:
            self._found.append(self._work())
        except Exception as error:  # noqa: BLE001 - boundary: raised to whoever asks for the result
            self._error = error
        finally:
            self._done.set()
