from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from jobs_world import HUBSPOT, SALESFORCE, World

from syncd.errors import InputError, RefusedError, RetryableError, UsageError
from syncd.jobs.answers.explaining import explain_company
from syncd.jobs.answers.lookup import company_of
from syncd.jobs.leadership import leadership
from syncd.jobs.pulling.candidates import links_document
from syncd.jobs.pulling.linking import decide_link, link_mirror
from syncd.jobs.pulling.marking import PATIENCE
from syncd.model.refs import Kind, Ref
from syncd.report.links_text import links_text
from syncd.store import companies, ledger, ownership, runs


def links(world: World) -> dict[Ref, str]:
    with world.context.store.read() as conn:
        return dict(companies.links(conn))


def joined_pair(world: World) -> tuple[Ref, Ref]:
    """A Salesforce account and the HubSpot company that their domain joined."""
    found = links(world)
    by_key: dict[str, list[Ref]] = {}
    for ref, key in found.items():
        by_key.setdefault(key, []).append(ref)
    pair = next(sorted(refs) for _, refs in sorted(by_key.items()) if len(refs) == 2)
    return pair[1], pair[0]


def id_map(world: World, text: str) -> None:
    (world.folder / "ids.csv").write_text(text)
    world.start(extra='[identity]\nid_map = "ids.csv"')


def test_the_id_map_outranks_the_domain(world: World) -> None:
    world.pulled()
    salesforce, hubspot = joined_pair(world)
    other = next(ref for ref in links(world) if ref.system is HUBSPOT and ref != hubspot)
    id_map(world, f"salesforce,hubspot\n{salesforce.id},{other.id}\n")
    report = world.pulled()
    assert report.joined > 0
    assert links(world)[salesforce] == links(world)[other]
    assert links(world)[hubspot] != links(world)[salesforce]


def test_a_changed_id_map_links_anew_though_nothing_else_changed(world: World) -> None:
    world.pulled()
    salesforce, hubspot = joined_pair(world)
    other = next(ref for ref in links(world) if ref.system is HUBSPOT and ref != hubspot)
    id_map(world, "salesforce,hubspot\n")
    assert link_mirror(world.context) == (0, 0)
    id_map(world, f"salesforce,hubspot\n{salesforce.id[:15]},{other.id}\n")
    assert link_mirror(world.context)[0] > 0
    assert links(world)[salesforce] == links(world)[other]
    assert link_mirror(world.context) == (0, 0)
    with world.context.store.read() as conn:
        assert len(runs.runs(conn, 10, "link")) == 2


def test_a_pair_that_a_person_confirmed_is_one_company_unless_the_id_map_says_otherwise(world: World) -> None:
    world.salesforce.load("Account", [{"Name": "Umbral Foods", "BillingCountry": "US"}])
    world.hubspot.load("companies", [{"name": "Umbral Foods Inc", "country": "US"}])
    world.wait()
    world.pulled()
    with world.context.store.write() as conn:
        candidate = next(one for one in companies.candidates(conn) if "mbral" in str(world.names(one.salesforce)))
        companies.decide_candidate(
            conn, candidate.salesforce, candidate.hubspot, confirmed=True, who="ruth", now=world.clock.now()
        )
    link_mirror(world.context)
    assert links(world)[candidate.salesforce] == links(world)[candidate.hubspot]
    other = next(ref for ref in sorted(links(world)) if ref.system is HUBSPOT and ref != candidate.hubspot)
    id_map(world, f"salesforce,hubspot\n{candidate.salesforce.id},{other.id}\n")
    link_mirror(world.context)
    assert links(world)[candidate.salesforce] == links(world)[other] != links(world)[candidate.hubspot]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("salesforce,companies\n1,2\n", 1, "there is no column 'hubspot'"),
        ("", 1, "there is no column 'salesforce'"),
        ("salesforce,hubspot\n001,77\n\n002,\n", 4, "the hubspot id is missing"),
        ("salesforce,hubspot\n,77\n", 2, "the salesforce id is missing"),
        ("salesforce,hubspot\n001,77\n002,77\n", 3, "77 is 001 in a row above"),
        ("salesforce,hubspot\n001,77\n001,78\n", 3, "001 is 77 in a row above"),
    ],
)
def test_an_id_map_that_is_wrong_is_a_finding_with_its_place(world: World, text: str, line: int, message: str) -> None:
    id_map(world, text)
    with pytest.raises(InputError) as caught:
        link_mirror(world.context)
    finding = caught.value.findings[0]
    assert (caught.value.code, finding.message) == ("SYN332", message)
    assert finding.place is not None
    assert (Path(finding.place.path).name, finding.place.line) == ("ids.csv", line)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_an_id_map_that_cannot_be_read_says_so(world: World, content: bytes | None) -> None:
    id_map(world, "")
    (world.folder / "ids.csv").unlink()
    if content is not None:
        (world.folder / "ids.csv").write_bytes(content)
    with pytest.raises(InputError, match="SYN332") as caught:
        link_mirror(world.context)
    assert caught.value.hint


