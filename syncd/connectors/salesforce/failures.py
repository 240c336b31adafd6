"""What Salesforce's refusals mean: the tables of salesforce.md 3.6, 4.2, 4.3 and 4.4 as two functions.

One reads a whole answer (for reads: what remedies it), the other the verdict on one row of a write. Nothing is sent
from here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from syncd.connectors.port import WriteOutcome
from syncd.connectors.retry import Failure, Remedy, limited, retry_after
from syncd.connectors.shape import no_json
from syncd.connectors.wire import HttpRequest, HttpResponse
from syncd.errors import (
    AuthError,
    CrmError,
    CursorLostError,
    QuotaExhaustedError,
    RetryableError,
    SchemaError,
)

CONCURRENCY_WAIT: Final = 60.0
RATE_WAIT: Final = 10.0
_GONE_SCHEMA: Final = frozenset({"INVALID_FIELD", "INVALID_TYPE"})
_SPENT: Final = "they come back bit by bit over 24 hours; Setup, API usage, tells which integration uses them up"
_PASSING_STATUS: Final = frozenset({406, 408, 409, 420, 423})
_PASSING_CODES: Final = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION"})
_PASSING_ROWS: Final = _PASSING_CODES | {"ALL_OR_NONE_OPERATION_ROLLED_BACK", "LIMIT_EXCEEDED"}
_TRIGGER_CODES: Final = frozenset({"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER"})
_PASSING_TRIGGER: Final = re.compile(r"UNABLE_TO_LOCK_ROW|CPU time limit", re.IGNORECASE)


class NoObjectError(SchemaError):
    """The organization has no such object, or none that we may know of."""


class RetiredVersionError(SchemaError):
    """The API version of the path is answered no more (salesforce.md 4.2)."""


class QueryTimeoutError(RetryableError):
    """A query took Salesforce too long; the same one will again, a narrower one may not."""


@dataclass(frozen=True, slots=True)
class Words:
    """What Salesforce says of a refusal."""

    code: str
    message: str


def words_of(response: HttpResponse) -> Words:
    """Its errorCode and message, from any of the shapes of salesforce.md 4.3; empty where there are none."""
    try:
        document: Any = json.loads(response.body)
    except (ValueError, RecursionError):
        return Words("", response.body[:200].decode("utf-8", "replace").strip())
    first = document[0] if isinstance(document, list) and document else document
    if not isinstance(first, dict):
        return Words("", "")
    code = first.get("errorCode") or first.get("exceptionCode") or first.get("error") or ""
    message = first.get("message") or first.get("exceptionMessage") or first.get("error_description") or ""
    return Words(str(code), str(message)[:500])


def classify(response: HttpResponse, where: str, now: datetime, request: HttpRequest | None = None) -> Failure:
    """What a refusal means for a read; `now` is for a Retry-After that is a date, `request` was refused."""
    words = words_of(response)
    if response.status == 401 or words.code == "INVALID_SESSION_ID" or words.message == "Bad_OAuth_Token":
        return _stop_or(
            Remedy.REFRESH, AuthError("SYN401", _told("the session was refused", words), where=where), words
        )
    if response.status == 403:
        return _refused(words, where)
    if response.status < 400:
        return _stop_or(Remedy.REPEAT, no_json("Salesforce", response, where, request), words)
    wait = retry_after(response.header("Retry-After"), now)
    if response.status == 429:
        return limited(
            "Salesforce asks to wait", where=where, wait=RATE_WAIT if wait is None else wait, code=words.code
        )
    if response.status >= 500 or response.status in _PASSING_STATUS or words.code in _PASSING_CODES:
        error = RetryableError("SYN412", _told(f"Salesforce answered {response.status}", words), where=where)
        return Failure(Remedy.REPEAT, error, wait=wait, code=words.code)
    return _stop_or(Remedy.STOP, _final(response.status, words, where), words)


def _stop_or(remedy: Remedy, error: CrmError, words: Words) -> Failure:
    return Failure(remedy, error, code=words.code)


def _refused(words: Words, where: str) -> Failure:
    """403 is a limit or a permission; only the text tells which limit."""
    if words.code == "REQUEST_LIMIT_EXCEEDED":
        if "concurrent" in words.message.lower():
            return limited(
                _told("too many long requests at once", words), where=where, wait=CONCURRENCY_WAIT, code=words.code
            )
        spent = QuotaExhaustedError(
            "SYN414", _told("the organization's daily API calls are used up", words), where=where, hint=_SPENT
        )
        return Failure(Remedy.STOP, spent, code=words.code)
    hint = "give the integration user's permission set what it lacks: docs/connectors.md lists it"
    error = AuthError("SYN402", _told("Salesforce refuses access", words), where=where, hint=hint)
    return Failure(Remedy.STOP, error, code=words.code)


def _final(status: int, words: Words, where: str) -> CrmError:
    """The refusals that no repeat changes."""
    if words.code == "INVALID_QUERY_LOCATOR":
        return CursorLostError("SYN420", "the query's pages have expired", where=where)
    if words.code == "QUERY_TIMEOUT":
        return QueryTimeoutError("SYN418", "the query takes Salesforce too long", where=where)
    if words.code in _GONE_SCHEMA:
        gone = NoObjectError if words.code == "INVALID_TYPE" else SchemaError
        hint = "correct the mapping, or the user's field access"
        return gone("SYN405", words.message or words.code, where=where, hint=hint)
    if status in (404, 410):
        hint = "check api_version, and that the object is in this organization"
        gone = RetiredVersionError if status == 410 else SchemaError
        return gone(
            "SYN406", _told(f"Salesforce answered {status}: this path is not there", words), where=where, hint=hint
        )
    return SchemaError("SYN407", _told(f"Salesforce refuses the request ({status})", words), where=where)


def outcome_of_row(code: str, message: str) -> WriteOutcome:
    """The verdict on one row that Salesforce did not write (salesforce.md 3.6)."""
    if code in _PASSING_ROWS or (code in _TRIGGER_CODES and _PASSING_TRIGGER.search(message)):
        return WriteOutcome.RETRY
    return WriteOutcome.REJECTED


def outcome_of_single(status: int, words: Words) -> WriteOutcome:
    """The verdict on a one-row write that was refused for the row's own sake."""
    return WriteOutcome.CONFLICT if status == 412 else outcome_of_row(words.code, words.message)


def _told(summary: str, words: Words) -> str:
    said = ": ".join(part for part in (words.code, words.message[:200]) if part)
    return f"{summary} ({said})" if said else summary
