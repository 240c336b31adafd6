"""Matching of leads to accounts held to its figures, on generated dirt whose truth the matcher does not see.

The companies are neighbours in the alphabet, so that many begin with the same words.
"""

from __future__ import annotations

import pytest

from benchmarks import identity, lead_matching

pytestmark = pytest.mark.skipif(
    not identity.LIST.exists(), reason="the real company list is not beside the project (../shared/data)"
)


@pytest.mark.parametrize("own_mail", [True, False], ids=["with mail", "name and place alone"])
def test_leads_are_matched_rightly_and_hardly_one_is_missed(own_mail: bool) -> None:
    neighbours = sorted(identity.read_list(), key=lambda row: row["name"].lower())[8000:10500]
    found = lead_matching.measured(neighbours, seed=3, own_mail=own_mail)
    assert found["of_known_companies"] > 1000
    assert found["precision"] >= 0.995
    assert found["recall"] >= 0.96
