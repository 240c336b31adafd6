"""Bulk jobs and wide rows: whichever way a Salesforce row is read, it is the same record, once, and none is lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncd.connectors.canonical import canonical
from syncd.connectors.salesforce import CONTACT_MAPPING, LEAD_MAPPING, SalesforceReader
from syncd.connectors.salesforce.bulkrows import conversion_of, json_value
from syncd.connectors.wire import HttpRequest, HttpResponse
from syncd.errors import BadDataError, CursorLostError, RetryableError
from syncd.model.cursors import Page
from syncd.model.fields import FieldType, SystemMapping
from syncd.model.records import Record
from syncd.model.refs import Kind
from tests.contract.worlds import START, SalesforceWorld, records_of
from tests.inprocess import Trouble, path_has

ACCOUNT = Kind.ACCOUNT
RESULTS = path_has("/results", "GET")


def mapped(world: SalesforceWorld, **fields: str) -> SystemMapping:
    """The default mapping with more account fields."""
    kinds = dict(world.mapping.kinds)
    account = kinds[ACCOUNT]
    kinds[ACCOUNT] = replace(account, fields=MappingProxyType({**account.fields, **fields}))
    kinds[Kind.LEAD], kinds[Kind.CONTACT] = LEAD_MAPPING, CONTACT_MAPPING
    return SystemMapping(world.mapping.system, MappingProxyType(kinds))


def reader(world: SalesforceWorld, above: int = 0, mapping: SystemMapping | None = None) -> SalesforceReader:
    return SalesforceReader(world.access(), mapping or world.mapping, **world._ports(), bulk_above=above)


def walk(world: SalesforceWorld, kind: Kind = ACCOUNT, **options: Any) -> list[Page]:
    return list(reader(world, **options).changes(kind, world.everything()))


def hashes(records: Mapping[str, Record]) -> dict[str, str]:
    return {key: record.content_hash() for key, record in records.items()}


def posts(world: SalesforceWorld) -> list[HttpRequest]:
    return world.inner.requests("/jobs/query", "POST")


ODD = [
    "NA", "null", "None", "true", "0012", "1e5", "-0", "12.50", 'quote " inside', "two\nlines", "carriage\r\nreturn",
    "comma, semicolon; tab\t", "\ufeffmark", "nul\0inside", "\0", "Łódź 🏭", "\u202eright to left", " padded ",
    "2026-11-20", "2026-11-20T10:00:07.000+0000", "x" * 255,
]  # fmt: skip


@pytest.mark.parametrize("kind", [ACCOUNT, Kind.OPPORTUNITY, Kind.LEAD, Kind.CONTACT])
def test_t29_a_row_of_rest_and_a_row_of_bulk_are_one_record(salesforce: SalesforceWorld, kind: Kind) -> None:
    fields = {
        "seats": "Seats__c", "plain": "Plain__c", "score_x": "Score__c", "vip": "Vip__c", "since": "Since__c",
        "at": "At__c", "boss": "Owner.Name", "boss_active": "Owner.IsActive", "currency": "CurrencyIsoCode",
    }  # fmt: skip
    types = {"Seats__c": "int", "Plain__c": "string", "Score__c": "double", "Vip__c": "boolean", "Since__c": "date"}
    salesforce.org.edit({"feature": {"multi_currency": True}})
    for name, type_ in {**types, "At__c": "datetime"}.items():
        salesforce.org.edit({"object": "Account", "field": {"name": name, "type": type_}})
    mapping = mapped(salesforce, **fields)
    object_ = mapping.kinds[kind].object
    names = {"LastName": "L", "Company": "C"} if kind in (Kind.LEAD, Kind.CONTACT) else {}
    base = {"StageName": "Prospecting", "CloseDate": "2026-12-01"} if kind is Kind.OPPORTUNITY else names
    own = {"Seats__c": 7, "Score__c": 5.0, "Vip__c": True, "Since__c": "2026-02-28", "At__c": START.isoformat()}
    more = own if kind is ACCOUNT else {}
    rows: list[dict[str, Any]] = [{**base, "Name": text, "OwnerId": salesforce.people[0], **more} for text in ODD]
    if kind is ACCOUNT:
        amounts = [0, 10, 10.5, 1e15, 0.001, -3.20, 5_000_000.0]
        rows += [{"Name": "n", "AnnualRevenue": each, "NumberOfEmployees": 10, "Score__c": each} for each in amounts]
        rows += [{"Name": "n", "Plain__c": text, "CurrencyIsoCode": "EUR", "AnnualRevenue": 5} for text in ODD]
        rows += [{"Name": "empty"}]
    made = salesforce.org.load(object_, rows)
    salesforce.org.edit({"object": object_, "id": made[0], "delete": True})
    by_rest = records_of(walk(salesforce, kind, above=10_000, mapping=mapping))
    assert posts(salesforce) == []
    by_bulk = records_of(walk(salesforce, kind, mapping=mapping))
    assert len(posts(salesforce)) == 1
    assert by_rest == by_bulk
    assert hashes(by_rest) == hashes(by_bulk)
    assert set(by_bulk) == set(made)


NUMBERS = st.one_of(
    st.sampled_from(["", "0", "5.0", "-5.0", "0.0", "-0.0", ".0", "10", "12.50", "1.0.0", "1\n2"]),
    st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
    st.integers(-10, 10**19).map(str),
    st.integers(-10, 10**19).map(lambda number: f"{number}.0"),
)
TIMES = st.one_of(
    st.sampled_from(["", "2026-11-20", "2026-11-20.0", "2026-11-20\n", "true", "false", "True"]),
    st.dates().map(str),
    st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "Z"),
)
ANYTHING = st.one_of(
    st.sampled_from([*ODD, "1.", ".5", "+1", "1,5", "00", "1_000", "٣", "NaN", "Infinity", "1E+2"]),
    st.text(max_size=30),
)


@given(
    cells=st.one_of(st.lists(each, min_size=1, max_size=8) for each in (NUMBERS, TIMES, ANYTHING, NUMBERS | ANYTHING)),
    type_=st.sampled_from(["string", "int", "double", "currency", "boolean", "date", "datetime", "id", "picklist"]),
    rule_type=st.sampled_from([None, *FieldType]),
    column=st.sampled_from(["Name", "ParentId", "Owner.Name"]),
)
@example(["5", ".0", "7"], "double", None, "Name")
@example(["2026-11-20", "2026-11-20.0"], "date", None, "Name")
@settings(max_examples=800)
def test_t29_the_short_way_of_a_column_ends_where_the_long_one_of_its_cells_does(
    cells: list[str], type_: str, rule_type: FieldType | None, column: str
) -> None:
    cells = [cell.replace("\0", "\ufffd") for cell in cells]
    if column.endswith("Id"):
        cells = [cell for cell in cells if len(cell) != 15]
    long = [canonical(json_value(cell, type_), rule_type) if cell else None for cell in cells]
    short = conversion_of(column, type_, rule_type)
    assert [cell or None for cell in (cells if short is None else short.column(cells))] == long


@pytest.mark.parametrize(
    ("type_", "cells"),
    [
        ("double", ["1", "2.0", "", "-3.5"]),
        ("boolean", ["true", "", "false"]),
        ("date", ["2026-11-20", ""]),
        ("datetime", ["2026-11-20T10:00:00.000Z"]),
    ],
)
def test_a_column_as_it_is_usually_written_is_looked_at_once(type_: str, cells: list[str]) -> None:
    conversion = conversion_of("Name", type_, None)
    assert conversion is not None
    unasked = replace(conversion, cell=lambda _cell: pytest.fail("a cell was looked at by itself"))
    assert [*unasked.column(cells)] == [cell.removesuffix(".0") for cell in cells]


def test_t29_numbers_of_json_are_spelled_as_those_of_csv() -> None:
    for number in ("10", "10.0", "0.10", "1E+3", "123456789012345678.25"):
        assert canonical(json_value(number, "double")) == canonical(Decimal(number))


def test_t28_a_cell_of_200_kilobytes_comes_whole(salesforce: SalesforceWorld) -> None:
    salesforce.org.edit({"object": "Account", "field": {"name": "Long__c", "type": "textarea", "length": 400_000}})
    long = 'a "b"\n' * 34_000
    (account,) = salesforce.org.load("Account", [{"Name": "long", "Long__c": long}])
    mapping = mapped(salesforce, long="Long__c")
    assert records_of(walk(salesforce, mapping=mapping))[account].fields["long"] == long


@pytest.mark.parametrize("text", ["NA", "null", "None", "#N/A", "-", "0", "false", 'a "b",\n;c', "nul \0 byte"])
def test_t28_what_looks_like_nothing_or_like_csv_is_text(salesforce: SalesforceWorld, text: str) -> None:
    (account,) = salesforce.org.load("Account", [{"Name": text}])
    assert records_of(walk(salesforce))[account].fields["name"] == text.replace("\0", "\ufffd")


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b'"\n"', b'"\r\n"'),
        lambda body: body.split(b"\n", 1)[1],
        lambda body: body.rstrip(b"\n"),
        lambda body: body.replace(b'"IsDeleted"', b'"isdeleted"'),
    ],
    ids=["a byte order mark", "CRLF", "no header row", "no end of the last line", "a header in another case"],
)
def test_t28_every_shape_of_csv_gives_the_same_rows(salesforce: SalesforceWorld, change: Any) -> None:
    salesforce.accounts(20)
    plain = hashes(records_of(walk(salesforce)))
    salesforce.inner.add(Trouble(RESULTS, after=lambda answer: replace(answer, body=change(answer.body))))
    assert hashes(records_of(walk(salesforce))) == plain


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: replace(answer, body=answer.body[: len(answer.body) // 2]),
        lambda answer: replace(answer, body=answer.body[: answer.body.rindex(b'\n"')]),
        lambda answer: replace(answer, body=b""),
        lambda answer: replace(answer, headers={}, body=b""),
        lambda answer: replace(answer, body=b"<html>maintenance</html>"),
        lambda answer: replace(answer, body=answer.body.replace(b"Account 3", b"Acc\xffunt 3")),
        lambda answer: HttpResponse(204),
    ],
    ids=["cut in a cell", "cut after a row", "empty", "empty, no headers", "HTML with 200", "no UTF-8", "204"],
)
def test_t30_a_part_that_is_not_whole_is_asked_again_and_never_taken_for_fewer_rows(
    salesforce: SalesforceWorld, change: Any
) -> None:
    made = salesforce.accounts(20)
    trouble = Trouble(RESULTS, after=change, times=2)
    salesforce.inner.add(trouble)
    assert set(records_of(walk(salesforce))) == set(made)
    assert trouble.struck == 2
    salesforce.inner.add(Trouble(RESULTS, after=change, times=None))
    with pytest.raises((BadDataError, CursorLostError)):
        walk(salesforce)


def test_t24_parts_are_followed_to_the_end_and_the_job_is_deleted(
    salesforce: SalesforceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.connectors.salesforce.bulk.PART_ROWS", 100)
    made = salesforce.accounts(450)
    assert set(records_of(walk(salesforce))) == set(made)
    assert len(salesforce.inner.requests(RESULTS_PATH, "GET")) == 5
    assert len(salesforce.inner.requests("/jobs/query/", "DELETE")) == 1


RESULTS_PATH = "/results"


def test_t24_a_job_without_rows_is_one_complete_walk(salesforce: SalesforceWorld) -> None:
    counted = HttpResponse(200, {}, b'{"totalSize": 5, "done": true, "records": []}')
    salesforce.inner.add(Trouble(path_has("COUNT"), before=counted))
    pages = walk(salesforce)
    assert len(posts(salesforce)) == 1
    assert (records_of(pages), pages[-1].resume) == ({}, None)


def test_t24_a_job_that_gives_fewer_rows_than_it_found_is_no_complete_one(salesforce: SalesforceWorld) -> None:
    salesforce.accounts(20)

    def more(answer: HttpResponse) -> HttpResponse:
        document = {**json.loads(answer.body), "numberRecordsProcessed": 10_000}
        return replace(answer, body=json.dumps(document).encode())

    salesforce.inner.add(Trouble(path_has("/jobs/query/750", "GET"), after=more, times=2))
    pages: list[Page] = []
    with pytest.raises(CursorLostError):
        pages.extend(reader(salesforce).changes(ACCOUNT, salesforce.everything()))
    assert all(page.resume is not None for page in pages)


def test_t24_a_failed_job_is_read_by_rest_instead(salesforce: SalesforceWorld) -> None:
    made = salesforce.accounts(300)
    salesforce.org.edit({"bulk": {"fail": "TransientError: internal"}})
    assert set(records_of(walk(salesforce))) == set(made)
    assert len(salesforce.inner.requests("/jobs/query/", "DELETE")) == 1


@pytest.mark.parametrize("word", ["LIMIT_EXCEEDED", "API_ERROR"])
def test_t24_where_no_job_can_be_made_rest_reads(salesforce: SalesforceWorld, word: str) -> None:
    made = salesforce.accounts(30)
    body = json.dumps([{"errorCode": word, "message": "no"}]).encode()
    salesforce.inner.add(Trouble(path_has("/jobs/query", "POST"), before=HttpResponse(400, {}, body), times=None))
    assert set(records_of(walk(salesforce))) == set(made)


def test_t24_a_lost_answer_to_the_creation_makes_two_jobs_of_which_one_is_read(salesforce: SalesforceWorld) -> None:
    made = salesforce.accounts(30)
    salesforce.strike("drop after", method="POST", path="*/jobs/query", nth=1)
    assert set(records_of(walk(salesforce))) == set(made)
    assert len(posts(salesforce)) == 2
    read = {request.url.split("/jobs/query/")[1].split("/")[0] for request in salesforce.inner.requests(RESULTS_PATH)}
    assert len(read) == 1


def test_t24_a_job_that_cannot_be_deleted_spoils_nothing(salesforce: SalesforceWorld) -> None:
    made = salesforce.accounts(30)
    salesforce.inner.add(Trouble(path_has("/jobs/query/", "DELETE"), before=HttpResponse(500), times=None))
    assert set(records_of(walk(salesforce))) == set(made)


def test_t24_a_job_is_taken_up_again_at_every_page(
    salesforce: SalesforceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.connectors.salesforce.bulk.PART_ROWS", 100)
    monkeypatch.setattr("syncd.connectors.salesforce.walking.PAGE_ROWS", 40)
    made = salesforce.accounts(350)
    window = salesforce.everything()
    for stop in range(1, 12):
        pages: list[Page] = []
        for page in reader(salesforce).changes(ACCOUNT, window):
            pages.append(page)
            if len(pages) == stop:
                break
        rest = reader(salesforce).changes(ACCOUNT, window, pages[-1].resume)
        assert set(records_of([*pages, *rest])) == set(made)


def test_t24_a_job_that_is_gone_is_a_lost_cursor(salesforce: SalesforceWorld) -> None:
    salesforce.accounts(30)
    first = next(reader(salesforce).changes(ACCOUNT, salesforce.everything()))
    salesforce.clock.advance(timedelta(days=8))
    with pytest.raises(CursorLostError):
        list(reader(salesforce).changes(ACCOUNT, salesforce.everything(), first.resume))


def test_t24_few_rows_are_read_by_rest_and_a_large_increment_by_a_job(salesforce: SalesforceWorld) -> None:
    salesforce.accounts(30)
    walk(salesforce, above=30)
    assert posts(salesforce) == []
    made = salesforce.accounts(30)
    since = salesforce.since(START - timedelta(minutes=1))
    found = records_of(reader(salesforce, above=40).changes(ACCOUNT, since))
    assert set(made) <= set(found)
    assert len(posts(salesforce)) == 1
    counts = [request for request in salesforce.inner.sent if "COUNT" in request.url]
    assert len(counts) == 1, "of an increment its first page tells the size"


def test_t24_columns_that_bulk_cannot_select_are_read_by_rest(salesforce: SalesforceWorld) -> None:
    made = salesforce.accounts(30)
    mapping = mapped(salesforce, street="BillingAddress.street")
    assert set(records_of(walk(salesforce, mapping=mapping))) == set(made)
    assert posts(salesforce) == []


# --- more columns than one query has room for


def wide(world: SalesforceWorld, fields: int = 420) -> SystemMapping:
    names = [f"A_custom_field_with_a_long_name_{number:03d}__c" for number in range(fields)]
    for name in names:
        world.org.edit({"object": "Account", "field": {"name": name, "type": "string"}})
    return mapped(world, **{f"custom_{number}": name for number, name in enumerate(names)})


def test_t25_rows_of_very_many_columns_come_whole_in_parts(salesforce: SalesforceWorld) -> None:
    mapping = wide(salesforce)
    rows = [
        {"Name": f"n{row}", **{name: f"{row}-{key}" for key, name in mapping.kinds[ACCOUNT].fields.items()}}
        for row in range(30)
    ]
    made = salesforce.org.load("Account", [{**row, "Name": "n"} for row in _loadable(rows)])
    found = records_of(walk(salesforce, above=10_000, mapping=mapping))
    assert set(found) == set(made)
    assert found[made[7]].fields["custom_419"] == "7-custom_419"
    assert found[made[7]].fields["custom_0"] == "7-custom_0"
    assert found == records_of(walk(salesforce, mapping=mapping)), "the same as by a Bulk job, which needs no parts"
    reading = reader(salesforce, mapping=mapping).read(ACCOUNT, made[:3])
    assert [reading[each].record == found[each] for each in made[:3]] == [True] * 3


def _loadable(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    return ({name: value for name, value in row.items() if name.endswith("__c")} for row in rows)


def test_t25_a_row_that_changes_between_its_parts_is_read_again_and_never_skipped(salesforce: SalesforceWorld) -> None:
    mapping = wide(salesforce)
    made = salesforce.accounts(5)
    last = mapping.kinds[ACCOUNT].fields["custom_419"]

    def change() -> None:
        salesforce.clock.advance(timedelta(seconds=2))
        salesforce.org.edit({"object": "Account", "id": made[2], "set": {"Name": "torn", last: "torn"}})

    salesforce.inner.add(Trouble(path_has("Id+IN"), during=change, times=2))
    found = records_of(reader(salesforce, above=10_000, mapping=mapping).changes(ACCOUNT, salesforce.everything()))
    assert set(found) == set(made)
    assert (found[made[2]].fields["name"], found[made[2]].fields["custom_419"]) == ("torn", "torn")


def test_t25_a_row_that_never_stands_still_ends_the_walk_with_its_name(salesforce: SalesforceWorld) -> None:
    mapping = wide(salesforce)
    made = salesforce.accounts(1)

    def change() -> None:
        salesforce.clock.advance(timedelta(seconds=2))
        salesforce.org.edit({"object": "Account", "id": made[0], "set": {"Name": "torn"}})

    salesforce.inner.add(Trouble(path_has("Id+IN"), during=change, times=None))
    with pytest.raises(RetryableError, match=f"SYN432 {made[0]}"):
        list(reader(salesforce, above=10_000, mapping=mapping).changes(ACCOUNT, salesforce.everything()))


# --- queues


def test_queues_are_owners_that_no_account_may_have(salesforce: SalesforceWorld) -> None:
    queue = salesforce.org.load("Group", [{"Name": "Inbound", "Type": "Queue", "Email": "Inbound@acme.example"}])[0]
    salesforce.org.load("Group", [{"Name": "Not a queue", "Type": "Regular"}])
    without = {user.ref.id for user in salesforce.reader().users()}
    users = {user.ref.id: user for user in reader(salesforce, mapping=mapped(salesforce)).users()}
    assert set(users) - without == {queue}
    assert (users[queue].name, users[queue].eligible, users[queue].email) == ("Inbound", False, "inbound@acme.example")
