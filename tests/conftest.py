"""What all tests share: the two databases, the golden files, and no way out of the machine."""

from __future__ import annotations

import gc
import socket
from typing import Any

import pytest
from hypothesis import settings

# a test does not time: how long an example takes says how busy the machine is
settings.register_profile("syncd", deadline=None)
settings.load_profile("syncd")

pytest_plugins = ("tests.golden_files", "tests.databases")

_LOOPBACK = ("127.", "::1", "localhost")
_GARBAGE = 100_000
"""Objects made between two collections. With Python's own 700 an eighth of the tests' time goes into looking for it
among what modules hold for ever."""


def pytest_collection_finish() -> None:
    """What was imported by now stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that tries to leave the machine fails at once, and says where it wanted to go."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
