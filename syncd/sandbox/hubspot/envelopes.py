"""What many endpoints have in common: lists in queries, JSON bodies, inputs of batches and their envelope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.sandbox.hubspot.definitions import ObjectKind
from syncd.sandbox.hubspot.refusals import validation
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import stamp_text
from syncd.sandbox.wire import Request, Response

BATCH = 100
Document = dict[str, Any]


def listed(request: Request, name: str) -> list[str]:
    """A query parameter that may be repeated, joined by commas, or both."""
    return [part for value in request.query.get(name, []) for part in value.split(",") if part]


def read_limit(request: Request, *, default: int, most: int) -> int:
    """The `limit` of a query; a Refusal outside 1 to `most`."""
    text = request.query.get("limit", [str(default)])[0]
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise validation(f"Invalid limit {text}: it must be between 1 and {most}", limit=[text])
    return int(text)


def json_object(request: Request) -> Document:
    """The body as a JSON object; a Refusal for anything else."""
    try:
        document = request.json()
    except ValueError:
        raise validation("Invalid input JSON", code="INVALID_JSON") from None
    if not isinstance(document, dict):
        raise validation("Invalid input JSON: an object is expected", code="INVALID_JSON")
    return document


def inputs_of(document: Mapping[str, Any], most: int) -> list[Document]:
    """The `inputs` of a batch; a Refusal for none, too many, or ones that are no objects."""
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(item, dict) for item in inputs):
        raise validation("inputs must be a list of objects that is not empty", inputs=["invalid"])
    if len(inputs) > most:
        raise validation(
            f"The maximum number of inputs supported in a batch request is {most}", inputs=[str(len(inputs))]
        )
    return inputs


def input_ids(document: Mapping[str, Any], most: int) -> list[str]:
    """The ids of a batch's inputs as text."""
    ids = [item.get("id") for item in inputs_of(document, most)]
    if any(not isinstance(one, str | int) or isinstance(one, bool) for one in ids):
        raise validation("every input needs an id", inputs=["id"])
    return [str(one) for one in ids]


def missing_error(kind: ObjectKind, ids: Sequence[str]) -> Document:
    """The entry of `errors` for ids that were not found."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {kind.singular.upper()} objects, they may be deleted or not exist."
        " Check that ids are valid.",
        "context": {"ids": list(ids)},
    }


def batch_response(
    state: PortalState,
    results: Sequence[Document],
    errors: Sequence[Document],
    status: int,
    with_errors: int = 207,
) -> Response:
    """The envelope of a batch: `status`, or `with_errors` with `numErrors` and `errors` where there are any."""
    stamp = stamp_text(state.now)
    document: Document = {"status": "COMPLETE", "results": list(results)}
    if errors:
        document |= {"numErrors": len(errors), "errors": list(errors)}
    document |= {"startedAt": stamp, "completedAt": stamp}
    return Response.of_json(with_errors if errors else status, document)
