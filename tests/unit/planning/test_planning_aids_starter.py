"""The starter pack: planted rules come back, noise makes no rules, and whatever is written is a valid pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: a book is made again from its number

import pytest

from syncd.errors import Severity
from syncd.model.fields import FieldCatalogue
from syncd.planning.aids.induction import Leaf, Split, answer, entropy, grow_tree
from syncd.planning.aids.starter import Starter, samples_of, spellings_of, write_starter
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory, Facts
from syncd.rules.loader import check_pack
from syncd.rules.pack import Pack
from tests.aids_books import NOW, book, many_reps, owned, with_values

FIELDS = FieldCatalogue().account
NINE = {f"{name}@example.com" for name in ("sam", "ana", "bob", "cat", "eva", "fay", "gus", "hal", "ivy")}


def starter_of(facts: Sequence[Facts]) -> Starter:
    tree = grow_tree(samples_of(facts, FIELDS))
    return write_starter(tree, "starter", spellings_of(facts, FIELDS), FIELDS)


def loaded(starter: Starter, folder: Path) -> Pack:
    """The pack as `check` reads it: without an error or a warning."""
    (folder / "pack.yaml").write_text(starter.text, encoding="utf-8")
    pack, findings = check_pack(folder, now=NOW)
    assert [str(each) for each in findings if each.severity is not Severity.NOTE] == []
    assert pack is not None
    return pack


def test_teams_that_share_regions_are_found_where_nobody_stands_out() -> None:
    """Three teams of ten; one company in five is with anybody at all, as books are that people kept by hand."""
    dice = Random(20261122)
    teams = {name: [f"{name}-{number}@example.com" for number in range(10)] for name in ("north", "south", "east")}
    regions = {"north": ("DE", "FR", "GB", "IT"), "south": ("US", "CA", "BR", "MX"), "east": ("JP", "AU", "IN", "SG")}
    homes = {country: region for region, countries in regions.items() for country in countries}
    everybody = sorted(owner for team in teams.values() for owner in team)
    facts = []
    for each in book(900, 4):
        country = dice.choice(sorted(homes))
        owner = dice.choice(teams[homes[country]] if dice.random() < 0.8 else everybody)
        facts.append(owned(with_values(each, country=country), owner))
    tree = grow_tree(samples_of(facts, FIELDS))
    assert isinstance(tree, Split)
    assert sorted(test.values for test, _ in tree.branches) == sorted(tuple(sorted(each)) for each in regions.values())
    for test, branch in tree.branches:
        assert isinstance(branch, Leaf)
        assert {owner.partition("-")[0] for owner in branch.owners} == {homes[test.values[0]]}
        assert len(branch.owners) == 10
    shuffled = [owned(each, dice.choice(everybody)) for each in facts]
    assert isinstance(grow_tree(samples_of(shuffled, FIELDS)), Leaf)


def owners_anew(pack: Pack, facts: Sequence[Facts]) -> Mapping[str, str | None]:
    """Whom the rules alone give each company to."""
    bare = tuple(owned(each, None) for each in facts)
    decisions = decide(pack, Book(bare, Directory({}, assume_active=True)), NOW)
    return {each.company: each.owner.email if each.owner else None for each in decisions}


def reproduced(pack: Pack, facts: Sequence[Facts]) -> float:
    anew = owners_anew(pack, facts)
    hits = sum(each.current_owner is not None and anew[each.key] == each.current_owner.email for each in facts)
    return hits / len(facts)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_rules_are_found_again_and_hold_for_companies_never_seen(seed: int, tmp_path: Path) -> None:
    facts = book(1500, seed)
    starter = starter_of(facts)
    pack = loaded(starter, tmp_path)
    assert reproduced(pack, facts) >= 0.98
    assert reproduced(pack, book(600, seed + 100)) >= 0.95
    assert starter.territories <= 15


def test_the_size_that_cuts_across_countries_comes_first_as_a_person_would_write_it(tmp_path: Path) -> None:
    pack = loaded(starter_of(book(1500, 4)), tmp_path)
    first = next(iter(pack.territories()))
    assert (first.path, first.when.text) == ("employees-5000-up", 'employees: ">= 5000"')
    assert {owner for each in pack.territories() for owner in getattr(each.owners, "members", ())} == NINE


def test_a_book_with_exceptions_still_gives_four_fifths_and_no_rules_for_the_exceptions(tmp_path: Path) -> None:
    facts = book(2000, 5, noise=0.12)
    starter = starter_of(facts)
    assert 0.8 <= reproduced(loaded(starter, tmp_path), facts) <= 0.92
    assert starter.territories <= 25


def test_many_reps_are_told_apart(tmp_path: Path) -> None:
    facts = book(5000, 6, owner_of=many_reps)
    assert reproduced(loaded(starter_of(facts), tmp_path), facts) >= 0.8


def test_owners_without_any_rule_make_one_team_and_no_territories(tmp_path: Path) -> None:
    names = sorted(NINE)
    facts = [owned(each, names[int(str(each.values["annual_revenue"])) // 10_000 % 9]) for each in book(800, 7)]
    blind = [with_values(each, annual_revenue=None) for each in facts]
    starter = starter_of(blind)
    pack = loaded(starter, tmp_path)
    assert starter.territories == 1
    assert {member for member, _ in next(iter(pack.pools.values())).members} == NINE


def test_values_that_look_like_operators_are_written_as_what_they_are(tmp_path: Path) -> None:
    odd = ["!= x", "A*", "missing", "No", ">= 5", "true", "Ärzte & Co", 'with "quotes"', "a | b", "{list: x}"]
    facts = []
    for number, each in enumerate(book(600, 8)):
        word = odd[number % len(odd)]
        value = " ".join(word.casefold().split())
        facts.append(owned(with_values(each, industry=value), f"rep{number % len(odd)}@example.com"))
        facts[-1] = replace(facts[-1], seen={**facts[-1].seen, "industry": replace(each.seen["industry"], raw=word)})
    assert reproduced(loaded(starter_of(facts), tmp_path), facts) == 1.0


def test_inactive_owners_teach_nothing() -> None:
    facts = [owned(each, "gone@example.com", active=False) for each in book(50, 9)]
    assert samples_of(facts, FIELDS) == ()


def test_nothing_is_learnt_from_a_queue() -> None:
    facts = book(20, 2)
    owners = {sample.owner for sample in samples_of(facts, FIELDS)}
    queue = min(owners)
    assert {sample.owner for sample in samples_of(facts, FIELDS, {queue})} == owners - {queue}


def test_fields_that_change_with_every_deal_are_no_rule() -> None:
    sample = samples_of(book(1, 1), FIELDS)[0]
    assert "open_pipeline" not in sample.numbers
    assert "annual_revenue" in sample.numbers
    assert sample.words.keys() <= {"country", "state", "industry", "segment", "tier", "type"}


def test_a_tree_is_the_same_whatever_the_order_of_the_book() -> None:
    samples = samples_of(book(500, 10), FIELDS)
    assert grow_tree(samples) == grow_tree(tuple(reversed(samples)))


def test_a_tree_names_nobody_where_no_company_led() -> None:
    samples = samples_of(book(500, 10), FIELDS)
    tree = grow_tree(samples)
    stray = replace(samples[0], words={"country": "ZZ"}, numbers={})
    assert set(answer(tree, stray)) <= NINE
    assert entropy({"a": 1, "b": 1}) == 1.0
    assert entropy({}) == 0.0
