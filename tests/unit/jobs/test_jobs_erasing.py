"""Erasing, proved by canaries: no byte of database, log, list or export holds what was erased, and the chain holds."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from jobs_world import SALESFORCE, World
from sqlalchemy import select

from syncd.errors import RefusedError, StorageError
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply, plan_undo
from syncd.jobs.plans.drift import adopt_drift
from syncd.jobs.plans.exporting import export_mirror
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.upkeep.erasing import EVENT, erase, replay
from syncd.model.refs import Kind, Ref, System
from syncd.store import companies, ledger, mirror, tables
from syncd.store.episodes import Episode, save_episode

NAME, DOMAIN, PHONE = "Zylphora Kanarienvogel", "zylphora-canary.com", "+49 30 5550199"
PERSON, PERSON_NAME = "quenby.canary@northwind.example", "Quenby Oxenthorpe"
WORDS = (NAME, DOMAIN, PHONE, "zylphora")


def told(world: World) -> Ref:
    """A world in which everything speaks of one account and its two successive owners."""
    with_name = {"Name": f"{NAME} GmbH", "Website": f"https://www.{DOMAIN}/", "Phone": PHONE, "BillingCountry": "DE"}
    quenby = {"Username": f"{PERSON}.crm", "Email": PERSON, "Name": PERSON_NAME, "FirstName": "Quenby"}
    quenby |= {"LastName": "Oxenthorpe", "IsActive": True, "UserType": "Standard"}
    world.salesforce.load("User", [quenby])
    user = next(row["Id"] for row in world.salesforce.records("User") if row["Email"] == PERSON)
    world.salesforce.load("Account", [{**with_name, "OwnerId": user}])
    world.hubspot.load("companies", [{"name": NAME, "country": "Germany"}])
    world.wait()
    world.pulled()
    world.adopt()
    plan_id = world.approve(make_plan(world.context))
    with leadership(world.context) as leader:
        apply(world.context, leader, plan_id)
    account = next(row["Id"] for row in world.salesforce.records("Account") if NAME in row["Name"])
    ref = Ref(SALESFORCE, Kind.ACCOUNT, account)
    plan_undo(world.context, str(ref))
    moved = next(row["Id"] for row in world.salesforce.records("User") if row["IsActive"] and row["Id"] != user)
    world.wait()
    world.edit_salesforce(account, OwnerId=moved)
    world.wait()
    world.pulled()
    with leadership(world.context) as leader:
        adopt_drift(world.context, leader, ref, why=f"{PERSON_NAME} asked for {NAME}", expires=None)
    with world.context.store.write() as conn:
        now = world.clock.now()
        save_episode(
            conn,
            Episode(
                id=None,
                fingerprint=f"RepLeft:{PERSON}",
                monitor="RepLeft",
                subject=PERSON,
                labels={"rep": PERSON},
                severity="ticket",
                state="firing",
                started_at=now,
                fired_at=now,
                summary=f"{PERSON_NAME} left; {NAME} GmbH needs an owner",
                detail={"accounts": [f"{NAME} GmbH"], PERSON: 1},
            ),
        )
        assert companies.candidates(conn, state=None)
    return ref


def everywhere(world: World) -> bytes:
    """Every byte that syncd keeps: the database and its log, and the list of erasures; of a server, every row."""
    return b"".join(path.read_bytes() for path in sorted(world.folder.glob("syncd.*"))) + rows(world)


def rows(world: World) -> bytes:
    """Every value of every table."""
    told: list[str] = []
    with world.context.store.read() as conn:
        for table in tables.metadata.sorted_tables:
            for row in conn.execute(select(table)):
                told += [value.decode() if isinstance(value, bytes) else str(value) for value in row]
    return "\n".join(told).encode()


def found(data: bytes, *words: str) -> list[str]:
    return [word for word in words if word.encode().lower() in data.lower()]


def delete(world: World, ref: Ref) -> None:
    world.wait()
    world.salesforce.edit({"object": "Account", "id": ref.id, "delete": True})
    world.wait()
    world.pulled()


def run(world: World, target: str, reason: str = "asked for") -> Any:
    with leadership(world.context) as leader:
        return erase(world.context, leader, target, reason=reason)


def test_a_deleted_account_is_nowhere_after_it_was_erased(world: World, log: io.StringIO, tmp_path: Path) -> None:
    ref = told(world)
    assert found(everywhere(world), *WORDS) == list(WORDS)
    for one in world.salesforce.records("Account"):
        assert one["Id"] != ref.id or not one["IsDeleted"]
    delete(world, ref)
    partner = next(row["id"] for row in world.hubspot.records("companies") if row["properties"]["name"] == NAME)
    world.hubspot.edit({"object": "companies", "id": partner, "delete": True})
    world.wait()
    world.pulled(full=True)
    erased = run(world, str(ref))
    assert {"plans", "ledger_payloads", "records"} <= set(erased.changed)
    run(world, f"hubspot:account:{partner}")
    assert found(everywhere(world), *WORDS) == []
    assert found(log.getvalue().encode(), *WORDS) == []
    with world.context.store.read() as conn:
        assert ledger.verify(conn).ok
        (entry, _) = ledger.entries(conn, event=EVENT)
        assert (entry.ref, entry.actor, entry.payload) == (str(ref), "ruth", {"reason": "asked for"})
    (tmp_path / "export").mkdir()
    export_mirror(world.context, tmp_path / "export", redact=False)
    exported = b"".join(path.read_bytes() for path in (tmp_path / "export").iterdir())
    assert found(exported, *WORDS) == []


def test_a_person_who_left_is_nowhere_after_they_were_erased(world: World, log: io.StringIO) -> None:
    told(world)
    user = next(row["Id"] for row in world.salesforce.records("User") if row["Email"] == PERSON)
    assert found(everywhere(world), PERSON, PERSON_NAME) == [PERSON, PERSON_NAME]
    world.salesforce.edit({"object": "User", "id": user, "deactivate": True})
    world.wait()
    world.pulled()
    erased = run(world, PERSON.upper())
    assert erased.remaining == {}
    assert found(everywhere(world), PERSON, PERSON_NAME) == []
    assert found(log.getvalue().encode(), PERSON, PERSON_NAME) == []
    with world.context.store.read() as conn:
        assert ledger.verify(conn).ok


def test_a_restored_backup_is_erased_again_before_anything_else(world: World, tmp_path: Path) -> None:
    if world.context.store.dialect != "sqlite":
        pytest.skip("a backup is made and put back here by copying the file")
    ref = told(world)
    user = next(row["Id"] for row in world.salesforce.records("User") if row["Email"] == PERSON)
    world.salesforce.edit({"object": "User", "id": user, "deactivate": True})
    delete(world, ref)
    world.context.store.compact()
    backup = tmp_path / "backup.db"
    shutil.copyfile(world.folder / "syncd.db", backup)
    run(world, str(ref))
    run(world, PERSON)
    assert replay(world.context) == 0
    world.context.close()
    for path in world.folder.glob("syncd.db*"):
        path.unlink()
    shutil.copyfile(backup, world.folder / "syncd.db")
    world.start()
    assert found(everywhere(world), PERSON, DOMAIN) == [PERSON, DOMAIN]
    assert replay(world.context) == 2
    assert replay(world.context) == 0
    assert found(everywhere(world), PERSON, PERSON_NAME, DOMAIN) == []
    with world.context.store.read() as conn:
        assert ledger.verify(conn).ok


def test_what_still_lives_in_a_crm_or_is_unknown_is_not_erased(world: World) -> None:
    ref = told(world)
    for target, code in ((str(ref), "SYN535"), (PERSON, "SYN535"), ("nobody@nowhere.example", "SYN534")):
        with pytest.raises(RefusedError) as caught:
            run(world, target)
        assert caught.value.code == code
    assert not (world.folder / "syncd.erasures").exists()


def test_the_list_names_nobody_in_clear_and_is_private(world: World) -> None:
    told(world)
    user = next(row["Id"] for row in world.salesforce.records("User") if row["Email"] == PERSON)
    world.salesforce.edit({"object": "User", "id": user, "deactivate": True})
    world.wait()
    world.pulled()
    run(world, PERSON)
    path = world.folder / "syncd.erasures"
    assert (path.stat().st_mode & 0o777) == 0o600
    assert found(path.read_bytes(), PERSON, PERSON_NAME, "asked for") == []


def test_a_list_that_cannot_be_written_or_read_stops_before_anything_is_changed(world: World) -> None:
    ref = told(world)
    delete(world, ref)
    path = world.folder / "syncd.erasures"
    path.mkdir()
    before = everywhere_but_list(world)
    with pytest.raises(StorageError) as caught:
        run(world, str(ref))
    assert caught.value.code == "SYN536"
    assert found(before, DOMAIN) == found(everywhere_but_list(world), DOMAIN) == [DOMAIN]
    path.rmdir()
    path.write_text("not an entry\n")
    with pytest.raises(StorageError) as caught:
        replay(world.context)
    assert "line 1" in caught.value.summary


def everywhere_but_list(world: World) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(world.folder.glob("syncd.db*"))) + rows(world)


def test_other_records_keep_what_only_looks_alike(world: World) -> None:
    """A name counts as whole words, so that a short one does not eat its way through others."""
    world.salesforce.load("Account", [{"Name": "Ada", "Website": "ada.example.org"}, {"Name": "Adamant Steel"}])
    world.wait()
    world.pulled()
    ref = next(
        Ref(SALESFORCE, Kind.ACCOUNT, row["Id"]) for row in world.salesforce.records("Account") if row["Name"] == "Ada"
    )
    delete(world, ref)
    run(world, str(ref))
    with world.context.store.read() as conn:
        names = {record.fields.get("name") for record in mirror.records(conn, System.SALESFORCE, Kind.ACCOUNT)}
    assert "Adamant Steel" in names
    assert "Ada" not in names
