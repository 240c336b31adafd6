"""How Salesforce says no: the error codes and body shapes of salesforce.md 3.6 and 4.3.

It knows nothing of why; whoever raises a Refusal does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.wire import Response


class Refusal(Exception):
    """One error as the REST API reports it: an HTTP status, an error code and the platform's words."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: tuple[str, ...] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.details = details or {}

    def response(self) -> Response:
        """The error as the body of a whole answer: an array of one (salesforce.md 4.3, shape 1)."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return Response.of_json(self.status, [{**self.details, **error}])

    def row(self) -> dict[str, Any]:
        """The error as one row of a collection: `statusCode`, not `errorCode` (shape 3)."""
        return {**self.details, "statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


def not_found(message: str = "The requested resource does not exist") -> Refusal:
    """No such endpoint or record."""
    return Refusal(404, "NOT_FOUND", message)


def not_allowed(method: str, *allowed: str) -> Refusal:
    """An endpoint that exists, asked by a method it does not take."""
    listed = ",".join(["HEAD", *allowed] if "GET" in allowed else allowed)
    return Refusal(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are {listed}")


def session_invalid() -> Refusal:
    """The access token is missing, expired or revoked."""
    return Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")


def limit_exceeded(total: bool = True) -> Refusal:
    """The day's requests are used up, or too many long ones run at once (salesforce.md 4.1)."""
    which = "TotalRequests Limit exceeded." if total else "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    return Refusal(403, "REQUEST_LIMIT_EXCEEDED", which)


def malformed_query(message: str) -> Refusal:
    """The SOQL text cannot be parsed."""
    return Refusal(400, "MALFORMED_QUERY", message)


def no_such_column(column: str, entity: str, query: str | None = None) -> Refusal:
    """A query or a body names a field that the object does not have, or that we may not see."""
    advice = (
        "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. "
        "Please reference your WSDL or the describe call for the appropriate names."
    )
    if query is None:
        return Refusal(400, "INVALID_FIELD", f"No such column '{column}' on sobject of type {entity}")
    at = max(0, query.lower().find(column.lower()))
    excerpt = query[max(0, at - 40) : at + 40]
    message = f"\n{excerpt}\nERROR at Row:1:Column:{at + 1}\nNo such column '{column}' on entity '{entity}'. {advice}"
    return Refusal(400, "INVALID_FIELD", message)


def no_such_relationship(name: str, entity: str, query: str) -> Refusal:
    """A path or a subquery names a relationship that the object does not have."""
    at = max(0, query.lower().find(name.lower()))
    excerpt = query[max(0, at - 40) : at + 40]
    message = (
        f"\n{excerpt}\nERROR at Row:1:Column:{at + 1}\nDidn't understand relationship '{name}' in FROM part of query "
        f"call or in a field path of '{entity}'. If you are attempting to use a custom relationship, be sure to append "
        "the '__r' after the custom relationship name."
    )
    return Refusal(400, "INVALID_FIELD", message)


def invalid_type(name: str) -> Refusal:
    """A query names an object that does not exist, or that we may not see."""
    return Refusal(
        400,
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the "
        "'__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
    )


_WORDS = {
    "INVALID_QUERY_LOCATOR": "invalid query locator",
    "INVALID_SESSION_ID": "Session expired or invalid",
    "QUERY_TIMEOUT": "Your query request was running for too long.",
    "REQUEST_LIMIT_EXCEEDED": "TotalRequests Limit exceeded.",
    "SERVER_UNAVAILABLE": "The server is unable to handle the request at this time",
    "UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record",
}


def response_of_status(status: int, code: str = "") -> Response:
    """An injected error with the status asked for, in the shape the platform or its edge gives it.

    `code` is an error code of the platform, or CONCURRENT_REQUESTS for the limit on long ones.
    """
    if code == "CONCURRENT_REQUESTS":
        return limit_exceeded(total=False).response()
    if code:
        return Refusal(status, code, _WORDS.get(code, "The request was refused")).response()
    known = {
        401: session_invalid(),
        403: limit_exceeded(),
        404: not_found(),
        409: Refusal(409, "CONFLICT", "The request could not be completed due to a conflict with the resource's state"),
        410: Refusal(410, "GONE", "The requested API version is no longer available"),
        412: Refusal(412, "PRECONDITION_FAILED", "The resource has changed since the date given"),
        429: limit_exceeded(total=False),
        500: Refusal(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId: 1234-5678"),
        503: Refusal(503, "SERVER_UNAVAILABLE", "The server is unable to handle the request at this time"),
    }
    if status in known:
        refusal = known[status]
        return Refusal(status, refusal.code, refusal.message).response()
    if status < 500:
        return Refusal(status, "UNKNOWN_EXCEPTION", "The request was refused").response()
    page = f"<html><head><title>{status}</title></head><body><h1>Bad gateway</h1></body></html>"
    return Response(status, {"Content-Type": "text/html;charset=UTF-8"}, page.encode())
