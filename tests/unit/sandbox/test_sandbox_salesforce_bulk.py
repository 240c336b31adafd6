"""Bulk 2.0 in the fake org: query jobs through every state, and ingest jobs row by row."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import timedelta
from typing import Any

import pytest
from sandbox_salesforce_client import OrgClient

from syncd.sandbox.salesforce import bulkcsv
from syncd.sandbox.salesforce.soql.execution import Column, Result
from syncd.sandbox.salesforce.soql.rendering import GroupShape
from syncd.sandbox.wire import Response


class Bulk(OrgClient):
    """An org with five accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts = self.org.load(
            "Account", [{"Name": f"A{number}", "ERP_Id__c": f"E{number}"} for number in range(5)]
        )

    def create(self, soql: str = "SELECT Id, Name FROM Account", **more: str) -> Any:
        return self.json("POST", "jobs/query", {"operation": "query", "query": soql, **more})

    def complete(self, soql: str = "SELECT Id, Name FROM Account", **more: str) -> str:
        job = str(self.create(soql, **more)["id"])
        while self.json("GET", f"jobs/query/{job}")["state"] in ("UploadComplete", "InProgress"):
            pass
        return job

    def results(self, job: str, query: str = "", **headers: str) -> Response:
        return self.call("GET", f"jobs/query/{job}/results{query}", **headers)

    def ingest(self, operation: str, text: str, name: str = "Account", **more: str) -> tuple[str, Any]:
        job = self.json("POST", "jobs/ingest", {"object": name, "operation": operation, "lineEnding": "LF", **more})
        assert (job["state"], job["contentUrl"]) == ("Open", f"services/data/v66.0/jobs/ingest/{job['id']}/batches")
        target = f"jobs/ingest/{job['id']}"
        assert self.call("PUT", f"{target}/batches", text.encode(), Content_Type="text/csv").status == 201
        return target, self.json("PATCH", target, {"state": "UploadComplete"})

    def csv(self, target: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.call("GET", target).body.decode())))


@pytest.fixture
def bulk() -> Bulk:
    return Bulk()


def test_job_goes_through_its_states_to_results(bulk: Bulk) -> None:
    job = bulk.create()
    assert (job["state"], job["object"], job["apiVersion"], job["contentType"]) == (
        "UploadComplete",
        "Account",
        66.0,
        "CSV",
    )
    assert bulk.results(job["id"]).status == 204
    assert bulk.json("GET", f"jobs/query/{job['id']}")["state"] == "InProgress"
    done = bulk.json("GET", f"jobs/query/{job['id']}")
    assert (done["state"], done["numberRecordsProcessed"], done["isPkChunkingSupported"]) == ("JobComplete", 5, True)
    part = bulk.results(job["id"], "?maxRecords=2")
    assert part.headers["Sforce-Locator"] == "Mg"
    assert part.body.decode() == f'"Id","Name"\n"{bulk.accounts[0]}","A0"\n"{bulk.accounts[1]}","A1"\n'
    last = bulk.results(job["id"], "?maxRecords=3&locator=Mg")
    assert (last.headers["Sforce-Locator"], last.headers["Sforce-NumberOfRecords"]) == ("null", "3")
    assert bulk.results(job["id"], "?maxRecords=2").body == part.body


def test_a_job_that_is_cut_by_ids_gives_its_rows_in_their_order(bulk: Bulk) -> None:
    bulk.clock.advance(timedelta(minutes=1))
    assert bulk.call("PATCH", f"sobjects/Account/{bulk.accounts[0]}", {"Name": "Changed last"}).status == 204
    stamped = "SELECT Id FROM Account WHERE SystemModstamp > 2026-01-01T00:00:00Z"
    ids = [row["Id"] for row in csv.DictReader(io.StringIO(bulk.results(bulk.complete(stamped)).body.decode()))]
    assert ids == sorted(bulk.accounts)


def test_no_rows_give_a_header_and_the_word_null(bulk: Bulk) -> None:
    part = bulk.results(bulk.complete("SELECT Id FROM Account WHERE Name = 'nobody'"))
    assert (part.body, part.headers["Sforce-Locator"]) == (b'"Id"\n', "null")


def test_failed_job_says_why_and_has_no_results(bulk: Bulk) -> None:
    bulk.org.edit(bulk={"fail": "InternalServerError : retries exceeded"})
    job = bulk.complete()
    shown = bulk.json("GET", f"jobs/query/{job}")
    assert (shown["state"], shown["errorMessage"]) == ("Failed", "InternalServerError : retries exceeded")
    assert bulk.results(job).status == 400
    assert bulk.results(bulk.complete()).status == 200


