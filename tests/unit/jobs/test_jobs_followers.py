"""Contacts and open tasks that follow the owner of their account, as the pack's `cascade` says and settings read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from fields_world import asked, document_of, planned, ready, rows, run, use_pack
from jobs_world import HUBSPOT, NOW, SALESFORCE, World

from syncd.jobs.apply import plan_undo
from syncd.jobs.plan import deliberate
from syncd.model.plans import RowState
from syncd.model.refs import Kind, Ref
from syncd.sandbox.dataset import Dataset, generate

Make = Callable[..., World]
READ = '[salesforce]\nchildren = ["contacts", "tasks"]\n[hubspot]\nchildren = ["contacts"]\n'


@pytest.fixture(scope="session")
def data() -> Dataset:
    return generate(6, 5, as_of=NOW - timedelta(hours=1))


def following_world(make_world: Make, csm: str = "", more: str = "", **settings: Any) -> World:
    """Accounts with contacts and tasks, of which one of each kind belongs to the account's owner."""
    world = make_world(children=True, **settings)
    use_pack(world, csm, f"{more}")
    return world


def contact(world: World, account: Ref, owner: str | None, **values: Any) -> Ref:
    """A contact of an account, made by a person."""
    if account.system is SALESFORCE:
        [record] = world.salesforce.load("Contact", [{"LastName": "C", "AccountId": account.id, "OwnerId": owner, **values}])
        return Ref(SALESFORCE, Kind.CONTACT, record)
    raise AssertionError(account)
