"""Signing in to the fake org by SOAP, being refused, the allowance of calls, and versions that are gone."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import pytest
from sandbox_salesforce_client import OrgClient

from syncd.sandbox.wire import Request


@pytest.fixture
def client() -> OrgClient:
    return OrgClient()


def login(client: OrgClient, password: str | None = None, version: str = "60.0") -> tuple[int, str]:
    known = client.org.credentials()
    words = escape(known["password"] if password is None else password)
    call = f"<u:login><u:username>{known['username']}</u:username><u:password>{words}</u:password></u:login>"
    response = client.soap(call, version=version, signed_in=False)
    return response.status, response.body.decode()


def token(client: OrgClient, **form: str) -> tuple[int, dict[str, str]]:
    known = client.org.credentials()
    body = urlencode({"client_id": known["client_id"], "client_secret": known["client_secret"], **form}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Host": "org.example"}
    response = client.org.handle(Request.of("POST", "/services/oauth2/token", headers, body))
    return response.status, json.loads(response.body)


def test_soap_login_gives_a_session_for_rest(client: OrgClient) -> None:
    status, body = login(client)
    assert status == 200
    assert "<serverUrl>http://org.example/services/Soap/u/60.0/" in body
    session = body.partition("<sessionId>")[2].partition("</sessionId>")[0]
    client.headers["Authorization"] = f"Bearer {session}"
    assert client.call("GET", "limits").status == 200
    assert session not in json.dumps([entry.to_json() for entry in client.org.journal.entries])
    assert client.org.credentials()["password"] not in client.org.journal.entries[0].body


def test_security_token_may_follow_the_password(client: OrgClient) -> None:
    client.org.model.sessions.security_token = "Tok3n"
    password = client.org.credentials()["password"]
    assert login(client, f"{password}Tok3n")[0] == login(client, password)[0] == 200
    status, body = login(client, f"{password}other")
    assert (status, "<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>" in body) == (500, True)


@pytest.mark.parametrize(
    ("version", "code"),
    [("65.0", "INVALID_OPERATION"), ("30.0", "UNSUPPORTED_API_VERSION"), ("99.0", "UNSUPPORTED_API_VERSION")],
)
def test_soap_login_ends_with_version_64(client: OrgClient, version: str, code: str) -> None:
    status, body = login(client, version=version)
    assert (status, f"<sf:exceptionCode>{code}</sf:exceptionCode>" in body) == (500, True)


@pytest.mark.parametrize(
    ("grant", "form", "description"),
    [
        ("client_credentials", {"grant_type": "client_credentials"}, "no client credentials user enabled"),
        ("refresh_token", {"grant_type": "refresh_token", "refresh_token": "x"}, "expired access/refresh token"),
        ("password", {"grant_type": "password"}, "authentication failure"),
        (
            "jwt",
            {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x"},
            "user hasn't approved this consumer",
        ),
    ],
)
def test_grant_that_the_org_refuses(client: OrgClient, grant: str, form: dict[str, str], description: str) -> None:
    client.org.edit(session={"refuse": [grant]})
    assert token(client, **form) == (400, {"error": "invalid_grant", "error_description": description})
    assert login(client)[0] == 200


def test_org_that_refuses_soap_login_says_so_until_it_is_allowed_again(client: OrgClient) -> None:
    client.org.edit(session={"refuse": ["soap"]})
    status, body = login(client)
    assert (status, "SOAP API login() is disabled by default in this org." in body) == (500, True)
    client.org.edit(session={"refuse": []})
    assert login(client)[0] == 200


def test_too_many_sign_ins_of_an_hour_are_blocked(client: OrgClient) -> None:
    for _ in range(3_600):
        client.org.model.sessions.log_in("syncd@sandbox.example")
    assert token(client, grant_type="client_credentials")[1]["error"] == "rate_limit_exceeded"
    assert "LOGIN_RATE_EXCEEDED" in login(client)[1]
    client.clock.advance(timedelta(hours=1))
    assert token(client, grant_type="client_credentials")[0] == 200


def test_instance_moves_at_the_next_sign_in(client: OrgClient) -> None:
    client.org.edit(session={"instance_url": "http://127.0.0.2:9/"})
    assert token(client, grant_type="client_credentials")[1]["instance_url"] == "http://127.0.0.2:9"


def test_introspection_tells_whether_a_token_is_good(client: OrgClient) -> None:
    known = client.org.credentials()
    pair = {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    for given, active in ((known["access_token"], True), ("nonsense", False)):
        body = urlencode({**pair, "token": given}).encode()
        answer = client.org.handle(Request.of("POST", "/services/oauth2/introspect", {}, body))
        assert json.loads(answer.body)["active"] is active


def test_soap_session_is_checked_and_can_be_ended(client: OrgClient) -> None:
    told = client.soap("<u:getUserInfo/>").body.decode()
    assert f"<userId>{client.org.integration_user_id}</userId>" in told
    assert client.soap("<u:getServerTimestamp/>").status == 200
    assert client.soap("<u:logout/>").status == 200
    for response in (client.soap("<u:getUserInfo/>"), client.soap("<u:getUserInfo/>", signed_in=False)):
        assert (response.status, b"INVALID_SESSION_ID" in response.body) == (500, True)
    assert client.call("GET", "limits").status == 401


@pytest.mark.parametrize(
    "body",
    [b"", b"<a>", b"<a/>", b'<!DOCTYPE x [<!ENTITY y "z">]><x>&y;</x>', b"\xff\xfe\x00", b"{}"],
)
def test_what_is_no_soap_is_a_fault(client: OrgClient, body: bytes) -> None:
    response = client.call("POST", "/services/Soap/u/60.0", body)
    assert (response.status, b"<faultcode>sf:UNKNOWN_EXCEPTION" in response.body) == (500, True)


def test_soap_writes_deletes_undeletes_and_merges(client: OrgClient) -> None:
    made = client.soap(
        "<u:create><u:sObjects><u:type>Account</u:type><u:Name>a &amp; b</u:Name></u:sObjects></u:create>"
    )
    account = made.body.decode().partition("<id>")[2].partition("</id>")[0]
    assert client.row("Account", account)["Name"] == "a & b"
    empty = f"<u:type>Account</u:type><u:Id>{account}</u:Id><u:fieldsToNull>Rating</u:fieldsToNull>"
    client.org.edit(object="Account", id=account, set={"Rating": "Hot"})
    client.soap(f"<u:update><u:sObjects>{empty}</u:sObjects></u:update>")
    assert client.row("Account", account)["Rating"] is None
    client.soap(f"<u:delete><u:ids>{account}</u:ids></u:delete>")
    assert not client.live("Account", account)
    client.soap(f"<u:undelete><u:ids>{account}</u:ids></u:undelete>")
    assert client.live("Account", account)
    (loser,) = client.org.load("Account", [{"Name": "loser"}])
    master = f"<u:masterRecord><u:type>Account</u:type><u:Id>{account}</u:Id><u:Name>both</u:Name></u:masterRecord>"
    client.soap(f"<u:merge><u:request>{master}<u:recordToMergeIds>{loser}</u:recordToMergeIds></u:request></u:merge>")
    assert client.row("Account", loser)["MasterRecordId"] == account
    assert client.row("Account", account)["Name"] == "both"
    client.soap(f"<u:emptyRecycleBin><u:ids>{loser}</u:ids></u:emptyRecycleBin>")
    assert client.org.record("Account", loser) is None
    wrong = client.soap("<u:undelete><u:ids>001FK0000000000AAA</u:ids></u:undelete>")
    assert (wrong.status, b"<success>false</success>" in wrong.body) == (200, True)
    assert b"No operation available" in client.soap("<u:dance/>").body


def test_soap_all_or_none_takes_back_every_row(client: OrgClient) -> None:
    (account,) = client.org.load("Account", [{"Name": "A"}])
    rows = "".join(
        f"<u:sObjects><u:type>Account</u:type><u:Id>{key}</u:Id><u:Rating>Hot</u:Rating></u:sObjects>"
        for key in (account, "001FK0000000000AAA")
    )
    response = client.soap(
        f"<u:update>{rows}</u:update>", "<u:AllOrNoneHeader><u:allOrNone>true</u:allOrNone></u:AllOrNoneHeader>"
    )
    assert b"ALL_OR_NONE_OPERATION_ROLLED_BACK" in response.body
    assert client.row("Account", account).get("Rating") is None


def test_limit_header_has_both_shapes_and_stops_at_either_limit(client: OrgClient) -> None:
    assert client.call("GET", "limits").headers["Sforce-Limit-Info"] == "api-usage=1/115000"
    client.org.edit(limits={"api": 5000, "app": 4, "by_others": 23})
    told = client.call("GET", "limits")
    assert told.headers["Sforce-Limit-Info"] == "api-usage=25/5000; per-app-api-usage=2/4(appName=syncd-sandbox)"
    assert json.loads(told.body)["DailyApiRequests"] == {
        "Max": 5000,
        "Remaining": 4975,
        "syncd-sandbox": {"Max": 4, "Remaining": 2},
    }
    client.call("GET", "limits")
    assert client.call("GET", "limits").status == 200
    assert client.error("GET", "limits") == (403, "REQUEST_LIMIT_EXCEEDED")
    client.org.edit(limits={"app": None, "by_others": 5000})
    assert client.error("GET", "limits") == (403, "REQUEST_LIMIT_EXCEEDED")


def test_retired_version_is_refused_by_every_protocol(client: OrgClient) -> None:
    client.org.edit(retire="v66.0")
    assert client.error("GET", "/services/data/v65.0/limits") == (410, "GONE")
    assert client.call("GET", "limits").status == 200
    bulk = client.call("GET", "/services/async/65.0/job/x")
    assert (bulk.status, json.loads(bulk.body)["exceptionCode"]) == (400, "InvalidVersion")
    soap = client.soap("<u:getUserInfo/>", version="65.0")
    assert (soap.status, b"UNSUPPORTED_API_VERSION" in soap.body) == (500, True)
    assert [item["version"] for item in client.json("GET", "/services/data")] == ["66.0", "67.0"]


def test_bulk_one_is_not_enabled(client: OrgClient) -> None:
    answer = client.json("POST", "/services/async/66.0/job", {})
    assert answer["exceptionCode"] == "FeatureNotEnabled"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("DELETE", "sobjects"),
        ("POST", "query"),
        ("PUT", "sobjects/Account/001FK0000000000AAA"),
        ("POST", "sobjects/Account/describe"),
        ("GET", "composite/sobjects"),
        ("PUT", "jobs/query"),
        ("DELETE", "/services/data"),
    ],
)
def test_wrong_method_is_405(client: OrgClient, method: str, target: str) -> None:
    assert client.error(method, target) == (405, "METHOD_NOT_ALLOWED")


def test_too_long_addresses_and_headers_are_refused(client: OrgClient) -> None:
    assert client.error("GET", f"query?q={'x' * 17_000}") == (414, "URI_TOO_LONG")
    assert client.error("GET", "limits", X_Long="x" * 17_000) == (431, "REQUEST_HEADER_FIELDS_TOO_LARGE")


def test_head_answers_as_get_does(client: OrgClient) -> None:
    assert client.call("HEAD", "limits").status == 200


def test_record_counts_leave_out_the_bin(client: OrgClient) -> None:
    client.org.load("Account", [{"Name": "A"}, {"Name": "B", "IsDeleted": True}])
    assert client.json("GET", "limits/recordCount?sObjects=Account,Nothing") == {
        "sObjects": [{"count": 1, "name": "Account"}]
    }


def test_describe_of_everything_and_of_one_object_is_complete(client: OrgClient) -> None:
    listed = {item["name"]: item for item in client.json("GET", "sobjects")["sobjects"]}
    assert {"AccountHistory", "AccountShare", "CurrencyType", "Group", "Territory2", "UserLogin"} <= set(listed)
    assert (listed["User"]["deletable"], listed["Account"]["mergeable"]) == (False, True)
    client.org.load("RecordType", [{"Name": "Partner", "DeveloperName": "Partner", "SobjectType": "Account"}])
    account = client.json("GET", "sobjects/Account/describe")
    children = {
        (item["childSObject"], item["field"]): item["relationshipName"] for item in account["childRelationships"]
    }
    assert children["Opportunity", "AccountId"] == "Opportunities"
    assert children["Account", "ParentId"] == "ChildAccounts"
    assert [item["developerName"] for item in account["recordTypeInfos"]] == ["Master", "Partner"]
    owner = next(item for item in account["fields"] if item["name"] == "OwnerId")
    assert (owner["soapType"], owner["referenceTo"], owner["relationshipName"]) == ("tns:ID", ["User"], "Owner")
    assert set(client.json("GET", "sobjects/Account")) == {"objectDescribe", "recentItems"}
