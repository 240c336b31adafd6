"""Memory that was freed: given back to the system, which the C library does by itself only at the end of its heap.

Between two stages of a large piece of work it is tens of megabytes. Knows nothing of what was held.
"""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Give back what is free, where the C library can (glibc); elsewhere it stays for the next stage."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
