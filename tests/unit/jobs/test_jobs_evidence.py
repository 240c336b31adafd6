"""The evidence of owner changes: who approved, why, by which rule; and it notices whatever was altered past syncd."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jobs_world import NOW, SALESFORCE, World
from leads_world import LeadsWorld
from people_world import carried_out
from sqlalchemy import text

from syncd.cli.main import cli
from syncd.jobs.answers.evidence import evidence_document
from syncd.jobs.plans.apply import plan_undo
from syncd.jobs.plans.plan import make_plan
from syncd.model.plans import canonical_json
from syncd.report.evidence_text import evidence_text
from syncd.sandbox.dataset import Dataset, generate

ON_SQLITE = pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)


@pytest.fixture(scope="session")
def data() -> Dataset:
    return generate(8, 5, as_of=NOW - timedelta(hours=1))


@pytest.fixture
def moved(make_world: Any) -> tuple[World, str]:
    """A world in which owners were written, and the ref of one of them."""
    world: World = make_world(only=SALESFORCE)
    world.reps = world.reps[:2]
    world.write_pack()
    world.pulled()
    world.adopt()
    document = make_plan(world.context)
    carried_out(world, document)
    return world, next(row["ref"] for row in document["changes"] if "parent" not in row)


def failed(world: World, ref: str) -> list[str]:
    """The checks that do not hold, in words."""
    document = evidence_document(world.context, ref)
    found = [each["check"] for change in document["changes"] for each in change["checks"] if not each["ok"]]
    assert document["ok"] is (not found and document["ledger"]["ok"])
    return found + ([] if document["ledger"]["ok"] else [document["ledger"]["text"]])


def alter(world: World, *statements: str) -> None:
    """What somebody with a client of the database does, past syncd and its triggers."""
    with world.context.store.write() as conn:
        triggers = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        for trigger in triggers:
            conn.execute(text(f"DROP TRIGGER {trigger}"))
        for statement in statements:
            conn.execute(text(statement))


def test_each_change_is_told_with_its_approval_its_rule_and_the_rows_that_bear_it_out(
    moved: tuple[World, str],
) -> None:
    world, ref = moved
    document = evidence_document(world.context, ref)
    [change] = document["changes"]
    assert failed(world, ref) == []
    assert (change["approval"]["who"], change["approval"]["why"]) == ("ruth", "looks right")
    assert change["to"]["email"] in world.reps
    assert (change["rule"]["territory"], change["rule"]["file"]) == ("everywhere", "pack.yaml")
    assert "owners: {pool: all}" in change["rule"]["written"]
    events = [row["chained"]["event"] for row in document["rows"]]
    assert events == ["plan.saved", "plan.approved", "write.intended", "write.confirmed"]
    for row in document["rows"]:
        assert row["hash"] == hashlib.sha256(canonical_json(row["chained"]).encode()).hexdigest()
    shown = evidence_text(document)
    assert "approved  2026-11-20 10:00Z by ruth: looks right" in shown
    assert "NO " not in shown


@ON_SQLITE
class TestAltered:
    def test_an_approver_who_was_put_in_afterwards(self, moved: tuple[World, str]) -> None:
        world, ref = moved
        alter(world, "UPDATE approvals SET who = 'mallory'")
        assert failed(world, ref) == ["who approved it, and why, is what the ledger says"]

    def test_a_reason_that_was_put_in_afterwards(self, moved: tuple[World, str]) -> None:
        world, ref = moved
        alter(world, "UPDATE approvals SET why = 'the board wants it'")
        assert failed(world, ref) == ["who approved it, and why, is what the ledger says"]

    def test_a_plan_that_was_written_anew_with_a_hash_to_match(self, moved: tuple[World, str]) -> None:
        world, ref = moved
        with world.context.store.read() as conn:
            raw = conn.execute(text("SELECT document FROM plans")).scalar_one()
        other = raw.replace(b"picked by territory", b"asked for by ruth, ")
        with world.context.store.write() as conn:
            for trigger in conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                conn.execute(text(f"DROP TRIGGER {trigger}"))
            told = {"document": other, "hash": hashlib.sha256(other).hexdigest()}
            conn.execute(text("UPDATE plans SET document = :document, hash = :hash"), told)
        assert failed(world, ref) == ["the plan is, byte for byte, what was saved and what was approved"]

    def test_a_plan_that_is_not_what_its_hash_says(self, moved: tuple[World, str]) -> None:
        world, ref = moved
        alter(world, "UPDATE plans SET hash = replace(hash, '0', '1')")
        assert any("altered after it was saved" in each for each in failed(world, ref))

    def test_a_receipt_that_names_somebody_else(self, moved: tuple[World, str]) -> None:
        world, ref = moved
        alter(world, f"UPDATE receipts SET after = '005000000000000AAA' WHERE ref = '{ref}' AND after IS NOT NULL")
        assert failed(world, ref) == ["what was read back is what the ledger says"]

    def test_a_row_of_the_ledger(self, moved: tuple[World, str]) -> None:
        world, ref = moved
        alter(world, "UPDATE ledger SET actor = 'mallory' WHERE event = 'plan.approved'")
        found = failed(world, ref)
        assert any("was altered" in each for each in found)
        assert "who approved it, and why, is what the ledger says" in found


@ON_SQLITE
def test_an_undo_and_what_syncd_never_wrote_have_their_evidence_too(moved: tuple[World, str]) -> None:
    world, ref = moved
    [plan] = {change["plan"]["plan_id"] for change in evidence_document(world.context, ref)["changes"]}
    carried_out(world, plan_undo(world.context, plan).document)
    document = evidence_document(world.context, ref)
    assert [change["plan"]["kind"] for change in document["changes"]] == ["plan", "undo"]
    assert failed(world, ref) == []
    others = {str(world.ref(SALESFORCE, account)) for account in world.accounts(SALESFORCE)}
    untouched = next(each for each in sorted(others) if not evidence_document(world.context, each)["changes"])
    assert "0 changes written by syncd" in evidence_text(evidence_document(world.context, untouched))


@ON_SQLITE
def test_a_lead_has_its_history_and_its_evidence(make_world: Any) -> None:
    leads = LeadsWorld.make(make_world)
    ref = leads.lead()
    leads.later()
    [change] = evidence_document(leads.world.context, str(ref))["changes"]
    assert change["to"]["email"] == leads.reps[0]
    assert failed(leads.world, str(ref)) == []


@ON_SQLITE
def test_the_command_keeps_the_proof_and_ends_with_3_where_a_check_fails(
    moved: tuple[World, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, ref = moved
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    asked = ["--config", str(world.folder / "config.toml"), "history", ref, "--evidence", str(tmp_path / "proof.json")]
    shown = CliRunner().invoke(cli, asked, standalone_mode=False)
    assert shown.return_value == 0, shown.output
    assert json.loads((tmp_path / "proof.json").read_text())["ok"] is True
    alter(world, "UPDATE approvals SET who = 'mallory'")
    shown = CliRunner().invoke(cli, asked, standalone_mode=False)
    assert shown.return_value == 3
    assert "NO  who approved it" in shown.output
