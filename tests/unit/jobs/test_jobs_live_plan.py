"""Plans of a large book while its pack is edited: the same differences and counts as deciding every company."""

from __future__ import annotations

from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

import pytest

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
pytest.importorskip("polars", reason="the extra `fast` is not installed")

from random_mirrors import Mirrors

from syncd.cli.replanning import told
from syncd.jobs.plans import replanning
from syncd.jobs.plans.replanning import Replan, Replanner

ACCOUNTS = 120
RULES = (
    "  - {name: new, when: {country: [DE, AT]}, owners: [rep0@example.com, rep3@example.com]}\n",
    "  - {name: new, when: {employees: '>= 100'}, owners: [rep1@example.com], keep: false}\n",
    "  - {name: bank, when: {name: '*bank*'}, owners: [rep2@example.com, rep5@example.com], cap: 9}\n",
    "",
)


def shown(replan: Replan) -> tuple[object, ...]:
    return told(replan, everything=True), replan.rules, replan.entries, replan.findings


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5, 6])
def test_each_edit_shows_what_deciding_every_company_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice, mirrors = Random(f"edits {seed}"), Mirrors(seed, tmp_path, f"sqlite:///{tmp_path}/syncd.db")
    mirrors.write_pack()
    mirrors.fill(ACCOUNTS)
    path = tmp_path / "pack" / "pack.yaml"
    text = path.read_text()
    counting, plain = Replanner(mirrors.context, tmp_path / "pack"), Replanner(mirrors.context, tmp_path / "pack")
    counted, steps = 0, (name for name in mirrors.steps() if name != "nothing")
    for number, lines in enumerate(("", *(dice.choice(RULES) for _ in range(5)))):
        path.write_text(text.replace("territories:\n", "territories:\n" + lines, 1))
        monkeypatch.setattr(replanning, "MANY_COUNTED", 1)
        found = counting.plan()
        monkeypatch.setattr(replanning, "MANY_COUNTED", 10**9)
        expected = plain.plan()
        assert shown(found) == shown(expected), number
        assert found.kept + len(found.side.decisions) == len(expected.side.decisions)
        counted += found.kept
        if number == 3:
            next(steps)
    assert counted > ACCOUNTS // 8
    mirrors.context.close()
