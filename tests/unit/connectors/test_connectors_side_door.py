"""simple-salesforce speaks through requests: nothing of it may go out by requests' own adapters, around the gate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import responses

from syncd.model.refs import Kind
from tests.contract.worlds import SalesforceWorld
from tests.inprocess import InProcessWire


@pytest.fixture
def nobody_answers() -> Iterator[responses.RequestsMock]:
    """Every request that requests itself would send is caught, and refused."""
    with responses.RequestsMock() as caught:
        yield caught


def test_no_call_of_the_sdk_goes_around_the_gate(nobody_answers: responses.RequestsMock) -> None:
    world = SalesforceWorld()
    world.wire = InProcessWire.to(world.face)
    accounts = world.accounts(3)
    reader, writer = world.reader(), world.writer()
    reader.identify()
    reader.check_schema()
    assert len(list(reader.users())) >= 4
    pages = list(reader.changes(Kind.ACCOUNT, world.everything()))
    assert len([record for page in pages for record in page.records]) == 3
    writer.write_owners(Kind.ACCOUNT, [world.write(account, world.people[1]) for account in accounts])
    assert len(nobody_answers.calls) == 0
    assert reader.calls + writer.calls == len(world.wire.sent) > 0


def test_what_goes_around_it_would_be_caught(nobody_answers: responses.RequestsMock) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get("https://acme.my.salesforce.com/services/data", timeout=5)
    assert len(nobody_answers.calls) == 1
