"""Patterns against patterns, held to the plain matcher on every short text."""

from __future__ import annotations

from itertools import product

import pytest
from proving_packs import NOW

from syncd.rules.matching.matchers import Contains, EndsWith, Glob, Matcher, StartsWith
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.patterns import can_meet, common, inside, pattern_of, prefix_of, texts_of

CONTEXT = EvaluationContext(NOW)
TEXTS = ["".join(letters) for length in range(5) for letters in product("abx", repeat=length)]
MATCHERS: list[Matcher] = [
    *(
        Glob("", pattern)
        for pattern in ("*", "a*", "*a", "*a*", "a?b", "??", "a*b", "ab", "*a*b*", "**", "?*", "a*b*a")
    ),
    *(Contains("", "ab"), Contains("", "a"), StartsWith("", "ab"), StartsWith("", "a"), EndsWith("", "b")),
]


def true_of(matcher: Matcher) -> set[str]:
    return {text for text in TEXTS if matcher.matches(text, CONTEXT)}


@pytest.mark.parametrize("one", MATCHERS, ids=str)
def test_inside_and_common_never_contradict_the_matcher(one: Matcher) -> None:
    first = pattern_of(one)
    assert first is not None
    for other in MATCHERS:
        second = pattern_of(other)
        assert second is not None
        if inside(first, second):
            assert true_of(one) <= true_of(other), other
        shared = common(first, second)
        assert can_meet(first, second) is (shared is not None), other
        if shared is None:
            assert not true_of(one) & true_of(other), other
        else:
            assert one.matches(shared, CONTEXT)
            assert other.matches(shared, CONTEXT)


@pytest.mark.parametrize("one", MATCHERS, ids=str)
def test_made_texts_fit_their_pattern(one: Matcher) -> None:
    pattern = pattern_of(one)
    assert pattern is not None
    assert all(one.matches(text, CONTEXT) for text in texts_of(pattern))


def test_only_a_plain_beginning_is_a_prefix() -> None:
    found = [prefix_of(pattern_of(each) or ()) for each in (StartsWith("", "ab"), Glob("", "ab*"), Glob("", "a?*"))]
    assert found == ["ab", "ab", None]
    assert prefix_of(pattern_of(Glob("", "*")) or ()) is None
