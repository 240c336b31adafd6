"""One test a row of the tables of salesforce.md 3.6, 4.2, 4.3 and 4.4."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from syncd.connectors.port import WriteOutcome
from syncd.connectors.retry import Failure, Remedy
from syncd.connectors.salesforce.failures import (
    NoObjectError,
    QueryTimeoutError,
    RetiredVersionError,
    Words,
    classify,
    outcome_of_row,
    outcome_of_single,
    words_of,
)
from syncd.connectors.wire import HttpResponse
from syncd.errors import (
    AuthError,
    BadDataError,
    CursorLostError,
    QuotaExhaustedError,
    RateLimitedError,
    RetryableError,
    SchemaError,
)

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def read(status: int, code: str = "", message: str = "", **headers: str) -> Failure:
    body = json.dumps([{"errorCode": code, "message": message}]).encode() if code or message else b"<html></html>"
    return classify(
        HttpResponse(status, {key.replace("_", "-"): value for key, value in headers.items()}, body), "sf", NOW
    )


@pytest.mark.parametrize(
    ("status", "code", "message", "remedy", "error", "syn"),
    [
        (200, "", "", Remedy.REPEAT, BadDataError, "SYN421"),
        (204, "", "", Remedy.REPEAT, BadDataError, "SYN421"),
        (300, "", "", Remedy.REPEAT, BadDataError, "SYN421"),
        (302, "", "", Remedy.REPEAT, BadDataError, "SYN421"),
        (304, "", "", Remedy.REPEAT, BadDataError, "SYN421"),
        (400, "MALFORMED_QUERY", "unexpected token", Remedy.STOP, SchemaError, "SYN407"),
        (400, "INVALID_FIELD", "No such column", Remedy.STOP, SchemaError, "SYN405"),
        (400, "INVALID_TYPE", "sObject type is not supported", Remedy.STOP, NoObjectError, "SYN405"),
        (400, "INVALID_QUERY_LOCATOR", "invalid query locator", Remedy.STOP, CursorLostError, "SYN420"),
        (404, "INVALID_QUERY_LOCATOR", "invalid query locator", Remedy.STOP, CursorLostError, "SYN420"),
        (400, "QUERY_TIMEOUT", "took too long", Remedy.STOP, QueryTimeoutError, "SYN418"),
        (400, "UNABLE_TO_LOCK_ROW", "locked", Remedy.REPEAT, RetryableError, "SYN412"),
        (400, "", "", Remedy.STOP, SchemaError, "SYN407"),
        (401, "INVALID_SESSION_ID", "Session expired or invalid", Remedy.REFRESH, AuthError, "SYN401"),
        (401, "", "", Remedy.REFRESH, AuthError, "SYN401"),
        (400, "INVALID_SESSION_ID", "Invalid session id", Remedy.REFRESH, AuthError, "SYN401"),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Remedy.STOP, QuotaExhaustedError, "SYN414"),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", Remedy.WAIT,
         RateLimitedError, "SYN413"),
        (403, "INSUFFICIENT_ACCESS", "no", Remedy.STOP, AuthError, "SYN402"),
        (403, "API_DISABLED_FOR_ORG", "no", Remedy.STOP, AuthError, "SYN402"),
        (403, "", "", Remedy.STOP, AuthError, "SYN402"),
        (404, "NOT_FOUND", "The requested resource does not exist", Remedy.STOP, SchemaError, "SYN406"),
        (405, "METHOD_NOT_ALLOWED", "no", Remedy.STOP, SchemaError, "SYN407"),
        (406, "", "", Remedy.REPEAT, RetryableError, "SYN412"),
        (408, "", "", Remedy.REPEAT, RetryableError, "SYN412"),
        (409, "", "", Remedy.REPEAT, RetryableError, "SYN412"),
        (410, "GONE", "retired", Remedy.STOP, RetiredVersionError, "SYN406"),
        (412, "", "", Remedy.STOP, SchemaError, "SYN407"),
        (414, "", "", Remedy.STOP, SchemaError, "SYN407"),
        (415, "", "", Remedy.STOP, SchemaError, "SYN407"),
        (420, "", "", Remedy.REPEAT, RetryableError, "SYN412"),
        (423, "", "", Remedy.REPEAT, RetryableError, "SYN412"),
        (428, "", "", Remedy.STOP, SchemaError, "SYN407"),
        (429, "", "", Remedy.WAIT, RateLimitedError, "SYN413"),
        (431, "", "", Remedy.STOP, SchemaError, "SYN407"),
        (500, "UNKNOWN_EXCEPTION", "oops", Remedy.REPEAT, RetryableError, "SYN412"),
        (502, "", "", Remedy.REPEAT, RetryableError, "SYN412"),
        (503, "SERVER_UNAVAILABLE", "maintenance", Remedy.REPEAT, RetryableError, "SYN412"),
        (504, "", "", Remedy.REPEAT, RetryableError, "SYN412"),
        (530, "", "", Remedy.REPEAT, RetryableError, "SYN412"),
    ],
)  # fmt: skip
def test_what_an_answer_means_for_a_read(
    status: int, code: str, message: str, remedy: Remedy, error: type, syn: str
) -> None:
    failure = read(status, code, message)
    assert (failure.remedy, type(failure.error), failure.error.code) == (remedy, error, syn)


def test_a_long_request_limit_waits_half_a_minute_to_two() -> None:
    failure = read(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.")
    assert failure.wait is not None
    assert 30 <= failure.wait <= 120


@pytest.mark.parametrize(("header", "wait"), [("17", 17.0), ("Fri, 20 Nov 2026 10:00:30 GMT", 30.0)])
def test_retry_after_is_honoured_where_it_is_sent(header: str, wait: float) -> None:
    assert read(429, Retry_After=header).wait == wait
    assert read(503, Retry_After=header).wait == wait


def test_a_bad_oauth_token_in_plain_text_is_a_refused_session() -> None:
    failure = classify(HttpResponse(403, {}, b"Bad_OAuth_Token"), "sf", NOW)
    assert failure.remedy is Remedy.REFRESH


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'[{"message":"m","errorCode":"C","fields":["OwnerId"]}]', "C", "m"),
        (b'{"error":"invalid_grant","error_description":"d"}', "invalid_grant", "d"),
        (b'{"exceptionCode":"InvalidSessionId","exceptionMessage":"invalid"}', "InvalidSessionId", "invalid"),
        (b"<html>busy</html>", "", "<html>busy</html>"),
        (b"", "", ""),
        (b"[]", "", ""),
        (b"[null]", "", ""),
        (b"7", "", ""),
        (b"\xff\xfe", "", "\ufffd\ufffd"),
    ],
)  # fmt: skip
def test_the_words_of_every_shape_of_error_are_found(body: bytes, code: str, message: str) -> None:
    assert words_of(HttpResponse(400, {}, body)) == Words(code, message)


RETRY, REJECTED = WriteOutcome.RETRY, WriteOutcome.REJECTED


@pytest.mark.parametrize(
    ("code", "message", "outcome"),
    [
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", RETRY),
        ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "", RETRY),
        ("LIMIT_EXCEEDED", "", RETRY),
        ("SERVER_UNAVAILABLE", "", RETRY),
        ("UNKNOWN_EXCEPTION", "", RETRY),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger: UNABLE_TO_LOCK_ROW, unable to obtain", RETRY),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Apex CPU time limit exceeded", RETRY),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "flow: unable_to_lock_row", RETRY),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger said no", REJECTED),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "flow said no", REJECTED),
        ("INACTIVE_OWNER_OR_USER", "operation performed with inactive user", REJECTED),
        ("OP_WITH_INVALID_USER_TYPE_EXCEPTION", "", REJECTED),
        ("INVALID_CROSS_REFERENCE_KEY", "", REJECTED),
        ("MALFORMED_ID", "", REJECTED),
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "", REJECTED),
        ("INSUFFICIENT_ACCESS_OR_READONLY", "", REJECTED),
        ("ENTITY_IS_LOCKED", "", REJECTED),
        ("TRANSFER_REQUIRES_READ", "", REJECTED),
        ("CANNOT_UPDATE_CONVERTED_LEAD", "", REJECTED),
        ("ENTITY_IS_DELETED", "entity is deleted", REJECTED),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "admin text", REJECTED),
        ("DUPLICATES_DETECTED", "", REJECTED),
        ("REQUIRED_FIELD_MISSING", "", REJECTED),
        ("FIELD_INTEGRITY_EXCEPTION", "", REJECTED),
        ("STRING_TOO_LONG", "", REJECTED),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", "", REJECTED),
        ("SOMETHING_NEW", "", REJECTED),
    ],
)
def test_what_the_verdict_on_a_row_means(code: str, message: str, outcome: WriteOutcome) -> None:
    assert outcome_of_row(code, message) is outcome


def test_a_failed_precondition_is_a_conflict_whatever_its_words() -> None:
    assert outcome_of_single(412, Words("", "")) is WriteOutcome.CONFLICT
    assert outcome_of_single(400, Words("UNABLE_TO_LOCK_ROW", "")) is RETRY
    assert outcome_of_single(404, Words("ENTITY_IS_DELETED", "")) is REJECTED


def test_an_error_quotes_little_of_what_the_crm_says() -> None:
    assert len(read(400, "MALFORMED_QUERY", "x" * 5_000).error.summary) < 400
