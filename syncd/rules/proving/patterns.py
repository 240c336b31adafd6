"""Patterns of text as sequences of signs: what lies inside what, what can meet, and texts that fit.

A pattern is a tuple of characters, ONE (any one character) and MANY (any characters, or none). Knows no fields or
conditions.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import lru_cache

from syncd.rules.matching.matchers import Contains, EndsWith, Glob, Matcher, StartsWith


class Sign(Enum):
    """What stands for other characters."""

    ONE = "?"
    MANY = "*"


ONE, MANY = Sign.ONE, Sign.MANY
Pattern = tuple[str | Sign, ...]

_FILLING = "x0"
_LONGEST = 200


def pattern_of(matcher: Matcher) -> Pattern | None:
    """The pattern of a glob, contains, starts_with or ends_with; None for any other matcher, and for one too long."""
    found = _written_as(matcher)
    return found if found is not None and len(found) <= _LONGEST else None


def _written_as(matcher: Matcher) -> Pattern | None:
    match matcher:
        case Glob(_, pattern):
            signs = {"*": MANY, "?": ONE}
            return _collapsed(tuple(signs.get(char, char) for char in pattern))
        case Contains(_, part):
            return (MANY, *part, MANY)
        case StartsWith(_, part):
            return (*part, MANY)
        case EndsWith(_, part):
            return (MANY, *part)
        case _:
            return None


def _collapsed(signs: Pattern) -> Pattern:
    """Stars beside stars say nothing more than one."""
    kept: list[str | Sign] = []
    for sign in signs:
        if not (sign is MANY and kept and kept[-1] is MANY):
            kept.append(sign)
    return tuple(kept)


def prefix_of(pattern: Pattern) -> str | None:
    """The text that a pattern asks for at the beginning, if it asks for nothing else."""
    head = pattern[:-1]
    if not head or pattern[-1] is not MANY or any(isinstance(sign, Sign) for sign in head):
        return None
    return "".join(str(sign) for sign in head)


@lru_cache(maxsize=65536)
def inside(inner: Pattern, outer: Pattern) -> bool:
    """Whether every text of `inner` is surely one of `outer`. True is a proof, False may mean not found."""
    reached = _closed({0}, outer)
    for sign in inner:
        following: set[int] = set()
        for at in reached:
            if at == len(outer):
                continue
            here = outer[at]
            if here is MANY:
                following.add(at)
            elif (here is ONE and sign is not MANY) or here == sign:
                following.add(at + 1)
        reached = _closed(following, outer)
        if not reached:
            return False
    return len(outer) in reached


def _closed(reached: set[int], pattern: Pattern) -> set[int]:
    """The positions that can be reached without reading: a star may stand for nothing."""
    closed = set(reached)
    for at in sorted(reached):
        while at < len(pattern) and pattern[at] is MANY:
            at += 1
            closed.add(at)
    return closed


def can_meet(first: Pattern, second: Pattern) -> bool:
    """Whether some text fits both patterns.

    Where both have a star, what stands before the first and after the last of each decides: the rest can be written one
    after the other in between.
    """
    if MANY not in first or MANY not in second:
        return common(first, second) is not None
    ahead = zip(first[: first.index(MANY)], second[: second.index(MANY)], strict=False)
    back, behind = first[::-1], second[::-1]
    after = zip(back[: back.index(MANY)], behind[: behind.index(MANY)], strict=False)
    return all(one == other or ONE in (one, other) for pairs in (ahead, after) for one, other in pairs)


@lru_cache(maxsize=65536)
def common(first: Pattern, second: Pattern) -> str | None:
    """The shortest text that both patterns describe; None if no text fits both."""
    seen = {(0, 0)}
    level = [(0, 0, "")]
    while level:
        below: list[tuple[int, int, str]] = []
        for at, beside, text in level:
            if at == len(first) and beside == len(second):
                return text
            for step in _steps(first, at, second, beside):
                if step[:2] not in seen:
                    seen.add(step[:2])
                    target = level if not step[2] else below
                    target.append((step[0], step[1], text + step[2]))
        level = below
    return None


def _steps(first: Pattern, at: int, second: Pattern, beside: int) -> Iterator[tuple[int, int, str]]:
    """From one pair of positions to the next: over a star without reading, or both over one character."""
    one = first[at] if at < len(first) else None
    two = second[beside] if beside < len(second) else None
    if one is MANY:
        yield at + 1, beside, ""
    if two is MANY:
        yield at, beside + 1, ""
    if one is None or two is None:
        return
    letters = [sign for sign in (one, two) if isinstance(sign, str)]
    if len(set(letters)) > 1:
        return
    read = letters[0] if letters else _FILLING[0]
    if one is MANY and two is MANY:
        return
    yield at + (one is not MANY), beside + (two is not MANY), read


def texts_of(pattern: Pattern) -> Iterator[str]:
    """A few texts that the pattern describes, plain ones first."""
    for filling in _FILLING:
        for many in ("", filling, filling * 3):
            yield "".join(many if sign is MANY else filling if sign is ONE else str(sign) for sign in pattern)
