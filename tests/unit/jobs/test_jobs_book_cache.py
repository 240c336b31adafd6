"""The book kept between processes: plans equal those without it, damage is told and costs time, erasing drops it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jobs_world import HUBSPOT, SALESFORCE, World

from syncd.jobs.books import book_cache
from syncd.jobs.books.book import mirror_book
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply
from syncd.jobs.plans.plan import deliberate, make_plan, plan_of
from syncd.jobs.upkeep.erasing import erase
from syncd.model.refs import Kind, Ref
from syncd.rules.deriving import company_reader

CANARY = "Zylphora Kanarienvogel"


def keeping(world: World) -> Path:
    """From now on the world's process keeps its book; the folder that it is kept in."""
    state = world.folder / "state"
    state.mkdir(exist_ok=True)
    world.context.settings = world.context.settings.model_copy(update={"state_dir": state})
    return state / book_cache.FOLDER


def without(world: World) -> Any:
    """What the rules say where nothing is kept."""
    kept = world.context.settings
    world.context.settings = kept.model_copy(update={"state_dir": world.folder / "other"})
    world.context.settings.model_fields_set.discard("state_dir")
    try:
        return thought_of(world)
    finally:
        world.context.settings = kept


def thought_of(world: World) -> Any:
    thought = deliberate(world.context)
    document = dict(plan_of(world.context, thought).document)
    return thought.source, thought.decisions, {**document, "plan_id": None}


def derived(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of companies that are derived from now on."""
    keys: list[str] = []
    original = company_reader.CompanyReader.facts

    def facts(self: Any, company: Any) -> Any:
        keys.append(company.key)
        return original(self, company)

    monkeypatch.setattr(company_reader.CompanyReader, "facts", facts)
    return keys


def moves(world: World) -> Iterator[None]:
    """Things that happen in the CRMs, to the ledger and to the clock, one after the other."""
    accounts = world.accounts(SALESFORCE)
    users = [row["Id"] for row in world.salesforce.records("User") if row["IsActive"]]
    yield world.edit_salesforce(accounts[0], Name="Renamed", BillingCountry="DE")
    yield world.edit_salesforce(accounts[1], OwnerId=users[0])
    yield world.edit_salesforce(accounts[2], ParentId=accounts[0])
    yield world.edit_hubspot(world.accounts(HUBSPOT)[3], country="nowhere")
    yield world.edit_salesforce(accounts[0], NumberOfEmployees=77)
    world.salesforce.edit({"object": "Account", "id": accounts[4], "delete": True})
    yield None
    world.salesforce.edit({"object": "Account", "id": accounts[5], "merge": [accounts[6]]})
    yield None
    plan_id = world.approve(make_plan(world.context))
    with leadership(world.context) as leader:
        apply(world.context, leader, plan_id)
    yield None
    yield world.edit_salesforce(accounts[8], OwnerId=users[1])
    yield world.wait(60 * 24 * 40)
    world.salesforce.edit({"object": "User", "id": users[2], "set": {"IsActive": False}})
    yield None


def test_plans_are_the_same_with_and_without_a_kept_book(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.pulled()
    world.adopt()
    keeping(world)
    for number, _ in enumerate(moves(world)):
        world.wait()
        world.pulled()
        world.start()
        keeping(world)
        assert thought_of(world) == without(world), number


def test_a_second_process_derives_only_what_changed(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    world.pulled()
    folder = keeping(world)
    make_plan(world.context)
    whole = {path.name: path.stat().st_size for path in folder.iterdir()}
    world.edit_salesforce(world.accounts(SALESFORCE)[0], Phone="+1 555 0100")
    world.wait()
    world.pulled()
    world.start()
    keeping(world)
    keys = derived(monkeypatch)
    make_plan(world.context)
    assert len(keys) == 1
    make_plan(world.context)
    assert len(keys) == 1
    later = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert len(whole) == 1
    assert len(later) == 2
    assert max(later.values()) == max(whole.values())


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty", "forged", "open"])
def test_a_damaged_or_foreign_file_is_told_once_and_derived_anew(
    make_world: Callable[..., World], log: io.StringIO, harm: str
) -> None:
    world = make_world()
    world.pulled()
    (path,) = _kept(world)
    data = path.read_bytes()
    if harm == "open":
        os.chmod(path, 0o666)
    elif harm == "forged":
        path.unlink()
        book_cache.write_private(path, b"\x80\x05cposix\nsystem\n.")
    else:
        path.write_bytes({"cut": data[:-9], "flipped": data[:99] + b"?" + data[100:], "empty": b""}[harm])
    assert thought_of(world) == without(world)
    assert log.getvalue().count("book.rebuilt") == 1
    thought_of(world)
    assert log.getvalue().count("book.rebuilt") == 1


def _kept(world: World) -> list[Path]:
    folder = keeping(world)
    mirror_book(world.context, world.context.pack(), world.clock.now())
    return list(folder.iterdir())


def test_a_look_at_another_instant_pushes_nothing_out(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.pulled()
    (path,) = _kept(world)
    before = path.read_bytes()
    deliberate(world.context, as_of=world.clock.now().replace(year=2029))
    assert path.read_bytes() == before


def test_an_erased_record_leaves_the_kept_book(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.salesforce.load("Account", [{"Name": CANARY, "Phone": "+49 30 5550199"}])
    world.wait()
    world.pulled()
    (path,) = _kept(world)
    assert CANARY.encode() in path.read_bytes()
    account = next(row["Id"] for row in world.salesforce.records("Account") if row["Name"] == CANARY)
    world.salesforce.edit({"object": "Account", "id": account, "delete": True})
    world.wait()
    world.pulled()
    with leadership(world.context) as leader:
        erase(world.context, leader, str(Ref(SALESFORCE, Kind.ACCOUNT, account)), reason="asked")
    assert list(path.parent.iterdir()) == []
    assert book_cache._READ == {}
    assert all(CANARY.encode() not in each.read_bytes() for each in _kept(world))
