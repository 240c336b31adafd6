"""Lists read from the files of packages: entry by entry what the packages themselves say."""

from __future__ import annotations

import pycountry
from publicsuffixlist import PublicSuffixList

from syncd.model.normalisation import published_lists
from syncd.model.normalisation.domains import public_suffixes


def test_countries_are_those_of_pycountry() -> None:
    names = ("alpha_2", "alpha_3", "name", "official_name", "common_name")
    found = [{name: row[name] for name in names if name in row} for row in published_lists.countries()]
    theirs = [{name: getattr(each, name) for name in names if name in each._fields} for each in pycountry.countries]
    assert found == theirs


def test_subdivisions_are_those_of_pycountry_with_whole_codes_of_their_parents() -> None:
    found = [part for parts in published_lists.subdivisions().values() for part in parts]
    theirs = [published_lists.Subdivision(each.code, each.name, each.parent_code) for each in pycountry.subdivisions]
    assert sorted(found, key=lambda part: part.code) == sorted(theirs, key=lambda part: part.code)
    assert all(
        part.code.startswith(f"{home}-") for home, parts in published_lists.subdivisions().items() for part in parts
    )


def test_suffixes_are_those_of_publicsuffixlist_private_ones_too() -> None:
    theirs = PublicSuffixList(accept_encoded_idn=False)._publicsuffix
    assert public_suffixes() == theirs
    assert {"com", "co.uk", "github.io", "*.ck", "!www.ck"} <= theirs
