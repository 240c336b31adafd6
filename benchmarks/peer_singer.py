"""The same REST pages by a Singer tap, beside syncd: `python benchmarks/peer_singer.py --peer-python PEER [--rows N]`.

The SDK is no dependency of syncd: make an environment for it anywhere and name its interpreter,

    python -m venv /tmp/tap && /tmp/tap/bin/pip install singer-sdk

The taps for Salesforce on the index speak to Salesforce's own login hosts alone, so the peer is what Meltano's SDK asks
of whoever writes a tap: a schema, a path and where the next page is. Its messages are thrown away, in a process of its
own from start to end; syncd's figures are those of peer_extract.py by REST, extracting alone and as a whole.
Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import first_load
from peer_extract import by_processor, in_process, queries

TAP = """
import json, logging, sys
from singer_sdk import RESTStream, Tap
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import BaseHATEOASPaginator
logging.disable()
known = json.load(open(sys.argv[1]))
QUERY = "/services/data/v66.0/queryAll"
class Pages(BaseHATEOASPaginator):
    def get_next_url(self, response):
        return response.json().get("nextRecordsUrl")
class Queried(RESTStream):
    url_base, path, records_jsonpath, primary_keys = known["url"], QUERY, "$.records[*]", ("Id",)
    @property
    def authenticator(self):
        return BearerTokenAuthenticator(token=known["access_token"])
    def get_new_paginator(self):
        return Pages()
    def get_http_request(self, *, page):
        request = super().get_http_request(page=page)
        if page.next_page_token:
            request.url = known["url"] + page.next_page_token.path
        else:
            request.params = {"q": known["queries"][self.name]}
        return request
    def post_process(self, row, context=None):
        row.pop("attributes")
        return row
def schema_of(soql):
    names = [name.strip() for name in soql.split("FROM")[0].removeprefix("SELECT").split(",")]
    kinds = {"IsDeleted": "boolean", "IsClosed": "boolean", "IsWon": "boolean"}
    kinds |= {name: "number" for name in ("NumberOfEmployees", "AnnualRevenue", "Amount", "Probability")}
    return {"type": "object", "properties": {name: {"type": [kinds.get(name, "string"), "null"]} for name in names}}
class Peer(Tap):
    name = "tap-peer"
    config_jsonschema = {"type": "object", "properties": {}}
    def discover_streams(self):
        return [Queried(self, name=name, schema=schema_of(soql)) for name, soql in known["queries"].items()]
Peer(config={}).sync_all()
"""


def tapped(python: Path, told: Path) -> dict[str, Any]:
    """Seconds by the clock and of the processor for the tap, whose messages nobody reads."""

    def run() -> subprocess.CompletedProcess[str]:
        command = [python, "-c", TAP, told]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done, seconds = first_load.measured(run)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1)}


def main() -> None:
    """Measure both sides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=20_000)
    given = parser.parse_args()
    own = str(Path(__file__).with_name("peer_extract.py"))
    with tempfile.TemporaryDirectory(prefix="syncd-peer-") as name, first_load.serving(given.rows) as known:
        folder = Path(name)
        told = {**known, "way": "rest", "queries": queries()}
        (folder / "told.json").write_text(json.dumps(told))
        peer = by_processor({"rows": 2 * given.rows} | tapped(given.peer_python, folder / "told.json"))
        us = by_processor(in_process([sys.executable, own, "--ours", str(folder / "ours")], told))
        extracted = in_process([sys.executable, own, "--extract", str(folder / "alone")], told)
    figures = {
        "accounts": given.rows,
        "opportunities": given.rows,
        "singer": peer,
        "syncd_extracting": extracted,
        "syncd_whole": us,
        "times_extracting": round(peer["seconds"] / extracted["seconds_to_extract"], 1),
        "times_extracting_by_processor": round(peer["cpu_seconds"] / extracted["cpu_seconds_to_extract"], 1),
        "times_of_the_whole": round(peer["seconds"] / us["seconds"], 1),
        "times_of_the_whole_by_processor": round(peer["cpu_seconds"] / us["cpu_seconds"], 1),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
