"""Request bodies read as the platform's JSON parser does."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.wire import Request


def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises Refusal JSON_PARSER_ERROR for anything else."""
    try:
        document = request.json()
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "JSON_PARSER_ERROR", f"The body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise Refusal(400, "JSON_PARSER_ERROR", "The HTTP entity body is required to be an object")
    return document


def type_named(record: dict[str, Any]) -> str | None:
    """The object that a record's `attributes` name, None where they name none."""
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    return name if isinstance(name, str) and name else None


def whole_number(request: Request, name: str, default: int) -> int:
    """A parameter that is a whole number. Raises Refusal for another text."""
    text = request.query.get(name, [str(default)])[0]
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal(400, "INVALID_PARAMETER", f"{name} is no number: {text}")
    return int(text)