def test_a_broken_id_map_does_not_keep_records_from_the_mirror(world: World) -> None:
    id_map(world, "nonsense\n")
    with pytest.raises(InputError, match="SYN332"):
        world.pull()
    world.assert_equal()
    with world.context.store.read() as conn:
        assert runs.runs(conn, 1, "pull")[0].outcome == "failed"


def test_accounts_that_appear_after_adoption_are_marked_with_the_owner_they_came_with(world: World) -> None:
    world.pulled()
    with world.context.store.read() as conn:
        assert ownership.marks(conn) == {}
    world.adopt()
    owner = next(user["Id"] for user in world.salesforce.records("User") if user["IsActive"])
    new = world.salesforce.load("Account", [{"Name": "New", "OwnerId": owner}])[0]
    world.wait()
    world.pulled()
    with world.context.store.read() as conn:
        marks = ownership.marks(conn)
    mark = marks.pop(Ref(SALESFORCE, Kind.ACCOUNT, new))
    assert (mark.owner, mark.source) == (owner, "first-seen")
    assert {one.source for one in marks.values()} == {"adopted"}


def newcomer(world: World) -> Ref:
    """A company that came after adoption, as yet in the mirror's past."""
    world.pulled()
    world.adopt()
    made = world.salesforce.load("Account", [{"Name": "Late AG", "Website": "late.example"}])
    world.wait()
    return Ref(SALESFORCE, Kind.ACCOUNT, made[0])


def marks(world: World) -> dict[Ref, str]:
    with world.context.store.read() as conn:
        return {ref: mark.source for ref, mark in ownership.marks(conn).items()}


def test_an_account_whose_crm_cannot_tell_just_now_who_gave_it_away_waits_outside_the_book(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_kind: object, _ids: object) -> object:
        raise RetryableError("SYN410", "Salesforce is down")

    ref = newcomer(world)
    monkeypatch.setattr(world.context.reader(SALESFORCE), "owner_history", down)
    world.pulled()
    assert ref not in links(world)
    assert ref not in marks(world)
    monkeypatch.undo()
    world.pulled()
    assert (ref in links(world), marks(world)[ref]) == (True, "first-seen"), "the next pull asks again"


def test_nobody_waits_longer_than_a_day_for_a_crm_that_does_not_tell(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_kind: object, _ids: object) -> object:
        raise RetryableError("SYN410", "Salesforce is down")

    ref = newcomer(world)
    monkeypatch.setattr(world.context.reader(SALESFORCE), "owner_history", down)
    world.pulled()
    world.clock.advance(PATIENCE)
    world.pulled()
    assert (ref in links(world), marks(world)[ref]) == (True, "first-seen")


def test_who_dies_between_linking_and_marking_leaves_no_account_in_the_book_unmarked(
    world: World, crash_at: Callable[[str, int], type[BaseException]]
) -> None:
    ref = newcomer(world)
    deaths = 0
    for commit in range(1, 60):
        crash = crash_at("store.before_commit", commit)
        try:
            world.pull()
        except crash:
            deaths += 1
            world.start()
            world.wait()
        assert (ref in links(world)) == (ref in marks(world)), commit
        if ref in links(world):
            break
    assert deaths > 3


