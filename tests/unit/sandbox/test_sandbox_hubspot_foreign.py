"""The fake HubSpot over real HTTP under HubSpot's own Python client: everything beyond reading and owners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hubspot
import pytest
from hubspot.crm.companies.exceptions import ApiException
from hubspot.crm.contacts.exceptions import ApiException as ContactsException
from sandbox_hubspot_client import ANN, BEN, Client, make

from syncd.sandbox.server import serve


@pytest.fixture
def desk() -> Iterator[tuple[Client, Any]]:
    client = make()
    with serve(client.portal) as server:
        client.portal.base_url = server.url
        token = str(client.portal.credentials()["access_token"])
        yield client, hubspot.HubSpot(access_token=token, host=server.url, base_url=server.url, retry=False)


def test_companies_are_made_changed_archived_and_merged(desk: tuple[Client, Any]) -> None:
    _, sdk = desk
    api = sdk.crm.companies
    made = api.basic_api.create({"properties": {"name": "New", "hubspot_owner_id": ANN}, "associations": []})
    assert made.properties["name"] == "New"
    changed = api.basic_api.update(made.id, {"properties": {"hubspot_owner_id": BEN}})
    assert changed.properties["hubspot_owner_id"] == BEN
    history = api.basic_api.get_by_id(made.id, properties_with_history=["hubspot_owner_id"]).properties_with_history
    assert [row.value for row in history["hubspot_owner_id"]] == [BEN, ANN]
    many = api.batch_api.create({"inputs": [{"properties": {"name": name}, "associations": []} for name in "ab"]})
    assert [row.properties["name"] for row in many.results] == ["a", "b"]
    winner = api.basic_api.merge({"primaryObjectId": many.results[0].id, "objectIdToMerge": many.results[1].id})
    assert winner.id not in {row.id for row in many.results}
    assert api.basic_api.get_by_id(many.results[1].id).id == winner.id
    api.basic_api.archive(made.id)
    api.batch_api.archive({"inputs": [{"id": winner.id}]})
    archived = api.basic_api.get_page(archived=True).results
    assert {row.id for row in archived} == {made.id, winner.id}
    with pytest.raises(ApiException) as caught:
        api.basic_api.get_by_id(made.id)
    assert caught.value.status == 404


def test_contacts_are_told_apart_by_their_email(desk: tuple[Client, Any]) -> None:
    _, sdk = desk
    api = sdk.crm.contacts
    made = api.basic_api.create({"properties": {"email": "fox@acme.test", "firstname": "Fox"}, "associations": []})
    with pytest.raises(ContactsException) as caught:
        api.basic_api.create({"properties": {"email": "Fox@acme.test"}, "associations": []})
    assert caught.value.status == 409
    assert f"Existing ID: {made.id}" in str(caught.value.body)
    inputs = [
        {"id": "fox@acme.test", "idProperty": "email", "properties": {"firstname": "Vix"}},
        {"id": "new@acme.test", "idProperty": "email", "properties": {"firstname": "New"}},
    ]
    rows = api.batch_api.upsert({"inputs": inputs}).results
    assert [row.new for row in rows] == [False, True]
    found = api.basic_api.get_by_id("new@acme.test", id_property="email", properties=["firstname"])
    assert found.properties["firstname"] == "New"
    assert api.basic_api.update("fox@acme.test", {"properties": {"lastname": "L"}}, id_property="email").id == made.id
    api.basic_api.purge({"objectId": "new@acme.test", "idProperty": "email"})
    assert [row.id for row in api.get_all()] == [made.id]


def test_leads_and_deals_are_objects_too(desk: tuple[Client, Any]) -> None:
    _, sdk = desk
    lead = sdk.crm.objects.leads.basic_api.create({"properties": {"hs_lead_name": "Lead"}, "associations": []})
    assert sdk.crm.objects.basic_api.get_by_id("leads", lead.id).properties["hs_lead_name"] == "Lead"
    associations = [
        {"to": {"id": "1001"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]}
    ]
    deal = sdk.crm.deals.basic_api.create(
        {"properties": {"dealname": "D", "dealstage": "closedwon"}, "associations": associations}
    )
    properties = ["hs_is_closed_won", "hs_primary_associated_company"]
    read = sdk.crm.deals.basic_api.get_by_id(deal.id, properties=properties, associations=["companies"])
    assert (read.properties["hs_is_closed_won"], read.properties["hs_primary_associated_company"]) == ("true", "1001")
    assert {row.type for row in read.associations["companies"].results} == {
        "deal_to_company",
        "deal_to_company_unlabeled",
    }


def test_associations_are_written_read_labelled_and_taken_away(desk: tuple[Client, Any]) -> None:
    client, sdk = desk
    client.portal.load("deals", [{"id": "5001", "dealname": "D"}])
    v4 = sdk.crm.associations.v4
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}
    batch = {"inputs": [{"from": {"id": "5001"}, "to": {"id": key}, "types": [spec]} for key in ("1001", "1002")]}
    assert len(v4.batch_api.create("deals", "companies", batch).results) == 2

    def types() -> dict[str, list[int]]:
        rows = v4.basic_api.get_page("deals", "5001", "companies").results
        return {str(row.to_object_id): [one.type_id for one in row.association_types] for row in rows}

    assert types() == {"1001": [341], "1002": [5, 341]}
    [own, _] = sdk.crm.associations.v4.schema.definitions_api.create(
        "deals", "companies", {"label": "Reseller", "name": "reseller", "inverseLabel": "Resold"}
    ).results
    mine = [{"associationCategory": "USER_DEFINED", "associationTypeId": own.type_id}]
    v4.basic_api.create("deals", "5001", "companies", "1003", mine)
    assert types()["1003"] == [own.type_id, 341]
    pair = {"from": {"id": "5001"}, "to": {"id": "1003"}}
    v4.batch_api.archive_labels("deals", "companies", {"inputs": [{**pair, "types": mine}]})
    assert types()["1003"] == [341]
    v4.basic_api.archive("deals", "5001", "companies", "1003")
    v4.batch_api.archive("deals", "companies", {"inputs": [{"from": {"id": "5001"}, "to": [{"id": "1002"}]}]})
    v4.basic_api.create_default("companies", "1003", "deals", "5001")
    assert types() == {"1001": [341], "1003": [341]}


def test_the_old_associations_speak_in_words(desk: tuple[Client, Any]) -> None:
    client, sdk = desk
    client.portal.load("deals", [{"id": "5001", "dealname": "D"}])
    api = sdk.crm.associations.batch_api
    rows = {"inputs": [{"from": {"id": "5001"}, "to": {"id": "1001"}, "type": "deal_to_company"}]}
    assert api.create("deals", "companies", rows).results[0].type == "deal_to_company"
    read = api.read("deals", "companies", {"inputs": [{"id": "5001"}]}).results[0]
    assert [(row.id, row.type) for row in read.to] == [
        ("1001", "deal_to_company"),
        ("1001", "deal_to_company_unlabeled"),
    ]
    types = sdk.crm.associations.schema.types_api.get_all("deals", "companies").results
    assert ("5", "deal_to_company") in {(row.id, row.name) for row in types}


def test_properties_are_made_changed_and_archived(desk: tuple[Client, Any]) -> None:
    _, sdk = desk
    api = sdk.crm.properties.core_api
    options = [{"label": text, "value": text.lower(), "hidden": False} for text in ("Gold", "Silver")]
    made = api.create(
        "companies",
        {
            "name": "tier",
            "label": "Tier",
            "type": "enumeration",
            "fieldType": "select",
            "groupName": "companyinformation",
        }
        | {"options": options},
    )
    assert [one.value for one in made.options] == ["gold", "silver"]
    update = sdk.crm.companies.basic_api.update
    update("1001", {"properties": {"tier": "gold"}})
    with pytest.raises(ApiException) as caught:
        update("1001", {"properties": {"tier": "bronze"}})
    assert "INVALID_OPTION" in str(caught.value.body)
    api.update("companies", "tier", {"label": "Tier of account"})
    assert api.get_by_name("companies", "tier").label == "Tier of account"
    api.archive("companies", "tier")
    assert "tier" not in {row.name for row in api.get_all("companies").results}
    assert "tier" not in sdk.crm.companies.basic_api.get_by_id("1001", properties=["tier"]).properties
    groups = sdk.crm.properties.groups_api
    groups.create("companies", {"name": "sales", "label": "Sales"})
    assert {row.name for row in groups.get_all("companies").results} == {"companyinformation", "sales"}


def test_pipelines_and_stages_are_made_changed_and_deleted(desk: tuple[Client, Any]) -> None:
    client, sdk = desk
    stages = [
        {"label": label, "displayOrder": place, "metadata": {"probability": chance}}
        for place, (label, chance) in enumerate((("Talk", "0.2"), ("Won", "1.0")))
    ]
    pipelines = sdk.crm.pipelines.pipelines_api
    made = pipelines.create("deals", {"label": "Partners", "displayOrder": 1, "stages": stages})
    won = next(stage for stage in made.stages if stage.label == "Won")
    assert won.metadata == {"isClosed": "true", "probability": "1.0"}
    deal = sdk.crm.deals.basic_api.create(
        {"properties": {"dealname": "D", "pipeline": made.id, "dealstage": won.id}, "associations": []}
    )
    assert client.portal.record("deals", deal.id)["properties"]["hs_is_closed_won"] == "true"
    api = sdk.crm.pipelines.pipeline_stages_api
    renamed = api.update("deals", made.id, won.id, {"label": "Closed", "metadata": {"probability": "1.0"}})
    assert renamed.label == "Closed"
    from hubspot.crm.pipelines.exceptions import ApiException as PipelinesException

    with pytest.raises(PipelinesException):
        api.archive("deals", made.id, won.id)
    api.archive("deals", made.id, made.stages[0].id)
    audit = sdk.crm.pipelines.pipeline_audits_api.get_audit("deals", made.id).results
    assert [row.action for row in audit] == ["CREATE"]
    leads = pipelines.get_all("leads").results
    assert leads[0].stages[0].id == "new-stage-id"


def test_tokens_users_and_the_raw_call(desk: tuple[Client, Any]) -> None:
    client, sdk = desk
    known = client.portal.credentials()
    form = {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    code = client.portal.authorization_code
    first = sdk.oauth.tokens_api.create(
        grant_type="authorization_code", code=code, redirect_uri="https://app.test/cb", **form
    )
    assert sdk.oauth.access_tokens_api.get(first.access_token).hub_id == known["portal_id"]
    assert sdk.oauth.refresh_tokens_api.get(first.refresh_token).client_id == known["client_id"]
    users = sdk.settings.users.users_api.get_page().results
    assert [user.id for user in users] == ["9001", "9002"]
    raw = sdk.api_request({"path": "/account-info/v3/details"})
    assert raw.json()["portalId"] == known["portal_id"]
    sdk.oauth.refresh_tokens_api.archive(first.refresh_token)
    from hubspot.oauth.exceptions import ApiException as TokenException

    with pytest.raises(TokenException):
        sdk.oauth.tokens_api.create(grant_type="refresh_token", refresh_token=first.refresh_token, **form)
