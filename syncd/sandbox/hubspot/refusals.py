"""The errors of the fake portal in HubSpot's own shapes (hubspot.md 9.8 and 9.9)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Refusal(Exception):
    """A request the portal does not fulfil: the status and the body, whose correlation id the model adds."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body.get("message"))
        self.status = status
        self.body = dict(body)
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class PropertyProblem:
    """One property value that a write may not have, in HubSpot's words."""

    name: str
    error: str
    message: str

    def embedded(self) -> dict[str, object]:
        """The form in which HubSpot embeds it, as JSON, in the text of a message."""
        return {"isValid": False, "message": self.message, "error": self.error, "name": self.name}


def plain(status: int, category: str | None, message: str, **more: object) -> Refusal:
    """The common error body; `category` None leaves it out, as several endpoints do."""
    body: dict[str, object] = {"status": "error", "message": message}
    if category is not None:
        body["category"] = category
    return Refusal(status, {**body, **more})


def validation(message: str, *, code: str | None = None, **context: list[str]) -> Refusal:
    """400 VALIDATION_ERROR."""
    errors = [{"message": message, **({"code": code} if code else {}), "context": context}]
    return plain(400, "VALIDATION_ERROR", message, errors=errors)


def values_message(problems: Sequence[PropertyProblem]) -> str:
    """The message of invalid property values, which carries them as a JSON array in its text."""
    listed = json.dumps([problem.embedded() for problem in problems], ensure_ascii=False, separators=(",", ":"))
    return f"Property values were not valid: {listed}"


def invalid_values(problems: Sequence[PropertyProblem]) -> Refusal:
    """400 for a write with property values that are not valid."""
    errors = [{"message": p.message, "code": p.error, "context": {"propertyName": [p.name]}} for p in problems]
    return plain(400, "VALIDATION_ERROR", values_message(problems), errors=errors)


def not_found(status: int = 404) -> Refusal:
    """404 for a record or an endpoint that does not exist; 410 for one that is gone."""
    return plain(status, "OBJECT_NOT_FOUND", "resource not found")


def conflict(message: str) -> Refusal:
    """409 for what exists already."""
    return plain(409, "CONFLICT", message)


def locked() -> Refusal:
    """423 for a record that another process holds; it lasts two seconds (4.4)."""
    return plain(423, None, "The object is locked by another process; try again in 2 seconds.")


def migrating(seconds: int) -> Refusal:
    """477 while the portal moves to another data centre (4.4)."""
    return Refusal(477, {"status": "error", "message": "Migration in progress"}, {"Retry-After": str(seconds)})


def not_unique(type_id: str, name: str, portal_id: int) -> Refusal:
    """400 for an idProperty that does not tell records apart (segmentio/action-destinations #3957)."""
    text = f"Unable to perform update/upsert by non-unique {type_id} property {name} in portal ID {portal_id}"
    return validation(text, idProperty=[name])


def unauthenticated() -> Refusal:
    """401 without credentials, or with ones that are unknown or revoked."""
    return plain(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details"
        " at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )


def expired(at: str, days: int) -> Refusal:
    """401 for an OAuth access token past its time."""
    return plain(
        401,
        "EXPIRED_AUTHENTICATION",
        f"The OAuth token used to make this call expired {days} day(s) ago.",
        context={"expire time": [at]},
    )


def missing_scopes(scopes: Sequence[str]) -> Refusal:
    """403 for an app without a scope that the endpoint asks for."""
    return plain(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here:"
        " https://developers.hubspot.com/scopes.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredScopes": list(scopes)},
            }
        ],
    )


def rate_limited(policy: str, request_id: str, *, bare: bool = False) -> Refusal:
    """429 of a policy: `TEN_SECONDLY_ROLLING`, `SECONDLY` (search) or `DAILY`; `bare` is the newer form without it."""
    message = f"You have reached your {policy.lower()} limit."
    if bare:
        return plain(429, "RATE_LIMITS", message)
    body: dict[str, object] = {"errorType": "RATE_LIMIT", "policyName": policy}
    if policy == "TEN_SECONDLY_ROLLING":
        body["requestId"] = request_id
    return plain(429, None, message, **body)


def by_status(status: int, code: str = "") -> Refusal:
    """An error of that status as the portal would say it; a server error where HubSpot documents no other words.

    `code` is the policy of a 429, or the category of another error.
    """
    if status == 429:
        return rate_limited(code or "TEN_SECONDLY_ROLLING", "00000000-0000-0000-0000-000000000000")
    if status in (401, 403) and code:
        return plain(status, code, "The sandbox was told to refuse this call.")
    match status:
        case 400:
            return validation("Invalid input JSON", code="INVALID_JSON")
        case 401:
            return expired("1970-01-01T00:00:00Z", 20_000)
        case 403:
            return missing_scopes(["crm.objects.companies.read"])
        case 404:
            return not_found()
        case 409:
            return conflict("The record was changed by another request.")
        case 414:
            return plain(414, None, "URI Too Long")
        case 423:
            return locked()
        case 477:
            return migrating(3_600)
        case 530:
            return plain(530, None, "The access token cannot be read.")
        case _:
            return plain(status, None, "internal error")


def not_allowed() -> Refusal:
    """405 for a method that an endpoint does not know."""
    return plain(405, None, "HTTP 405 Method Not Allowed")
