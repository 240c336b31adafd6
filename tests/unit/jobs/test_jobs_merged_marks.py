"""The account that HubSpot makes of a merge: what people did to it, or to what it was made of, is still theirs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from jobs_world import HUBSPOT, World

from syncd.errors import RetryableError
from syncd.jobs.plans.drift import drift_document
from syncd.model.refs import Kind, Ref
from syncd.store import ledger, ownership

A_SECOND = timedelta(seconds=1)


class Pair:
    """Two companies that syncd knows, of two owners, and a third whom both may be given to."""

    def __init__(self, world: World) -> None:
        world.pulled()
        world.adopt()
        self.world = world
        people = sorted(str(row["id"]) for row in world.hubspot.records("owners") if not row["archived"])
        self.ana, self.ben, self.cy = people[:3]
        self.of_ana, self.of_ben = self.make("Umbral", self.ana), self.make("Zenit", self.ben)
        self.pull()

    def make(self, name: str, owner: str) -> str:
        known = {row["id"] for row in self.world.hubspot.records("companies")}
        values = {"name": name, "hubspot_owner_id": owner}
        self.world.hubspot.edit({"object": "companies", "create": values})
        return next(str(row["id"]) for row in self.world.hubspot.records("companies") if row["id"] not in known)

    def give(self, company: str, owner: str) -> None:
        self.world.clock.advance(A_SECOND)
        self.world.edit_hubspot(company, hubspot_owner_id=owner)

    def merge(self, primary: str, secondary: str) -> str:
        """The id of the company that takes the place of both, with the owner of the first."""
        self.world.clock.advance(A_SECOND)
        self.world.hubspot.edit({"object": "companies", "id": primary, "merge": [secondary]})
        row = next(one for one in self.world.hubspot.records("companies") if one["id"] == primary)
        return str(row["mergedInto"])

    def pull(self) -> None:
        self.world.wait()
        self.world.pulled()

    def said(self, company: str) -> list[tuple[str | None, str | None]]:
        """From whom to whom somebody else gave a company, as `drift` lists it."""
        ref = str(Ref(HUBSPOT, Kind.ACCOUNT, company))
        listed = drift_document(self.world.context)["drifts"]
        return [(one["was"]["id"], one["now"]["id"]) for one in listed if one["ref"] == ref]

    def source(self, company: str) -> str:
        with self.world.context.store.read() as conn:
            return ownership.marks(conn)[Ref(HUBSPOT, Kind.ACCOUNT, company)].source


@pytest.fixture
def pair(world: World) -> Pair:
    return Pair(world)


def test_a_merge_by_itself_is_nobodys_word(pair: Pair) -> None:
    made = pair.merge(pair.of_ben, pair.of_ana)
    pair.pull()
    assert (pair.said(made), pair.source(made)) == ([], "first-seen")
    with pair.world.context.store.read() as conn:
        assert not {ref.id for ref in ownership.marks(conn)} & {pair.of_ana, pair.of_ben}
        assert {entry.facts["moved"] for entry in ledger.entries(conn, event="record.merged")} == {"mark"}


def test_who_gives_the_merged_company_to_the_other_ones_owner_is_heard(pair: Pair) -> None:
    made = pair.merge(pair.of_ana, pair.of_ben)
    pair.give(made, pair.ben)
    pair.pull()
    assert pair.said(made) == [(pair.ana, pair.ben)]


def test_who_gave_one_away_right_before_the_merge_is_heard(pair: Pair) -> None:
    pair.give(pair.of_ana, pair.cy)
    made = pair.merge(pair.of_ana, pair.of_ben)
    pair.pull()
    assert [now for _, now in pair.said(made)] == [pair.cy]


def test_who_gave_one_to_the_other_ones_owner_before_the_merge_is_still_heard(pair: Pair) -> None:
    pair.give(pair.of_ana, pair.ben)
    pair.pull()
    made = pair.merge(pair.of_ana, pair.of_ben)
    pair.pull()
    assert pair.said(made) == [(pair.ana, pair.ben)]


def test_the_marks_wait_for_a_history_that_cannot_be_asked(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_kind: object, _ids: object) -> object:
        raise RetryableError("SYN410", "HubSpot is down")

    made = pair.merge(pair.of_ana, pair.of_ben)
    pair.give(made, pair.ben)
    monkeypatch.setattr(pair.world.context.reader(HUBSPOT), "owner_history", down)
    pair.pull()
    assert pair.said(made) == []
    monkeypatch.undo()
    pair.pull()
    assert pair.said(made) == [(pair.ana, pair.ben)]
