"""Whatever a client sends, the fake org answers with a status; it never falls over."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.clock import ManualClock
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.wire import Request

ORG = SalesforceOrg(clock=ManualClock(datetime(2026, 11, 20, 10, 0, tzinfo=UTC)))
(ACCOUNT,) = ORG.load("Account", [{"Name": "A", "ERP_Id__c": "x"}])
HEADERS = {"Authorization": f"Bearer {ORG.credentials()['access_token']}"}
ROOT = "/services/data/v66.0"
TARGETS = [
    ("PATCH", f"{ROOT}/composite/sobjects"),
    ("POST", f"{ROOT}/composite/sobjects"),
    ("DELETE", f"{ROOT}/composite/sobjects"),
    ("PATCH", f"{ROOT}/sobjects/Account/{ACCOUNT}"),
    ("POST", f"{ROOT}/sobjects/Account"),
    ("POST", f"{ROOT}/composite"),
    ("POST", f"{ROOT}/composite/batch"),
    ("POST", f"{ROOT}/composite/sobjects/Account"),
    ("PATCH", f"{ROOT}/composite/sobjects/Account/ERP_Id__c"),
    ("PATCH", f"{ROOT}/sobjects/Account/ERP_Id__c/x"),
    ("POST", f"{ROOT}/jobs/ingest"),
    ("POST", f"{ROOT}/jobs/query"),
    ("GET", f"{ROOT}/jobs/query/x/results"),
    ("GET", f"{ROOT}/query"),
    ("GET", f"{ROOT}/jobs/query"),
    ("GET", f"{ROOT}/limits/recordCount"),
    ("GET", f"{ROOT}/composite/sobjects/Account"),
    ("GET", f"{ROOT}/sobjects/Account/updated"),
    ("GET", f"{ROOT}/sobjects/Account/{ACCOUNT}"),
    ("POST", "/services/oauth2/token"),
    ("POST", "/_sandbox/edit"),
    ("POST", "/_sandbox/faults"),
    ("POST", "/_sandbox/clock"),
]
KEY_TEXT = """
records attributes type id Id OwnerId Name NumberOfEmployees ParentId CreatedDate object set create merge by query
operation match fault add visible_after delete session nth edit advance
compositeRequest batchRequests referenceId url method body allOrNone ids fields ERP_Id__c columnDelimiter
validation duplicates flow field when changed name revert lock limits bulk feature retire query values seed
"""
KEYS = st.sampled_from(KEY_TEXT.split())
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        [
            "Account",
            "Opportunity",
            ACCOUNT,
            "queryAll",
            "SELECT Id FROM Account",
            "drop",
            "001",
            "GET",
            f"{ROOT}/limits",
            "@{x.id}",
            "double",
            "shuffle",
            "insert",
            "x",
        ]
    ),
)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
WORD_TEXT = r"""
SELECT FROM WHERE AND OR NOT IN LIKE Id Name Owner.Name SystemModstamp Account Nothing
( ) , = != > < null true 5 'a' 'a\\'
' 2026-11-20 2026-11-20T10:00:00Z 2026-13-45T99:00:00Z TODAY LAST_N_DAYS:3 LAST_N_DAYS:99999999999 ORDER BY DESC NULLS
LAST LIMIT OFFSET COUNT() FIELDS(ALL) INCLUDES CloseDate IsDeleted -1 1e999 2026-99-99 CreatedDate NumberOfEmployees
GROUP HAVING COUNT(Id) SUM(NumberOfEmployees) MAX(Name) CALENDAR_YEAR(CreatedDate) DAY_ONLY(CreatedDate)
toLabel(Industry)
TYPEOF Owner WHEN User THEN ELSE END (SELECT Id FROM Contacts) Contacts Shares WITH USER_MODE FOR VIEW BillingAddress
"""
WORDS = st.sampled_from(WORD_TEXT.split())


@given(st.sampled_from(TARGETS), DOCUMENTS)
@settings(max_examples=400)
def test_any_json_body_is_answered(target: tuple[str, str], document: Any) -> None:
    response = ORG.handle(Request.of(target[0], target[1], HEADERS, json.dumps(document).encode()))
    assert 200 <= response.status < 500 or response.drop
    ORG.faults.clear()
    ORG.edit(retire=31)


@given(st.binary(max_size=30), st.sampled_from(TARGETS))
@settings(max_examples=100)
def test_any_bytes_are_answered(body: bytes, target: tuple[str, str]) -> None:
    assert 200 <= ORG.handle(Request.of(target[0], target[1], HEADERS, body)).status < 500


@given(st.lists(WORDS, max_size=14), st.sampled_from(["SELECT Id FROM Account", "SELECT Id FROM Account WHERE", ""]))
@settings(max_examples=400)
def test_any_soql_is_answered(words: list[str], start: str) -> None:
    query = urlencode({"q": " ".join([start, *words])})
    response = ORG.handle(Request.of("GET", f"{ROOT}/query?{query}", HEADERS))
    assert response.status in (200, 400)


@given(
    st.sampled_from(["if-unmodified-since", "if-match", "if-modified-since", "authorization", "sforce-query-options"]),
    st.text(max_size=40),
)
@settings(max_examples=100)
def test_any_header_is_answered(name: str, value: str) -> None:
    target = f"{ROOT}/sobjects/Account/{ACCOUNT}"
    assert ORG.handle(Request("GET", target, {}, {**HEADERS, name: value})).status < 500


@given(
    st.dictionaries(
        st.sampled_from(["start", "end", "locator", "maxRecords", "fields", "ids", "q", "since"]), st.text()
    )
)
@settings(max_examples=100)
def test_any_parameter_is_answered(parameters: dict[str, str]) -> None:
    for method, target in [*TARGETS, ("GET", "/_sandbox/log")]:
        if method == "GET":
            request = Request.of(method, f"{target}?{urlencode(parameters)}", HEADERS)
            assert ORG.handle(request).status < 500


@given(st.text(max_size=40), st.sampled_from(["login", "update", "merge", "delete", "create", "undelete", "dance"]))
@settings(max_examples=100)
def test_any_soap_is_answered(text: str, operation: str) -> None:
    token = HEADERS["Authorization"].removeprefix("Bearer ")
    for inner in (text, f"<ids>{text}</ids>", f"<sObjects><type>Account</type><Id>{text}</Id></sObjects><request/>"):
        session = f"<Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></Header>"
        body = f"<Envelope>{session}<Body><{operation}>{inner}</{operation}></Body></Envelope>"
        response = ORG.handle(Request.of("POST", "/services/Soap/u/60.0", {}, body.encode()))
        assert response.status in (200, 500)


@given(st.text(max_size=60), st.sampled_from(["insert", "update", "upsert", "delete"]))
@settings(max_examples=100)
def test_any_csv_is_worked_off(text: str, operation: str) -> None:
    body = json.dumps({"object": "Contact", "operation": operation, "externalIdFieldName": "Id"}).encode()
    job = json.loads(ORG.handle(Request.of("POST", f"{ROOT}/jobs/ingest", HEADERS, body)).body)
    target = f"{ROOT}/jobs/ingest/{job['id']}"
    put = ORG.handle(Request.of("PUT", f"{target}/batches", HEADERS, f"Id,LastName\n{text}".encode()))
    closed = ORG.handle(Request.of("PATCH", target, HEADERS, b'{"state": "UploadComplete"}'))
    assert {put.status, closed.status} <= {200, 201, 400}
    for name in ("successfulResults", "failedResults", "unprocessedrecords"):
        assert ORG.handle(Request.of("GET", f"{target}/{name}", HEADERS)).status == 200
