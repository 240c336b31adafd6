"""The reception of a face: takes each request, injects faults, lets the CRM model answer, writes the journal.

It also answers the endpoints under `/_sandbox/`, which no CRM has: log, records, edit, faults, clock. It knows a model
only by the protocol below.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from syncd.clock import iso, parse_instant
from syncd.sandbox.distortion import damaged
from syncd.sandbox.faults import Fault, FaultKind, FaultScript, Incident, RowFault
from syncd.sandbox.journal import Journal
from syncd.sandbox.timekeeping import SandboxClock, http_date
from syncd.sandbox.wire import Request, Response

PREFIX = "/_sandbox/"
_HTML = "<html><head><title>{status}</title></head><body><h1>Service temporarily unavailable</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says to a request, and in words what that changed, one line a record."""

    response: Response
    effects: tuple[str, ...] = ()


class Model(Protocol):
    """One fake CRM's state, as the reception uses it. The reception serialises all calls but `fault_response`."""

    def answer(self, request: Request, row_fault: RowFault | None) -> Answer:
        """Answer a request of the CRM's API; `row_fault` names rows of a batch to refuse."""
        ...

    def fault_response(self, status: int, code: str = "") -> Response:
        """An error with that status in the CRM's own shape (the session is gone, the limit is reached, …).

        `code` is the CRM's own word for it, where the script names one: an error code, the policy of a limit.
        """
        ...

    def edit(self, command: Mapping[str, Any]) -> Sequence[str]:
        """Act as a person in the UI would; what changed, in words. ValueError for a command that makes no sense."""
        ...

    def records(self, name: str) -> Sequence[Mapping[str, Any]]:
        """All records of an object, deleted ones included; KeyError for an object that does not exist."""
        ...


REPLAYED_FOR = timedelta(minutes=10)
"""How old an answer is at most that is given once more: as caches and lagging replicas have them, not last night's."""


_REMEMBERED = 64
"""So many answers are kept to be given once more."""
_AFTER = re.compile(rb'(,\s*)?"after":\s*"?\d*"?(?(1)|,?\s*)')
_Question = tuple[str, str, str, bytes]


def _question(request: Request) -> _Question:
    """What is asked: an answer to another question may be one that no client can doubt, such as a count for a list.

    Pages of one query are answers to one question: by a locator at the end of the path, or by `after`.
    """
    head, _, last = request.path.rstrip("/").rpartition("/")
    path = f"{head}/*" if any(character.isdigit() for character in last) else f"{head}/{last}"
    asked = {name: values for name, values in request.query.items() if name != "after"}
    return request.method, path, repr(sorted(asked.items())), _AFTER.sub(b"", request.body)


