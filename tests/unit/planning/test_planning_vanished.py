from __future__ import annotations

from datetime import UTC, datetime

from syncd.errors import Place
from syncd.planning.proposing.vanished import vanished_territories
from syncd.rules.conditions import Always
from syncd.rules.facts import Applied, Facts
from syncd.rules.pack import Pack, Territory, Unassigned

NOW = datetime(2026, 11, 20, tzinfo=UTC)
HERE = Place("a.yaml", 1)


def pack(name: str, was: str | None = None) -> Pack:
    root = Territory(name, name, Always(), Unassigned(), HERE, "", was=was)
    return Pack("p", "r", (), roles={"owner": (root,)})


def facts(key: str, territory: str | None) -> Facts:
    return Facts(key, (key,), applied={"owner": Applied(territory, "a@x.co", NOW)})


def test_a_name_that_holds_accounts_and_is_gone_is_a_warning_with_their_number() -> None:
    book = [facts("1", "emea/mid"), facts("2", "emea/mid"), facts("3", "rest"), facts("4", None)]
    (finding,) = vanished_territories(pack("rest"), book)
    assert finding.code == "SYN551"
    assert "'mid' of role owner is not in the pack any more and holds 2 accounts" in finding.message
    assert finding.hint is not None
    assert "was: mid" in finding.hint


def test_a_successor_that_names_it_takes_it_over() -> None:
    assert vanished_territories(pack("middle", was="mid"), [facts("1", "emea/mid")]) == ()


def test_a_territory_that_moved_in_the_tree_has_not_vanished() -> None:
    assert vanished_territories(pack("mid"), [facts("1", "emea/mid")]) == ()
