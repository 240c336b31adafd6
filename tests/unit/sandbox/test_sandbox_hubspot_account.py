"""The fake HubSpot's account: credentials of each kind, their scopes, limits by tier, what it says of itself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sandbox_hubspot_client import Client, make

from syncd.sandbox.wire import Request

COMPANIES = "/crm/v3/objects/companies"


def _form(client: Client, path: str, **fields: object) -> tuple[int, Any]:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = client.portal.handle(Request.of("POST", path, headers, urlencode(fields).encode()))
    return response.status, json.loads(response.body) if response.body else None


def _app(client: Client) -> dict[str, object]:
    known = client.portal.credentials()
    return {"client_id": known["client_id"], "client_secret": known["client_secret"]}


def test_an_authorization_code_is_good_once() -> None:
    client = make()
    fields = {**_app(client), "grant_type": "authorization_code", "code": client.portal.authorization_code}
    status, answer = _form(client, "/oauth/2026-09/token", **fields, redirect_uri="https://app.test")
    assert (status, answer["refresh_token"]) == (200, client.portal.credentials()["refresh_token"])
    assert _form(client, "/oauth/2026-09/token", **fields)[1]["status"] == "BAD_AUTH_CODE"


def test_tokens_can_be_looked_up_in_each_of_the_three_ways() -> None:
    client = make()
    token = client.portal.credentials()["access_token"]
    told = _form(client, "/oauth/2026-09/introspect", token=token)[1]
    assert (told["active"], told["app_id"]) == (True, 8151242)
    assert _form(client, "/oauth/2026-09/introspect", token="x")[1] == {"active": False}
    row = client.post("/oauth/v2/private-apps/get/access-token-info", {"tokenKey": token})
    assert (row["hubId"], row["appId"]) == (44515151, 8151242)
    client.post("/oauth/v2/private-apps/get/access-token-info", {"tokenKey": "x"}, status=404)
    assert client.get(f"/oauth/v1/refresh-tokens/{client.portal.credentials()['refresh_token']}")["hub_id"] == 44515151


def test_a_deleted_refresh_token_gives_no_more_access() -> None:
    client = make()
    refresh = client.portal.credentials()["refresh_token"]
    assert client.call("DELETE", f"/oauth/v1/refresh-tokens/{refresh}")[0] == 204
    fields = {**_app(client), "grant_type": "refresh_token", "refresh_token": refresh}
    assert _form(client, "/oauth/v1/token", **fields)[1]["status"] == "BAD_REFRESH_TOKEN"


def test_scopes_are_what_was_granted() -> None:
    client = make()
    client.portal.edit(scopes=["crm.objects.companies.read"])
    client.get(COMPANIES)
    status, answer = client.call("PATCH", f"{COMPANIES}/1001", {"properties": {}})
    assert (status, answer["errors"][0]["context"]["requiredScopes"]) == (403, ["crm.objects.companies.write"])
    assert client.call("GET", "/crm/v3/owners")[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/crm/v3/properties/companies", "crm.schemas.companies.write"),
        ("DELETE", "/crm/v3/pipelines/deals/default", "crm.schemas.deals.write"),
        ("POST", f"{COMPANIES}/batch/upsert", "crm.objects.companies.write"),
        ("POST", f"{COMPANIES}/merge", "crm.objects.companies.write"),
        ("POST", "/crm/v4/associations/deals/companies/batch/create", "crm.objects.deals.write"),
        ("POST", "/crm/v4/associations/deals/companies/batch/read", "crm.objects.deals.read"),
        ("GET", "/settings/v3/users", "settings.users.read"),
        ("GET", "/crm/v3/objects/notes", "crm.objects.notes.read"),
        ("GET", "/crm/v3/objects/tasks", "crm.objects.contacts.read"),
    ],
)
def test_each_endpoint_names_the_scope_it_lacks(method: str, path: str, scope: str) -> None:
    client = make()
    client.portal.quirks.missing_scopes = {scope}
    status, answer = client.call(method, path, {})
    assert (status, answer["errors"][0]["context"]) == (403, {"requiredScopes": [scope]})


def test_calls_of_an_oauth_app_carry_no_daily_limit() -> None:
    client = make()
    fields = {
        **_app(client),
        "grant_type": "refresh_token",
        "refresh_token": client.portal.credentials()["refresh_token"],
    }
    token = _form(client, "/oauth/v1/token", **fields)[1]["access_token"]
    client.get(COMPANIES)
    assert "X-HubSpot-RateLimit-Daily" in client.last.headers
    assert client.last.headers["X-HubSpot-RateLimit-Secondly"] == "19"
    client.headers = {"Authorization": f"Bearer {token}"}
    client.get(COMPANIES)
    assert "X-HubSpot-RateLimit-Daily" not in client.last.headers
    assert "X-HubSpot-RateLimit-Max" in client.last.headers
    client.post(f"{COMPANIES}/search", {})
    assert not any("RateLimit" in name for name in client.last.headers)


@pytest.mark.parametrize(("tier", "calls"), [("free", 100), ("public_app", 110), ("limit_increase", 250)])
def test_the_tier_says_how_many_calls_fit_into_ten_seconds(tier: str, calls: int) -> None:
    client = make()
    client.portal.edit(limits={"tier": tier, "enabled": True})
    assert [client.call("GET", COMPANIES)[0] for _ in range(calls + 1)] == [200] * calls + [429]


def test_a_limit_a_second_binds_where_it_is_enforced() -> None:
    client = make()
    client.portal.edit(limits={"enabled": True, "second": 3, "enforce_second": True})
    answers = [client.call("GET", COMPANIES) for _ in range(4)]
    assert (answers[-1][0], answers[-1][1]["policyName"]) == (429, "SECONDLY")
    client.clock.advance(timedelta(seconds=1))
    client.get(COMPANIES)


def test_associations_have_a_day_of_their_own() -> None:
    client = make()
    client.portal.edit(limits={"enabled": True, "associations_day": 1})
    path = "/crm/v4/associations/companies/deals/batch/read"
    assert [client.call("POST", path, {"inputs": [{"id": "1001"}]})[0] for _ in range(2)] == [207, 429]
    client.get(COMPANIES)


def test_the_newer_429_names_no_policy() -> None:
    client = make()
    client.portal.edit(limits={"enabled": True, "burst": 0})
    client.portal.quirks.plain_rate_limit = True
    status, answer = client.call("GET", COMPANIES)
    assert (status, answer["category"], "policyName" in answer) == (429, "RATE_LIMITS", False)


def test_a_portal_that_moves_says_how_long() -> None:
    client = make()
    client.portal.edit(configure={"migrating": 7200})
    assert client.call("GET", COMPANIES)[0] == 477
    assert client.last.headers["Retry-After"] == "7200"
    client.portal.edit(configure={"migrating": None})
    client.get(COMPANIES)


def test_a_retired_version_may_also_be_gone() -> None:
    client = make()
    client.portal.edit(configure={"retired_versions": ["v3", "v1"], "retired_status": 410})
    assert client.call("GET", COMPANIES)[0] == 410
    assert _form(client, "/oauth/v1/token")[0] == 410
    client.get("/crm/objects/2026-09/companies")


def test_currencies_are_told_with_their_rates() -> None:
    client = make()
    client.portal.edit(currencies={"company": "EUR", "rates": {"USD": "0.92", "GBP": "1.17"}})
    details = client.get("/account-info/v3/details")
    assert (details["companyCurrency"], details["additionalCurrencies"]) == ("EUR", ["GBP", "USD"])
    rates = client.get("/settings/v3/currencies/exchange-rates/current")["results"]
    assert [(row["fromCurrencyCode"], row["conversionRate"]) for row in rates] == [("GBP", 1.17), ("USD", 0.92)]
    assert client.get("/settings/v3/currencies/company-currency")["currencyCode"] == "EUR"


@pytest.mark.parametrize(
    "path", [f"{COMPANIES}/", f"{COMPANIES}/1001/", "/crm/v3/pipelines/deals/", "/crm/v3/owners//"]
)
def test_a_slash_at_the_end_is_forgiven(path: str) -> None:
    client = make()
    assert client.get(path) == client.get(path.rstrip("/"))


@pytest.mark.parametrize(
    "command",
    [
        {"limits": {"tier": "gold"}},
        {"limits": {"colour": 1}},
        {"configure": {"merges": "sometimes"}},
        {"object": "companies", "define": {"name": "x", "type": "blob"}},
        {"object": "companies", "rename": {"name": "nonsense", "to": "y"}},
        {"object": "companies", "undefine": "nonsense"},
    ],
)
def test_an_administrators_command_that_makes_no_sense_is_refused(command: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not one of|unknown limit|is one of|has a name|there is no"):
        make().portal.edit(command)
