"""How fast the fake Salesforce serves pages: `python benchmarks/sandbox_pages.py [--rows N]`. Prints one JSON document.

The sandbox runs in a process of its own, a bare http.client in this one, so that nothing of syncd is in the way of the
figures. Rendered once: the first walk of a Bulk job; at hand: a second job of the same query over unchanged rows. The
body is taken off the wire and unpacked, no value is parsed: that is the affair of whoever reads it.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from syncd.clock import SystemClock  # noqa: E402 - the checkout is put on the path first

SOQL = (
    "SELECT Id, Name, OwnerId, ParentId, Industry, Type, BillingCountryCode, BillingState, BillingPostalCode, "
    "NumberOfEmployees, AnnualRevenue, Website, IsDeleted, LastModifiedDate, SystemModstamp FROM Account"
)
API = "/services/data/v66.0"
PART = 50_000
SERVER = """
import json, sys, threading
sys.path.insert(0, sys.argv[1])
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.server import serve
org = SalesforceOrg(seed=1)
fixed = {"Industry": "Banking", "Type": "Prospect", "BillingCountryCode": "DE", "BillingState": "Hessen"}
org.load("Account", ({**fixed, "Name": f"Company {n} GmbH", "BillingPostalCode": f"{n % 99999:05d}",
    "NumberOfEmployees": n % 5000, "AnnualRevenue": n * 1000.5, "Website": f"https://www.company-{n}.example"}
    for n in range(int(sys.argv[2]))))
running = serve(org)
print(json.dumps(org.credentials()), flush=True)
threading.Event().wait()
"""


class Caller:
    """One kept-alive connection with a token."""

    def __init__(self, known: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection(known["url"].removeprefix("http://"))
        self._headers = {"Authorization": f"Bearer {known['access_token']}", "Accept-Encoding": "gzip"}

    def call(self, method: str, path: str, document: object = None) -> tuple[bytes, Any]:
        """The unpacked body of an answer, and its headers."""
        body = None if document is None else json.dumps(document)
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        raw = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {raw[:300]!r}")
        return gzip.decompress(raw) if answer.headers.get("Content-Encoding") == "gzip" else raw, answer.headers


def bulk(caller: Caller, clock: SystemClock) -> dict[str, float]:
    """One query job, from its creation to its last part."""
    started = clock.monotonic()
    job = json.loads(caller.call("POST", f"{API}/jobs/query", {"operation": "queryAll", "query": SOQL})[0])["id"]
    while json.loads(caller.call("GET", f"{API}/jobs/query/{job}")[0])["state"] != "JobComplete":
        pass
    created = clock.monotonic()
    rows = size = 0
    locator = ""
    while locator != "null":
        body, headers = caller.call("GET", f"{API}/jobs/query/{job}/results?maxRecords={PART}&locator={locator}")
        locator = headers["Sforce-Locator"]
        rows += int(headers["Sforce-NumberOfRecords"])
        size += len(body)
    seconds = clock.monotonic() - created
    return {
        "rows": rows,
        "seconds_to_complete": round(created - started, 2),
        "seconds_of_pages": round(seconds, 2),
        "rows_per_second": round(rows / seconds),
        "megabytes_per_second": round(size / 1e6 / seconds, 1),
    }


def rest(caller: Caller, clock: SystemClock) -> dict[str, float]:
    """One walk through REST pages of 2,000."""
    started = clock.monotonic()
    rows, path = 0, f"{API}/query?q={quote(SOQL)}"
    while path:
        page = json.loads(caller.call("GET", path)[0])
        rows += len(page["records"])
        path = page.get("nextRecordsUrl", "")
    seconds = clock.monotonic() - started
    return {"rows": rows, "seconds": round(seconds, 2), "rows_per_second": round(rows / seconds)}


def main() -> None:
    """Serve, walk, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    rows = parser.parse_args().rows
    clock = SystemClock()
    command = [sys.executable, "-c", SERVER, str(ROOT), str(rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            caller = Caller(json.loads(server.stdout.readline()))
            figures = {
                "machine": f"{platform.machine()}, Python {platform.python_version()}",
                "columns": SOQL.count(",") + 1,
                "bulk, rendered once": bulk(caller, clock),
                "bulk, at hand": bulk(caller, clock),
                "rest, pages of 2,000": rest(caller, clock),
            }
        finally:
            server.terminate()
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
