"""Searching boxes and settling implications, held to every point of small spaces."""

from __future__ import annotations

from itertools import product
from random import Random  # noqa: TID251 - seeded: a case is made again from its number

import pytest

from syncd.rules.proving.logic import (
    ALWAYS,
    NEVER,
    Both,
    Box,
    Budget,
    Either,
    ExhaustedError,
    Formula,
    Literal,
    TooManyBoxesError,
    Variables,
    both,
    either,
    meet,
    within,
)
from syncd.rules.proving.search import Search, Terms

SIZES = (3, 2, 4, 2)
Point = tuple[int, ...]
POINTS: list[Point] = list(product(*(range(size) for size in SIZES)))


def variables() -> Variables:
    made = Variables()
    for size in SIZES:
        made.add((1 << size) - 1)
    return made


def lies_in(point: Point, box: Box) -> bool:
    return all(values >> point[variable] & 1 for variable, values in box.items())


def holds(point: Point, formula: Formula) -> bool:
    match formula:
        case Literal(variable, values):
            return bool(values >> point[variable] & 1)
        case Both(parts):
            return all(holds(point, part) for part in parts)
        case Either(parts):
            return any(holds(point, part) for part in parts)


def random_box(random: Random) -> Box:
    chosen = random.sample(range(len(SIZES)), random.randint(1, len(SIZES)))
    return {variable: random.randint(1, (1 << SIZES[variable]) - 2) for variable in chosen}


def random_formula(random: Random, depth: int) -> Formula:
    if depth == 0 or random.random() < 0.3:
        variable = random.randrange(len(SIZES))
        return Literal(variable, random.randint(0, (1 << SIZES[variable]) - 1))
    parts = [random_formula(random, depth - 1) for _ in range(random.randint(1, 3))]
    return both(parts) if random.random() < 0.5 else either(parts)


@pytest.mark.parametrize("seed", range(0, 400, 50))
def test_a_search_ends_with_a_free_point_or_with_none_where_there_is_none(seed: int) -> None:
    for number in range(seed, seed + 50):
        random, space = Random(number), variables()
        terms = [random_box(random) for _ in range(random.randint(1, 14))]
        box = random_box(random)
        found = Search(Terms(terms, space), space, Budget(100_000)).outside(box, (1 << len(terms)) - 1)
        free = [point for point in POINTS if lies_in(point, box) and not any(lies_in(point, each) for each in terms)]
        if found is None:
            assert free == []
        else:
            inside = [point for point in POINTS if lies_in(point, found)]
            assert inside
            assert set(inside) <= set(free)


def test_only_the_terms_asked_about_take_away() -> None:
    space = variables()
    terms: list[Box] = [{0: 0b001}, {0: 0b110}]
    search = Search(Terms(terms, space), space, Budget(1000))
    assert search.outside({1: 0b01}, 0b11) is None
    assert search.used == {0, 1}
    assert search.outside({1: 0b01}, 0b01) == {0: 0b110, 1: 0b01}


def test_implications_take_away_only_what_no_point_has() -> None:
    for number in range(200):
        random, space = Random(number), variables()
        rules = []
        for _ in range(random.randint(1, 4)):
            first, second = random.sample(range(len(SIZES)), 2)
            rule = (
                first,
                random.randint(1, (1 << SIZES[first]) - 2),
                second,
                random.randint(1, (1 << SIZES[second]) - 2),
            )
            rules.append(rule)
            space.imply(*rule)
        allowed = [
            point
            for point in POINTS
            if all(not values >> point[one] & 1 or others >> point[two] & 1 for one, values, two, others in rules)
        ]
        box = random_box(random)
        settled = space.settled(box)
        left = {point for point in allowed if lies_in(point, box)}
        assert left == ({point for point in allowed if lies_in(point, settled)} if settled is not None else set())


def test_boxes_are_the_formula_and_its_negation_the_rest() -> None:
    for number in range(300):
        random, space = Random(number), variables()
        formula = random_formula(random, 3)
        boxes, others = space.boxes(formula, 1000), space.boxes(space.negated(formula), 1000)
        for point in POINTS:
            said = holds(point, formula)
            assert any(lies_in(point, box) for box in boxes) is said
            assert any(lies_in(point, box) for box in others) is not said


def test_meet_and_within_are_those_of_points() -> None:
    for number in range(300):
        random = Random(number)
        first, second = random_box(random), random_box(random)
        one = {point for point in POINTS if lies_in(point, first)}
        two = {point for point in POINTS if lies_in(point, second)}
        met = meet(first, second)
        assert one & two == ({point for point in POINTS if lies_in(point, met)} if met is not None else set())
        assert within(first, second) is (one <= two)


def test_what_always_and_never_holds_is_seen_at_once() -> None:
    assert both([Literal(0, 0b001), Literal(0, 0b110)]) == NEVER
    assert either([Literal(0, 0b001), ALWAYS]) == ALWAYS
    assert both([]) == ALWAYS
    assert either([]) == NEVER


def test_a_budget_ends_a_search_and_a_limit_ends_a_product() -> None:
    space = variables()
    terms = [random_box(Random(number)) for number in range(14)]
    with pytest.raises(ExhaustedError):
        Search(Terms(terms, space), space, Budget(3)).outside({}, (1 << len(terms)) - 1)
    many = both(either([Literal(0, 1), Literal(1, 1), Literal(2, 1)]) for _ in range(12))
    with pytest.raises(TooManyBoxesError):
        space.boxes(many, 20)


def test_one_question_gives_back_the_steps_that_it_did_not_take() -> None:
    budget = Budget(100)
    with budget.at_most(10):
        budget.spend(4)
    assert budget.left == 96
    with pytest.raises(ExhaustedError), budget.at_most(10):
        budget.spend(11)
    assert budget.left == 85
