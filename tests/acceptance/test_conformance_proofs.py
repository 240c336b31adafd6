"""No claim that check makes about the shared conformance packs contradicts what their accounts really get."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.rules.accounts import read_book
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.derivation import Derivation
from syncd.rules.loader import load_pack
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.proof import prove

ROOT = Path(__file__).parents[2].parent / "shared" / "conformance" / "rules"
PACKS = sorted(path for path in ROOT.iterdir() if path.is_dir()) if ROOT.is_dir() else []
NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)


@pytest.mark.skipif(not PACKS, reason="../shared/conformance/rules is not there")
@pytest.mark.parametrize("folder", PACKS, ids=[path.name for path in PACKS])
def test_no_account_is_where_it_was_proved_that_none_can_be(folder: Path) -> None:
    pack = load_pack(folder / "pack")
    derivation = Derivation(
        zone=pack.zone, default_country=pack.default_country, fill_missing_country=pack.fill_missing_country
    )
    proof = prove(pack, derivation=derivation, now=NOW, known=pack.findings)
    unreached = {
        claim.subjects[0]
        for claim in proof.claims
        if claim.finding.code in ("SYN350", "SYN351", "SYN352") and claim.subjects
    }
    book = read_book(folder / "accounts.csv", opportunities=None, users=None, derivation=derivation, now=NOW)
    context = EvaluationContext(NOW, pack.zone, pack.fiscal_year_start)
    entered = {each.path for facts in book.facts for each in choose_territory(pack, "owner", facts, context).path}
    assert unreached & entered == set()
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    assert unreached & {each["territory"] for each in expected.values()} == set()
    assert proof.decided + len(proof.undecided) > 0