def test_a_system_that_is_configured_no_longer_is_linked_no_longer(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.pulled()
    assert {ref.system for ref in links(world)} == {SALESFORCE, HUBSPOT}
    world.start(only=SALESFORCE)
    world.pulled(full=True)
    assert {ref.system for ref in links(world)} == {SALESFORCE}


@pytest.fixture
def pulled(world: World) -> World:
    world.pulled()
    return world


def test_a_company_is_found_by_what_a_person_types(pulled: World) -> None:
    salesforce, hubspot = joined_pair(pulled)
    with pulled.context.store.read() as conn:
        for text in (str(salesforce), salesforce.id, salesforce.id[:15], hubspot.id, pulled.names(salesforce)):
            found = company_of(conn, str(text))
            assert found.key == str(hubspot)
            assert found.refs == tuple(sorted((salesforce, hubspot)))


def test_none_and_several_are_told_apart_with_what_to_do(pulled: World) -> None:
    with pulled.context.store.read() as conn:
        with pytest.raises(UsageError, match="SYN002") as none:
            company_of(conn, "no such company at all")
        with pytest.raises(UsageError, match="SYN003") as several:
            company_of(conn, "e")
    assert "syncd pull" in str(none.value.hint)
    hint = str(several.value.hint)
    assert hint.startswith("one of: hubspot:account:")
    assert hint.count("account:") == 10
    assert "more" in hint


def test_a_company_is_explained_with_what_was_applied_last(pulled: World) -> None:
    pulled.adopt()
    ref = pulled.account(SALESFORCE)
    document = explain_company(pulled.context, ref.id)
    assert document["name"] == pulled.names(ref)
    assert document["last_applied"] is None or document["last_applied"]["owner"]


def test_a_deleted_company_is_not_explained_but_named(pulled: World) -> None:
    ref = pulled.account(HUBSPOT)
    pulled.hubspot.edit({"object": "companies", "id": ref.id, "delete": True})
    pulled.wait()
    pulled.pulled()
    with pytest.raises(UsageError, match="is deleted in the CRM"):
        explain_company(pulled.context, str(ref))


def decide(world: World, first: Ref, second: Ref, *, confirmed: bool) -> tuple[int, int]:
    with leadership(world.context) as leader:
        return decide_link(world.context, leader, first, second, confirmed=confirmed)


def test_a_rejected_link_is_split_and_stays_split(world: World) -> None:
    world.pulled()
    salesforce, hubspot = joined_pair(world)
    assert decide(world, hubspot, salesforce, confirmed=False)[1] == 1
    assert links(world)[salesforce] != links(world)[hubspot]
    world.wait()
    world.pulled()
    assert links(world)[salesforce] != links(world)[hubspot]
    with world.context.store.read() as conn:
        assert (salesforce, hubspot) not in {(one.salesforce, one.hubspot) for one in companies.candidates(conn)}
        (told,) = ledger.entries(conn, event="link.rejected")
    assert (told.actor, told.facts["hubspot"]) == ("ruth", str(hubspot))
    assert decide(world, salesforce, hubspot, confirmed=True)[0] == 1
    assert links(world)[salesforce] == links(world)[hubspot]


def test_a_word_that_contradicts_another_or_the_id_map_is_refused(world: World) -> None:
    world.pulled()
    salesforce, hubspot = joined_pair(world)
    other = next(ref for ref in sorted(links(world)) if ref.system is HUBSPOT and ref != hubspot)
    decide(world, salesforce, hubspot, confirmed=True)
    with pytest.raises(RefusedError) as caught:
        decide(world, salesforce, other, confirmed=True)
    assert caught.value.code == "SYN532"
    id_map(world, f"salesforce,hubspot\n{salesforce.id},{hubspot.id}\n")
    with pytest.raises(RefusedError) as caught:
        decide(world, salesforce, hubspot, confirmed=False)
    assert caught.value.code == "SYN532"


def test_a_link_is_one_live_account_of_each_system(world: World) -> None:
    world.pulled()
    salesforce, hubspot = joined_pair(world)
    gone = Ref(HUBSPOT, Kind.ACCOUNT, "404")
    for first, second in ((salesforce, salesforce), (hubspot, hubspot), (salesforce, gone)):
        with pytest.raises(UsageError) as caught:
            decide(world, first, second, confirmed=True)
        assert caught.value.code == "SYN533"


def test_a_merge_in_the_crm_carries_a_persons_word_to_the_winner(world: World) -> None:
    world.pulled()
    salesforce, hubspot = joined_pair(world)
    decide(world, salesforce, hubspot, confirmed=True)
    winner = next(ref for ref in sorted(links(world)) if ref.system is SALESFORCE and ref != salesforce)
    world.wait()
    world.salesforce.edit({"object": "Account", "id": winner.id, "merge": [salesforce.id]})
    world.wait()
    world.pulled()
    assert links(world)[winner] == links(world)[hubspot]
    with world.context.store.read() as conn:
        assert [entry.facts["into"] for entry in ledger.entries(conn, event="record.merged")] == [str(winner)]


def test_a_merge_takes_the_other_systems_record_along_though_no_domain_says_so(world: World) -> None:
    world.pulled()
    salesforce, hubspot = joined_pair(world)
    known = links(world)
    alone = [ref for ref in sorted(known) if ref.system is SALESFORCE and list(known.values()).count(known[ref]) == 1]
    winner = alone[0]
    world.wait()
    world.salesforce.edit({"object": "Account", "id": winner.id, "merge": [salesforce.id]})
    world.wait()
    world.pulled()
    assert links(world)[winner] == links(world)[hubspot]
    world.wait()
    world.edit_salesforce(winner.id, Website="elsewhere.example")
    world.wait()
    world.pulled()
    assert links(world)[winner] == links(world)[hubspot]
    decide(world, winner, hubspot, confirmed=False)
    assert links(world)[winner] != links(world)[hubspot]


def test_a_merge_of_two_linked_accounts_leaves_the_winners_own_link(world: World) -> None:
    world.pulled()
    known = links(world)
    pairs = sorted(key for key in set(known.values()) if list(known.values()).count(key) == 2)
    one, other = (sorted(ref for ref, key in known.items() if key == pair) for pair in pairs[:2])
    winner, loser = next(r for r in one if r.system is SALESFORCE), next(r for r in other if r.system is SALESFORCE)
    theirs, left = next(r for r in one if r.system is HUBSPOT), next(r for r in other if r.system is HUBSPOT)
    world.wait()
    world.salesforce.edit({"object": "Account", "id": winner.id, "merge": [loser.id]})
    world.wait()
    world.pulled()
    assert links(world)[winner] == links(world)[theirs]
    assert links(world)[left] == str(left)


def test_an_id_map_that_names_a_merged_account_means_the_winner(world: World) -> None:
    world.pulled()
    salesforce, hubspot = joined_pair(world)
    winner = next(ref for ref in sorted(links(world)) if ref.system is SALESFORCE and ref != salesforce)
    world.wait()
    world.salesforce.edit({"object": "Account", "id": winner.id, "merge": [salesforce.id]})
    id_map(world, f"salesforce,hubspot\n{salesforce.id},{hubspot.id}\n")
    world.wait()
    world.pulled()
    assert links(world)[winner] == links(world)[hubspot]


def test_a_candidate_is_shown_with_what_a_person_knows_it_by(world: World) -> None:
    for name in ("Umbral Foods", "Sable Optics"):
        world.salesforce.load("Account", [{"Name": name, "BillingCountry": "US", "Website": None}])
        world.hubspot.load("companies", [{"name": f"{name} Inc", "country": "US"}])
    world.wait()
    world.pulled()
    document = links_document(world.context, 1)
    assert document["candidates_total"] > len(document["candidates"]) == 1
    one = document["candidates"][0]
    assert one["hubspot"]["name"] == f"{one['salesforce']['name']} Inc"
    assert (one["hubspot"]["country"], one["hubspot"]["website"]) == ("US", None)
    lines = links_text(document).splitlines()
    assert lines[1] == f"candidates: {document['candidates_total']}, the first 1:"
    assert any(line.strip().startswith(f"{one['hubspot']['name']}, ") for line in lines)
    assert {one["salesforce"]["ref"], one["hubspot"]["ref"]} <= {line.strip() for line in lines}
    assert max(map(len, lines)) <= 80
