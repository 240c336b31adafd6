"""Writing owners, for every CRM: exactly the rows asked, nothing else, and for each row what the CRM said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from syncd.connectors.port import WriteOutcome, WriteResult
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.errors import AuthError, QuotaExhaustedError
from syncd.model.refs import Kind
from tests.contract.worlds import World
from tests.inprocess import Outcome, Trouble

JSON = {"Content-Type": "application/json"}
ACCEPTED, CONFLICT = WriteOutcome.ACCEPTED, WriteOutcome.CONFLICT
REJECTED, RETRY, UNKNOWN = WriteOutcome.REJECTED, WriteOutcome.RETRY, WriteOutcome.UNKNOWN


def outcomes(results: Sequence[WriteResult]) -> list[WriteOutcome]:
    return [result.outcome for result in results]


def owners(world: World) -> dict[str, str]:
    return {key: record.owner for key, record in world.expected(Kind.ACCOUNT).items()}


def writes_sent(world: World) -> list[HttpRequest]:
    return list(filter(world.is_write, world.inner.sent))


@pytest.mark.parametrize("kind", [Kind.ACCOUNT, Kind.OPPORTUNITY])
def test_a_write_changes_exactly_the_rows_asked_and_only_their_owner(world: World, kind: Kind) -> None:
    world.accounts(3)
    records = world.load(kind, [{"name": f"r{number}"} for number in range(40)])
    before = world.expected(kind)
    world.clock.advance(timedelta(minutes=1))
    wanted = [world.write(record, world.people[1], kind=kind) for record in records[:30]]
    results = world.writer().write_owners(kind, wanted)
    assert outcomes(results) == [ACCEPTED] * 30
    assert [result.ref for result in results] == [write.ref for write in wanted]
    after = world.expected(kind)
    assert {key for key in after if after[key] != before[key]} == set(records[:30])
    assert {after[record].owner for record in records[:30]} == {world.people[1]}
    assert {after[key].name for key in after} == {before[key].name for key in before}
    assert len(writes_sent(world)) == 1


def _payloads(world: World) -> list[object]:
    return [json.loads(request.body or b"") for request in writes_sent(world)]


def test_a_full_batch_is_one_call_and_a_fuller_one_is_refused_before_sending(world: World) -> None:
    writer = world.writer()
    accounts = world.accounts(writer.batch_size + 1)
    writes = [world.write(account, world.people[1]) for account in accounts]
    with pytest.raises(ValueError, match="more than"):
        writer.write_owners(Kind.ACCOUNT, writes)
    assert writes_sent(world) == []
    assert set(outcomes(writer.write_owners(Kind.ACCOUNT, writes[:-1]))) == {ACCEPTED}
    assert len(writes_sent(world)) == 1


def test_a_record_twice_or_of_another_kind_is_refused_before_sending(world: World) -> None:
    (account,) = world.accounts(1)
    write = world.write(account, world.people[1])
    with pytest.raises(ValueError, match="twice"):
        world.writer().write_owners(Kind.ACCOUNT, [write, write])
    with pytest.raises(ValueError, match="opportunity"):
        world.writer().write_owners(Kind.OPPORTUNITY, [write])
    assert world.inner.sent == []


def test_no_rows_is_no_call(world: World) -> None:
    assert world.writer().write_owners(Kind.ACCOUNT, []) == ()
    assert world.inner.sent == []


def test_a_row_that_the_crm_refuses_is_rejected_in_its_own_words_and_the_rest_is_written(world: World) -> None:
    accounts = world.accounts(20)
    inactive = world.people[2]
    writes = [
        world.write(account, inactive if number == 7 else world.people[1]) for number, account in enumerate(accounts)
    ]
    results = world.writer().write_owners(Kind.ACCOUNT, writes)
    assert outcomes(results) == [REJECTED if number == 7 else ACCEPTED for number in range(20)]
    assert results[7].code in ("INACTIVE_OWNER_OR_USER", "INVALID_OWNER_ID")
    assert results[7].message
    after = owners(world)
    assert after[accounts[7]] == world.people[0]
    assert {after[account] for number, account in enumerate(accounts) if number != 7} == {world.people[1]}


def test_a_record_that_is_gone_is_rejected(world: World) -> None:
    accounts = world.accounts(8)
    world.act(Kind.ACCOUNT, accounts[0], "delete")
    world.act(Kind.ACCOUNT, accounts[1], "merge", [accounts[2]])
    results = world.writer().write_owners(Kind.ACCOUNT, [world.write(known, world.people[1]) for known in accounts])
    live = {key for key, record in world.expected(Kind.ACCOUNT).items() if not record.deleted}
    assert outcomes(results) == [ACCEPTED if account in live else REJECTED for account in accounts]
    assert outcomes(results).count(REJECTED) >= 2
    assert all(result.code and result.message for result in results if result.outcome is REJECTED)


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("kind", ["timeout", "reset", "broken"])
def test_a_lost_answer_is_unknown_for_every_row_and_is_not_sent_again(world: World, kind: str, rows: int) -> None:
    accounts = world.accounts(rows)
    world.inner.add(Trouble(world.is_write, after=WireError(kind, True), times=None))
    results = world.writer().write_owners(Kind.ACCOUNT, [world.write(known, world.people[1]) for known in accounts])
    assert outcomes(results) == [UNKNOWN] * rows
    assert len(writes_sent(world)) == 1
    assert set(owners(world).values()) == {world.people[1]}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 524])
def test_a_server_error_may_have_come_after_the_work(world: World, status: int, after: bool) -> None:
    accounts = world.accounts(10)
    world.strike(f"status {status} {'after' if after else 'before'}", path=world.write_path)
    results = world.writer().write_owners(Kind.ACCOUNT, [world.write(known, world.people[1]) for known in accounts])
    assert outcomes(results) == [UNKNOWN] * 10
    assert len(writes_sent(world)) == 1
    assert set(owners(world).values()) == {world.people[1] if after else world.people[0]}


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(200, {"Content-Type": "text/html"}, b"<html>log in</html>"),
        HttpResponse(200, JSON, b""),
        HttpResponse(200, JSON, b"[]"),
        HttpResponse(200, JSON, b"{}"),
        HttpResponse(200, JSON, b"null"),
        HttpResponse(200, JSON, b'[{"id":null,"success":true'),
        HttpResponse(200, JSON, b'{"results":[]}'),
        HttpResponse(200, JSON, b'\xff\xfe{"results":[]}'),
        HttpResponse(302, {"Location": "https://evil.example/"}, b""),
    ],
    ids=["html", "empty", "list", "object", "null", "cut", "no results", "garbled", "redirect"],
)
def test_an_answer_that_cannot_be_read_is_unknown(world: World, answer: HttpResponse) -> None:
    accounts = world.accounts(10)
    world.inner.add(Trouble(world.is_write, after=answer))
    results = world.writer().write_owners(Kind.ACCOUNT, [world.write(known, world.people[1]) for known in accounts])
    assert outcomes(results) == [UNKNOWN] * 10
    assert len(writes_sent(world)) == 1


@pytest.mark.parametrize("rows", [1, 30])
def test_a_connection_that_never_came_about_can_be_tried_again(world: World, rows: int) -> None:
    accounts = world.accounts(rows)
    world.inner.add(Trouble(world.is_write, before=WireError("connect", False), times=None))
    results = world.writer().write_owners(Kind.ACCOUNT, [world.write(known, world.people[1]) for known in accounts])
    assert outcomes(results) == [RETRY] * rows
    assert set(owners(world).values()) == {world.people[0]}


@pytest.mark.parametrize("status", [423, 429])
def test_a_busy_crm_that_did_nothing_can_be_tried_again(world: World, status: int) -> None:
    accounts = world.accounts(10)
    world.inner.add(Trouble(world.is_write, before=HttpResponse(status, JSON, b"{}"), times=None))
    before = world.clock.monotonic()
    results = world.writer().write_owners(Kind.ACCOUNT, [world.write(known, world.people[1]) for known in accounts])
    assert outcomes(results) == [RETRY] * 10
    assert len(writes_sent(world)) == 1
    assert world.clock.monotonic() - before < 1


def test_a_refused_token_is_renewed_once_and_the_same_write_sent_once_more(world: World) -> None:
    accounts = world.accounts(10)
    world.strike("status 401 before", path=world.write_path, nth=1)
    results = world.writer().write_owners(Kind.ACCOUNT, [world.write(known, world.people[1]) for known in accounts])
    assert outcomes(results) == [ACCEPTED] * 10
    first, second = writes_sent(world)
    assert first.body == second.body
    assert _without_token(first) == _without_token(second)


def _without_token(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items() if name.lower() != "authorization"}


def test_a_token_that_stays_refused_stops_before_anything_is_written(world: World) -> None:
    accounts = world.accounts(10)
    world.strike("status 401 before", path=world.write_path)
    with pytest.raises(AuthError):
        world.writer().write_owners(Kind.ACCOUNT, [world.write(known, world.people[1]) for known in accounts])
    assert len(writes_sent(world)) == 2
    assert set(owners(world).values()) == {world.people[0]}


def test_missing_rights_to_write_stop_the_batch(world: World) -> None:
    accounts = world.accounts(10)
    body = b'[{"errorCode":"API_DISABLED_FOR_ORG","message":"no"}]' if world.system.value == "salesforce" else b"{}"
    world.inner.add(Trouble(world.is_write, before=HttpResponse(403, JSON, body), times=None))
    with pytest.raises(AuthError) as caught:
        world.writer().write_owners(Kind.ACCOUNT, [world.write(known, world.people[1]) for known in accounts])
    assert caught.value.code == "SYN402"


def test_a_used_up_day_stops_the_batch(world: World) -> None:
    accounts = world.accounts(10)
    refusal: Outcome = HttpResponse(429, JSON, b'{"policyName":"DAILY"}')
    if world.system.value == "salesforce":
        body = b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]'
        refusal = HttpResponse(403, JSON, body)
    world.inner.add(Trouble(world.is_write, before=refusal, times=None))
    with pytest.raises(QuotaExhaustedError):
        world.writer().write_owners(Kind.ACCOUNT, [world.write(known, world.people[1]) for known in accounts])


def test_a_write_over_real_http_and_the_read_after_it_agree(served: World) -> None:
    writer = served.writer()
    accounts = served.accounts(min(60, writer.batch_size))
    writes = [served.write(account, served.people[1]) for account in accounts]
    assert set(outcomes(writer.write_owners(Kind.ACCOUNT, writes))) == {ACCEPTED}
    readings = served.reader().read(Kind.ACCOUNT, accounts)
    assert {reading.record.owner for reading in readings.values() if reading.record} == {served.people[1]}


@pytest.mark.parametrize("fault", ["drop after", "status 503 after", "cut", "truncate", "html 200 after"])
def test_a_lost_answer_over_real_http_is_unknown(served: World, fault: str) -> None:
    accounts = served.accounts(20)
    served.strike(fault, path=served.write_path)
    writes = [served.write(account, served.people[1]) for account in accounts]
    assert outcomes(served.writer().write_owners(Kind.ACCOUNT, writes)) == [UNKNOWN] * 20
    assert {record.owner for record in served.expected(Kind.ACCOUNT).values()} == {served.people[1]}
