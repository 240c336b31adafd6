"""The reception, the journal, the faults and the clock, with a model that only echoes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncd.clock import ManualClock
from syncd.sandbox.control import REPLAYED_FOR, Answer, Reception
from syncd.sandbox.faults import FaultScript, RowFault, fault_of, match_of
from syncd.sandbox.journal import Journal
from syncd.sandbox.timekeeping import SandboxClock
from syncd.sandbox.wire import Request, Response

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


class Echo:
    """A model that counts what it does."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.edits: list[Mapping[str, Any]] = []

    def answer(self, request: Request, row_fault: RowFault | None) -> Answer:
        self.done.append(request.path)
        document = {"path": request.path, "count": len(self.done), "row_fault": row_fault.code if row_fault else None}
        return Answer(Response.of_json(200, document), (f"did {request.path}",) if request.method == "PATCH" else ())

    def fault_response(self, status: int, code: str = "") -> Response:
        return Response.of_json(status, {"shaped": status} | ({"code": code} if code else {}))

    def edit(self, command: Mapping[str, Any]) -> Sequence[str]:
        if "bad" in command:
            raise ValueError("no such edit")
        self.edits.append(command)
        return [f"edited {command['id']} after {len(self.done)}"]

    def records(self, name: str) -> Sequence[Mapping[str, Any]]:
        if name != "Thing":
            raise KeyError(f"object {name}")
        return [{"Id": "1"}]


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def reception(echo: Echo) -> Reception:
    return Reception(echo, SandboxClock(ManualClock(START)))


def get(target: str, **headers: str) -> Request:
    return Request.of("GET", target, headers)


def patch(target: str, body: object = None) -> Request:
    return Request.of("PATCH", target, {}, json.dumps(body).encode())


def control(reception: Reception, method: str, name: str, body: object = None) -> Any:
    request = Request.of(method, f"/_sandbox/{name}", {}, b"" if body is None else json.dumps(body).encode())
    return json.loads(reception.handle(request).body)


def test_request_is_journalled_with_its_effects(reception: Reception) -> None:
    reception.handle(patch("/a?x=1", {"v": 2}))
    (entry,) = control(reception, "GET", "log")["entries"]
    assert (entry["number"], entry["method"], entry["path"], entry["status"]) == (1, "PATCH", "/a", 200)
    assert entry["query"] == {"x": ["1"]}
    assert entry["body"] == '{"v": 2}'
    assert entry["effects"] == ["did /a"]
    assert entry["at"] == "2026-11-20T10:00:00.000Z"


def test_log_since_shows_only_what_is_newer(reception: Reception) -> None:
    for path in ("/a", "/b", "/c"):
        reception.handle(get(path))
    log = control(reception, "GET", "log?since=2")
    assert [entry["path"] for entry in log["entries"]] == ["/c"]
    assert log["next"] == 3
    assert control(reception, "GET", "log?since=3") == {"entries": [], "next": 3}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"grant_type=password&client_secret=CANARY&password=CANARY", "application/x-www-form-urlencoded"),
        (b"assertion=CANARY", "application/x-www-form-urlencoded;charset=utf-8"),
        (b'{"nested": [{"refresh_token": "CANARY"}]}', "application/json"),
        (b"client_secret CANARY", "text/plain"),
    ],
)
def test_secrets_never_enter_the_journal(body: bytes, content_type: str) -> None:
    journal = Journal()
    headers = {"Authorization": "Bearer CANARY", "Cookie": "sid=CANARY", "Content-Type": content_type}
    request = Request.of("POST", "/oauth/v1/access-tokens/CANARY?access_token=CANARY&code=CANARY", headers, body)
    entry = journal.record(request, 200, at=START)
    assert "CANARY" not in json.dumps(entry.to_json())
    assert entry.headers["authorization"] == "***"


def test_status_before_does_nothing_and_after_does_it(reception: Reception, echo: Echo) -> None:
    reception.faults.install(
        [
            {"match": {"path": "/before"}, "fault": "status 503 before"},
            {"match": {"path": "/after"}, "fault": "status 503 after"},
        ]
    )
    assert reception.handle(patch("/before")).status == 503
    assert echo.done == []
    response = reception.handle(patch("/after"))
    assert (response.status, response.body) == (503, b'{"shaped":503}')
    assert echo.done == ["/after"]
    before, after = reception.journal.entries
    assert (before.effects, before.fault) == ((), "status 503 before")
    assert (after.effects, after.fault, after.status) == (("did /after",), "status 503 after", 503)


def test_lost_answer_is_journalled_as_applied(reception: Reception) -> None:
    reception.faults.install([{"fault": "drop after", "match": {"nth": 1}}])
    response = reception.handle(patch("/a"))
    assert (response.drop, response.timeout, response.body) == (True, False, b"")
    (entry,) = reception.journal.entries
    assert (entry.status, entry.effects) == (0, ("did /a",))


