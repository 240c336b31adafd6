"""Composite and batch: up to 25 calls in one, each answered as if it had come alone (salesforce.md 3.2).

Of a composite, later calls may use what earlier ones answered: `@{ref.id}`, `@{ref.records[0].Id}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.state import OrgState
from syncd.sandbox.wire import Request, Response

MOST_CALLS = 25
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d{1,6}\])*)\}")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d{1,6})\]")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."
Dispatch = Callable[[Request], Response]


class _NoValue(Exception):
    """A reference to something that an earlier call did not answer; its text is the platform's message."""


def composite(state: OrgState, body: Mapping[str, Any], request: Request, dispatch: Dispatch) -> Response:
    """Answer POST /composite. Raises Refusal where the call as a whole is malformed."""
    calls = _calls_of(body, "compositeRequest")
    names = [call.get("referenceId") for call in calls]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise Refusal(400, "INVALID_FIELD", "every subrequest needs a referenceId of its own")
    mark = state.tables.begin()
    answered: dict[str, Any] = {}
    results: list[dict[str, Any]] = []
    for call in calls:
        response = _answer_one(call, answered, request, dispatch)
        document = _document_of(response)
        if response.status < 300:
            answered[call["referenceId"]] = document
        headers = {key: value for key, value in response.headers.items() if key in ("Location", "ETag")}
        results.append(_result(call, document, response.status, headers))
    if body.get("allOrNone") and any(result["httpStatusCode"] >= 400 for result in results):
        state.tables.rollback(mark)
        halted = [{"errorCode": "PROCESSING_HALTED", "message": _ROLLED_BACK}]
        failed = (result["httpStatusCode"] >= 400 for result in results)
        results = [
            result if bad else _result(call, halted, 400, {})
            for call, result, bad in zip(calls, results, failed, strict=True)
        ]
    else:
        state.tables.commit(mark)
    return Response.of_json(200, {"compositeResponse": results})


def batch(body: Mapping[str, Any], request: Request, dispatch: Dispatch) -> Response:
    """Answer POST /composite/batch. Raises Refusal where the call as a whole is malformed."""
    calls, halt = _calls_of(body, "batchRequests"), bool(body.get("haltOnError"))
    results: list[dict[str, Any]] = []
    for call in calls:
        if halt and any(result["statusCode"] >= 400 for result in results):
            halted = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}]
            results.append({"statusCode": 412, "result": halted})
            continue
        url = str(call.get("url", ""))
        target = url if url.startswith("/") else f"/services/data/{url}"
        rich = call.get("richInput")
        response = dispatch(_request_of(call, target, rich, request))
        results.append({"statusCode": response.status, "result": _document_of(response)})
    return Response.of_json(
        200, {"hasErrors": any(result["statusCode"] >= 400 for result in results), "results": results}
    )


def _calls_of(body: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The calls of a body. Raises Refusal."""
    calls = body.get(key)
    if not isinstance(calls, list) or not calls or not all(isinstance(call, dict) for call in calls):
        raise Refusal(400, "JSON_PARSER_ERROR", f"the body needs a list {key}")
    if len(calls) > MOST_CALLS:
        raise Refusal(400, "LIMIT_EXCEEDED", f"a composite request takes at most {MOST_CALLS} subrequests")
    return calls


def _answer_one(call: Mapping[str, Any], answered: Mapping[str, Any], request: Request, dispatch: Dispatch) -> Response:
    """One call of a composite, its references put in."""
    try:
        target = _filled(str(call.get("url", "")), answered)
        body = _filled_in(call.get("body"), answered)
    except _NoValue as error:
        return Refusal(400, "PROCESSING_HALTED", str(error)).response()
    if not target.startswith("/services/data/"):
        return Refusal(400, "INVALID_URL", f"a subrequest's url starts with /services/data/: {target}").response()
    return dispatch(_request_of(call, target, body, request))


def _request_of(call: Mapping[str, Any], target: str, body: Any, request: Request) -> Request:
    """A call as a request with the caller's own authorization; its `httpHeaders` beside it."""
    method = str(call.get("method", "")).upper()
    own = call.get("httpHeaders")
    headers = {str(key): str(value) for key, value in own.items()} if isinstance(own, dict) else {}
    kept = {key: value for key, value in request.headers.items() if key in ("authorization", "host")}
    data = b"" if body is None else json.dumps(body).encode()
    return Request.of(method if method in _METHODS else "NONE", target, {**headers, **kept}, data)


def _document_of(response: Response) -> Any:
    """An answer's body as a value; None for none."""
    return json.loads(response.body) if response.body else None


def _result(call: Mapping[str, Any], document: Any, status: int, headers: Mapping[str, str]) -> dict[str, Any]:
    """One call's place in the answer."""
    return {
        "body": document,
        "httpHeaders": dict(headers),
        "httpStatusCode": status,
        "referenceId": call["referenceId"],
    }


def _filled_in(value: Any, answered: Mapping[str, Any]) -> Any:
    """A body with its references put in, at any depth."""
    if isinstance(value, str):
        return _filled(value, answered)
    if isinstance(value, dict):
        return {key: _filled_in(item, answered) for key, item in value.items()}
    return [_filled_in(item, answered) for item in value] if isinstance(value, list) else value


def _filled(text: str, answered: Mapping[str, Any]) -> str:
    """A text with its references put in. Raises _NoValue."""
    return _REFERENCE.sub(lambda match: _value_of(match, answered), text)


def _value_of(match: re.Match[str], answered: Mapping[str, Any]) -> str:
    """What a reference stands for. Raises _NoValue."""
    value: Any = answered.get(match[1])
    for name, number in _STEP.findall(match[2]):
        if name:
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[int(number)] if isinstance(value, list) and int(number) < len(value) else None
    if value is None:
        path = match[2].removeprefix(".")
        raise _NoValue(f"Invalid reference specified. No value for {match[1]}.{path} found in {match[1]}")
    return str(value)
