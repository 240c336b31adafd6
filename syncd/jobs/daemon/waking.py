"""What wakes the daemon's main thread: other threads, and its own signal handlers.

A pipe, and no threading.Event: a signal's handler runs in the main thread between any two of its steps, and where that
thread is inside the event, its lock is taken, so setting it from the handler waits for ever. A byte needs no lock.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress

_MOST = 4096


class Waking:
    """Wakes whoever waits, now or the next time."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        for end in (self._reading, self._writing):
            os.set_blocking(end, False)
        self._poll = select.poll()
        self._poll.register(self._reading, select.POLLIN)

    def set(self) -> None:
        """Let the waiting end; from any thread, and from a signal's handler."""
        with suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self._writing, b"\0")

    def wait(self, seconds: float) -> None:
        """Wait until somebody sets it, at most so long; what was set before counts, and is used up."""
        if self._poll.poll(max(0.0, seconds) * 1_000):
            os.read(self._reading, _MOST)

    def __del__(self) -> None:
        """Give the pipe back."""
        os.close(self._reading)
        os.close(self._writing)
