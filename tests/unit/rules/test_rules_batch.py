# ruff: noqa: E402 - the extra is looked for first
"""The batch executor: on random packs and dirty accounts it says what classes and the plain evaluator say."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from random import Random  # noqa: TID251 - seeded: names are made again from their number

import pytest
from random_packs import FIELDS, Packs, courses, instants
from rule_builders import NOW, PLACE, facts, territory
from rule_builders import pack as pack_of

np = pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pa = pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
pytest.importorskip("polars", reason="the extra `fast` is not installed")

from batch_answers import assert_plain

from syncd.model.fields import FieldType
from syncd.rules.batch import field_codes, likeness, reduction
from syncd.rules.batch.batch_table import Batch
from syncd.rules.batch.columns import Column, Columns, columns_of
from syncd.rules.batch.packed import Numbers, packed_column
from syncd.rules.batch.territories import BatchTerritories, batch_of
from syncd.rules.classes.territories import PackClasses
from syncd.rules.conditions import EvaluationContext, FieldTest
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.matching import matchers as m

PACKS = int(os.environ.get("PACKS", "120"))
ROWS = 200
LANES = 8


def same_as_plain(seed: int) -> None:
    """One random pack over its accounts, at one instant after the other; what classes say of each, too."""
    for classes, context, book in courses(seed, ROWS):
        assert_plain(classes, context, book, seed)
        plain = classes.at(context)
        for role in classes.pack.roles:
            for company in book:
                expected = choose_territory(classes.pack, role, company, context).path
                assert plain.choose(role, company).path == expected, (seed, company.key, role)


def packed_batch(book, fields):
    """The book with its texts and numbers in arrays; what is neither is asked value by value."""
    columns = dict(columns_of(book, fields).by_field)
    for name in fields:
        values = [each.values.get(name) for each in book]
        kinds = {type(value) for value in values if value is not None}
        if kinds == {str}:
            columns[name] = packed_column(pa.array(values, type=pa.string()))
        elif kinds == {Decimal}:
            units = np.array([0 if value is None else int(value * 100) for value in values])
            codes = np.array([-1 if value is None else row for row, value in enumerate(values)], dtype=np.int32)
            columns[name] = Column(Numbers(units, 2), codes)
    held = np.array([row for row, each in enumerate(book) if each.rates is not None], dtype=np.int64)
    return Batch(Columns(len(book), columns), book.__getitem__, held)


def only_proper(company):
    """The company without values that an array of texts or of hundredths cannot hold."""

    def is_proper(name, value):
        type_ = FIELDS[name][0] if name in FIELDS else FieldType.TEXT
        if type_ in (FieldType.NUMBER, FieldType.MONEY):
            return isinstance(value, Decimal) and value == value.quantize(Decimal("0.01"))
        return type_ in (FieldType.DATE, FieldType.BOOLEAN, FieldType.SEVERAL) or isinstance(value, str)

    return replace(company, values={name: value for name, value in company.values.items() if is_proper(name, value)})


@pytest.mark.parametrize("lane", range(LANES))
def test_columns_in_arrays_end_where_the_plain_evaluator_ends(lane):
    for seed in range(lane, PACKS // 3, LANES):
        draw = Packs(f"packed {seed}")
        pack = draw.pack()
        book = [only_proper(draw.account(f"A{number:03}")) for number in range(ROWS)]
        context = EvaluationContext(instants()[seed % 3], pack.zone)
        answers = BatchTerritories(PackClasses(pack), context)
        batch = packed_batch(book, sorted(answers.fields))
        for role in pack.roles:
            paths = [() if place < 0 else answers.paths(role)[place] for place in answers.places(role, batch)]
            for company, path in zip(book, paths, strict=True):
                assert path == choose_territory(pack, role, company, context).path, (seed, company.key, role)


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch):
    monkeypatch.setattr(field_codes, "MANY", 3)
    monkeypatch.setattr(likeness, "FEW_TEXTS", 3)


@pytest.mark.parametrize("lane", range(LANES))
def test_random_packs_in_batches_end_where_the_plain_evaluator_ends(lane, monkeypatch):
    for seed in range(lane, PACKS, LANES):
        grouped = seed // LANES % 2  # every other pack by the tables that terms test, as large batches are
        monkeypatch.setattr(reduction, "WORTH_GROUPING", 0 if grouped else 64)
        same_as_plain(seed)


@pytest.mark.parametrize("bound", ["9.99", "10", "-0.5", "1E+30"])
def test_whole_numbers_lie_on_the_right_side_of_any_bound(bound):
    edge = Decimal(bound)
    sides = [m.Interval("low", low=edge), m.Interval("high", high=edge), m.EqualTo("is", edge)]
    sides.append(m.Interval("above", low=edge, low_included=False))
    context = EvaluationContext(NOW)
    units = np.array([-(2**62), -1, 0, 9, 10, 11, 2**62])
    for side in sides:
        test = FieldTest("employees", FieldType.NUMBER, side, PLACE, side.text)
        answers = BatchTerritories(PackClasses(pack_of(territory("t", test))), context)
        columns = Columns(len(units), {"employees": Column(Numbers(units), np.arange(len(units), dtype=np.int32))})
        places = answers.places("owner", Batch(columns, lambda row: None, np.empty(0, dtype=np.int64)))
        expected = [side.matches(Decimal(int(unit)), context) for unit in units]
        assert [place == 0 for place in places] == expected


def test_values_of_different_types_that_are_equal_are_asked_apart():
    """`False` is 0 to Python and no number to a condition. Only random packs ask for numbers in a field of text."""
    test = FieldTest("name", FieldType.TEXT, m.Interval("0..1", Decimal(0), Decimal(1)), PLACE, "0..1")
    for values in ([False, Decimal(0)], [Decimal(0), False]):
        book = [facts(f"A{number}", name=value) for number, value in enumerate(values)]
        assert_plain(PackClasses(pack_of(territory("t", test))), EvaluationContext(NOW), book, 0)


def test_half_of_a_surrogate_pair_is_asked_like_any_text():
    book = [facts(f"A{number}", name=text) for number, text in enumerate(["\ud800", "a\ud800", "abc", "b"] * 2)]
    test = FieldTest("name", FieldType.TEXT, m.StartsWith("a*", "a"), PLACE, "a*")
    answers = BatchTerritories(PackClasses(pack_of(territory("t", test))), EvaluationContext(NOW))
    places = answers.places("owner", batch_of(book, answers.fields))
    assert [place == 0 for place in places] == [False, True, True, False] * 2


def test_values_listed_by_the_same_rules_are_asked_once_and_end_where_each_alone_does():
    listed = m.InList("", frozenset({"acme.com", "globex.com", "initech.com"}))
    other = m.InList("", frozenset({"globex.com", "hooli.com"}))
    rules = {"both": other, "one": listed, "named": m.Contains("", "on")}
    tests = {name: FieldTest("domain", FieldType.DOMAIN, each, PLACE, "") for name, each in rules.items()}
    held = pack_of(*(territory(name, test) for name, test in tests.items()), territory("rest"))
    texts = [None, "acme.com", "globex.com", "initech.com", "hooli.com", "on.com", "x.com", None, "none.com"]
    column = packed_column(pa.array(texts))
    answers = BatchTerritories(PackClasses(held), EvaluationContext(NOW))
    places = answers.places("owner", Batch(Columns(len(texts), {"domain": column}), _nobody, np.empty(0, np.int64)))
    names = [answers.paths("owner")[place][-1].name for place in places.tolist()]
    assert names == ["rest", "one", "both", "one", "both", "named", "rest", "rest", "named"]


@pytest.mark.parametrize("seed", range(8))
def test_common_and_rare_parts_of_many_names_end_where_each_alone_does(seed):
    """Some parts are in most names, some in few, some hold one another, and one is in no name."""
    dice = Random(seed)
    parts = [
        "o",
        "holding",
        "old",
        "x1",
        "x17",
        "x171",
        "ü",
        "*",
        "o*x2",
        "nowhere",
        *(f"q{each}" for each in range(40)),
    ]
    words = ["holding", "old", "o", "ü", "*", "group", *(f"x{each}" for each in range(200)), "q7", "q31", "q3 q39"]
    names = [" ".join(dice.choices(words, k=dice.randint(0, 4))) or None for _ in range(300)]
    dice.shuffle(parts)
    tests = [FieldTest("name", FieldType.TEXT, _part_of(each), PLACE, each) for each in parts]
    held = pack_of(*(territory(f"t{number}", test) for number, test in enumerate(tests)), territory("rest"))
    context = EvaluationContext(NOW)
    answers = BatchTerritories(PackClasses(held), context)
    columns = Columns(len(names), {"name": packed_column(pa.array(names, type=pa.string()))})
    places = answers.places("owner", Batch(columns, _nobody, np.empty(0, np.int64)))
    for name, place in zip(names, places.tolist(), strict=True):
        company = facts(name=name) if name is not None else facts()
        assert answers.paths("owner")[place] == choose_territory(held, "owner", company, context).path, name


def _part_of(text):
    return m.Glob(f"*{text}*", f"*{text}*") if "*" in text[1:] else m.Contains(text, text)


def _nobody(row):
    raise AssertionError(f"row {row} is asked plainly")


def test_an_empty_batch_has_no_places():
    answers = BatchTerritories(PackClasses(pack_of(territory("t", None))), EvaluationContext(NOW))
    assert list(answers.places("owner", batch_of([], answers.fields))) == []


def test_tables_that_would_be_too_large_are_asked_row_by_row(monkeypatch):
    monkeypatch.setattr(field_codes, "MOST_TABLE_BYTES", 0)
    for seed in range(4):
        same_as_plain(seed)


def test_many_accounts_are_reduced_in_chunks(monkeypatch):
    monkeypatch.setattr(reduction, "CHUNK_BYTES", 1)
    for seed in range(4):
        same_as_plain(seed)
