"""Whole plans and explanations of random packs: the order of input never matters, and `explain` is held to `holds`."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

import pytest
from batch_exports import Exports
from random_packs import Packs, instants

from syncd.jobs.books.engines import EngineChoice
from syncd.jobs.plans.export import plan_of_export
from syncd.rules.conditions import EvaluationContext, holds
from syncd.rules.deciding.tree_result import Cause, in_effect
from syncd.rules.engine import Book, decide
from syncd.rules.explaining.clauses import Clause
from syncd.rules.explanation import Explanation, explain
from syncd.rules.facts import Directory, Facts
from syncd.rules.matching.time_window import local_day
from syncd.rules.pack import Pack, Territory
from syncd.settings import Settings

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
EVERYBODY = Directory({}, assume_active=True)
FILES = ("accounts.csv", "opportunities.csv", "users.csv")


def _document(folder: Path, *, all_decisions: bool) -> str:
    files = [folder / name for name in FILES]
    document, _ = plan_of_export(
        Settings(), folder / "pack", *files, now=NOW, all_decisions=all_decisions, engine=EngineChoice.PLAIN
    )
    return json.dumps(document)


def _shuffle(folder: Path, order: Random) -> None:
    """Another order of rows in every file of the export, and of its columns."""
    for name in FILES:
        with (folder / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        columns = list(rows[0])
        order.shuffle(rows)
        order.shuffle(columns)
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)


@pytest.mark.parametrize("seed", range(8))
def test_a_plan_has_the_same_bytes_whatever_the_order_of_the_export(tmp_path: Path, seed: int) -> None:
    Exports(100 + seed).write(tmp_path, 120)
    first = _document(tmp_path, all_decisions=seed % 2 == 0)
    summary = json.loads(first)["summary"]
    assert summary["changes"] + summary["held"] + summary["unassigned"] > 10
    assert _document(tmp_path, all_decisions=seed % 2 == 0) == first
    for number in range(2):
        _shuffle(tmp_path, Random(f"{seed} {number}"))
        assert _document(tmp_path, all_decisions=seed % 2 == 0) == first


@pytest.mark.parametrize("seed", range(12))
def test_explain_says_of_every_territory_what_the_plain_evaluator_says(seed: int) -> None:
    draw = Packs(f"explain {seed}")
    pack = draw.pack()
    for number in range(25):
        company = draw.account(f"A{number:03}")
        now = instants()[number % len(instants())]
        book = Book((company,), EVERYBODY)
        decisions = {each.role: each for each in decide(pack, book, now, plain=True)}
        for role in pack.roles:
            told = explain(pack, book, company.key, now, role=role)
            assert (told.path[-1].territory if told.path else None) == decisions[role].territory
            _check(pack, role, company, now, told)


def _check(pack: Pack, role: str, company: Facts, now: datetime, told: Explanation) -> None:
    context = EvaluationContext(now, pack.zone, pack.fiscal_year_start)
    today = local_day(now, pack.zone)
    lines = list(_lines(pack.roles[role], ()))
    losers = {(each.territory, each.place): each for each in told.losers}
    entered = {(each.territory, each.place) for each in told.path}
    assert {(line[-1].path, line[-1].place) for line in lines} == losers.keys() | entered
    assert not losers.keys() & entered
    for line in lines:
        territory = line[-1]
        loser = losers.get((territory.path, territory.place))
        if loser is None:
            continue
        awake = all(in_effect(each, today) for each in line)
        meets = holds(territory.when, company, context)
        assert (loser.cause is Cause.NOT_IN_EFFECT) == (not awake)
        assert (loser.cause is Cause.OWN_CONDITION) == (awake and not meets)
        assert (loser.condition is not None) == (loser.cause is Cause.OWN_CONDITION)
        if loser.cause is Cause.ANCESTOR:
            assert [each for each in line[:-1] if each.path == loser.by and not holds(each.when, company, context)]
        if loser.condition is not None:
            assert not loser.condition.outcome
            assert all(each.place is not None for each in _leaves(loser.condition))


def _lines(level: tuple[Territory, ...], above: tuple[Territory, ...]) -> list[tuple[Territory, ...]]:
    return [
        line for territory in level for line in [(*above, territory), *_lines(territory.children, (*above, territory))]
    ]


def _leaves(clause: Clause) -> list[Clause]:
    return [leaf for child in clause.children for leaf in _leaves(child)] if clause.children else [clause]
