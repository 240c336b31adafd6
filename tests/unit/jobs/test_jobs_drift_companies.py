"""Adopted drift speaks for a whole company: one word for each, whichever of its accounts it was given for."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from jobs_world import HUBSPOT, SALESFORCE, World

from syncd.errors import RefusedError
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.drift import adopt_drift, drift_document, overrides_document, release
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.pulling.linking import link_mirror
from syncd.model.refs import Ref, System
from syncd.planning.drift import AdoptedDrift
from syncd.report.drift_text import overrides_text
from syncd.store import companies, ledger


@pytest.fixture
def settled(world: World) -> World:
    """Today's owners are the baseline."""
    world.pulled()
    world.adopt()
    return world


def links(world: World) -> Mapping[Ref, str]:
    with world.context.store.read() as conn:
        return companies.links(conn)


def of_both(world: World) -> dict[System, Ref]:
    """The two records of a company that both CRMs hold."""
    found: dict[str, dict[System, Ref]] = {}
    for ref, company in sorted(links(world).items()):
        found.setdefault(company, {})[ref.system] = ref
    return next(refs for _, refs in sorted(found.items()) if len(refs) == 2)


def alone(world: World, system: System) -> Ref:
    """A record of one CRM whose company the other does not hold."""
    found = links(world)
    held = list(found.values())
    return next(ref for ref, company in sorted(found.items()) if ref.system is system and held.count(company) == 1)


def given(world: World, ref: Ref, rep: str) -> str:
    """A person gives an account to a rep in the CRM, and it is pulled."""
    if ref.system is SALESFORCE:
        users = {row["Email"].lower(): row["Id"] for row in world.salesforce.records("User")}
        world.edit_salesforce(ref.id, OwnerId=users[rep])
    else:
        owners = {row["email"].lower(): row["id"] for row in world.hubspot.records("owners")}
        world.edit_hubspot(ref.id, hubspot_owner_id=owners[rep])
    world.wait()
    world.pulled()
    return rep


def others(world: World, *refs: Ref) -> list[str]:
    """Reps who own none of these records."""
    had = {world.truth(ref.system, ref.kind)[ref.id][1] for ref in refs}
    users = {row["Id"]: row["Email"].lower() for row in world.salesforce.records("User")}
    owners = {row["id"]: row["email"].lower() for row in world.hubspot.records("owners")}
    return [rep for rep in world.reps if rep not in {(users | owners).get(each or "") for each in had}]


def adopted(world: World, ref: Ref) -> AdoptedDrift:
    with leadership(world.context) as leader:
        return adopt_drift(world.context, leader, ref, why="she knows them", expires=None)


def decided(world: World, ref: Ref) -> tuple[str, str]:
    """By what reason whom the next plan gives the company."""
    plan = make_plan(world.context, all_decisions=True)
    entry = next(each for each in plan["decisions"] if str(ref) in each["accounts"])
    return entry["reason"], entry["owner"]["email"]


def joined_by_hand(world: World, salesforce: Ref, hubspot: Ref) -> None:
    (world.folder / "ids.csv").write_text(f"salesforce,hubspot\n{salesforce.id},{hubspot.id}\n")
    world.start(extra='[identity]\nid_map = "ids.csv"')
    link_mirror(world.context)
    assert links(world)[salesforce] == links(world)[hubspot]


def test_a_company_whose_other_record_was_adopted_before_has_one_override(settled: World) -> None:
    """Seed 65250 of the simulation: two stood, and no plan of any account could be made."""
    pair = of_both(settled)
    first, second = others(settled, *pair.values())[:2]
    given(settled, pair[SALESFORCE], first)
    adopted(settled, pair[SALESFORCE])
    given(settled, pair[HUBSPOT], second)
    made = adopted(settled, pair[HUBSPOT])
    assert (made.owner, made.others, made.ended) == (second, (pair[SALESFORCE],), 1)
    assert [entry["number"] for entry in overrides_document(settled.context)["overrides"]] == [made.number]
    assert decided(settled, pair[SALESFORCE]) == ("override", second)
    with settled.context.store.read() as conn:
        assert [entry.facts["ended"] for entry in ledger.entries(conn, event="drift.adopted")] == [0, 1]


def test_of_two_companies_that_became_one_the_override_adopted_last_counts(settled: World) -> None:
    salesforce, hubspot = alone(settled, SALESFORCE), alone(settled, HUBSPOT)
    first, second = others(settled, salesforce, hubspot)[:2]
    given(settled, hubspot, first)
    earlier = adopted(settled, hubspot)
    assert (earlier.others, earlier.ended) == ((), 0)
    given(settled, salesforce, second)
    later = adopted(settled, salesforce)
    assert decided(settled, hubspot) == ("override", first)
    joined_by_hand(settled, salesforce, hubspot)
    assert decided(settled, salesforce) == ("align", second)  # the HubSpot record follows the later word
    document = overrides_document(settled.context)
    assert [(entry["number"], entry["outranked_by"]) for entry in document["overrides"]] == [
        (earlier.number, later.number),
        (later.number, None),
    ]
    assert f"outranked by {later.number}, adopted later" in overrides_text(document)


@pytest.mark.parametrize("system", [SALESFORCE, HUBSPOT])
def test_releasing_any_record_of_a_company_ends_all_of_its_overrides(settled: World, system: System) -> None:
    refs = {each: alone(settled, each) for each in (SALESFORCE, HUBSPOT)}
    for ref, rep in zip(refs.values(), others(settled, *refs.values()), strict=False):
        given(settled, ref, rep)
        adopted(settled, ref)
    joined_by_hand(settled, refs[SALESFORCE], refs[HUBSPOT])
    with leadership(settled.context) as leader:
        release(settled.context, leader, refs[system], why="over")
    assert overrides_document(settled.context)["overrides"] == []
    assert decided(settled, refs[SALESFORCE])[0] != "override"


def test_adopting_a_record_that_is_not_linked_yet_settles_no_other(settled: World) -> None:
    refs = [alone(settled, SALESFORCE), alone(settled, HUBSPOT)]
    for ref, rep in zip(refs, others(settled, *refs), strict=False):
        given(settled, ref, rep)
    with settled.context.store.write() as conn:  # a process died between its pull and its linking
        companies.save_links(conn, {}, {}, now=settled.clock.now())
    adopted(settled, refs[0])
    assert [entry["ref"] for entry in drift_document(settled.context)["drifts"]] == [str(refs[1])]


@pytest.mark.parametrize(("expires", "refused"), [("", True), (", expires: 2026-01-31", False)])
def test_a_drift_is_not_adopted_where_the_pack_has_a_word_in_force(settled: World, expires: str, refused: bool) -> None:
    ref = alone(settled, SALESFORCE)
    rep = given(settled, ref, others(settled, ref)[0])
    pack = settled.folder / "pack" / "pack.yaml"
    entry = f"{{account: '{ref.id}', owner: {rep}, by: mei@x.com, why: sponsor{expires}}}"
    pack.write_text(pack.read_text() + f"\noverrides:\n  - {entry}\n")
    if not refused:
        assert adopted(settled, ref)
        return
    with pytest.raises(RefusedError, match=rf"pack\.yaml:\d+:\d+ has an override .* {ref.id} to {rep}") as caught:
        adopted(settled, ref)
    assert caught.value.code == "SYN537"
    assert overrides_document(settled.context)["overrides"] == []
