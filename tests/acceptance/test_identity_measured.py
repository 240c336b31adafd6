"""Linking held to its figures: on generated dirt whose truth it does not see, and on pairs labelled by hand."""

from __future__ import annotations

import pytest

from benchmarks import identity

pytestmark = pytest.mark.skipif(
    not identity.LIST.exists(), reason="the real company list is not beside the project (../shared/data)"
)


def test_links_are_right_and_hardly_a_pair_is_missed() -> None:
    found = identity.measured(identity.read_list()[::6], seed=3)
    assert found["true_pairs"] > 1000
    assert found["precision"] >= 0.995
    assert found["recall_with_candidates"] >= 0.95


def test_pairs_that_a_person_labelled_are_judged_alike() -> None:
    found = identity.labelled(identity.read_list())
    assert found["pairs"] >= 300
    assert found["precision"] >= 0.995
    assert found["recall_with_candidates"] >= 0.95
