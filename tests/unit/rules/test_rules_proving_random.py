"""Every claim of a proof holds against brute force, and every example account shows what is said of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from proving_packs import NOW, PackMaker

from syncd.rules.conditions import FieldTest, holds, walk
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.facts import Facts
from syncd.rules.loader import check_pack
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Pack, Territory
from syncd.rules.proving.claims import Claim
from syncd.rules.proving.proof import prove
from syncd.rules.proving.reaching import clauses_of

DERIVATION = Derivation()
UNREACHED = ("SYN350", "SYN351", "SYN352")
Account = tuple[Facts, EvaluationContext]


class Brute:
    """A pack with every account that its rules could tell apart."""

    def __init__(self, pack: Pack, accounts: list[Account]) -> None:
        self.pack = pack
        self.accounts = accounts
        self.by_path = {each.path: each for each in pack.territories()}
        self.paths = [self.path_of(account) for account in accounts]
        self.reached = {each.path for path in self.paths for each in path}

    def path_of(self, account: Account) -> tuple[Territory, ...]:
        return choose_territory(self.pack, "owner", *account).path

    def above(self, path: str) -> list[Territory]:
        names = path.split("/")
        return [self.by_path["/".join(names[:count])] for count in range(1, len(names))]

    def check(self, claim: Claim) -> None:
        code = claim.finding.code
        example = None
        if claim.example is not None:
            now = claim.example.now
            read = facts_from_raw("example", claim.example.account, derivation=DERIVATION, now=now)
            example = (read, EvaluationContext(now))
        if code in UNREACHED and claim.subjects:
            assert claim.subjects[0] not in self.reached
        if code in ("SYN350", "SYN351") and example is not None:
            accused = self.by_path[claim.subjects[0]]
            assert holds(accused.when, *example)
            assert accused not in self.path_of(example)
        if code == "SYN353":
            later, earlier = (self.by_path[path] for path in claim.subjects)
            assert example is not None
            assert holds(later.when, *example)
            assert earlier in self.path_of(example)
        if code == "SYN354":
            assert example is not None
            taken = self.path_of(example)
            assert not {each.path for each in taken} & set(claim.subjects)
            assert [each.path for each in taken][: claim.subjects[0].count("/")] == [
                each.path for each in self.above(claim.subjects[0])
            ]
        if code == "SYN355":
            self._never_decides(claim)
        if code == "SYN356":
            self._never_matches(claim)

    def _never_decides(self, claim: Claim) -> None:
        territory = self.by_path[claim.subjects[0]]
        found = [each for each in walk(territory.when) if each.place == claim.finding.place]
        if len(found) == 1:  # a segment has one place wherever it is used
            conditions = [each.when for each in self.above(territory.path)]
            conditions += [each for each in clauses_of(territory.when) if each is not found[0]]
            for account in self.accounts:
                if all(holds(each, *account) for each in conditions):
                    assert holds(found[0], *account)

    def _never_matches(self, claim: Claim) -> None:
        territory = self.by_path[claim.subjects[0]]
        named = claim.finding.message.split(" never match")[0]
        for clause in walk(territory.when):
            if isinstance(clause, FieldTest) and clause.place == claim.finding.place:
                for account, path in zip(self.accounts, self.paths, strict=True):
                    value = account[0].values.get(clause.field)
                    assert territory not in path or value is None or f"`{value}`" not in named


def brute_of(seed: int, folder: Path) -> tuple[Brute, tuple[Claim, ...]] | None:
    maker = PackMaker(seed)
    (folder / "pack.yaml").write_text(maker.text)
    pack, findings = check_pack(folder)
    if pack is None:
        return None
    proof = prove(pack, derivation=DERIVATION, now=NOW, known=findings)
    return Brute(pack, list(maker.accounts(DERIVATION))), proof.claims


@pytest.mark.parametrize("first", range(0, 160, 20))
def test_no_claim_about_a_random_pack_is_false(first: int, tmp_path: Path) -> None:
    claims = 0
    for seed in range(first, first + 20):
        made = brute_of(seed, tmp_path)
        if made is not None:
            brute, found = made
            for claim in found:
                brute.check(claim)
            claims += len(found)
    assert claims > 20


def test_most_of_what_brute_force_never_reaches_is_proved_or_said_to_be_undecided(tmp_path: Path) -> None:
    silent = told = 0
    for seed in range(200, 260):
        made = brute_of(seed, tmp_path)
        if made is None:
            continue
        brute, claims = made
        accused = {claim.subjects[0] for claim in claims if claim.finding.code in UNREACHED and claim.subjects}
        for path in brute.by_path.keys() - brute.reached:
            below = any(path.startswith(f"{each}/") for each in accused)
            told += path in accused or below
            silent += path not in accused and not below
    assert told > 8 * silent


TOLD = """
import sys
from pathlib import Path
from proving_packs import NOW, PackMaker
from syncd.rules.derivation import Derivation
from syncd.rules.loader import check_pack
from syncd.rules.proving.proof import prove
for seed in range(300, 320):
    Path(sys.argv[1], "pack.yaml").write_text(PackMaker(seed).text)
    pack, findings = check_pack(Path(sys.argv[1]))
    if pack is not None:
        for claim in prove(pack, derivation=Derivation(), now=NOW, known=findings).claims:
            print(claim.finding.rendered())
"""


def test_equal_packs_have_equal_proofs_in_every_process(tmp_path: Path) -> None:
    def told(hash_seed: str) -> bytes:
        environ = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parent)}
        command = [sys.executable, "-c", TOLD, str(tmp_path)]
        return subprocess.run(command, env=environ, check=True, capture_output=True).stdout

    first = told("1")
    assert len(first) > 1000
    assert first == told("2")
