"""The word that was probably meant, for every finding about an unknown name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from heapq import nlargest

_MOST_SHOWN = 12
_MOST_KNOWN = 5000
_LONGEST_WORD = 80
_MOST_COMPARED = 30
"""Of more names than these only the likeliest are compared letter by letter, which takes 10 µs each."""
_LIKELIEST = 8
_MOST_TELLING = 500
"""A pair of letters that more names have tells little."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint: the nearest known word, else the words there are, else that there are none."""
    names = _sorted(tuple(known))
    lowered = word[:_LONGEST_WORD].lower()
    close = get_close_matches(lowered, _likeliest(lowered, names), n=1, cutoff=0.6)
    if close:
        return f"did you mean `{next(name for name in names if name.lower() == close[0])}`?"
    if not names:
        return "there is none of that kind in the pack"
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return "known are " + ", ".join(f"`{name}`" for name in names[:_MOST_SHOWN]) + more


@lru_cache(maxsize=32)
def _sorted(known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*known}))


def _likeliest(word: str, names: tuple[str, ...]) -> list[str]:
    """The names, in lower case, that have most pairs of letters in common with the word; all of few."""
    if len(names) <= _MOST_COMPARED:
        return [name.lower() for name in names]
    having = _by_pair(names)
    found = [having[pair] for pair in _pairs(word) if pair in having]
    telling = [each for each in found if len(each) <= _MOST_TELLING]
    common: Counter[str] = Counter()
    for each in telling or found:
        common.update(each)
    likeness = ((2 * count / (len(word) + len(name)), name) for name, count in common.items())
    return [name for _, name in nlargest(_LIKELIEST, likeness)]


@lru_cache(maxsize=32)
def _by_pair(names: tuple[str, ...]) -> Mapping[str, list[str]]:
    """The names in lower case by each pair of letters in them."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys([each.lower() for each in names[:_MOST_KNOWN]]):
        for pair in _pairs(name):
            found[pair].append(name)
    return found


def _pairs(word: str) -> set[str]:
    """Each two letters that follow each other; the first and the last also with the edge."""
    edged = f"\n{word}\n"
    return {edged[at : at + 2] for at in range(len(edged) - 1)}
