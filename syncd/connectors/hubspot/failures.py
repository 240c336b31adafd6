"""What HubSpot's refusals mean: the tables of hubspot.md 3.2, 4.3, 4.4 and 9.9 as two functions.

One reads a whole answer (for reads: what remedies it), the other one error of a batch. Nothing is sent from here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
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
    QuotaExhaustedError,
    RateLimitedError,
    RetryableError,
    SchemaError,
)

RETRY_AFTER_CAP: Final = 60.0
LOCK_WAIT: Final = 2.0
MIGRATING: Final = 477
_POLICY_WAITS: Final[Mapping[str, float]] = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
_UNKNOWN_POLICY_WAIT: Final = 10.0
_PASSING: Final = frozenset({406, 408, 409, 420, 423})
_BAD_LINE: Final = frozenset({522, 525, 526})
_BAD_TOKEN: Final = frozenset({401, 530})
_PASSING_ROWS: Final = frozenset(
    {"RATE_LIMITS", "RATE_LIMIT", "LOCKED", "CONFLICT", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"}
)
_RENEW: Final = "rotate the key (Development, Keys, Service keys) and put the new one where hubspot.token refers to"
_GRANT: Final = "give the key what it lacks: HubSpot, Development, Keys, Service keys, the key, Scopes"
_SPENT: Final = "reads go on after midnight in the portal's time zone; find out which app uses them up"
_EMBEDDED: Final = re.compile(r"\[\s*\{.*\}\s*\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Words:
    """What HubSpot says of a refusal: its category (or the code of a property), and its message."""

    category: str
    message: str
    policy: str = ""
    scopes: tuple[str, ...] = ()


def words_of(response: HttpResponse) -> Words:
    """Its words from the body; every field is optional, and bodies may be HTML or empty (hubspot.md 4.4)."""
    try:
        document: Any = json.loads(response.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return Words("", "")
    category = document.get("category") or document.get("errorType") or ""
    policy = str(document.get("policyName") or "")
    return Words(str(category), str(document.get("message") or "")[:500], policy, _scopes(document))


def classify(response: HttpResponse, where: str, now: datetime, request: HttpRequest | None = None) -> Failure:
    """What a refusal means for a read; `now` is for a Retry-After that is a date, `request` was refused."""
    words, status = words_of(response), response.status
    wait = retry_after(response.header("Retry-After"), now)
    if status in _BAD_TOKEN:
        refused = AuthError("SYN401", _told("HubSpot refuses the token", words), where=where, hint=_RENEW)
        return Failure(Remedy.REFRESH, refused, code=words.category)
    if status < 400:
        return Failure(Remedy.REPEAT, no_json("HubSpot", response, where, request))
    if status == 429:
        return _limited(words, wait, where)
    if status == MIGRATING:
        parked = RateLimitedError(
            "SYN417", "HubSpot is moving this portal to another data centre", wait=wait, where=where
        )
        return Failure(Remedy.STOP, parked, code=str(MIGRATING))
    if status in _BAD_LINE:
        problem = RetryableError("SYN412", f"HubSpot's edge cannot reach HubSpot ({status})", where=where)
        return Failure(Remedy.STOP, problem, code=str(status))
    if status >= 500 or status in _PASSING:
        least = LOCK_WAIT if status == 423 else wait
        problem = RetryableError("SYN412", _told(f"HubSpot answered {status}", words), where=where)
        return Failure(Remedy.REPEAT, problem, wait=least, code=words.category)
    return Failure(Remedy.STOP, _final(status, words, where), code=words.category)


def _limited(words: Words, wait: float | None, where: str) -> Failure:
    """429: the policy says which limit; Retry-After is an optional hint, no longer than a minute (hubspot.md 4.2)."""
    if words.policy == "DAILY" or "daily limit" in words.message.lower():
        spent = QuotaExhaustedError("SYN414", "the portal's daily API calls are used up", where=where, hint=_SPENT)
        return Failure(Remedy.STOP, spent, code="DAILY")
    policy = words.policy or ("SECONDLY" if "your secondly" in words.message.lower() else "")
    seconds = _POLICY_WAITS.get(policy, _UNKNOWN_POLICY_WAIT) if wait is None else min(wait, RETRY_AFTER_CAP)
    return limited(_told("HubSpot asks to wait", words), where=where, wait=seconds, code=policy or words.category)


def _final(status: int, words: Words, where: str) -> CrmError:
    """The refusals that no repeat changes."""
    if status == 403:
        named = f": {', '.join(words.scopes)}" if words.scopes else ""
        return AuthError("SYN402", _told(f"HubSpot refuses access{named}", words), where=where, hint=_GRANT)
    if status in (404, 410):
        summary = _told(f"HubSpot answered {status}: this path is not there", words)
        return SchemaError("SYN406", summary, where=where, hint="check api_version and the mapped objects")
    return SchemaError("SYN407", _told(f"HubSpot refuses the request ({status})", words), where=where)


def error_of_row(error: Mapping[str, Any]) -> tuple[WriteOutcome, str, str]:
    """The verdict on one row that a batch did not write: outcome, code, message.

    A validation error quotes a JSON list in its message; the code of its first entry says more than the category.
    """
    category, message = str(error.get("category") or "UNKNOWN"), str(error.get("message") or "")
    outcome = WriteOutcome.RETRY if category in _PASSING_ROWS else WriteOutcome.REJECTED
    return outcome, _property_code(error, message) or category, message[:500]


def _property_code(error: Mapping[str, Any], message: str) -> str | None:
    for entry in error.get("errors") or ():
        if isinstance(entry, dict) and entry.get("code"):
            return str(entry["code"])
    embedded = _EMBEDDED.search(message)
    if embedded is None:
        return None
    try:
        entries = json.loads(embedded[0])
    except (ValueError, RecursionError):
        return None
    first = entries[0] if entries and isinstance(entries[0], dict) else {}
    return str(first["error"]) if first.get("error") else None


def _scopes(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The scopes that a 403 asks for; the key of the context varies."""
    found: list[str] = []
    for entry in document.get("errors") or ():
        context = entry.get("context") if isinstance(entry, dict) else None
        for key, scopes in (context or {}).items():
            if "scope" in str(key).lower() and isinstance(scopes, list):
                found += map(str, scopes)
    return tuple(dict.fromkeys(found))


def _told(summary: str, words: Words) -> str:
    said = ": ".join(part for part in (words.category, words.message[:200]) if part)
    return f"{summary} ({said})" if said else summary