def test_stuck_job_is_aborted_and_then_deleted(bulk: Bulk) -> None:
    bulk.org.edit(bulk={"stuck": True})
    job = bulk.create()["id"]
    for _ in range(5):
        assert bulk.json("GET", f"jobs/query/{job}")["state"] == "InProgress"
    assert bulk.error("DELETE", f"jobs/query/{job}") == (400, "INVALIDJOBSTATE")
    assert bulk.error("PATCH", f"jobs/query/{job}", {"state": "Paused"}) == (400, "INVALIDJOBSTATE")
    assert bulk.json("PATCH", f"jobs/query/{job}", {"state": "Aborted"})["state"] == "Aborted"
    assert bulk.results(job).status == 400
    assert bulk.call("DELETE", f"jobs/query/{job}").status == 204
    assert bulk.error("GET", f"jobs/query/{job}") == (404, "NOT_FOUND")


def test_complete_job_cannot_be_aborted(bulk: Bulk) -> None:
    job = bulk.complete()
    assert bulk.error("PATCH", f"jobs/query/{job}", {"state": "Aborted"}) == (400, "INVALIDJOBSTATE")


def test_jobs_are_listed_for_a_week_and_counted_for_a_day(bulk: Bulk) -> None:
    bulk.org.edit(limits={"bulk_jobs": 2})
    first, second = bulk.create()["id"], bulk.create()["id"]
    assert bulk.error("POST", "jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"})[0] == 400
    assert bulk.json("GET", "limits")["DailyBulkV2QueryJobs"] == {"Max": 2, "Remaining": 0}
    listed = bulk.json("GET", "jobs/query?jobType=V2Query")
    assert ([job["id"] for job in listed["records"]], listed["done"]) == ([first, second], True)
    bulk.clock.advance(timedelta(days=1))
    bulk.headers["Authorization"] = f"Bearer {bulk.org.credentials()['access_token']}"
    assert bulk.create()["state"] == "UploadComplete"
    bulk.clock.advance(timedelta(days=7, seconds=1))
    bulk.headers["Authorization"] = f"Bearer {bulk.org.credentials()['access_token']}"
    assert bulk.json("GET", "jobs/query")["records"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"operation": "delete", "query": "SELECT Id FROM Account"},
        {"operation": "query", "query": "SELECT Id"},
        {"operation": "query", "query": "SELECT Id FROM Account", "contentType": "JSON"},
        {"operation": "query", "query": "SELECT Id FROM Account", "columnDelimiter": "DOT"},
        {"operation": "query", "query": "SELECT COUNT() FROM Account"},
        {"operation": "query", "query": "SELECT Name, COUNT(Id) FROM Account GROUP BY Name"},
        {"operation": "query", "query": "SELECT Id FROM Account LIMIT 5 OFFSET 2"},
        {"operation": "query", "query": "SELECT FIELDS(ALL) FROM Account LIMIT 5"},
        {"operation": "query", "query": "SELECT Id, (SELECT Id FROM Contacts) FROM Account"},
        {"operation": "query", "query": "SELECT TYPEOF Owner WHEN User THEN Email END FROM Lead"},
        {"operation": "query", "query": "SELECT BillingAddress FROM Account"},
        {},
    ],
)
def test_what_bulk_lacks_is_refused_when_the_job_is_made(bulk: Bulk, body: dict[str, str]) -> None:
    assert bulk.call("POST", "jobs/query", body).status == 400


@pytest.mark.parametrize("locator", ["Zm9v", "!!", "OTk5OTk5OTk5", "-1"])
def test_locator_that_was_never_given_out_is_refused(bulk: Bulk, locator: str) -> None:
    assert bulk.results(bulk.complete(), f"?locator={locator}").status == 400


def test_delimiter_and_line_ending_are_as_asked(bulk: Bulk) -> None:
    part = bulk.results(bulk.complete(columnDelimiter="PIPE", lineEnding="CRLF"))
    assert part.body.decode().splitlines(keepends=True)[0] == '"Id"|"Name"\r\n'


def test_values_are_quoted_and_typed_as_bulk_writes_them(bulk: Bulk) -> None:
    bulk.org.load(
        "Account", [{"Name": 'q"uote\nline\x00', "AnnualRevenue": 5, "NumberOfEmployees": 7, "IsDeleted": False}]
    )
    soql = (
        "SELECT Name, AnnualRevenue, NumberOfEmployees, IsDeleted, Rating, CreatedDate, Owner.Name FROM Account "
        "WHERE AnnualRevenue = 5"
    )
    line = bulk.results(bulk.complete(soql)).body.decode().partition("\n")[2]
    assert line == '"q""uote\nline\x00","5.0","7","false","","2026-11-20T10:00:00.000Z","Sync Bot"\n'


def test_packed_part_is_ready_where_gzip_is_taken(bulk: Bulk) -> None:
    job = bulk.complete()
    packed = bulk.results(job, Accept_Encoding="gzip").packed
    assert packed is not None
    assert gzip.decompress(packed) == bulk.results(job).body
    assert bulk.results(job).packed is None


