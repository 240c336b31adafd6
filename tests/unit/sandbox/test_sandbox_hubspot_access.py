"""The fake HubSpot's door: tokens, scopes, limits, unknown paths, which portal this is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sandbox_hubspot_client import Client, make

from syncd.sandbox.wire import Request

SEARCH = "/crm/v3/objects/companies/search"


def _token(client: Client, path: str = "/oauth/v1/token", **changes: str) -> tuple[int, Any]:
    credentials = client.portal.credentials()
    form = {
        "grant_type": "refresh_token",
        "client_id": str(credentials["client_id"]),
        "client_secret": str(credentials["client_secret"]),
        "refresh_token": str(credentials["refresh_token"]),
        **changes,
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = client.portal.handle(Request.of("POST", path, headers, urlencode(form).encode()))
    return response.status, json.loads(response.body)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nonsense", "Basic abc"])
def test_without_a_good_token_nothing_is_answered(header: str | None) -> None:
    client = make()
    client.headers = {} if header is None else {"Authorization": header}
    status, answer = client.call("GET", "/crm/v3/objects/companies")
    assert (status, answer["category"]) == (401, "INVALID_AUTHENTICATION")
    assert client.last.headers["X-HubSpot-Correlation-Id"] == answer["correlationId"]


@pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/2026-03/token", "/oauth/2026-09/token"])
def test_a_refresh_token_gives_access_for_half_an_hour(path: str) -> None:
    client = make()
    status, answer = _token(client, path)
    assert (status, answer["expires_in"], answer["token_type"]) == (200, 1800, "bearer")
    assert answer["hub_id"] == client.portal.credentials()["portal_id"]
    client.headers = {"Authorization": f"Bearer {answer['access_token']}"}
    client.get("/crm/v3/objects/companies")
    client.clock.advance(timedelta(seconds=1800))
    status, refused = client.call("GET", "/crm/v3/objects/companies")
    assert (status, refused["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert refused["context"] == {"expire time": ["2026-11-20T10:30:00.000Z"]}


@pytest.mark.parametrize(
    ("field", "value", "status_word", "error"),
    [
        ("refresh_token", "x", "BAD_REFRESH_TOKEN", "invalid_grant"),
        ("client_id", "x", "BAD_CLIENT_ID", "invalid_client"),
        ("client_secret", "x", "BAD_CLIENT_SECRET", "invalid_client"),
        ("grant_type", "password", "BAD_GRANT_TYPE", "unsupported_grant_type"),
    ],
)
def test_a_bad_token_request_is_refused_in_both_ways_of_speaking(
    field: str, value: str, status_word: str, error: str
) -> None:
    status, answer = _token(make(), **{field: value})
    assert (status, answer["status"], answer["error"]) == (400, status_word, error)


def test_tokens_can_be_expired_revoked_and_looked_up() -> None:
    client = make()
    access = _token(client)[1]["access_token"]
    client.headers = {"Authorization": f"Bearer {access}"}
    found = client.get(f"/oauth/v1/access-tokens/{access}")
    assert found["hub_id"] == client.portal.credentials()["portal_id"]
    client.portal.edit(expire_tokens=True)
    assert client.call("GET", "/crm/v3/owners")[1]["category"] == "EXPIRED_AUTHENTICATION"
    client.portal.edit(revoke_token=str(client.portal.credentials()["refresh_token"]))
    assert _token(client)[0] == 400


def test_secrets_do_not_reach_the_journal() -> None:
    client = make()
    answer = _token(client)[1]
    client.call("GET", f"/oauth/v1/access-tokens/{answer['access_token']}")
    log = json.dumps(client.call("GET", "/_sandbox/log")[1])
    for secret in ("client_secret", "refresh_token"):
        assert str(client.portal.credentials()[secret]) not in log
    assert answer["access_token"] not in log


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/crm/v3/owners/", "crm.objects.owners.read"),
        ("GET", "/crm/v3/objects/companies", "crm.objects.companies.read"),
        ("POST", SEARCH, "crm.objects.companies.read"),
        ("POST", "/crm/v3/objects/deals/batch/update", "crm.objects.deals.write"),
        ("PATCH", "/crm/v3/objects/companies/1001", "crm.objects.companies.write"),
        ("GET", "/crm/v3/pipelines/deals", "crm.schemas.deals.read"),
        ("GET", "/crm/v3/properties/companies", "crm.schemas.companies.read"),
    ],
)
def test_a_missing_scope_is_403_and_named(method: str, path: str, scope: str) -> None:
    client = make()
    client.portal.quirks.missing_scopes = {scope}
    status, answer = client.call(method, path, {})
    assert (status, answer["category"]) == (403, "MISSING_SCOPES")
    assert answer["errors"][0]["context"] == {"requiredScopes": [scope]}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/crm/v3/nonsense", 404),
        ("GET", "/crm/v5/objects/companies", 404),
        ("GET", "/crm/objects/2027-03/companies", 404),
        ("GET", "/crm/v3/objects/companies/1/2/3", 404),
        ("GET", "/crm/v3/objects/widgets", 400),
        ("DELETE", "/crm/v3/owners/77001", 405),
        ("GET", "/crm/v3/objects/companies/batch/read", 405),
        ("POST", "/account-info/v3/details", 405),
    ],
)
def test_paths_that_do_not_exist(method: str, path: str, status: int) -> None:
    found, answer = make().call(method, path)
    assert (found, answer["status"]) == (status, "error")


def test_a_retired_version_is_404() -> None:
    client = make()
    client.portal.edit(configure={"retired_versions": ["v3"]})
    assert client.call("GET", "/crm/v3/objects/companies")[0] == 404
    client.get("/crm/objects/2026-09/companies")


def test_a_query_that_is_too_long_is_414() -> None:
    names = "&".join(f"properties=a_rather_long_property_name_{number}" for number in range(500))
    assert make().call("GET", f"/crm/v3/objects/companies?{names}")[0] == 414


@pytest.mark.parametrize("path", ["/account-info/v3/details", "/account-info/2026-03/details"])
def test_the_portal_says_who_it_is(path: str) -> None:
    client = make()
    details = client.get(path)
    assert details["portalId"] == client.portal.credentials()["portal_id"]
    assert (details["timeZone"], details["utcOffset"]) == ("Europe/Berlin", "+01:00")


def test_a_hundred_and_ninety_calls_in_ten_seconds_then_429() -> None:
    client = make()
    client.portal.limits.enabled = True
    for left in range(189, -1, -1):
        client.get("/crm/v3/owners")
        assert client.last.headers["X-HubSpot-RateLimit-Remaining"] == str(left)
    status, answer = client.call("GET", "/crm/v3/owners")
    assert (status, answer["policyName"], answer["errorType"]) == (429, "TEN_SECONDLY_ROLLING", "RATE_LIMIT")
    assert answer["message"] == "You have reached your ten_secondly_rolling limit."
    client.clock.advance(timedelta(seconds=10))
    client.get("/crm/v3/owners")


def test_five_searches_a_second_beside_the_other_calls() -> None:
    client = make()
    client.portal.limits.enabled = True
    for _ in range(190):
        client.get("/crm/v3/owners")
    for _ in range(5):
        client.post(SEARCH, {})
    answer = client.post(SEARCH, {}, status=429)
    assert (answer["policyName"], answer["message"]) == ("SECONDLY", "You have reached your secondly limit.")
    client.clock.advance(timedelta(seconds=1))
    client.post(SEARCH, {})


def test_the_day_ends_at_midnight_of_the_account() -> None:
    client = make()
    client.portal.edit(limits={"enabled": True, "day": 3})
    for _ in range(3):
        client.get("/crm/v3/owners")
    assert client.call("GET", "/crm/v3/owners")[1]["policyName"] == "DAILY"
    client.clock.advance(timedelta(hours=12, minutes=59))
    assert client.call("GET", "/crm/v3/owners")[0] == 429
    client.clock.advance(timedelta(minutes=2))
    usage = client.get("/account-info/2026-03/api-usage/daily/private-apps")["results"][0]
    assert (usage["currentUsage"], usage["usageLimit"]) == (1, 3)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 414, 423, 429, 477, 500, 502, 503])
def test_injected_errors_have_hubspots_shape(status: int) -> None:
    client = make()
    client.portal.faults.install([{"fault": f"status {status}"}])
    found, answer = client.call("GET", "/crm/v3/owners")
    assert (found, answer["status"]) == (status, "error")
    assert answer["correlationId"]


def test_the_clock_of_the_portal_can_be_moved() -> None:
    client = make()
    client.call("POST", "/_sandbox/clock", {"advance": 3600})
    client.portal.edit(object="companies", id="1001", set={"name": "Later"})
    record = client.portal.record("companies", "1001")
    assert record is not None
    assert record["updatedAt"] == "2026-11-20T11:00:00.000Z"
    rows = client.call("GET", "/_sandbox/records/companies")[1]["records"]
    assert [row["properties"]["name"] for row in rows] == ["Later", "Company 1", "Company 2"]
