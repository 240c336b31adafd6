"""How alike the names of a lead's company and of an account are, word by word. Knows no accounts and no places.

A likeness of whole texts takes `north beacon software` for `north falcon software`: most of their letters are the
same. Names are one name if no word speaks against it.
"""

from __future__ import annotations

from collections import Counter

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

LOWEST = 80.0
"""Names that are less alike than this come to 0: no place makes up for it."""
_LONG_WORD = 5
"""Shorter words have to be equal: one letter makes another word of them."""
_NUMERALS = frozenset("ii iii iv v vi vii viii ix x xi xii".split())  # noqa: SIM905
"""The second fund of a house is not the first."""
_OTHER_ORDER = 88.0
"""Names of the same words in another order: the same company only if it stands closer than the country."""


def name_likeness(one: str, other: str) -> float:
    """How alike two name keys (company_name_key) are, 0 to 100; 0 below LOWEST, and if each has a word of its own.

    Spaces do not count; one wrong letter in a word of five letters or more is a slip of the pen, but in none with a
    digit; a word that only one of them has costs by its length.
    """
    if one.replace(" ", "") == other.replace(" ", ""):
        return 100.0
    whole = max(fuzz.ratio(one, other, score_cutoff=LOWEST), fuzz.token_sort_ratio(one, other, score_cutoff=LOWEST))
    if not whole:
        return 0.0
    words, others = one.split(), other.split()
    left = sorted((Counter(words) - Counter(others)).elements())
    right = sorted((Counter(others) - Counter(words)).elements())
    if not left and not right:
        return _OTHER_ORDER
    few, many = (left, right) if len(left) <= len(right) else (right, left)
    for word in few:
        slip = next((each for each in many if _is_slip(word, each)), None)
        if slip is None:
            return 0.0
        many.remove(slip)
    if any(word.isdigit() or word in _NUMERALS for word in many):
        return 0.0
    return float(whole)


def _is_slip(one: str, other: str) -> bool:
    if min(len(one), len(other)) < _LONG_WORD - 1 or max(len(one), len(other)) < _LONG_WORD:
        return False
    if any(char.isdigit() for char in one + other):
        return False
    return OSA.distance(one, other, score_cutoff=1) <= 1
