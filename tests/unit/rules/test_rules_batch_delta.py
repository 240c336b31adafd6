# ruff: noqa: E402 - the extra is looked for first
"""Deciding again after edits, later instants and changed rows: in every byte what deciding the whole book says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

import pytest
from random_packs import Packs
from rule_builders import NOW, PLACE, facts, is_, pack, territory

np = pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
pytest.importorskip("polars", reason="the extra `fast` is not installed")

from syncd.model.fields import FieldType
from syncd.rules.batch import delta
from syncd.rules.batch.columns import columns_of
from syncd.rules.batch.delta import LiveTerritories, UndividedError
from syncd.rules.batch.live_answers import LiveBook
from syncd.rules.batch.territories import BatchTerritories, batch_of
from syncd.rules.classes.territories import PackClasses
from syncd.rules.conditions import EvaluationContext, FieldTest, OpportunityTest, walk
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory
from syncd.rules.matching import matchers as m

ROWS, EDITS, SEEDS = 150, 12, 24


def whole(pack_, context, book):
    """What deciding every row says: the path of each."""
    answers = BatchTerritories(PackClasses(pack_), context)
    places = answers.places("owner", batch_of(book, answers.fields)).tolist()
    return [None if place < 0 else answers.paths("owner")[place] for place in places]


def paths_of(settlement):
    return [None if place < 0 else settlement.paths[place] for place in settlement.winners.tolist()]


def roots(seed):
    """Territories of a drawn pack that classes alone can decide, named so that those of two packs never meet."""
    drawn = Packs(seed).pack().roles.get("owner", ())
    return [each for each in drawn if not any(isinstance(part, OpportunityTest) for part in _conditions(each))]


def _conditions(territory_):
    yield from walk(territory_.when)
    for child in territory_.children:
        yield from _conditions(child)


def edited(level, dice, number):
    """One edit as people make them: a rule added, dropped, moved, changed, or taken back."""
    level = list(level)
    kind = dice.choice(("add", "add", "drop", "move", "swap", "same"))
    if kind == "add" or not level:
        level[dice.randint(0, len(level)) : 0] = [
            replace(each, name=f"{each.name}-{number}", path=f"{each.name}-{number}", children=())
            for each in roots(f"edit {number}")[:2]
        ]
    elif kind == "drop":
        del level[dice.randrange(len(level))]
    elif kind == "move":
        level.insert(dice.randint(0, len(level) - 1), level.pop(dice.randrange(len(level))))
    elif kind == "swap":
        one, other = dice.randrange(len(level)), dice.randrange(len(level))
        level[one] = replace(level[one], when=level[other].when)
    return level


@pytest.mark.parametrize("seed", range(SEEDS))
def test_after_every_edit_instant_and_pull_each_row_is_where_the_whole_run_puts_it(seed, monkeypatch):
    monkeypatch.setattr(delta, "MOST_NEW", [64, 3][seed % 2])
    monkeypatch.setattr(delta, "_MOST_FORGOTTEN", [4, 1][seed % 3 == 0])
    dice, packs = Random(f"edits {seed}"), Packs(seed)
    level, drawn, now = roots(seed), packs.pack(), NOW
    book = [replace(packs.account(f"A{row}"), rates=None) for row in range(ROWS)]
    names = sorted({name for each in book for name in each.values})
    live = LiveTerritories("owner", columns_of(book, names))
    spared = 0
    for number in range(EDITS):
        context = EvaluationContext(now, drawn.zone)
        edition = replace(drawn, roles={"owner": tuple(level)}, protect=())
        try:
            found = live.decide(PackClasses(edition), context)
        except UndividedError:
            level = edited([], dice, f"{seed}/{number}")
            continue
        assert paths_of(found) == whole(edition, context, book), number
        spared += ROWS - len(found.again)
        if dice.random() < 0.5:
            rows = np.array(sorted(dice.sample(range(ROWS), 7)))
            for row in rows.tolist():
                book[row] = replace(packs.account(f"A{row}"), rates=None)
            some = columns_of([book[row] for row in rows.tolist()], names)
            found = live.put(rows, some, columns_of(book, names))
            assert paths_of(found) == whole(edition, context, book), number
        if dice.random() < 0.3:
            now += timedelta(days=dice.choice((1, 30, 90)))
        level = edited(level, dice, f"{seed}/{number}")
    assert spared > ROWS or level == []


def test_only_rows_that_an_edit_can_touch_are_decided_again():
    book = [facts(f"A{row}", employees=row % 100, industry=f"branch {row % 7}") for row in range(700)]
    live = LiveTerritories("owner", columns_of(book, ["employees", "industry"]))
    branches = [territory(f"b{number}", is_("industry", f"branch {number}")) for number in range(7)]
    context = EvaluationContext(NOW)
    assert len(live.decide(PackClasses(pack(*branches)), context).again) == 700
    assert len(live.decide(PackClasses(pack(*branches)), context).again) == 0
    top = territory("top", is_("industry", "branch 3"))
    assert len(live.decide(PackClasses(pack(top, *branches)), context).again) == 100
    assert len(live.decide(PackClasses(pack(*branches, top)), context).again) == 100
    assert len(live.decide(PackClasses(pack(*branches[1:])), context).again) == 100


def test_a_tree_that_classes_cannot_answer_is_left_to_the_plain_way():
    live = LiveTerritories("owner", columns_of([facts("A1")], []))
    asks = territory("deals", OpportunityTest("any", is_("stage", "won")))
    with pytest.raises(UndividedError):
        live.decide(PackClasses(pack(asks)), EvaluationContext(NOW))
    with pytest.raises(UndividedError):
        live.put(np.array([0]), columns_of([facts("A1")], []), columns_of([facts("A1")], []))


@pytest.mark.parametrize("seed", range(12))
def test_the_engine_decides_alike_by_answers_that_are_kept_from_edit_to_edit(seed):
    dice, packs = Random(f"books {seed}"), Packs(seed)
    drawn = packs.pack()
    book = tuple(packs.account(f"A{row}") for row in range(60))
    live, now = LiveBook(book), NOW
    for number in range(4):
        edition = replace(drawn, overrides=(), disputes=())
        context = EvaluationContext(now, edition.zone, edition.fiscal_year_start)
        everybody = Book(book, Directory({}, assume_active=True))
        decided = decide(edition, everybody, now, classes=live.answers(edition, context))
        assert decided == decide(edition, everybody, now, plain=True)
        level = edited(drawn.roles["owner"], dice, f"{seed}/{number}")
        drawn = replace(drawn, roles=drawn.roles | {"owner": tuple(level)})
        now += timedelta(days=dice.choice((0, 40)))


def test_an_account_that_is_not_as_the_book_has_it_is_asked_anew():
    book = [facts("A1", employees=5), facts("A2", employees=50)]
    size = FieldTest("employees", FieldType.NUMBER, m.Interval("", Decimal(10), None), PLACE, "")
    edition = pack(territory("big", size), territory("rest"))
    answers = LiveBook(book).answers(edition, EvaluationContext(NOW))
    assert [answers.choose("owner", each).territory.name for each in book] == ["rest", "big"]
    grown = replace(book[0], values={"employees": Decimal(11)})
    assert answers.choose("owner", grown).territory.name == "big"
    assert answers.choose("owner", facts("A3", employees=11)).territory.name == "big"
