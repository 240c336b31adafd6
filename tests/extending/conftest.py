"""The contract suite's fixtures, with Cardbox in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncd.connectors.wire import NetworkWire
from syncd.sandbox.server import serve
from tests.extending.cardbox.world import CardboxWorld
from tests.inprocess import InProcessWire


@pytest.fixture
def world() -> CardboxWorld:
    """Cardbox in process."""
    made = CardboxWorld()
    made.wire = InProcessWire.to(made.face)
    return made


@pytest.fixture
def served() -> Iterator[CardboxWorld]:
    """Cardbox behind real HTTP on loopback."""
    made, wire = CardboxWorld(), NetworkWire()
    with serve(made.face) as server:
        made.face.base_url = server.url
        made.wire = wire
        yield made
        wire.close()