class Reception:
    """Everything between the transport and a model. `handle` is thread-safe; the model is under one lock.

    `attendants` are called before each request, outside the lock: what the vendor's own software has to do by then.
    `switches` are more control endpoints by name, each a function from the body (None for a GET) to a document.
    """

    def __init__(self, model: Model, clock: SandboxClock) -> None:
        self.journal = Journal()
        self.faults = FaultScript()
        self.lock = threading.RLock()
        self.attendants: list[Callable[[], None]] = []
        self.switches: dict[str, Callable[[Any], Any]] = {}
        self._model = model
        self._clock = clock
        self._previous: dict[_Question, tuple[datetime, Response]] = {}

    def attend(self) -> None:
        """Let the attendants do what is due."""
        for attendant in self.attendants:
            attendant()

    def handle(self, request: Request) -> Response:
        """Answer one request, `/_sandbox/` included; never raises for what a client can send."""
        self.attend()
        if request.path.startswith(PREFIX):
            return self._dated(self._control(request))
        incident = self.faults.strike(request)
        with self.lock:
            for command in incident.edits_before:
                self.edit(command)
            response, effects, told = self._answered(request, incident)
            response = self._dated(response)
            status = 0 if response.drop else response.status
            self.journal.record(request, status, at=self._clock.now(), effects=effects, fault=told)
            for command in incident.edits_after:
                self.edit(command)
        return response

    def handle_from(self, source: str, request: Request) -> Response:
        """Answer a call of the vendor's own software: journalled under `source`, and no fault is meant for it."""
        with self.lock:
            answer = self._model.answer(request, None)
            self.journal.record(
                request, answer.response.status, at=self._clock.now(), effects=answer.effects, source=source
            )
            return answer.response

    def edit(self, command: Mapping[str, Any], *, source: str = "person") -> tuple[str, ...]:
        """Let a person edit, and journal it as theirs. ValueError for a command that makes no sense."""
        with self.lock:
            effects = tuple(self._model.edit(command))
            request = Request("POST", f"{PREFIX}edit", {}, {}, Response.of_json(0, dict(command)).body)
            self.journal.record(request, 200, at=self._clock.now(), effects=effects, source=source)
            return effects

    def _answered(self, request: Request, incident: Incident) -> tuple[Response, tuple[str, ...], str | None]:
        """The response to a request of the API, with its fault; what it changed; which fault there was to tell of."""
        fault, told = incident.fault, incident.text
        if fault is not None and not fault.after:
            return self._instead(fault, None), (), told
        answer = self._model.answer(request, incident.row_fault)
        question, now = _question(request), self._clock.now()
        given_at, previous = self._previous.get(question, (now, answer.response))
        if now - given_at > REPLAYED_FOR:
            previous = answer.response
        own = fault is not None and fault.kind is FaultKind.REPLAY and previous is answer.response
        if not answer.effects and (own or fault is None or fault.kind is FaultKind.ROW):
            self._remember(question, now, answer.response)
        if fault is None or fault.kind is FaultKind.ROW:
            return answer.response, answer.effects, told
        if fault.kind is FaultKind.REPLAY:
            same = (previous.status, previous.body) == (answer.response.status, answer.response.body)
            return previous, answer.effects, None if same else told  # the answer of before was no other: no fault
        return self._instead(fault, answer.response), answer.effects, told

    def _remember(self, question: _Question, now: datetime, response: Response) -> None:
        """Keep an answer that was given, to be given once more; what nobody got, no cache has."""
        self._previous.pop(question, None)
        self._previous[question] = now, response
        while len(self._previous) > _REMEMBERED:
            del self._previous[next(iter(self._previous))]

    def _instead(self, fault: Fault, response: Response | None) -> Response:
        """What goes over the wire in place of `response` (None: nothing was done)."""
        match fault.kind:
            case FaultKind.DROP:
                return Response(0, drop=True)
            case FaultKind.REFUSE:
                return Response(0, drop=True, refused=True)
            case FaultKind.TIMEOUT:
                return Response(0, drop=True, timeout=True, stall=fault.seconds)
            case FaultKind.EMPTY:
                return Response(fault.status, dict(fault.headers))
            case FaultKind.HTML:
                body = fault.body or _HTML.format(status=fault.status)
                return Response(
                    fault.status, {"Content-Type": "text/html;charset=UTF-8", **fault.headers}, body.encode()
                )
            case FaultKind.STATUS:
                shaped = self._model.fault_response(fault.status, fault.code)
                body_bytes = shaped.body if fault.body is None else fault.body.encode()
                return replace(
                    shaped, status=fault.status, headers={**shaped.headers, **fault.headers}, body=body_bytes
                )
            case _:
                return damaged(fault, response if response is not None else Response(200))

    def _dated(self, response: Response) -> Response:
        """The response with the sandbox's own time in its Date header."""
        return replace(response, headers={"Date": http_date(self._clock.now()), **response.headers})

    def _control(self, request: Request) -> Response:
        """Answer an endpoint under `/_sandbox/`; 400 with the reason for what cannot be read."""
        try:
            return self._controlled(request, request.path.removeprefix(PREFIX).strip("/"))
        except KeyError as error:
            return Response.of_json(404, {"error": f"there is no {error.args[0]}"})
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            return Response.of_json(400, {"error": str(error)})

    def _controlled(self, request: Request, name: str) -> Response:
        """Answer one control endpoint by its name."""
        match request.method, name.split("/"):
            case "GET", ["log"]:
                entries = self.journal.since(int(request.query.get("since", ["0"])[0]))
                last = entries[-1].number if entries else self.journal.last
                return Response.of_json(200, {"entries": [entry.to_json() for entry in entries], "next": last})
            case "GET", ["records", object_name]:
                with self.lock:
                    return Response.of_json(200, {"records": [dict(row) for row in self._model.records(object_name)]})
            case "POST", ["edit"]:
                return Response.of_json(200, {"effects": list(self.edit(request.json()))})
            case "GET", ["faults"]:
                return Response.of_json(200, {"faults": self.faults.to_json()})
            case "POST", ["faults"]:
                return self._install(request.json())
            case "GET" | "POST", ["clock"]:
                return self._move_clock(request.json() if request.method == "POST" else {})
            case "GET" | "POST", [other] if other in self.switches:
                return Response.of_json(200, self.switches[other](request.json() if request.method == "POST" else None))
            case _:
                raise KeyError(f"{request.method} {request.path}")

    def _install(self, document: Any) -> Response:
        """Install a script: a list, `{"faults": [...]}`, `{"add": [...]}` or `{"clear": true}`."""
        if isinstance(document, list):
            document = {"faults": document}
        if "add" in document:
            self.faults.install(document["add"], keep=True)
        elif document.get("clear"):
            self.faults.clear()
        elif "faults" in document:
            self.faults.install(document["faults"])
        else:
            raise ValueError("a script is a list, or under faults, add or clear")
        return Response.of_json(200, {"faults": self.faults.to_json()})

    def _move_clock(self, document: Mapping[str, Any]) -> Response:
        """Move the clock: `{"advance": seconds}` or `{"set": instant}`; nothing of both just tells the time."""
        if "set" in document:
            self._clock.set(parse_instant(str(document["set"])))
        if "advance" in document:
            self._clock.advance(timedelta(seconds=float(document["advance"])))
        return Response.of_json(200, {"now": iso(self._clock.now())})
