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
(ACCOUNT,) = ORG.load("Account", [{"Name": "A"}])
HEADERS = {"Authorization": f"Bearer {ORG.credentials()['access_token']}"}
ROOT = "/services/data/v66.0"
TARGETS = [
    ("PATCH", f"{ROOT}/composite/sobjects"),
    ("POST", f"{ROOT}/composite/sobjects"),
    ("DELETE", f"{ROOT}/composite/sobjects"),
    ("PATCH", f"{ROOT}/sobjects/Account/{ACCOUNT}"),
    ("POST", f"{ROOT}/sobjects/Account"),
    ("POST", f"{ROOT}/jobs/query"),
    ("GET", f"{ROOT}/jobs/query/x/results"),
    ("GET", f"{ROOT}/query"),
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
"""
KEYS = st.sampled_from(KEY_TEXT.split())
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["Account", "Opportunity", ACCOUNT, "queryAll", "SELECT Id FROM Account", "drop", "001"]),
)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
WORD_TEXT = r"""
SELECT FROM WHERE AND OR NOT IN LIKE Id Name Owner.Name SystemModstamp Account Nothing
( ) , = != > < null true 5 'a' 'a\\'
' 2026-11-20 2026-11-20T10:00:00Z 2026-13-45T99:00:00Z TODAY LAST_N_DAYS:3 LAST_N_DAYS:99999999999 ORDER BY DESC NULLS
LAST LIMIT OFFSET COUNT() FIELDS(ALL) INCLUDES CloseDate IsDeleted -1 1e999 2026-99-99 CreatedDate NumberOfEmployees
"""
WORDS = st.sampled_from(WORD_TEXT.split())


@given(st.sampled_from(TARGETS), DOCUMENTS)
@settings(max_examples=400, deadline=None)
def test_any_json_body_is_answered(target: tuple[str, str], document: Any) -> None:
    response = ORG.handle(Request.of(target[0], target[1], HEADERS, json.dumps(document).encode()))
    assert 200 <= response.status < 500 or response.drop
    ORG.faults.clear()


@given(st.binary(max_size=30), st.sampled_from(TARGETS))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_answered(body: bytes, target: tuple[str, str]) -> None:
    assert 200 <= ORG.handle(Request.of(target[0], target[1], HEADERS, body)).status < 500


@given(st.lists(WORDS, max_size=14), st.sampled_from(["SELECT Id FROM Account", "SELECT Id FROM Account WHERE", ""]))
@settings(max_examples=400, deadline=None)
def test_any_soql_is_answered(words: list[str], start: str) -> None:
    query = urlencode({"q": " ".join([start, *words])})
    response = ORG.handle(Request.of("GET", f"{ROOT}/query?{query}", HEADERS))
    assert response.status in (200, 400)


@given(
    st.sampled_from(["if-unmodified-since", "if-match", "if-modified-since", "authorization", "sforce-query-options"]),
    st.text(max_size=40),
)
@settings(max_examples=100, deadline=None)
def test_any_header_is_answered(name: str, value: str) -> None:
    target = f"{ROOT}/sobjects/Account/{ACCOUNT}"
    assert ORG.handle(Request("GET", target, {}, {**HEADERS, name: value})).status < 500


@given(
    st.dictionaries(
        st.sampled_from(["start", "end", "locator", "maxRecords", "fields", "ids", "q", "since"]), st.text()
    )
)
@settings(max_examples=100, deadline=None)
def test_any_parameter_is_answered(parameters: dict[str, str]) -> None:
    for method, target in [*TARGETS, ("GET", "/_sandbox/log")]:
        if method == "GET":
            request = Request.of(method, f"{target}?{urlencode(parameters)}", HEADERS)
            assert ORG.handle(request).status < 500
