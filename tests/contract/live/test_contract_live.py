"""The conformance suite: what every account of a CRM must do for syncd, sandbox or real; and what the references claim.

A test fails where syncd would be wrong. What the references say and syncd does not depend on goes to `facts`.
"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from syncd.connectors.port import OwnerWrite, WriteOutcome
from syncd.model.cursors import Window
from syncd.model.refs import Kind, Ref, System
from tests.contract.live.conformance_report import Facts
from tests.contract.live.organizations import HubspotOrganization, Organization, eventually
from tests.contract.worlds import records_of

LAG = 90.0
"""Seconds that an index may take to show an edit before it is called lost."""


def owners(organization: Organization) -> list[str]:
    """People who may own records, two at most."""
    return [user.ref.id for user in organization.reader().users() if user.active and user.eligible][:2]


def test_the_credentials_lead_to_one_account_and_its_time(organization: Organization) -> None:
    identity = organization.reader().identify()
    assert identity.account_id
    real = organization.prefix and abs(identity.server_now - organization.clock.now())
    assert real < timedelta(days=400)


def test_the_default_mapping_fits_and_every_right_is_there(organization: Organization) -> None:
    reader = organization.reader()
    reader.check_schema()
    assert [right.name for right in reader.rights() if right.needed and right.granted is False] == []


def test_what_is_made_is_read_whole_counted_and_among_the_ids(organization: Organization, facts: Facts) -> None:
    reader = organization.reader()
    before = reader.count(Kind.ACCOUNT).seen
    names = ("Łódź 🏭", 'O\'Brien & "Sons"', "NA")
    made = organization.create(Kind.ACCOUNT, names)
    readings = reader.read(Kind.ACCOUNT, made)
    told = [readings[one].record for one in made]
    assert [record.fields["name"] for record in told if record] == [f"{organization.prefix} {name}" for name in names]
    assert {one for batch in organization.reader().ids(Kind.ACCOUNT) for one in batch} >= set(made)
    late = not eventually(lambda: reader.count(Kind.ACCOUNT).seen == before + 3, organization.clock, seconds=LAG)
    facts.check("reliability.md 1.3", "the CRM's own count follows", reader.count(Kind.ACCOUNT), holds=not late)


def test_an_edit_comes_with_an_increment(organization: Organization) -> None:
    (made,) = organization.create(Kind.ACCOUNT, ["one"])
    reader = organization.reader()
    since = reader.identify().server_now - timedelta(minutes=15)
    organization.edit(Kind.ACCOUNT, made, name=f"{organization.prefix} edited")

    def seen() -> bool:
        window = Window(since, organization.reader().identify().server_now + timedelta(days=400))
        found = records_of(organization.reader().changes(Kind.ACCOUNT, window))
        return made in found and found[made].fields["name"].endswith("edited")

    assert eventually(seen, organization.clock, seconds=LAG)


def test_a_deletion_shows(organization: Organization) -> None:
    kept, gone = organization.create(Kind.ACCOUNT, ["kept", "gone"])
    reader = organization.reader()
    since = reader.identify().server_now - timedelta(minutes=15)
    organization.delete(Kind.ACCOUNT, [gone])
    assert {one for batch in organization.reader().ids(Kind.ACCOUNT) for one in batch} & {kept, gone} == {kept}

    def seen() -> bool:
        window = Window(since, organization.reader().identify().server_now + timedelta(days=400))
        found = records_of(organization.reader().changes(Kind.ACCOUNT, window))
        return gone in found and found[gone].deleted

    assert eventually(seen, organization.clock, seconds=LAG)
    reading = organization.reader().read(Kind.ACCOUNT, [gone])[gone]
    assert reading.record is None or reading.record.deleted


def test_an_owner_is_written_read_back_and_stands_in_the_history(organization: Organization, facts: Facts) -> None:
    people = owners(organization)
    if len(people) < 2:
        pytest.skip("the account has fewer than two people who may own records")
    (made,) = organization.create(Kind.ACCOUNT, ["owned"], owner=people[0])
    since = organization.reader().read(Kind.ACCOUNT, [made])[made].modified_at
    ref = Ref(organization.system, Kind.ACCOUNT, made)
    (result,) = organization.writer().write_owners(Kind.ACCOUNT, [OwnerWrite(ref, people[0], people[1], since)])
    assert result.outcome is WriteOutcome.ACCEPTED, result
    after = organization.reader().read(Kind.ACCOUNT, [made])[made].record
    assert after is not None
    assert after.owner == people[1]
    history = organization.reader().owner_history(Kind.ACCOUNT, [made]).get(made, ())
    newest = history[0].owner if history else None
    facts.check(
        "hubspot.md 3.5, salesforce.md 2",
        "the history of owners has the newest first, or there is none",
        history[:2],
        holds=newest in (None, people[1]),
    )


def test_an_owner_that_is_none_is_refused_for_good(organization: Organization, facts: Facts) -> None:
    people = owners(organization)
    (made,) = organization.create(Kind.ACCOUNT, ["refused"], owner=people[0])
    wrong = "005000000000000AAA" if organization.system is System.SALESFORCE else "1"
    ref = Ref(organization.system, Kind.ACCOUNT, made)
    (result,) = organization.writer().write_owners(Kind.ACCOUNT, [OwnerWrite(ref, people[0], wrong)])
    assert result.outcome is WriteOutcome.REJECTED, result
    assert organization.reader().read(Kind.ACCOUNT, [made])[made].record is not None
    expected = "INVALID_OWNER_ID" if organization.system is System.HUBSPOT else "INVALID_CROSS_REFERENCE_KEY"
    told = f"{result.code}: {result.message}"
    facts.check("hubspot.md 3.3 and 10.1, salesforce.md 4", f"the code {expected}", told, holds=result.code == expected)


def _hubspot(organization: Organization) -> HubspotOrganization:
    if not isinstance(organization, HubspotOrganization):
        pytest.skip("a question about HubSpot alone")
    return organization


def test_what_the_references_say_of_hubspots_writes(organization: Organization, facts: Facts) -> None:
    portal = _hubspot(organization)
    people = owners(portal)
    first, second = portal.create(Kind.ACCOUNT, ["a", "b"], owner=people[0])
    path = portal.path(Kind.ACCOUNT, "batch/update")

    def inputs(*rows: tuple[str, str], traced: bool) -> dict[str, object]:
        made = [{"id": one, "properties": {"hubspot_owner_id": owner}} for one, owner in rows]
        traces = [{"objectWriteTraceId": f"{portal.prefix}-{number}"} if traced else {} for number in range(len(made))]
        return {"inputs": [{**row, **trace} for row, trace in zip(made, traces, strict=True)]}

    answer = portal.call(path, inputs((first, people[0]), (second, "1"), traced=True))
    facts.check("hubspot.md 3.2, 10.2", "207 with a trace id for each row", answer.status, holds=answer.status == 207)
    answer = portal.call(path, inputs((first, people[0]), (second, "1"), traced=False))
    facts.check("hubspot.md 3.2, 10.2", "400 for all without trace ids", answer.status, holds=answer.status == 400)
    before = len(portal.reader().owner_history(Kind.ACCOUNT, [first]).get(first, ()))
    portal.call(path, inputs((first, people[0]), traced=True))
    after = len(portal.reader().owner_history(Kind.ACCOUNT, [first]).get(first, ()))
    facts.check("hubspot.md 10.3", "the same value again adds no history", (before, after), holds=before == after)
    answer = portal.call(path, {"inputs": [{"id": first, "properties": {}}] * 2})
    facts.check("hubspot.md 3.1", "400 for one id twice in a batch", answer.status, holds=answer.status == 400)


def test_what_the_references_say_of_hubspots_reading(organization: Organization, facts: Facts) -> None:
    portal = _hubspot(organization)
    made = portal.create(Kind.ACCOUNT, ["c", "d", "e"])
    listed = [one for batch in portal.reader().ids(Kind.ACCOUNT) for one in batch]
    numbers = [int(one) for one in listed if one.isdigit()]
    facts.check("hubspot.md 2.1", "the list is in the order of ids", listed[:5], holds=numbers == sorted(numbers))
    body = {"filterGroups": [], "sorts": [], "properties": ["name"], "limit": 201}
    answer = portal.call(portal.path(Kind.ACCOUNT, "search"), body)
    facts.check("hubspot.md 2.2", "400 for a search of more than 200", answer.status, holds=answer.status == 400)
    answer = portal.call(portal.path(Kind.ACCOUNT, "search"), {**body, "limit": 1})
    bare = answer.header("X-HubSpot-RateLimit-Remaining") is None
    facts.check("hubspot.md 4.2", "no rate headers on a search", dict(answer.headers), holds=bare)
    answer = portal.call(portal.path(Kind.ACCOUNT, "batch/read"), {"inputs": [{"id": made[0]}, {"id": "9"}]})
    told = json.loads(answer.body or b"{}").get("errors", [{}])[0].get("category")
    facts.check("hubspot.md 2.3", "207 with OBJECT_NOT_FOUND", (answer.status, told), holds=told == "OBJECT_NOT_FOUND")
