"""The first term that all fields leave possible: however the tables are folded, the same as looking at each term."""

from __future__ import annotations

from random import Random  # noqa: TID251 - seeded by the test, which must repeat

import pytest

np = pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")

from syncd.rules.batch import reduction  # noqa: E402 - needs numpy
from syncd.rules.batch.field_codes import FieldRows, words_of  # noqa: E402 - needs numpy
from syncd.rules.batch.reduction import NOTHING, first_bits, fold  # noqa: E402 - needs numpy

ACCOUNTS = 300


def drawn(dice: Random, width: int) -> tuple[list[FieldRows], list[list[int]], int]:
    """Fields with random classes, each term testing a few of them; the same as rows of whole numbers; terms alive."""
    every = (1 << width) - 1
    fields, rows = [], []
    tests = [dice.sample(range(6), dice.choice([0, 1, 1, 2, 2, 3])) for _ in range(width)]
    for field in range(dice.randint(1, 6)):
        untested = sum(1 << term for term in range(width) if field not in tests[term])
        classes = [untested | dice.getrandbits(width) & dice.getrandbits(width) for _ in range(dice.randint(1, 9))]
        fields.append(
            FieldRows(
                words_of(classes, width), np.array([dice.randrange(len(classes)) for _ in range(ACCOUNTS)], np.int32)
            )
        )
        rows.append(classes)
    return fields, rows, every & ~(dice.getrandbits(width) & dice.getrandbits(width) & dice.getrandbits(width))


def plainly(fields: list[FieldRows], rows: list[list[int]], alive: int) -> list[int]:
    found = []
    for account in range(ACCOUNTS):
        bits = alive
        for field, classes in zip(fields, rows, strict=True):
            bits &= classes[int(field.places[account])]
        found.append((bits & -bits).bit_length() - 1 if bits else NOTHING)
    return found


@pytest.mark.parametrize("worth", [0, 10**9], ids=["grouped by tables", "all terms in each table"])
@pytest.mark.parametrize("most", [(65_536, 8_192, 12), (40, 20, 12), (12, 6, 2)], ids=["wide", "narrow", "joined"])
def test_the_first_term_is_the_same_however_tables_are_folded(
    worth: int, most: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("MOST_LOOKED_UP", "MOST_FOLDED", "MOST_GROUPS")
    for name, value in zip(names, most, strict=True):
        monkeypatch.setattr(reduction, name, value)
    monkeypatch.setattr(reduction, "WORTH_GROUPING", worth)
    monkeypatch.setattr(reduction, "CHUNK_BYTES", 8_000)
    for seed in range(40):
        dice = Random(f"reduction {seed}")
        width = dice.choice([1, 5, 64, 65, 130, 300])
        fields, rows, alive = drawn(dice, width)
        folded = fold(fields, ACCOUNTS, width, words_of([alive], width)[0])
        expected = plainly(fields, rows, alive)
        assert first_bits(folded).tolist() == expected, seed
        assert first_bits(folded, threads=1).tolist() == expected, seed


def test_without_fields_the_first_living_term_takes_everybody() -> None:
    for alive, expected in ((0b100, 2), (0, NOTHING)):
        assert first_bits(fold([], 3, 5, words_of([alive], 5)[0])).tolist() == [expected] * 3
