"""Tokens of the fake org: each grant, how it is refused, and when a token ends."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from syncd.clock import ManualClock
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.salesforce.identifiers import IdSequence, canonical, checksum
from syncd.sandbox.wire import Request

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def org(clock: ManualClock) -> SalesforceOrg:
    return SalesforceOrg(clock=clock, public_key=PUBLIC)


def token_call(org: SalesforceOrg, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Any:
    all_headers = {"Content-Type": "application/x-www-form-urlencoded", "Host": "org.example", **(headers or {})}
    request = Request.of("POST", "/services/oauth2/token", all_headers, urlencode(form).encode())
    response = org.handle(request)
    return response.status, json.loads(response.body)


def limits_status(org: SalesforceOrg, token: str | None) -> int:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return org.handle(Request.of("GET", "/services/data/v66.0/limits/", headers)).status


def assertion(org: SalesforceOrg, key: str = PRIVATE, **changes: Any) -> str:
    credentials = org.credentials()
    claims = {
        "iss": credentials["client_id"],
        "sub": credentials["username"],
        "aud": "https://login.salesforce.com",
        "exp": int((NOW + timedelta(minutes=3)).timestamp()),
        **changes,
    }
    return jwt.encode(claims, key, algorithm="RS256")


def test_client_credentials_by_body_and_by_basic_header(org: SalesforceOrg) -> None:
    known = org.credentials()
    pair = {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    status, document = token_call(org, {"grant_type": "client_credentials", **pair})
    assert status == 200
    assert document["token_type"] == "Bearer"
    assert document["instance_url"] == "http://org.example"
    assert document["issued_at"] == str(int(NOW.timestamp() * 1000))
    assert "expires_in" not in document
    assert document["id"] == f"http://org.example/id/{org.organization_id}/{org.integration_user_id}"
    assert limits_status(org, document["access_token"]) == 200
    basic = base64.b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode()
    status, document = token_call(org, {"grant_type": "client_credentials"}, {"Authorization": f"Basic {basic}"})
    assert status == 200
    assert limits_status(org, document["access_token"]) == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client_id"),
        ({"grant_type": "device"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, "invalid_grant"),
        ({"grant_type": "password", "username": "someone", "password": "else"}, "invalid_grant"),
    ],
)
def test_wrong_credentials_are_refused(org: SalesforceOrg, changes: Mapping[str, str], error: str) -> None:
    known = org.credentials()
    form = {
        "grant_type": "client_credentials",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
    }
    status, document = token_call(org, {**form, **changes})
    assert (status, document["error"]) == (400, error)
    assert document["error_description"]


def test_refresh_and_password_grants(org: SalesforceOrg) -> None:
    known = org.credentials()
    client = {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    refresh = {"grant_type": "refresh_token", "refresh_token": known["refresh_token"]}
    assert token_call(org, {**refresh, "client_id": known["client_id"]})[0] == 200
    user = {"grant_type": "password", "username": known["username"], "password": known["password"]}
    assert token_call(org, {**user, **client})[0] == 200


def test_a_code_of_the_web_server_flow_is_good_once_and_for_its_own_address(org: SalesforceOrg) -> None:
    known = org.credentials()
    back = "https://app.example/callback?x=1"
    verifier = "a-verifier-of-more-than-forty-three-characters-at-all"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")

    def code(**more: str) -> str:
        asked = {"response_type": "code", "client_id": known["client_id"], "redirect_uri": back, "state": "s&1", **more}
        answer = org.handle(
            Request.of("GET", f"/services/oauth2/authorize?{urlencode(asked)}", {"Host": "org.example"})
        )
        location = answer.headers["Location"]
        assert (answer.status, location.partition("&")[0]) == (302, back)
        return parse_qs(location.partition("?")[2])["code"][0]

    form = {"grant_type": "authorization_code", "client_id": known["client_id"], "redirect_uri": back}
    secret = {"client_secret": known["client_secret"]}
    good = {**form, **secret, "code": code()}
    status, document = token_call(org, good)
    assert (status, document["refresh_token"]) == (200, known["refresh_token"])
    assert limits_status(org, document["access_token"]) == 200
    assert token_call(org, good) == (
        400,
        {"error": "invalid_grant", "error_description": "expired authorization code"},
    )
    elsewhere = {**form, **secret, "code": code(), "redirect_uri": "https://other.example"}
    assert token_call(org, elsewhere)[1]["error"] == "redirect_uri_mismatch"
    pkce = {**form, "code": code(code_challenge=challenge, code_challenge_method="S256"), "code_verifier": verifier}
    assert token_call(org, pkce)[0] == 200
    wrong = {**pkce, "code": code(code_challenge=challenge), "code_verifier": "another"}
    assert token_call(org, wrong)[1]["error_description"] == "invalid code verifier"
    org.model.sessions.refuse(["authorization_code"])
    assert token_call(org, {**good, "code": code()})[0] == 400
    stranger = (
        f"/services/oauth2/authorize?{urlencode({'response_type': 'code', 'client_id': 'x', 'redirect_uri': back})}"
    )
    assert org.handle(Request.of("GET", stranger, {"Host": "org.example"})).status == 400


@pytest.mark.parametrize("path", ["limits", "limits/recordCount", "recent", "jobs"])
def test_what_is_only_read_refuses_other_methods(org: SalesforceOrg, path: str) -> None:
    headers = {"Authorization": f"Bearer {org.credentials()['access_token']}"}
    answer = org.handle(Request.of("PUT", f"/services/data/v66.0/{path}", headers))
    assert (answer.status, json.loads(answer.body)[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")


def test_jwt_bearer_is_accepted(org: SalesforceOrg) -> None:
    status, document = token_call(org, {"grant_type": JWT_GRANT, "assertion": assertion(org)})
    assert status == 200
    assert limits_status(org, document["access_token"]) == 200


def test_jwt_for_our_own_host_is_accepted(org: SalesforceOrg) -> None:
    text = assertion(org, aud="http://org.example/services/oauth2/token")
    assert token_call(org, {"grant_type": JWT_GRANT, "assertion": text})[0] == 200


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"exp": int((NOW - timedelta(seconds=1)).timestamp())}, "invalid_grant", "expired authorization code"),
        ({"exp": int((NOW + timedelta(hours=1)).timestamp())}, "invalid_grant", "expired authorization code"),
        ({"exp": None}, "invalid_grant", "expired authorization code"),
        ({"aud": "https://example.com"}, "invalid_grant", "audience is invalid"),
        ({"iss": "someone"}, "invalid_client_id", "client identifier invalid"),
        ({"sub": "nobody@x.example"}, "invalid_grant", "user hasn't approved this consumer"),
    ],
)
def test_bad_assertion_is_refused(org: SalesforceOrg, changes: dict[str, Any], error: str, description: str) -> None:
    form = {"grant_type": JWT_GRANT, "assertion": assertion(org, **changes)}
    assert token_call(org, form) == (400, {"error": error, "error_description": description})


def test_assertion_of_another_key_is_refused_where_a_key_is_configured(org: SalesforceOrg, clock: ManualClock) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    form = {"grant_type": JWT_GRANT, "assertion": assertion(org, other.decode())}
    assert token_call(org, form)[1]["error_description"] == "invalid assertion"
    assert token_call(SalesforceOrg(clock=clock), form)[0] == 200
    assert token_call(org, {"grant_type": JWT_GRANT, "assertion": "no jwt"})[1]["error"] == "invalid_grant"


def test_assertion_stays_good_when_the_sandbox_clock_is_moved(org: SalesforceOrg) -> None:
    org.clock.advance(timedelta(days=30))
    assert token_call(org, {"grant_type": JWT_GRANT, "assertion": assertion(org)})[0] == 200


def test_token_expires_and_can_be_revoked(org: SalesforceOrg, clock: ManualClock) -> None:
    token = org.credentials()["access_token"]
    assert limits_status(org, token) == 200
    clock.advance(timedelta(hours=2))
    assert limits_status(org, token) == 401
    fresh = org.credentials()["access_token"]
    org.handle(Request.of("POST", "/services/oauth2/revoke", {}, urlencode({"token": fresh}).encode()))
    assert limits_status(org, fresh) == 401
    another = org.credentials()["access_token"]
    org.edit(session="revoke")
    assert limits_status(org, another) == 401


def test_missing_token_has_the_401_shape(org: SalesforceOrg) -> None:
    response = org.handle(Request.of("GET", "/services/data/v66.0/limits", {}))
    assert response.status == 401
    assert json.loads(response.body) == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_identity_with_a_bad_token_is_403_plain_text(org: SalesforceOrg) -> None:
    response = org.handle(Request.of("GET", "/services/oauth2/userinfo", {"Authorization": "Bearer nonsense"}))
    assert (response.status, response.body) == (403, b"Bad_OAuth_Token")


def test_userinfo_and_identity_tell_who_we_are(org: SalesforceOrg) -> None:
    headers = {"Authorization": f"Bearer {org.credentials()['access_token']}", "Host": "org.example"}
    told = json.loads(org.handle(Request.of("GET", "/services/oauth2/userinfo", headers)).body)
    assert told["organization_id"] == org.organization_id
    assert told["user_id"] == org.integration_user_id
    path = told["sub"].removeprefix("http://org.example") + "?format=json"
    identity = json.loads(org.handle(Request.of("GET", path, headers)).body)
    assert identity["username"] == org.credentials()["username"]
    assert identity["active"] is True


def test_inactive_integration_user_gets_no_token(org: SalesforceOrg) -> None:
    known = org.credentials()
    org.edit(object="User", id=org.integration_user_id, deactivate=True)
    form = {
        "grant_type": "client_credentials",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
    }
    assert token_call(org, form)[1]["error"] == "inactive_user"


def test_ids_have_the_real_checksum() -> None:
    # Published pairs of 15 and 18 characters, from Salesforce's own documentation and forums.
    assert checksum("0015500000Xyy06") == "AAB"
    assert checksum("001A0000006Vm9r") == "IAC"
    assert canonical("001a0000006vm9rIAC") == "001A0000006Vm9rIAC"
    assert canonical("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert canonical("001A0000006Vm9rAAA") == "001A0000006Vm9rIAC"
    assert canonical("001A0000006Vm9") is None
    assert canonical("not-an-id-at-al") is None


def test_id_sequence_rises_and_repeats_for_the_seed() -> None:
    first, second = IdSequence("001", 7), IdSequence("001", 7)
    ids = [first.take() for _ in range(200)]
    assert ids == sorted(set(ids))
    assert ids == [second.take() for _ in range(200)]
    assert all(canonical(item[:15]) == item for item in ids)
    assert IdSequence("001", 8).take() != ids[0]
