"""The fake HubSpot over real HTTP, as HubSpot's own Python client sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hubspot
import pytest
from sandbox_hubspot_client import ANN, BEN, GONE, Client, make

from syncd.sandbox.server import serve


@pytest.fixture
def desk() -> Iterator[tuple[Client, Any]]:
    client = make(companies=230)
    client.portal.load("deals", [{"id": "5001", "dealname": "D", "associatedcompanyid": "1001"}, {"id": "5002"}])
    with serve(client.portal) as server:
        client.portal.base_url = server.url
        token = str(client.portal.credentials()["access_token"])
        yield client, hubspot.HubSpot(access_token=token, host=server.url, retry=False)


def test_hubspots_own_client_reads_and_writes(desk: tuple[Client, Any]) -> None:
    client, sdk = desk
    companies = sdk.crm.companies
    assert len(companies.get_all(properties=["name", "hubspot_owner_id"])) == 230
    assert companies.basic_api.get_page(archived=True).results == []

    search = {
        "filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": "1100"}]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "limit": 200,
    }
    found = companies.search_api.do_search(public_object_search_request=search)
    assert (found.total, found.results[0].id) == (130, "1101")

    batch = {
        "inputs": [
            {"id": "1001", "properties": {"hubspot_owner_id": BEN}, "objectWriteTraceId": "a"},
            {"id": "1002", "properties": {"hubspot_owner_id": GONE}, "objectWriteTraceId": "b"},
        ]
    }
    written = companies.batch_api.update(batch)
    assert ([row.id for row in written.results], written.num_errors) == (["1001"], 1)
    assert written.errors[0].context == {"objectWriteTraceId": ["b"]}

    read = companies.batch_api.read(
        {"inputs": [{"id": "1001"}], "properties": [], "propertiesWithHistory": ["hubspot_owner_id"]}
    )
    history = read.results[0].properties_with_history["hubspot_owner_id"]
    assert [(row.value, row.source_type) for row in history] == [(BEN, "INTEGRATION"), (ANN, "IMPORT")]
    assert client.portal.journal.entries[-1].path == "/crm/v3/objects/companies/batch/read"


def test_hubspots_own_client_reads_owners_pipelines_and_associations(desk: tuple[Client, Any]) -> None:
    _, sdk = desk
    assert [row.id for row in sdk.crm.owners.get_all()] == [ANN, BEN, "77004"]
    archived = sdk.crm.owners.owners_api.get_page(archived=True).results
    assert [(row.id, row.user_id, row.user_id_including_inactive) for row in archived] == [(GONE, None, 9003)]
    [pipeline] = sdk.crm.pipelines.pipelines_api.get_all("deals").results
    assert pipeline.stages[-1].metadata == {"isClosed": "true", "probability": "0.0"}
    linked = sdk.crm.associations.v4.batch_api.get_page(
        "deals", "companies", {"inputs": [{"id": "5001"}, {"id": "5002"}]}
    )
    assert [(row._from.id, row.to[0].to_object_id) for row in linked.results] == [("5001", "1001")]
    names = [row.name for row in sdk.crm.properties.core_api.get_all("companies").results]
    assert "hubspot_owner_id" in names


def test_hubspots_own_client_sees_errors_as_its_own(desk: tuple[Client, Any]) -> None:
    client, sdk = desk
    from hubspot.crm.companies.exceptions import ApiException

    client.portal.edit(limits={"enabled": True, "burst": 0})
    with pytest.raises(ApiException) as caught:
        sdk.crm.companies.basic_api.get_page()
    assert caught.value.status == 429
    assert "TEN_SECONDLY_ROLLING" in str(caught.value.body)


def test_the_old_token_endpoint_serves_the_client(desk: tuple[Client, Any]) -> None:
    client, sdk = desk
    credentials = client.portal.credentials()
    tokens = sdk.oauth.tokens_api.create(
        grant_type="refresh_token",
        client_id=credentials["client_id"],
        client_secret=credentials["client_secret"],
        refresh_token=credentials["refresh_token"],
    )
    assert tokens.expires_in == 1800
