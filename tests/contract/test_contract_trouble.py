"""Trouble on the line, for every CRM: what passes is ridden out, what does not stops, and nothing is ever "no rows"."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.errors import (
    AuthError,
    BadDataError,
    CrmError,
    CursorLostError,
    QuotaExhaustedError,
    RateLimitedError,
    RetryableError,
    SchemaError,
)
from syncd.model.refs import Kind
from tests.contract.worlds import World, records_of, seen
from tests.inprocess import Outcome, Trouble

JSON = {"Content-Type": "application/json"}
HTML = HttpResponse(200, {"Content-Type": "text/html"}, b"<html>log in to the proxy</html>")
CAPTIVE = HttpResponse(302, {"Location": "https://evil.example/login"}, b"")
EMPTY = HttpResponse(200, JSON, b"")
NO_CONTENT = HttpResponse(204, {}, b"")
EMPTY_OBJECT = HttpResponse(200, JSON, b"{}")
EMPTY_LIST = HttpResponse(200, JSON, b"[]")
NULL = HttpResponse(200, JSON, b"null")
NUMBER = HttpResponse(200, JSON, b"0")
WRONG_TYPES = HttpResponse(200, JSON, b'{"records":null,"done":null,"results":{},"total":"x"}')


@dataclass
class Case:
    """A reader over a world with records, and what it must find."""

    world: World

    def walk(self) -> None:
        reader = self.world.reader()
        found = records_of(reader.changes(Kind.ACCOUNT, self.world.everything()))
        assert seen(found) == self.world.expected(Kind.ACCOUNT)

    def add(self, before: Outcome | None = None, *, times: int | None, after: object = None, skip: int = 0) -> Trouble:
        trouble = Trouble(_is_data, before=before, after=after, times=times, skip=skip)  # type: ignore[arg-type]
        self.world.inner.add(trouble)
        return trouble


@pytest.fixture
def case(world: World) -> Case:
    world.accounts(150)
    return Case(world)


def _is_data(request: HttpRequest) -> bool:
    return "/oauth2/token" not in request.url


def _cut(answer: HttpResponse) -> HttpResponse:
    return HttpResponse(answer.status, answer.headers, answer.body[: len(answer.body) // 2])


def _garbled(answer: HttpResponse) -> HttpResponse:
    middle = len(answer.body) // 2
    return HttpResponse(answer.status, answer.headers, answer.body[:middle] + b"\xff\xfe" + answer.body[middle:])


UNREADABLE = {
    "html": HTML,
    "redirect": CAPTIVE,
    "empty": EMPTY,
    "no content": NO_CONTENT,
    "empty object": EMPTY_OBJECT,
    "empty list": EMPTY_LIST,
    "null": NULL,
    "number": NUMBER,
    "wrong types": WRONG_TYPES,
    "broken": WireError("broken", True),
}
DAMAGES = {"cut": _cut, "garbled": _garbled}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_answer_is_asked_again_and_never_taken_for_no_rows(case: Case, answer: Outcome) -> None:
    case.add(answer, times=4)
    case.walk()
    trouble = case.add(answer, times=None)
    with pytest.raises(BadDataError):
        case.walk()
    assert trouble.struck == 5


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_answer_is_asked_again_and_never_taken_for_no_rows(
    case: Case, damage: Callable[[HttpResponse], HttpResponse]
) -> None:
    case.add(after=damage, times=2)
    case.walk()
    case.add(after=damage, times=None)
    with pytest.raises(BadDataError):
        case.walk()


@pytest.mark.parametrize("kind", ["timeout", "reset", "connect"])
def test_a_broken_line_is_ridden_out_and_at_last_reported(case: Case, kind: str) -> None:
    error = WireError(kind, kind != "connect")
    case.add(error, times=4)
    case.walk()
    trouble = case.add(error, times=None)
    with pytest.raises(RetryableError):
        case.walk()
    assert trouble.struck == 5


@pytest.mark.parametrize("status", [406, 408, 409, 420, 423, 500, 502, 503, 504, 521, 524])
def test_a_server_error_is_ridden_out_and_at_last_reported(case: Case, status: int) -> None:
    busy = HttpResponse(status, {"Content-Type": "text/html"}, b"<html>busy</html>")
    case.add(busy, times=4)
    case.walk()
    trouble = case.add(busy, times=None)
    with pytest.raises(RetryableError) as caught:
        case.walk()
    assert (trouble.struck, caught.value.code) == (5, "SYN412")


@pytest.mark.parametrize("status", [404, 410])
def test_a_path_that_is_gone_is_a_mistake_in_the_settings_and_not_no_data(case: Case, status: int) -> None:
    trouble = case.add(HttpResponse(status, JSON, b'[{"errorCode":"GONE","message":"gone"}]'), times=None)
    with pytest.raises(SchemaError) as caught:
        case.walk()
    assert (trouble.struck, caught.value.code) == (1, "SYN406")


@pytest.mark.parametrize("nth", [1, 2])
def test_a_refused_token_is_renewed_once_and_the_same_page_asked_again(world: World, nth: int) -> None:
    accounts = world.accounts(450)
    if hasattr(world.face, "model"):
        world.face.model.cursors.page_limit = 200
    world.strike("status 401 before", path=world.data_path, nth=nth)
    pages = list(world.reader().changes(Kind.ACCOUNT, world.everything()))
    assert sorted(record.ref.id for page in pages for record in page.records) == sorted(accounts)
    assert world.token_reads == 2


def test_a_token_that_stays_refused_stops_without_a_storm(case: Case) -> None:
    case.world.strike("status 401 before", path=case.world.data_path)
    with pytest.raises(AuthError) as caught:
        case.walk()
    assert caught.value.code == "SYN401"
    assert case.world.token_reads <= 2
    assert len(case.world.inner.sent) <= 4


def test_a_rate_limit_is_waited_for_by_the_clock_and_is_no_attempt(case: Case) -> None:
    slow = HttpResponse(429, {**JSON, "Retry-After": "7"}, b'{"status":"error","policyName":"TEN_SECONDLY_ROLLING"}')
    case.add(slow, times=12)
    before = case.world.clock.monotonic()
    case.walk()
    assert 84 <= case.world.clock.monotonic() - before < 90


@pytest.mark.parametrize("header", [{}, {"Retry-After": "0"}, {"Retry-After": "86400"}, {"Retry-After": "soon"}])
def test_a_rate_limit_that_does_not_end_is_given_up_in_bounded_time(case: Case, header: dict[str, str]) -> None:
    case.add(HttpResponse(429, {**JSON, **header}, b"{}"), times=None)
    before = case.world.clock.monotonic()
    with pytest.raises(RateLimitedError):
        case.walk()
    assert case.world.clock.monotonic() - before <= 300
    assert len(case.world.inner.sent) < 320


def test_a_used_up_day_stops_at_once(case: Case) -> None:
    body = {
        "salesforce": b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]',
        "hubspot": b'{"status":"error","message":"You have reached your daily limit.","policyName":"DAILY"}',
    }[case.world.system.value]
    status = 403 if case.world.system.value == "salesforce" else 429
    trouble = case.add(HttpResponse(status, {**JSON, "Retry-After": "1"}, body), times=None)
    with pytest.raises(QuotaExhaustedError) as caught:
        case.walk()
    assert (trouble.struck, caught.value.code) == (1, "SYN414")


def test_an_organization_that_is_nearly_out_of_calls_is_not_read(case: Case) -> None:
    headers = {
        "Sforce-Limit-Info": "api-usage=95000/100000",
        "X-HubSpot-RateLimit-Daily": "100000",
        "X-HubSpot-RateLimit-Daily-Remaining": "5000",
    }
    reader = case.world.reader()
    case.add(after=lambda answer: HttpResponse(answer.status, {**answer.headers, **headers}, answer.body), times=None)
    reader.identify()
    with pytest.raises(QuotaExhaustedError) as caught:
        list(reader.ids(Kind.ACCOUNT))
    assert caught.value.code == "SYN416"
    some = next(iter(case.world.expected(Kind.ACCOUNT)))
    assert reader.read(Kind.ACCOUNT, [some])[some].record is not None, "reads that belong to a write use the reserve"


def test_a_read_that_failed_in_the_middle_goes_on_from_its_last_page(world: World) -> None:
    accounts = world.accounts(450)
    if hasattr(world.face, "model"):
        world.face.model.cursors.page_limit = 200
    window, pages = world.everything(), []
    asked_first = 1 if hasattr(world.face, "model") else 0  # Salesforce is asked how many there are
    trouble = Trouble(_is_data, before=HttpResponse(503), times=None, skip=2 + asked_first)
    world.inner.add(trouble)
    walking = world.reader().changes(Kind.ACCOUNT, window)
    pages += [next(walking), next(walking)]
    with pytest.raises(RetryableError):
        next(walking)
    trouble.times = 0
    pages += world.reader().changes(Kind.ACCOUNT, window, pages[-1].resume)
    assert sorted(record.ref.id for page in pages for record in page.records) == sorted(accounts)


def test_pages_that_go_round_in_a_loop_are_noticed(world: World) -> None:
    world.accounts(650)
    if hasattr(world.face, "model"):
        world.face.model.cursors.page_limit = 200
    kept: list[HttpResponse] = []

    def replay(answer: HttpResponse) -> HttpResponse:
        kept.append(answer)
        return kept[0]

    second_on = Trouble(
        lambda request: "after=" in request.url or "/query/0r8" in request.url, after=replay, times=None
    )
    world.inner.add(second_on)
    with pytest.raises(CursorLostError) as caught:
        list(world.reader().changes(Kind.ACCOUNT, world.everything()))
    assert caught.value.code == "SYN422"
    assert second_on.struck <= 3


def test_an_answer_about_other_records_is_not_believed(world: World) -> None:
    first, second = world.accounts(2)
    world.reader().read(Kind.ACCOUNT, [first])
    kept: list[HttpResponse] = []
    world.inner.add(Trouble(_is_read, after=lambda answer: kept.append(answer) or answer))
    world.reader().read(Kind.ACCOUNT, [second])
    world.inner.add(Trouble(_is_read, before=kept[0], times=None))
    with pytest.raises(BadDataError) as caught:
        world.reader().read(Kind.ACCOUNT, [first])
    assert caught.value.code == "SYN423"


def _is_read(request: HttpRequest) -> bool:
    return "queryAll" in request.url or "/batch/read" in request.url


def test_only_errors_of_the_port_come_out(case: Case) -> None:
    bodies = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[null]",
        b'[{"errorCode":null}]',
        b"<html>",
        b"\xff\xfe",
        b'{"errors":[1]}',
        b'"x"',
    ]
    for status in (
        300,
        301,
        304,
        400,
        401,
        402,
        403,
        404,
        405,
        410,
        412,
        413,
        414,
        415,
        428,
        429,
        431,
        477,
        500,
        522,
        530,
        599,
    ):
        for body in bodies:
            case.world.inner.troubles.clear()
            case.add(HttpResponse(status, JSON, body), times=None)
            with pytest.raises(CrmError):
                case.walk()


def test_no_secret_and_no_query_is_in_any_error(case: Case) -> None:
    secrets = {value for value in map(str, case.world.face.credentials().values()) if len(value) > 20}
    for trouble in (HttpResponse(401, JSON, b"{}"), HttpResponse(400, JSON, b"{}"), HTML, WireError("timeout", True)):
        case.world.inner.troubles.clear()
        case.add(trouble, times=None)
        with pytest.raises(CrmError) as caught:
            case.walk()
        text = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
        assert not any(secret in text for secret in secrets)
        assert "Bearer" not in text
        assert "SELECT" not in str(caught.value)


@pytest.mark.parametrize(
    "fault", ["status 503 before", "drop before", "cut", "truncate", "html 200", "empty 200", "garble"]
)
def test_the_same_troubles_over_real_http_are_ridden_out(served: World, fault: str) -> None:
    served.accounts(150)
    served.strike(fault, path=served.data_path, nth=1, times=2)
    found = records_of(served.reader().changes(Kind.ACCOUNT, served.everything()))
    assert seen(found) == served.expected(Kind.ACCOUNT)
