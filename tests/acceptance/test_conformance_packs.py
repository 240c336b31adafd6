"""The shared conformance packs: territory and owner of every account, as an independent reading has them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.rules.accounts import read_book
from syncd.rules.derivation import Derivation
from syncd.rules.engine import decide
from syncd.rules.loader import load_pack

ROOT = Path(__file__).parents[2].parent / "shared" / "conformance" / "rules"
PACKS = sorted(path for path in ROOT.iterdir() if path.is_dir()) if ROOT.is_dir() else []
NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)


@pytest.mark.skipif(not PACKS, reason="../shared/conformance/rules is not there")
@pytest.mark.parametrize("folder", PACKS, ids=[path.name for path in PACKS])
def test_every_account_gets_the_expected_territory_and_owner(folder):
    pack = load_pack(folder / "pack")
    derivation = Derivation(
        zone=pack.zone, default_country=pack.default_country, fill_missing_country=pack.fill_missing_country
    )
    book = read_book(folder / "accounts.csv", opportunities=None, users=None, derivation=derivation, now=NOW)
    decided = {
        decision.company: {"territory": decision.territory, "owner": decision.owner.email if decision.owner else None}
        for decision in decide(pack, book, NOW)
    }
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    assert {key: (found, expected.get(key)) for key, found in decided.items() if found != expected.get(key)} == {}
    assert decided.keys() == expected.keys()
