"""What only HubSpot has: an index that is no log, versions of paths, associations, partial batches."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from syncd.connectors.hubspot import LEAD_MAPPING, HubspotAccess
from syncd.connectors.hubspot.reader import HubspotReader
from syncd.connectors.port import WriteOutcome
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.errors import AuthError, ConfigError, RateLimitedError, SchemaError
from syncd.model.fields import KindMapping, SystemMapping
from syncd.model.refs import Kind
from tests.contract.worlds import START, HubspotWorld, records_of, seen
from tests.inprocess import InProcessWire, Trouble, path_has

JSON = {"Content-Type": "application/json"}


def changed(world: HubspotWorld, count: int) -> tuple[tuple[str, ...], datetime]:
    """Accounts that were all changed in one millisecond, and the start of a window around it."""
    accounts = world.accounts(count)
    world.clock.advance(timedelta(hours=1))
    world.face.edit({"object": "companies", "restamp": "2026-11-20T11:00:00.000Z"})
    return accounts, START + timedelta(minutes=30)


def increment(world: HubspotWorld, lower: datetime, kind: Kind = Kind.ACCOUNT) -> set[str]:
    found = records_of(world.reader().changes(kind, world.since(lower)))
    return {key for key, record in found.items() if not record.deleted}


def searches(world: HubspotWorld) -> list[dict[str, object]]:
    return [json.loads(request.body or b"") for request in world.inner.requests("/search", "POST")]


# --- the index


def test_a_search_has_one_group_of_three_filters_one_sort_and_no_offset(hubspot: HubspotWorld) -> None:
    _, lower = changed(hubspot, 450)
    increment(hubspot, lower)
    assert len(searches(hubspot)) == 3
    for search in searches(hubspot):
        assert "after" not in search
        assert search["limit"] == 200
        assert search["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        (group,) = search["filterGroups"]  # type: ignore[misc]
        names = [(entry["propertyName"], entry["operator"]) for entry in group["filters"]]
        assert names == [("hs_lastmodifieddate", "GTE"), ("hs_lastmodifieddate", "LTE"), ("hs_object_id", "GT")]
        assert group["filters"][0]["value"] == str(int(lower.timestamp() * 1000))


@pytest.mark.parametrize("count", [10_000, 10_001])
def test_more_hits_than_the_index_shows_are_all_read(hubspot: HubspotWorld, count: int) -> None:
    accounts, lower = changed(hubspot, count)
    reader = hubspot.reader()
    found = records_of(reader.changes(Kind.ACCOUNT, hubspot.since(lower)))
    assert set(found) == set(accounts)
    assert reader.calls <= -(-count // 200) + 2


def test_searches_stay_under_the_accounts_five_a_second(hubspot: HubspotWorld) -> None:
    _, lower = changed(hubspot, 3_000)
    before = hubspot.clock.monotonic()
    increment(hubspot, lower)
    assert len(searches(hubspot)) == 15
    assert hubspot.clock.monotonic() - before >= 14 / 5
    assert not any(request.status == 429 for request in hubspot.face.journal.entries)


@pytest.mark.parametrize("odd", [["7198", "7199", "72", "719869649082"], ["1", "9", "10", "99", "100", "1000"]])
@pytest.mark.parametrize("order", ["number", "text"])
def test_nothing_is_lost_whether_ids_are_ordered_as_numbers_or_as_text(
    hubspot: HubspotWorld, order: str, odd: list[str]
) -> None:
    hubspot.face.quirks.id_order = order
    ids = set(odd) | {str(number) for number in range(20_000, 20_700)} | {str(number) for number in range(3_000, 3_200)}
    hubspot.face.load(
        "companies", [{"id": known, "name": known, "hubspot_owner_id": hubspot.people[0]} for known in ids]
    )
    hubspot.clock.advance(timedelta(hours=1))
    hubspot.face.edit({"object": "companies", "restamp": "2026-11-20T11:00:00.000Z"})
    assert increment(hubspot, START + timedelta(minutes=30)) == ids
    assert len(searches(hubspot)) < 20


def test_hits_out_of_order_are_all_read(hubspot: HubspotWorld) -> None:
    accounts, lower = changed(hubspot, 950)
    hubspot.face.quirks.hits_out_of_order = True
    assert increment(hubspot, lower) == set(accounts)


def _mixed(world: HubspotWorld, request: HttpRequest) -> HttpResponse:
    """An index that sorts ids as text and filters them as numbers: pages skip what a walk by id has not seen."""
    search = json.loads(request.body or b"")
    low, high, after = (int(entry["value"]) for entry in search["filterGroups"][0]["filters"])
    rows = [row for row in world.face.records("companies") if not row["archived"]]
    stamps = {row["id"]: int(datetime.fromisoformat(row["updatedAt"]).timestamp() * 1000) for row in rows}
    hits = [row for row in rows if low <= stamps[row["id"]] <= high and int(row["id"]) > after]
    hits.sort(key=lambda row: str(row["id"]))
    page = [{key: row[key] for key in ("id", "properties", "createdAt", "updatedAt", "archived")} for row in hits]
    return HttpResponse(200, JSON, json.dumps({"total": len(hits), "results": page[: search["limit"]]}).encode())


@pytest.mark.parametrize("spread", [True, False])
def test_a_walk_that_comes_short_of_the_total_is_read_again_another_way(hubspot: HubspotWorld, spread: bool) -> None:
    ids = {str(number) for number in (*range(1, 300), *range(5_000, 5_100))}
    rows = [{"id": known, "name": known, "hubspot_owner_id": hubspot.people[0]} for known in ids]
    hubspot.face.load("companies", rows)
    hubspot.clock.advance(timedelta(hours=1))
    hubspot.face.edit({"object": "companies", "restamp": "2026-11-20T11:00:00.000Z"})
    if spread:
        for known in ids:
            hubspot.clock.advance(timedelta(milliseconds=500))
            hubspot.edit(Kind.ACCOUNT, known, name="changed")
    answered = lambda answer: _mixed(hubspot, hubspot.inner.sent[-1])  # noqa: E731
    hubspot.inner.add(Trouble(path_has("/search"), after=answered, times=None))
    window = hubspot.since(START + timedelta(minutes=30))
    pages = list(hubspot.reader().changes(Kind.ACCOUNT, window))
    assert set(records_of(pages)) == ids
    assert len(hubspot.inner.requests("/search")) < 60
    for stop in {1, 2, 3, 4, len(pages) - 2}:
        done = records_of(pages[:stop])
        rest = records_of(hubspot.reader().changes(Kind.ACCOUNT, window, pages[stop - 1].resume))
        assert set(done) | set(rest) == ids


@pytest.mark.parametrize("off", [-3, 5])
def test_a_total_that_is_wrong_loses_nothing_and_ends(hubspot: HubspotWorld, off: int) -> None:
    accounts, lower = changed(hubspot, 450)
    hubspot.face.quirks.total_off_by = off
    assert increment(hubspot, lower) == set(accounts)


def test_hits_that_the_store_has_newer_than_asked_are_taken_as_they_are(hubspot: HubspotWorld) -> None:
    (account,) = hubspot.accounts(1)
    hubspot.clock.advance(timedelta(hours=1))
    lower = hubspot.now()
    hubspot.edit(Kind.ACCOUNT, account, name="first")
    hubspot.clock.advance(timedelta(minutes=10))
    window = hubspot.since(lower)
    hubspot.clock.advance(timedelta(minutes=10))
    hubspot.face.quirks.record_lag[f"companies/{account}"] = 3_600.0
    hubspot.edit(Kind.ACCOUNT, account, name="second")
    found = records_of(hubspot.reader().changes(Kind.ACCOUNT, window))
    assert found[account].fields["name"] == "second"
    assert found[account].stamp > window.upper


def test_contacts_are_searched_by_their_own_stamp(hubspot: HubspotWorld) -> None:
    mapping = SystemMapping(hubspot.system, {**hubspot.mapping.kinds, Kind.LEAD: LEAD_MAPPING})
    (lead,) = hubspot.face.load("contacts", [{"email": "fox@acme.example", "lastname": "Fox", "company": "Acme"}])
    hubspot.clock.advance(timedelta(hours=1))
    hubspot.face.edit({"object": "contacts", "id": lead, "set": {"company": "Acme 2"}})
    reader = hubspot.reader(mapping)
    found = records_of(reader.changes(Kind.LEAD, hubspot.since(START + timedelta(minutes=30))))
    assert found[lead].fields["company"] == "Acme 2"
    assert "lastmodifieddate" in str(searches(hubspot)[0])
    assert "hs_lastmodifieddate" not in str(searches(hubspot)[0])


def test_the_lead_mapping_fits(hubspot: HubspotWorld) -> None:
    mapping = SystemMapping(hubspot.system, {**hubspot.mapping.kinds, Kind.LEAD: LEAD_MAPPING})
    hubspot.face.load("contacts", [dict.fromkeys(LEAD_MAPPING.fields.values(), "") | {"email": "a@acme.example"}])
    assert hubspot.reader(mapping).check_schema() == ()


# --- deletions, merges, pages


def test_archiving_is_seen_though_it_moves_no_stamp_and_leaves_the_index(hubspot: HubspotWorld) -> None:
    accounts = hubspot.accounts(3)
    hubspot.clock.advance(timedelta(hours=1))
    hubspot.act(Kind.ACCOUNT, accounts[0], "delete")
    found = records_of(hubspot.reader().changes(Kind.ACCOUNT, hubspot.since(hubspot.now())))
    assert found[accounts[0]].deleted
    assert found[accounts[0]].stamp == hubspot.now()


def test_a_merge_makes_a_new_record_that_names_both_old_ones(hubspot: HubspotWorld) -> None:
    first, second = hubspot.accounts(2)
    hubspot.clock.advance(timedelta(hours=1))
    lower = hubspot.now()
    hubspot.act(Kind.ACCOUNT, first, "merge", [second])
    found = records_of(hubspot.reader().changes(Kind.ACCOUNT, hubspot.since(lower)))
    (winner,) = [record for record in found.values() if record.merged_from]
    assert set(winner.merged_from) == {first, second}
    assert winner.ref.id not in (first, second)
    assert set(hubspot.reader().read(Kind.ACCOUNT, [first, second, winner.ref.id])) == {first, second, winner.ref.id}


def test_short_pages_are_not_the_end(hubspot: HubspotWorld) -> None:
    accounts = hubspot.accounts(120)
    hubspot.face.quirks.short_pages = 7
    found = records_of(hubspot.reader().changes(Kind.ACCOUNT, hubspot.everything()))
    assert set(found) == set(accounts)


def test_an_empty_page_with_a_cursor_is_not_the_end(hubspot: HubspotWorld) -> None:
    accounts = hubspot.accounts(20)
    empty = {"results": [], "paging": {"next": {"after": accounts[0], "link": "x"}}}
    hubspot.inner.add(Trouble(path_has("companies?"), before=HttpResponse(200, JSON, json.dumps(empty).encode())))
    found = records_of(hubspot.reader().changes(Kind.ACCOUNT, hubspot.everything()))
    assert set(found) >= set(accounts[1:])


# --- deals and their companies


def _deals_with_companies(world: HubspotWorld) -> dict[str, str | None]:
    """Deals by what their account must be: the primary company, the only one, none, and none of several."""
    one, two, three = world.accounts(3)
    primary, only, none, several = world.face.load(
        "deals", [{"dealname": name, "dealstage": "closedlost", "pipeline": "default"} for name in "abcd"]
    )
    edits = [
        (primary, one, False),
        (primary, two, True),
        (only, three, False),
        (several, one, False),
        (several, two, False),
    ]
    for deal, company, first in edits:
        world.face.edit({"object": "deals", "id": deal, "associate": company, "primary": first})
    return {primary: two, only: three, none: None, several: None}


def test_a_deals_account_is_its_primary_company_whichever_way_it_is_read(hubspot: HubspotWorld) -> None:
    expected = _deals_with_companies(hubspot)
    hubspot.clock.advance(timedelta(hours=1))
    for deal in expected:
        hubspot.edit(Kind.OPPORTUNITY, deal, name="changed")
    full = records_of(hubspot.reader().changes(Kind.OPPORTUNITY, hubspot.everything()))
    assert {deal: record.account for deal, record in full.items()} == expected
    assert hubspot.inner.requests("/associations/") == []
    part = records_of(hubspot.reader().changes(Kind.OPPORTUNITY, hubspot.since(START + timedelta(minutes=30))))
    assert {deal: record.account for deal, record in part.items()} == expected
    assert len(hubspot.inner.requests("/associations/")) == 1
    readings = hubspot.reader().read(Kind.OPPORTUNITY, list(expected))
    assert {deal: reading.record.account for deal, reading in readings.items() if reading.record} == expected


def test_stages_are_told_in_their_own_words_and_meaning(hubspot: HubspotWorld) -> None:
    stages = [
        {
            "id": "7001",
            "label": "Handshake",
            "displayOrder": 0,
            "metadata": {"isClosed": "false", "probability": "0.3"},
        },
        {"id": "7002", "label": "Signed", "displayOrder": 1, "metadata": {"isClosed": "true", "probability": "1.0"}},
        {"id": "7003", "label": "Lost", "displayOrder": 2, "metadata": {"isClosed": "true", "probability": "0.0"}},
    ]
    hubspot.face.load("pipelines", [{"id": "88", "label": "Partners", "stages": stages}])
    deals = hubspot.face.load(
        "deals", [{"dealname": str(n), "pipeline": "88", "dealstage": str(n)} for n in (7001, 7002, 7003)]
    )
    found = records_of(hubspot.reader().changes(Kind.OPPORTUNITY, hubspot.everything()))
    told = [
        tuple(found[deal].fields[name] for name in ("pipeline", "stage", "is_closed", "is_won", "probability"))
        for deal in deals
    ]
    assert told == [
        ("Partners", "Handshake", "false", "false", "30"),
        ("Partners", "Signed", "true", "true", "100"),
        ("Partners", "Lost", "true", "false", "0"),
    ]


# --- versions, tokens, limits


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_every_version_of_the_paths_gives_the_same_rows(version: str) -> None:
    world = HubspotWorld(version=version)
    world.wire = InProcessWire.to(world.face)
    expected = _deals_with_companies(world)
    reader = world.reader()
    assert reader.identify().account_id == "44515151"
    assert reader.check_schema() == ()
    assert len(list(reader.users())) == 4
    found = records_of(reader.changes(Kind.OPPORTUNITY, world.everything()))
    assert {deal: record.account for deal, record in found.items()} == expected
    world.clock.advance(timedelta(hours=1))
    (account, *_) = next(iter(reader.ids(Kind.ACCOUNT)))
    (result,) = world.writer().write_owners(Kind.ACCOUNT, [world.write(account, world.people[1])])
    assert result.outcome is WriteOutcome.ACCEPTED
    other = "/v3/" if version != "v3" else "2026-"
    assert not any(other in request.url for request in world.inner.sent)


def test_an_unknown_version_is_a_mistake_in_the_settings(hubspot: HubspotWorld) -> None:
    hubspot.version = "v1"
    with pytest.raises(ConfigError) as caught:
        hubspot.reader()
    assert caught.value.code == "SYN406"


def test_a_retired_version_is_a_mistake_in_the_settings_and_not_no_data(hubspot: HubspotWorld) -> None:
    hubspot.face.quirks.retired_versions = {"v3"}
    with pytest.raises(SchemaError) as caught:
        list(hubspot.reader().changes(Kind.ACCOUNT, hubspot.everything()))
    assert caught.value.code == "SYN406"


def test_the_token_is_read_again_after_a_refusal(hubspot: HubspotWorld) -> None:
    held = ["pat-stale"]
    token = str(hubspot.face.credentials()["access_token"])
    hubspot.accounts(1)

    def read() -> str:
        now, held[0] = held[0], token
        return now

    reader = HubspotReader(HubspotAccess(read), hubspot.mapping, **hubspot._ports())
    assert len(list(reader.ids(Kind.ACCOUNT))) == 1
    assert reader.calls == 2


def test_a_missing_scope_is_named(hubspot: HubspotWorld) -> None:
    hubspot.face.quirks.missing_scopes = {"crm.objects.owners.read"}
    with pytest.raises(AuthError) as caught:
        list(hubspot.reader().users())
    assert caught.value.code == "SYN402"
    assert "crm.objects.owners.read" in caught.value.summary


def test_a_portal_that_is_moving_is_parked_and_not_waited_for(hubspot: HubspotWorld) -> None:
    hubspot.inner.add(Trouble(before=HttpResponse(477, {"Retry-After": "3600"}, b""), times=None))
    with pytest.raises(RateLimitedError) as caught:
        list(hubspot.reader().ids(Kind.ACCOUNT))
    assert (caught.value.code, caught.value.wait) == ("SYN417", 3600.0)
    assert len(hubspot.inner.sent) == 1


def test_the_portals_own_limits_are_never_met(hubspot: HubspotWorld) -> None:
    hubspot.accounts(4_000)
    hubspot.face.limits.burst = 20
    list(hubspot.reader().changes(Kind.ACCOUNT, hubspot.everything()))
    assert len(hubspot.inner.sent) == 41
    assert not any(entry.status == 429 for entry in hubspot.face.journal.entries)


def test_booleans_in_a_query_are_spelled_as_json_spells_them(hubspot: HubspotWorld) -> None:
    list(hubspot.reader().users())
    list(hubspot.reader().changes(Kind.ACCOUNT, hubspot.everything()))
    assert not any("True" in request.url or "False" in request.url for request in hubspot.inner.sent)


def test_queues_are_no_people(hubspot: HubspotWorld) -> None:
    (queue,) = hubspot.face.load("owners", [{"email": "q@acme.example", "type": "QUEUE"}])
    users = {user.ref.id: user for user in hubspot.reader().users()}
    assert (users[queue].active, users[queue].eligible) == (True, False)


def test_a_kind_mapped_to_an_object_that_is_not_there_stops(hubspot: HubspotWorld) -> None:
    kinds = {**hubspot.mapping.kinds, Kind.LEAD: KindMapping(Kind.LEAD, "p_nothing", {"name": "name"})}
    with pytest.raises(SchemaError) as caught:
        hubspot.reader(SystemMapping(hubspot.system, kinds)).check_schema()
    assert "p_nothing" in caught.value.summary


# --- writing


@pytest.mark.parametrize("answers", ["documented", "trace", "ids", "refuse"])
def test_every_way_to_refuse_a_row_is_understood_and_the_rest_is_written(hubspot: HubspotWorld, answers: str) -> None:
    accounts = hubspot.accounts(30)
    hubspot.face.quirks.batch_errors = answers
    bad = {3: "123", 11: hubspot.people[2], 29: "9001"}
    writes = [hubspot.write(account, bad.get(number, hubspot.people[1])) for number, account in enumerate(accounts)]
    results = hubspot.writer().write_owners(Kind.ACCOUNT, writes)
    for number, result in enumerate(results):
        assert result.outcome is (WriteOutcome.REJECTED if number in bad else WriteOutcome.ACCEPTED)
        assert result.ref.id == accounts[number]
        assert result.request_id
    assert all(results[number].message for number in bad)
    owners = hubspot.expected(Kind.ACCOUNT)
    assert {owners[account].owner for number, account in enumerate(accounts) if number not in bad} == {
        hubspot.people[1]
    }
    sent = [json.loads(request.body or b"")["inputs"] for request in hubspot.inner.requests("/batch/update")]
    assert len(sent) == 1 if answers != "refuse" else 1 < len(sent) <= 31
    written = [row["id"] for rows in sent for row in rows]
    assert set(written) == set(accounts)


def test_a_row_carries_an_id_an_owner_and_a_trace_and_nothing_else(hubspot: HubspotWorld) -> None:
    accounts = hubspot.accounts(5)
    hubspot.writer().write_owners(Kind.ACCOUNT, [hubspot.write(account, hubspot.people[1]) for account in accounts])
    (request,) = hubspot.inner.requests("/batch/update")
    rows = json.loads(request.body or b"")["inputs"]
    assert all(set(row) == {"id", "properties", "objectWriteTraceId"} for row in rows)
    assert all(row["properties"] == {"hubspot_owner_id": hubspot.people[1]} for row in rows)
    assert len({row["objectWriteTraceId"] for row in rows}) == 5


def test_a_batch_refused_for_the_property_itself_is_not_halved(hubspot: HubspotWorld) -> None:
    accounts = hubspot.accounts(20)
    body = b'{"category":"VALIDATION_ERROR","message":"x","errors":[{"code":"PROPERTY_DOESNT_EXIST","message":"y"}]}'
    hubspot.inner.add(Trouble(path_has("/batch/update"), before=HttpResponse(400, JSON, body), times=None))
    with pytest.raises(SchemaError):
        hubspot.writer().write_owners(Kind.ACCOUNT, [hubspot.write(account, hubspot.people[1]) for account in accounts])
    assert len(hubspot.inner.requests("/batch/update")) == 1


def test_a_lost_answer_among_halves_leaves_the_rest_unsent(hubspot: HubspotWorld) -> None:
    accounts = hubspot.accounts(4)
    hubspot.inner.add(
        Trouble(path_has("/batch/update"), before=HttpResponse(400, JSON, b"{}")),
        Trouble(path_has("/batch/update"), after=WireError("reset", True)),
    )
    results = hubspot.writer().write_owners(
        Kind.ACCOUNT, [hubspot.write(account, hubspot.people[1]) for account in accounts]
    )
    assert [result.outcome for result in results] == [WriteOutcome.UNKNOWN] * 2 + [WriteOutcome.RETRY] * 2


def test_an_owner_that_the_answer_tells_differently_is_unknown(hubspot: HubspotWorld) -> None:
    (account,) = hubspot.accounts(1)
    body = {"status": "COMPLETE", "results": [{"id": account, "properties": {"hubspot_owner_id": "77009"}}]}
    hubspot.inner.add(Trouble(path_has("/batch/update"), before=HttpResponse(200, JSON, json.dumps(body).encode())))
    (result,) = hubspot.writer().write_owners(Kind.ACCOUNT, [hubspot.write(account, hubspot.people[1])])
    assert (result.outcome, result.code) == (WriteOutcome.UNKNOWN, "OTHER_OWNER")


def test_a_walk_over_a_lagging_index_is_completed_by_a_later_pass(hubspot: HubspotWorld) -> None:
    accounts = hubspot.accounts(50)
    hubspot.clock.advance(timedelta(hours=1))
    lower = hubspot.now()
    hubspot.face.quirks.index_lag, hubspot.face.quirks.index_lag_varies = 3_000.0, True
    for account in accounts:
        hubspot.edit(Kind.ACCOUNT, account, name="late")
    hubspot.clock.advance(timedelta(minutes=5))
    early = increment(hubspot, lower)
    hubspot.clock.advance(timedelta(hours=1))
    assert early < increment(hubspot, lower) == set(accounts)
    full = records_of(hubspot.reader().changes(Kind.ACCOUNT, hubspot.everything()))
    assert seen(full) == hubspot.expected(Kind.ACCOUNT)