def test_timeout_carries_how_long_to_wait(reception: Reception, echo: Echo) -> None:
    reception.faults.install([{"fault": "timeout before 4"}])
    response = reception.handle(patch("/a"))
    assert (response.drop, response.timeout, response.stall) == (True, True, 4.0)
    assert echo.done == []


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("html 503", lambda r: r.status == 503 and r.headers["Content-Type"].startswith("text/html")),
        ("html 200", lambda r: r.status == 200 and r.body.startswith(b"<html>")),
        ("empty 200", lambda r: r.status == 200 and r.body == b""),
        ("truncate", lambda r: r.status == 200 and not r.drop and 0 < len(r.body) < 30),
        ("garble", lambda r: b"\xff\xfe" in r.body),
        ("cut", lambda r: r.drop and len(r.body) > 0),
        ("stall 2.5", lambda r: r.status == 200 and r.stall == 2.5 and not r.drop),
        ("status 401", lambda r: r.status == 401 and r.body == b'{"shaped":401}'),
    ],
)
def test_each_fault_looks_as_named(reception: Reception, fault: str, check: Any) -> None:
    reception.faults.install([{"fault": fault}])
    assert check(reception.handle(get("/some/longer/path")))


def test_status_takes_body_and_headers_of_its_own(reception: Reception) -> None:
    reception.faults.install([{"fault": "status 429", "body": {"e": 1}, "headers": {"Retry-After": "7"}}])
    response = reception.handle(get("/a"))
    assert (response.status, response.body, response.headers["Retry-After"]) == (429, b'{"e": 1}', "7")


def test_nth_hits_once_and_times_bounds(reception: Reception) -> None:
    reception.faults.install([{"match": {"method": "GET", "path": "/q/*", "nth": 2}, "fault": "status 500"}])
    assert [reception.handle(get("/q/x")).status for _ in range(4)] == [200, 500, 200, 200]
    reception.faults.install([{"match": {"nth": 2, "times": 2}, "fault": "status 500"}])
    assert [reception.handle(get("/q/x")).status for _ in range(5)] == [200, 500, 500, 200, 200]
    reception.faults.install([{"match": {"times": 1}, "fault": "status 500"}])
    assert [reception.handle(get("/q/x")).status for _ in range(3)] == [500, 200, 200]