def test_same_query_over_unchanged_rows_is_rendered_once(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[int] = []
    original = bulkcsv.csv_of

    def counted(*arguments: Any) -> str:
        rendered.append(1)
        return original(*arguments)

    monkeypatch.setattr(bulkcsv, "csv_of", counted)
    first, second = bulk.complete(), bulk.complete()
    assert bulk.results(first).body == bulk.results(second).body
    assert len(rendered) == 1
    bulk.org.edit(object="Account", id=bulk.accounts[0], set={"Name": "new"})
    assert b"new" in bulk.results(bulk.complete()).body
    assert b"new" not in bulk.results(first).body
    assert len(rendered) == 2


def test_parts_beyond_the_store_are_rendered_again() -> None:
    rows = [{"Id": f"{number:018d}"} for number in range(4)]
    column = Column("Id", "id", lambda row: row["Id"], "Id")
    result = Result(rows, GroupShape(), (column,))
    store = bulkcsv.PartStore(kept_bytes=60)
    parts = [store.part(1, result, start, start + 2, bulkcsv.Dialect()) for start in (0, 2, 0)]
    assert parts[0].body == parts[2].body
    assert parts[0] is not parts[2]
    assert store.part(1, result, 0, 2, bulkcsv.Dialect()) is parts[2]


def test_ingest_changes_rows_one_by_one(bulk: Bulk) -> None:
    first, second, third = bulk.accounts[:3]
    bulk.org.edit(object="Account", id=third, set={"Rating": "Warm", "Website": "kept"})
    text = f"Id,Rating,Website\n{first},Hot,x\n{second},{'y' * 300},x\n{third},#N/A,\n001FK0000000000AAA,Hot,\n"
    target, job = bulk.ingest("update", text)
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 4, 2)
    done = bulk.csv(f"{target}/successfulResults")
    assert [(row["sf__Id"], row["sf__Created"]) for row in done] == [(first, "false"), (third, "false")]
    failed = [row["sf__Error"].partition(":")[0] for row in bulk.csv(f"{target}/failedResults")]
    assert failed == ["STRING_TOO_LONG", "NOT_FOUND"]
    row = bulk.row("Account", third)
    assert (row["Rating"], row["Website"]) == (None, "kept")
    assert bulk.call("DELETE", target).status == 204


def test_ingest_inserts_upserts_and_deletes(bulk: Bulk) -> None:
    target, _ = bulk.ingest("insert", "Name\nnew one\n")
    (made,) = bulk.csv(f"{target}/successfulResults")
    assert (made["sf__Created"], bulk.row("Account", made["sf__Id"])["Name"]) == ("true", "new one")
    target, _ = bulk.ingest("upsert", "ERP_Id__c,Name\nE0,renamed\nE9,made\n", externalIdFieldName="ERP_Id__c")
    assert [row["sf__Created"] for row in bulk.csv(f"{target}/successfulResults")] == ["false", "true"]
    assert bulk.row("Account", bulk.accounts[0])["Name"] == "renamed"
    bulk.ingest("delete", f"Id\n{bulk.accounts[0]}\n")
    assert not bulk.live("Account", bulk.accounts[0])
    bulk.ingest("hardDelete", f"Id\n{bulk.accounts[1]}\n")
    assert bulk.org.record("Account", bulk.accounts[1]) is None


def test_ingest_of_an_unknown_field_fails_as_a_whole(bulk: Bulk) -> None:
    target, job = bulk.ingest("update", f"Id,Foo\n{bulk.accounts[0]},1\n")
    assert (job["state"], "Field name not found : Foo" in job["errorMessage"]) == ("Failed", True)
    assert len(bulk.csv(f"{target}/unprocessedrecords")) == 1


def test_ingest_rows_are_refused_by_a_row_fault(bulk: Bulk) -> None:
    bulk.org.faults.install(
        [{"match": {"method": "PATCH"}, "fault": "row UNABLE_TO_LOCK_ROW", "ids": [bulk.accounts[1]]}]
    )
    text = "Id,Rating\n" + "".join(f"{key},Hot\n" for key in bulk.accounts)
    target, job = bulk.ingest("update", text)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (5, 1)
    assert bulk.csv(f"{target}/failedResults")[0]["sf__Error"].startswith("UNABLE_TO_LOCK_ROW:")


def test_ingest_job_takes_one_csv_and_ends_once(bulk: Bulk) -> None:
    body = {"object": "Account", "operation": "insert"}
    target = f"jobs/ingest/{bulk.json('POST', 'jobs/ingest', body)['id']}"
    assert bulk.call("PUT", f"{target}/batches", b"Name\nx\n").status == 201
    assert bulk.call("PUT", f"{target}/batches", b"Name\nx\n").status == 400
    assert bulk.error("DELETE", target) == (400, "INVALIDJOBSTATE")
    assert bulk.json("PATCH", target, {"state": "Aborted"})["state"] == "Aborted"
    assert bulk.error("PATCH", target, {"state": "UploadComplete"}) == (400, "INVALIDJOBSTATE")
    assert len(bulk.csv(f"{target}/unprocessedrecords")) == 1
    assert bulk.error("POST", "jobs/ingest", {"object": "Nothing", "operation": "insert"}) == (400, "INVALIDENTITY")
    assert bulk.call("POST", "jobs/ingest", {"object": "Account", "operation": "dance"}).status == 400
    assert len(bulk.json("GET", "jobs/ingest")["records"]) == 1
