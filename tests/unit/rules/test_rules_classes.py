"""Class tables: on random packs and dirty accounts they say what the plain evaluator says, in every particular."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest
from random_packs import Packs, courses, instants
from rule_builders import EVERYBODY, NOW, PLACE, applied, facts, territory
from rule_builders import pack as pack_of

from syncd.model.fields import FieldType
from syncd.model.money import ConvertedAmount, MoneyTable
from syncd.rules.classes.class_table import ClassTable
from syncd.rules.classes.near_misses import near_misses
from syncd.rules.classes.territories import PackClasses, protect_rules
from syncd.rules.conditions import AnyOf, EvaluationContext, FieldTest, holds
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.deciding.tree_result import in_effect
from syncd.rules.engine import MANY, Book, decide
from syncd.rules.matching.matchers import AnyMatcher, EqualTo, Glob, Interval

PACKS = int(os.environ.get("PACKS", "120"))
ROWS = 200
LANES = 8


def same_as_plain(seed: int) -> None:
    """One random pack over its accounts, at one instant after the other."""
    for classes, context, book in courses(seed, ROWS):
        pack = classes.pack
        answers = classes.at(context)
        for company in book:
            for role in pack.roles:
                plain = choose_territory(pack, role, company, context)
                found = answers.choose(role, company)
                assert found == plain, (seed, company.key, role)
                assert all(one is other for one, other in zip(found.path, plain.path, strict=True))
            protecting = [rule for rule in protect_rules(pack) if holds(rule.when, company, context)]
            assert list(answers.protecting(company)) == protecting, (seed, company.key)


@pytest.mark.parametrize("seed", range(20))
def test_near_misses_from_the_bits_are_those_of_the_matchers(seed):
    draw = Packs(f"standing {seed}")
    pack = draw.pack()
    context = EvaluationContext(NOW)
    answers = PackClasses(pack).at(context).role("owner")
    lines = {path[-1].path: path for path in answers.classes.paths}
    awake = {name: all(in_effect(each, NOW.date()) for each in line) for name, line in lines.items()}
    for company in (draw.account(f"A{number:03}") for number in range(20)):
        true = {
            name for name, line in lines.items() if awake[name] and all(holds(x.when, company, context) for x in line)
        }
        near = {each.territory.path: each.field for each in near_misses(answers, company)}
        expected = {}
        for item, name in zip(_terms_by_item(answers), lines, strict=True):
            misses = [_failing(term, company, context) for term in item if len(term.tests) > 1]
            single = min((fields[0] for fields in misses if fields is not None and len(fields) == 1), default=None)
            if awake[name] and name not in true and single is not None:
                expected[name] = single
        assert near == expected


def _terms_by_item(classes):
    table = classes.classes.table
    for number in range(len(classes.classes.paths)):
        yield [term for term, item in zip(table.terms, table.item_of, strict=True) if item == number]


def _failing(term, company, context):
    """The fields of a term whose tests do not hold, None if what is no single-field test does not."""
    if not all(holds(each, company, context) for each in term.rest):
        return None
    return [
        name for name, tests in sorted(term.tests.items()) if not all(holds(each, company, context) for each in tests)
    ]


@pytest.mark.parametrize("lane", range(LANES))
def test_random_packs_over_dirty_accounts_end_where_the_plain_evaluator_ends(lane):
    for seed in range(lane, PACKS, LANES):
        same_as_plain(seed)


@pytest.mark.parametrize("seed", range(12))
def test_every_decision_is_byte_for_byte_that_of_the_plain_engine(seed):
    draw = Packs(f"decide {seed}")
    pack = draw.pack()
    book = Book(tuple(draw.account(f"A{number:03}") for number in range(MANY)), EVERYBODY)
    for now in instants():
        assert repr(decide(pack, book, now)).encode() == repr(decide(pack, book, now, plain=True)).encode()


def test_a_leeway_keeps_the_same_accounts_as_in_the_plain_engine():
    def sized(text, low, high):
        interval = Interval(text, low and Decimal(low), high and Decimal(high))
        return FieldTest("employees", FieldType.NUMBER, interval, PLACE, text)

    pack = pack_of(
        territory("large", sized(">= 1000", 1000, None), "a@x", leeway=Decimal("0.1")),
        territory("middle", sized("200..999", 200, 999), ["b@x", "c@x"], leeway=Decimal("0.1")),
        territory("small", None, ["d@x", "e@x"]),
    )
    lasts = ["large", "middle", "small"] * 40
    companies = tuple(
        facts(f"A{number:03}", "a@x", employees=150 + 9 * number, applied=applied(lasts[number], "a@x"))
        for number in range(MANY + 10)
    )
    book = Book(companies, EVERYBODY)
    found = decide(pack, book, NOW)
    assert repr(found) == repr(decide(pack, book, NOW, plain=True))
    assert len([each for each in found if "by its leeway" in each.text]) > 5


def holding(items, company):
    """The numbers of the items that hold, by the table and by the plain evaluator."""
    context = EvaluationContext(NOW)
    answers = ClassTable([(item,) for item in items]).at(context)
    plain = [number for number, item in enumerate(items) if holds(item, company, context)]
    return list(answers.items(answers.all(company))), plain


def revenue(text, value, currency=None):
    amount = Decimal(value) if currency is None else ConvertedAmount(Decimal(value), (Decimal(value), currency))
    return FieldTest("annual_revenue", FieldType.MONEY, EqualTo(text, amount), PLACE, text)


def test_amounts_that_are_equal_in_two_currencies_part_at_older_rates():
    items = [revenue("10 EUR", 10, "EUR"), revenue("10 CHF", 10, "CHF"), revenue("10", 10)]
    items.append(AnyOf((items[1], items[0]), PLACE, "either"))
    rates = MoneyTable("USD", {"EUR": Decimal(2), "CHF": Decimal(3)})
    for amount, expected in [(10, [2]), (20, [0, 3]), (30, [1, 3])]:
        company = facts(annual_revenue=amount, rates=rates)
        assert holding(items, company) == (expected, expected)
    company = facts(annual_revenue=10)
    assert holding(items, company) == ([0, 1, 2, 3], [0, 1, 2, 3])


def test_a_matcher_of_texts_beside_one_of_numbers_is_asked_about_each_value():
    mixed = AnyMatcher("mixed", (Glob("1*", "1*"), Interval("5..", Decimal(5))))
    items = [FieldTest("employees", FieldType.NUMBER, mixed, PLACE, "mixed")]
    for value, expected in [("12", [0]), (Decimal(12), [0]), ("2", []), (Decimal(1), []), (True, [])]:
        assert holding(items, facts(employees=value)) == (expected, expected)
