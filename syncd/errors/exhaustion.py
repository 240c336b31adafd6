"""Whether an error means that the machine gives this process nothing more: no memory, open file, thread or process.

That is nobody's bug and nothing that another try at once would mend. This module knows errors alone, not who asked for
what.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping

from syncd.errors import MachineError

_MEMORY = ("memory", "free memory, or allow syncd more (MemoryMax= of its service, ulimit -v)")
_FILES = ("open files", "allow syncd more (LimitNOFILE= of its service, ulimit -n)")
_TASKS = ("threads or processes", "free memory, or allow syncd more (TasksMax= of its service, ulimit -u)")
_BY_NUMBER: Mapping[int, tuple[str, str]] = {errno.EMFILE: _FILES, errno.ENFILE: _FILES, errno.ENOMEM: _MEMORY}
_BY_WORDS: tuple[tuple[type[Exception], str, tuple[str, str]], ...] = (
    (RuntimeError, "can't start new thread", _TASKS),
    (ImportError, "failed to map segment", _MEMORY),
    (ImportError, "Cannot allocate memory", _MEMORY),
    (ImportError, "Too many open files", _FILES),
)
"""What has no number: CPython's words for a thread, the C library's for a part of a program that finds no room."""


def exhaustion(error: BaseException) -> MachineError | None:
    """The error as one of the machine (SYN011), if that is what it is."""
    found = _MEMORY if isinstance(error, MemoryError) else None
    if isinstance(error, OSError) and error.errno is not None:
        found = _BY_NUMBER.get(error.errno)
    for kind, words, shortage in _BY_WORDS:
        if isinstance(error, kind) and words in str(error):
            found = shortage
    return None if found is None else _told(*found, error)


def no_process(error: OSError | RuntimeError | MemoryError) -> MachineError:
    """A process that could not be started or followed, whichever of them was short."""
    return exhaustion(error) or _told(*_TASKS, error)


def _told(what: str, hint: str, error: BaseException) -> MachineError:
    words = str(error) or type(error).__name__
    return MachineError("SYN011", f"the machine has no {what} left for syncd ({words})", hint=hint)
