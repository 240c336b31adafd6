"""What is the machine's want and what is a bug."""

from __future__ import annotations

import errno

import pytest

from syncd.errors import ExitCode, MachineError
from syncd.errors.exhaustion import exhaustion, no_process


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (MemoryError(), "memory left for syncd (MemoryError)"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (OSError(errno.EMFILE, "Too many open files"), "open files"),
        (OSError(errno.ENFILE, "Too many open files in system"), "open files"),
        (RuntimeError("can't start new thread"), "threads or processes"),
        (ImportError("lxml/etree.so: failed to map segment from shared object"), "memory"),
    ],
)
def test_what_the_machine_refuses_is_no_bug(error: Exception, what: str) -> None:
    found = exhaustion(error)
    assert found is not None
    assert (found.code, found.exit_code) == ("SYN011", ExitCode.INVALID)
    assert f"the machine has no {what}" in found.summary
    assert "allow syncd more" in str(found.hint)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("dictionary changed size"),
        ImportError("no module"),
        OSError("no number"),
        FileNotFoundError(2, "x"),
    ],
)
def test_what_else_goes_wrong_is_not_the_machines(error: Exception) -> None:
    assert exhaustion(error) is None


def test_a_process_that_cannot_be_had_is_always_the_machines() -> None:
    found = no_process(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"))
    assert isinstance(found, MachineError)
    assert "threads or processes" in found.summary
