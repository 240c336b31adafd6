"""One test a row of the tables of hubspot.md 3.2, 4.3, 4.4 and 9.9."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.connectors.hubspot.failures import classify, error_of_row
from syncd.connectors.port import WriteOutcome
from syncd.connectors.retry import Failure, Remedy
from syncd.connectors.wire import HttpResponse
from syncd.errors import (
    AuthError,
    BadDataError,
    QuotaExhaustedError,
    RateLimitedError,
    RetryableError,
    SchemaError,
)

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def read(status: int, document: dict[str, Any] | None = None, **headers: str) -> Failure:
    body = b"<html></html>" if document is None else json.dumps(document).encode()
    return classify(
        HttpResponse(status, {key.replace("_", "-"): value for key, value in headers.items()}, body), "hs", NOW
    )


@pytest.mark.parametrize(
    ("status", "document", "remedy", "error", "syn"),
    [
        (200, None, Remedy.REPEAT, BadDataError, "SYN421"),
        (302, None, Remedy.REPEAT, BadDataError, "SYN421"),
        (400, {"category": "VALIDATION_ERROR"}, Remedy.STOP, SchemaError, "SYN407"),
        (400, None, Remedy.STOP, SchemaError, "SYN407"),
        (401, {"category": "INVALID_AUTHENTICATION"}, Remedy.REFRESH, AuthError, "SYN401"),
        (401, {"category": "EXPIRED_AUTHENTICATION"}, Remedy.REFRESH, AuthError, "SYN401"),
        (401, None, Remedy.REFRESH, AuthError, "SYN401"),
        (403, {"category": "MISSING_SCOPES"}, Remedy.STOP, AuthError, "SYN402"),
        (403, {"category": "BANNED"}, Remedy.STOP, AuthError, "SYN402"),
        (404, {"category": "OBJECT_NOT_FOUND"}, Remedy.STOP, SchemaError, "SYN406"),
        (404, None, Remedy.STOP, SchemaError, "SYN406"),
        (409, {"category": "CONFLICT"}, Remedy.REPEAT, RetryableError, "SYN412"),
        (410, None, Remedy.STOP, SchemaError, "SYN406"),
        (414, None, Remedy.STOP, SchemaError, "SYN407"),
        (423, None, Remedy.REPEAT, RetryableError, "SYN412"),
        (429, {"policyName": "SECONDLY"}, Remedy.WAIT, RateLimitedError, "SYN413"),
        (429, {"policyName": "TEN_SECONDLY_ROLLING"}, Remedy.WAIT, RateLimitedError, "SYN413"),
        (429, {"policyName": "DAILY"}, Remedy.STOP, QuotaExhaustedError, "SYN414"),
        (429, {"message": "You have reached your daily limit."}, Remedy.STOP, QuotaExhaustedError, "SYN414"),
        (429, None, Remedy.WAIT, RateLimitedError, "SYN413"),
        (477, None, Remedy.STOP, RateLimitedError, "SYN417"),
        (500, None, Remedy.REPEAT, RetryableError, "SYN412"),
        (502, None, Remedy.REPEAT, RetryableError, "SYN412"),
        (503, None, Remedy.REPEAT, RetryableError, "SYN412"),
        (504, None, Remedy.REPEAT, RetryableError, "SYN412"),
        (521, None, Remedy.REPEAT, RetryableError, "SYN412"),
        (522, None, Remedy.STOP, RetryableError, "SYN412"),
        (523, None, Remedy.REPEAT, RetryableError, "SYN412"),
        (524, None, Remedy.REPEAT, RetryableError, "SYN412"),
        (525, None, Remedy.STOP, RetryableError, "SYN412"),
        (526, None, Remedy.STOP, RetryableError, "SYN412"),
        (530, None, Remedy.REFRESH, AuthError, "SYN401"),
    ],
)
def test_what_an_answer_means_for_a_read(
    status: int, document: dict[str, Any] | None, remedy: Remedy, error: type, syn: str
) -> None:
    failure = read(status, document)
    assert (failure.remedy, type(failure.error), failure.error.code) == (remedy, error, syn)


@pytest.mark.parametrize(
    ("document", "header", "wait"),
    [
        ({"policyName": "SECONDLY"}, None, 1.0),
        ({"message": "You have reached your secondly limit."}, None, 1.0),
        ({"policyName": "TEN_SECONDLY_ROLLING"}, None, 10.0),
        ({"message": "You have reached your ten_secondly_rolling limit.", "category": "RATE_LIMITS"}, None, 10.0),
        ({}, None, 10.0),
        ({"policyName": "SECONDLY"}, "5", 5.0),
        ({}, "86400", 60.0),
    ],
)
def test_how_long_a_limit_is_waited_for(document: dict[str, Any], header: str | None, wait: float) -> None:
    headers = {} if header is None else {"Retry_After": header}
    assert read(429, document, **headers).wait == wait


def test_a_record_lock_lasts_two_seconds() -> None:
    assert read(423).wait == 2.0


def test_a_moving_portal_says_how_long() -> None:
    failure = read(477, None, Retry_After="3600")
    assert isinstance(failure.error, RateLimitedError)
    assert failure.error.wait == 3600.0


@pytest.mark.parametrize("key", ["requiredScopes", "requiredGranularScopes"])
def test_missing_scopes_are_named(key: str) -> None:
    document = {"category": "MISSING_SCOPES", "errors": [{"context": {key: ["crm.objects.owners.read"]}}]}
    assert "crm.objects.owners.read" in read(403, document).error.summary


VALIDATION = (
    'Property values were not valid: [{"isValid":false,"message":"owner 123 does not exist",'
    '"error":"INVALID_OWNER_ID","name":"hubspot_owner_id"}]'
)


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        ({"category": "VALIDATION_ERROR", "message": VALIDATION}, WriteOutcome.REJECTED, "INVALID_OWNER_ID"),
        ({"category": "VALIDATION_ERROR", "errors": [{"code": "NO_NUMBER"}]}, WriteOutcome.REJECTED, "NO_NUMBER"),
        ({"category": "VALIDATION_ERROR", "message": "plain [not json]"}, WriteOutcome.REJECTED, "VALIDATION_ERROR"),
        ({"category": "VALIDATION_ERROR", "message": "[{broken}]"}, WriteOutcome.REJECTED, "VALIDATION_ERROR"),
        ({"category": "OBJECT_NOT_FOUND", "message": "gone"}, WriteOutcome.REJECTED, "OBJECT_NOT_FOUND"),
        ({"category": "RATE_LIMITS"}, WriteOutcome.RETRY, "RATE_LIMITS"),
        ({"category": "CONFLICT"}, WriteOutcome.RETRY, "CONFLICT"),
        ({}, WriteOutcome.REJECTED, "UNKNOWN"),
    ],
)  # fmt: skip
def test_what_one_error_of_a_batch_means(error: dict[str, Any], outcome: WriteOutcome, code: str) -> None:
    assert error_of_row(error)[:2] == (outcome, code)