def test_probability_is_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[bool]:
        script = FaultScript()
        script.install([{"match": {"probability": 0.3, "seed": seed}, "fault": "drop"}])
        return [script.strike(get("/a")).fault is not None for _ in range(200)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 30 < sum(run(1)) < 90


def test_match_looks_into_query_and_body(reception: Reception) -> None:
    reception.faults.install([{"match": {"contains": "Account"}, "fault": "status 500"}])
    assert reception.handle(get("/q?q=SELECT+Id+FROM+Account")).status == 500
    assert reception.handle(patch("/q", {"type": "Account"})).status == 500
    assert reception.handle(get("/q?q=SELECT+Id+FROM+Lead")).status == 200


def test_edit_runs_just_before_or_after_the_request(reception: Reception, echo: Echo) -> None:
    reception.faults.install(
        [
            {"match": {"path": "/w"}, "fault": "edit before", "edit": {"id": "b"}},
            {"match": {"path": "/w"}, "fault": "edit after", "edit": {"id": "a"}},
        ]
    )
    assert reception.handle(patch("/w")).status == 200
    assert [edit["id"] for edit in echo.edits] == ["b", "a"]
    log = reception.journal.entries
    assert [entry.source for entry in log] == ["person", "api", "person"]
    assert log[0].effects == ("edited b after 0",)
    assert log[2].effects == ("edited a after 1",)
    assert log[1].fault == "edit before, edit after"


def test_row_fault_reaches_the_model_and_chooses_rows(reception: Reception) -> None:
    reception.faults.install([{"match": {"nth": 1}, "fault": "row UNABLE_TO_LOCK_ROW", "every": 2}])
    assert json.loads(reception.handle(patch("/a")).body)["row_fault"] == "UNABLE_TO_LOCK_ROW"
    assert json.loads(reception.handle(patch("/a")).body)["row_fault"] is None
    every_second = RowFault("X", "m", frozenset(), 2)
    assert [every_second.hits(position, "id") for position in range(4)] == [False, True, False, True]
    named = RowFault("X", "m", frozenset({"001FK0000000001"}), 1)
    assert named.hits(5, "001FK0000000001AAA")
    assert not named.hits(0, "001FK0000000002AAA")


def test_replay_gives_the_answer_before(reception: Reception) -> None:
    reception.faults.install([{"match": {"nth": 2}, "fault": "replay"}])
    bodies = [json.loads(reception.handle(get("/page/x")).body)["count"] for _ in range(3)]
    assert bodies == [1, 1, 3]


def test_replay_gives_no_answer_of_another_place(reception: Reception) -> None:
    """A list of deals that answers as the list of companies did can be doubted by nobody: no CRM does that."""
    reception.faults.install([{"match": {"path": "/crm/v3/objects/deals"}, "fault": "replay"}])
    paths = ("/crm/v3/objects/companies", "/crm/v3/objects/deals", "/crm/v3/objects/deals")
    assert [json.loads(reception.handle(get(path)).body)["count"] for path in paths] == [1, 2, 2]


def test_replay_takes_the_pages_of_one_query_for_one_place(reception: Reception) -> None:
    reception.faults.install([{"match": {"path": "/query/01g-4000"}, "fault": "replay"}])
    paths = ("/query/01g-2000", "/query/01g-4000")
    assert [json.loads(reception.handle(get(path)).body)["count"] for path in paths] == [1, 1]


def test_replay_gives_no_answer_of_long_ago(echo: Echo) -> None:
    clock = ManualClock(START)
    reception = Reception(echo, SandboxClock(clock))
    reception.faults.install([{"match": {"nth": number}, "fault": "replay"} for number in (2, 3)])
    counts = []
    for wait in (timedelta(0), REPLAYED_FOR, REPLAYED_FOR + timedelta(seconds=1)):
        clock.advance(wait)
        counts.append(json.loads(reception.handle(get("/page/x")).body)["count"])
    assert counts == [1, 1, 3]


def test_faults_are_installed_added_and_cleared_over_the_wire(reception: Reception) -> None:
    entry = {"match": {"path": "/a"}, "fault": "status 500"}
    control(reception, "POST", "faults", {"faults": [entry]})
    control(reception, "POST", "faults", {"add": [{"match": {"path": "/b"}, "fault": "drop"}]})
    reception.handle(get("/a"))
    installed = control(reception, "GET", "faults")["faults"]
    assert [(item["seen"], item["hits"]) for item in installed] == [(1, 1), (0, 0)]
    assert control(reception, "POST", "faults", {"clear": True}) == {"faults": []}
    assert reception.handle(get("/a")).status == 200


@pytest.mark.parametrize(
    "entry",
    [
        {"fault": "explode"},
        {"fault": ""},
        {},
        {"fault": "status five"},
        {"fault": "status 500 sideways"},
        {"fault": "edit before"},
        {"fault": "drop", "match": {"nht": 1}},
        {"fault": "drop", "match": {"nth": 0}},
        {"fault": "drop", "match": {"probability": 1.5}},
    ],
)
def test_unreadable_fault_changes_nothing(reception: Reception, entry: Mapping[str, Any]) -> None:
    reception.faults.install([{"fault": "status 500"}])
    response = reception.handle(Request.of("POST", "/_sandbox/faults", {}, json.dumps([entry]).encode()))
    assert response.status == 400
    assert json.loads(response.body)["error"]
    assert reception.handle(get("/a")).status == 500


def test_defaults_of_a_fault_entry() -> None:
    assert match_of({}).times is None
    assert match_of({"nth": 3}).times == 1
    assert fault_of({"fault": "timeout after"}).seconds == 30.0
    assert fault_of({"fault": "status 503"}).after is False
    assert fault_of({"fault": "truncate"}).after is True


def test_clock_moves_by_control_and_dates_answers(reception: Reception) -> None:
    assert control(reception, "GET", "clock") == {"now": "2026-11-20T10:00:00.000Z"}
    assert control(reception, "POST", "clock", {"advance": 90})["now"] == "2026-11-20T10:01:30.000Z"
    assert reception.handle(get("/a")).headers["Date"] == "Fri, 20 Nov 2026 10:01:30 GMT"
    assert control(reception, "POST", "clock", {"set": "2027-01-01T00:00:00Z"})["now"] == "2027-01-01T00:00:00.000Z"


def test_sandbox_clock_runs_with_its_base() -> None:
    base = ManualClock(START)
    clock = SandboxClock(base)
    clock.advance(timedelta(days=1))
    base.advance(timedelta(hours=1))
    assert clock.now() == START + timedelta(days=1, hours=1)
    clock.sleep(60)
    assert base.now() == START + timedelta(hours=1, minutes=1)
    with pytest.raises(ValueError, match="aware"):
        clock.set(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_records_and_edit_over_the_wire(reception: Reception) -> None:
    assert control(reception, "GET", "records/Thing") == {"records": [{"Id": "1"}]}
    assert control(reception, "POST", "edit", {"id": "7"}) == {"effects": ["edited 7 after 0"]}


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("GET", "records/Nothing", None, 404),
        ("GET", "nonsense", None, 404),
        ("POST", "edit", {"bad": 1}, 400),
        ("POST", "edit", "no object", 400),
        ("POST", "clock", {"advance": "soon"}, 400),
        ("POST", "faults", {"nothing": 1}, 400),
    ],
)
def test_control_says_what_is_wrong(reception: Reception, method: str, name: str, body: object, status: int) -> None:
    request = Request.of(method, f"/_sandbox/{name}", {}, json.dumps(body).encode())
    response = reception.handle(request)
    assert response.status == status
    assert json.loads(response.body)["error"]


def test_full_journal_forgets_the_oldest() -> None:
    journal = Journal(capacity=2)
    for path in ("/a", "/b", "/c"):
        journal.record(get(path), 200, at=START)
    assert [entry.number for entry in journal.entries] == [2, 3]
    assert len(journal) == 2
    assert journal.last == 3
