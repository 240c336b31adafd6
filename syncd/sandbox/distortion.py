"""Good answers made bad: late, short, broken, out of order, with a record twice, with wrong headers.

It knows no CRM: a page is a JSON object with a list under `records` or `results`, and nothing else is touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from syncd.sandbox.faults import Fault, FaultKind
from syncd.sandbox.wire import Response

_LISTS = ("records", "results")
_MEGABYTE = 1_000_000


def damaged(fault: Fault, response: Response) -> Response:
    """A good response with the fault in it; one that the fault cannot be put into stays good."""
    return _DAMAGES[fault.kind](fault, replace(response, packed=None))


def _garbled(_: Fault, response: Response) -> Response:
    """Bytes in the middle that are no UTF-8."""
    half = _half(response)
    return replace(response, body=half + b"\xff\xfe" + response.body[len(half) :])


def _flooded(fault: Fault, response: Response) -> Response:
    """Blanks in front, which JSON allows: a body too large to be read, though nothing in it is wrong."""
    return replace(response, body=b" " * (fault.size * _MEGABYTE) + response.body)


def _shuffled(fault: Fault, response: Response) -> Response:
    """The records in an order that the seed draws."""

    def place(position: int) -> bytes:
        return hashlib.sha256(f"{fault.seed}:{position}".encode()).digest()

    def change(items: list[Any]) -> list[Any]:
        return [items[position] for position in sorted(range(len(items)), key=place)]

    return _with_items(response, change)


def _doubled(fault: Fault, response: Response) -> Response:
    """The first record once more at the end, with other values where some are given."""

    def copied(item: Any) -> Any:
        if not isinstance(item, Mapping):
            return item
        inner = item.get("properties")
        if isinstance(inner, Mapping):
            return {**item, "properties": {**inner, **fault.values}}
        return {**item, **fault.values}

    return _with_items(response, lambda items: [*items, *map(copied, items[:1])])


def _with_items(response: Response, change: Callable[[list[Any]], list[Any]]) -> Response:
    """The response with its page's list changed; one that is no page stays."""
    try:
        document = json.loads(response.body)
    except ValueError:
        return response
    name = next((key for key in _LISTS if isinstance(document, dict) and isinstance(document.get(key), list)), None)
    if name is None:
        return response
    changed = Response.of_json(response.status, {**document, name: change(document[name])})
    return replace(response, body=changed.body)


def _without(fault: Fault, response: Response) -> Response:
    """One header missing."""
    kept = {key: value for key, value in response.headers.items() if key.lower() != fault.code.lower()}
    return replace(response, headers=kept)


def _half(response: Response) -> bytes:
    """The first half of a body, one byte at least."""
    return response.body[: max(1, len(response.body) // 2)]


_DAMAGES: Mapping[FaultKind, Callable[[Fault, Response], Response]] = {
    FaultKind.TRUNCATE: lambda _, response: replace(response, body=_half(response)),
    FaultKind.CUT: lambda _, response: replace(response, body=_half(response), drop=True),
    FaultKind.GARBLE: _garbled,
    FaultKind.STALL: lambda fault, response: replace(response, stall=fault.seconds),
    FaultKind.CUT_HEADERS: lambda _, response: replace(response, trick="headers"),
    FaultKind.CUT_GZIP: lambda _, response: replace(response, trick="gzip"),
    FaultKind.LENGTH: lambda fault, response: replace(response, trick=f"length {fault.size}"),
    FaultKind.DRIP: lambda fault, response: replace(response, trick=f"drip {fault.seconds}"),
    FaultKind.FLOOD: _flooded,
    FaultKind.SHUFFLE: _shuffled,
    FaultKind.DOUBLE: _doubled,
    FaultKind.WITH: lambda fault, response: replace(response, headers={**response.headers, **fault.headers}),
    FaultKind.WITHOUT: _without,
}
