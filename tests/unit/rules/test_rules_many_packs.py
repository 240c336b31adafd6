"""Three thousand random packs over two hundred dirty accounts each: the batch executor decides as the reference does.

One instant a pack; what classes say of single accounts, and all instants over one pack, is in test_rules_batch.py.
"""

from __future__ import annotations

import os
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from random_packs import Packs, instants

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
pytest.importorskip("polars", reason="the extra `fast` is not installed")

from batch_answers import assert_plain

from syncd.rules.batch import field_codes, reduction
from syncd.rules.classes.territories import PackClasses
from syncd.rules.conditions import EvaluationContext

PACKS = int(os.environ.get("PACKS", "3000"))
ROWS = 200
_SHARES = 4


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch):
    monkeypatch.setattr(field_codes, "MANY", 3)


def assert_pack_is_plain(seed: int) -> None:
    """One random pack over its accounts at one of the instants."""
    draw = Packs(f"many {seed}")
    pack = replace(draw.pack(), zone=ZoneInfo(draw.dice.choice(["UTC", "Europe/Berlin"])))
    book = draw.book(ROWS)
    context = EvaluationContext(instants()[seed % len(instants())], pack.zone, draw.dice.choice([1, 2]))
    assert_plain(PackClasses(pack), context, book, seed)


class _Packs:
    share: int

    @pytest.mark.parametrize("grouped", [False, True], ids=["by the accounts", "by what terms test"])
    def test_random_packs_end_where_the_plain_evaluator_ends(self, grouped, monkeypatch):
        monkeypatch.setattr(reduction, "WORTH_GROUPING", 0 if grouped else 64)
        for seed in range(self.share + _SHARES * grouped, PACKS, 2 * _SHARES):
            assert_pack_is_plain(seed)


class TestPacksFirst(_Packs):
    """Each class takes its share: xdist's loadscope gives a class to one worker."""

    share = 0


class TestPacksSecond(_Packs):
    share = 1


class TestPacksThird(_Packs):
    share = 2


class TestPacksFourth(_Packs):
    share = 3
