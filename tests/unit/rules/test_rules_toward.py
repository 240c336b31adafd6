"""What would send an account elsewhere: the smallest change, equal to trying everything on small random packs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import combinations, product
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

import pytest
from rule_builders import EVERYBODY, NOW, PLACE, facts, is_, nested, pack, place, territory

from syncd.model.fields import FieldType
from syncd.rules.conditions import AllOf, AnyOf, Condition, FieldTest, InSegment, NoneOf, Not
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.engine import Book
from syncd.rules.explaining.toward import MOST_CHANGES, changed, toward_owner, toward_territory
from syncd.rules.explanation import subject_of
from syncd.rules.facts import Facts, Value
from syncd.rules.matching import matchers as m
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Effective, OwnersByLookup, Pack, Protect, Territory

CONTEXT = EvaluationContext(NOW, pack().zone)
LETTERS = ("a", "b")
TEXTS = (*tuple("".join(each) for count in (1, 2, 3, 4) for each in product(LETTERS, repeat=count)), "x")
STAGES = ("demo", "legal", "won")
SETS = tuple(
    frozenset(each) | rest for count in range(4) for each in combinations(STAGES, count) for rest in ({*()}, {"new"})
)
GRID: dict[str, tuple[FieldType, tuple[Value | None, ...]]] = {
    "employees": (FieldType.NUMBER, (None, *(Decimal(n) / 2 for n in range(-3, 26)))),
    "city": (FieldType.TEXT, (None, *TEXTS)),
    "locked": (FieldType.BOOLEAN, (None, True, False)),
    "open_stages": (FieldType.SEVERAL, SETS),
}


def matcher(dice: Random, name: str) -> m.Matcher:
    if dice.random() < 0.1:
        return dice.choice([m.Missing("missing"), m.Present("present")])
    if name == "employees":
        low, high = sorted(Decimal(dice.randint(0, 11)) for _ in range(2))
        return dice.choice(
            [
                m.Interval("range", low, high, dice.random() < 0.7, dice.random() < 0.7),
                m.Interval("from", low, None, dice.random() < 0.7),
                m.EqualTo("is", high),
                m.NoneOf("none", frozenset({low, high})),
            ]
        )
    if name == "locked":
        return m.EqualTo("is", dice.random() < 0.5)
    if name == "open_stages":
        return dice.choice([m.AnyElement, m.AllElements, m.NoElement])(
            "elements", frozenset(dice.sample(STAGES, dice.randint(1, 2)))
        )
    one, other = dice.choice("ab"), dice.choice("ab")
    return dice.choice(
        [
            m.Glob("glob", one + "*"),
            m.Glob("glob", f"*{other}"),
            m.Contains("contains", one + other),
            m.EqualTo("is", one + other),
            m.InList("in", frozenset({one, other + one})),
        ]
    )


def condition(dice: Random, depth: int = 2) -> Condition:
    kind = dice.random()
    if depth == 0 or kind < 0.35:
        name = dice.choice(tuple(GRID))
        return FieldTest(name, GRID[name][0], matcher(dice, name), PLACE, name)
    if kind < 0.45:
        return Not(condition(dice, depth - 1), PLACE, "not")
    inner = tuple(condition(dice, depth - 1) for _ in range(dice.randint(1, 3)))
    if kind < 0.52:
        return InSegment(tuple(map(str, range(len(inner)))), inner, PLACE, "segment")
    return dice.choice([AllOf, AllOf, AnyOf, NoneOf])(inner, PLACE, "combined")


def tree(dice: Random, depth: int = 0) -> tuple[Territory, ...]:
    found = []
    for number in range(dice.randint(1, 3)):
        one = territory(f"t{depth}{number}", condition(dice), [dice.choice(("ann@x", "ben@x", "cy@x"))])
        below = tree(dice, depth + 1) if depth < 1 and dice.random() < 0.5 else ()
        found.append(nested(one, *below) if below else one)
    return tuple(found)


def small_world(seed: int) -> tuple[Pack, Facts]:
    dice = Random(seed)
    values = {name: dice.choice(values) for name, (_, values) in GRID.items()}
    account = facts("A1", "old@x", **{name: value for name, value in values.items() if value is not None})
    return pack(*tree(dice), territory("rest", None, "rest@x")), account


def ends(one: Pack, account: Facts) -> Territory:
    return choose_territory(one, "owner", account, CONTEXT).path[-1]


def tried(account: Facts, size: int) -> Iterator[Facts]:
    for names in combinations(GRID, size):
        for values in product(*(GRID[name][1] for name in names)):
            moved = account
            for name, value in zip(names, values, strict=True):
                moved = changed(moved, name, value)
            yield moved


def smallest(one: Pack, account: Facts, fits) -> int | None:
    """Every combination of values of every set of fields, the smaller sets first."""
    return next((size for size in range(3) for moved in tried(account, size) if fits(ends(one, moved))), None)


@pytest.mark.parametrize("block", range(10))
def test_the_smallest_change_is_that_of_trying_everything(block: int) -> None:
    answered = 0
    for seed in range(block * 50, block * 50 + 50):
        one, account = small_world(seed)
        dice = Random(f"target {seed}")
        subject = subject_of(one, Book((account,), EVERYBODY), "A1", NOW)
        if seed % 2:
            path = dice.choice([each.path for each in one.territories()])
            found = toward_territory(subject, path)
            fits = lambda end, path=path: f"{end.path}/".startswith(f"{path}/")  # noqa: E731
        else:
            email = dice.choice(("ann@x", "ben@x", "cy@x"))
            found = toward_owner(subject, email)
            fits = lambda end, email=email: email in end.owners.members  # noqa: E731
        expected = smallest(one, account, fits)
        if expected is None:
            assert all(len(way.changes) > 2 for way in found.ways), seed
        else:
            assert {len(way.changes) for way in found.ways} == {expected}, seed
            answered += expected > 0
        for way in found.ways:
            moved = account
            for change in way.changes:
                assert change.before != change.after
                moved = changed(moved, change.field, change.after)
            end = ends(one, moved)
            assert fits(end), seed
            assert end.path == way.territory, seed
    assert answered >= 15


DACH = territory("dach", is_("country", "DE"), ["anna@x", "jonas@x"], place=place(3))
LARGE = FieldTest("employees", FieldType.NUMBER, m.Interval(">= 1000", Decimal(1000)), PLACE, 'employees: ">= 1000"')
TREE = (
    territory("large", LARGE, "lou@x"),
    DACH,
    territory("later", None, "new@x", effective=Effective(date(2027, 1, 1), None)),
    territory("rest", None, "rest@x"),
)


def asked(target: str, account: Facts, *roots: Territory, **rest):
    subject = subject_of(pack(*(roots or TREE), **rest), Book((account,), EVERYBODY), "A1", NOW)
    return toward_owner(subject, target) if "@" in target else toward_territory(subject, target)


def test_a_change_names_the_field_its_values_and_the_clause_that_it_meets() -> None:
    (way,) = asked("large", facts(employees=480, country="DE")).ways
    (change,) = way.changes
    assert (change.field, change.before, change.after) == ("employees", Decimal(480), Decimal(1000))
    assert change.clauses == ('employees: ">= 1000"',)
    assert way.candidates == ("lou@x",)


def test_an_earlier_territory_has_to_let_go_first() -> None:
    (way,) = asked("anna@x", facts(employees=5200, country="FR")).ways
    assert {(change.field, change.after) for change in way.changes} == {("employees", Decimal(999)), ("country", "DE")}
    assert way.candidates == ("anna@x", "jonas@x")


def test_who_is_there_already_needs_no_change() -> None:
    assert [way.changes for way in asked("dach", facts(country="DE")).ways] == [()]


def test_what_holds_the_account_all_the_same_is_said() -> None:
    rule = Protect("calm", PLACE, is_("industry", "retail"), "retail stays")
    (way,) = asked("dach", facts("A1", "old@x", industry="retail"), protect=(rule,)).ways
    assert way.holds == (("calm", "held: retail stays"),)


def test_a_territory_that_is_not_in_effect_cannot_be_reached() -> None:
    found = asked("later", facts(country="DE"))
    assert (found.ways, found.asleep, found.complete) == ((), ("later",), True)


def test_what_no_change_reaches_is_said_to_be_out_of_reach() -> None:
    never = territory("never", AllOf((is_("country", "DE"), Not(is_("country", "DE"), PLACE))), "n@x")
    found = asked("never", facts(), never, territory("rest", None, "r@x"))
    assert (found.ways, found.complete) == ((), True)


def test_more_than_the_most_changes_are_not_searched_for() -> None:
    names = ("country", "industry", "city", "tier", "segment")
    assert len(names) > MOST_CHANGES
    far = territory("far", AllOf(tuple(is_(name, "q") for name in names)), "f@x")
    found = asked("far", facts(), far, territory("rest", None, "r@x"))
    assert (found.ways, found.complete) == ((), False)


def test_what_would_make_it_another_company_is_told_last() -> None:
    """Nobody renames a company to move it, however few people that way leads to."""
    either = AnyOf((is_("domain", "globex.com"), is_("country", "DE")))
    found = asked("here", facts(domain="acme.com", country="FR"), territory("here", either, "a@x"))
    assert [[change.field for change in way.changes] for way in found.ways] == [["country"], ["domain"]]
    named = territory("named", is_("domain", "globex.com"), "a@x")
    spread = territory("spread", is_("country", "DE"), ("a@x", "b@x", "c@x"))
    rest = territory("rest", None, "r@x")
    ways = asked("a@x", facts(domain="acme.com", country="FR"), named, spread, rest).ways
    assert [way.changes[0].field for way in ways] == ["country", "domain"]


def test_a_look_up_asks_for_one_of_the_keys_of_its_rep() -> None:
    owners = OwnersByLookup("pods.csv", "domain", "rep", {"acme.com": "ann@x", "globex.com": "ben@x"})
    listed = territory("listed", None, owners)
    (way,) = asked("ben@x", facts(domain="acme.com"), listed).ways
    assert [(change.field, change.after) for change in way.changes] == [("domain", "globex.com")]
    assert way.candidates == ("ben@x",)


def test_the_answer_is_the_same_every_time_and_plain_json() -> None:
    account = replace(facts(employees=5200, country="FR"))
    assert asked("anna@x", account).to_json() == asked("anna@x", account).to_json()


@pytest.mark.parametrize(("country", "code"), [("US", "60600"), ("AT", "606")])
def test_a_code_to_type_in_is_a_whole_one_where_a_short_one_would_be_filled_up(country: str, code: str) -> None:
    chicago = FieldTest("postal_code", FieldType.POSTAL_CODE, m.Glob("606*", "606*"), PLACE, "postal_code: 606*")
    tree = pack(territory("chicago", chicago, "ben@x"), territory("rest", None, "ana@x"))
    company = facts("A1", "ana@x", country=country, postal_code="01240")
    found = toward_territory(subject_of(tree, Book((company,), EVERYBODY), "A1", NOW), "chicago")
    assert f"'{code}'" in str(found.to_json())
