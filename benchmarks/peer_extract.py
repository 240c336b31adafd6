"""What a peer takes to extract the same rows: `python benchmarks/peer_extract.py --peer-python PEER [--rows N]`.

The peer is dlt, which is no dependency of syncd: make an environment for it anywhere and name its interpreter,

    python -m venv /tmp/peer && /tmp/peer/bin/pip install "dlt[sqlalchemy]"

The fake Salesforce of first_load.py serves N accounts and N opportunities, and both sides keep every column that syncd
maps. The peer merges them into SQLite by Id, syncd stores them in an empty mirror. Two ways in are compared:

- `rest`: pages of 2,000 rows. The peer follows nextRecordsUrl with its RESTClient.
- `bulk`: Bulk API 2.0 query jobs, as syncd reads a first load above 50,000 rows. dlt has no reader of its own for them:
  it is given the dozen lines that its user would write, which make the job by its RESTClient, wait for it, and yield
  Python's own csv rows of each part. So this compares syncd with dlt's pipeline behind a plain CSV reader.

Each way is told twice: as a whole, and extracting alone. The peer extracts into the files of its load package, which no
query reads; syncd into records, checked and canonical, that are thrown away.

Both are told in rows by the clock and by processor time of their own process, since other work may run beside them. Of
extracting the processor time is that of the step, of the whole that of the process with its start.
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

from syncd.connectors.salesforce import DEFAULT_MAPPING, SalesforceReader
from syncd.connectors.salesforce.mapping import columns_of
from syncd.jobs.context import Context
from syncd.jobs.pulling.reading import rare_collections
from syncd.model.cursors import Window
from syncd.model.refs import Kind, System
from syncd.settings import load_settings

PEER = """
import csv, io, json, os, resource, sys, time
known, folder = json.load(sys.stdin), sys.argv[1]
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["DLT_DATA_DIR"] = folder
os.environ["LOAD__WORKERS"] = "1"  # SQLite has one writer: with more, 1,000,000 rows each ended as an OperationalError
import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator
client = RESTClient(base_url=known["url"], auth=BearerTokenAuth(token=known["access_token"]),
    paginator=JSONLinkPaginator(next_url_path="nextRecordsUrl"), data_selector="records")
def resource_of(name, soql):
    def rows():
        for page in client.paginate("/services/data/v66.0/queryAll", params={"q": soql}):
            yield [{key: value for key, value in row.items() if key != "attributes"} for row in page]
    return dlt.resource(rows, name=name, write_disposition="merge", primary_key="Id")
def bulk_resource_of(name, soql):
    jobs = "/services/data/v66.0/jobs/query"
    def rows():
        made = client.post(jobs, json={"operation": "queryAll", "query": soql.partition(" ORDER BY ")[0]}).json()
        while client.get(f"{jobs}/{made['id']}").json()["state"] != "JobComplete":
            time.sleep(0.2)
        locator = None
        while locator != "null":
            given = {"maxRecords": 20000} | ({"locator": locator} if locator else {})
            part = client.get(f"{jobs}/{made['id']}/results", params=given)
            locator = part.headers["Sforce-Locator"]
            yield list(csv.DictReader(io.StringIO(part.content.decode())))
    return dlt.resource(rows, name=name, write_disposition="merge", primary_key="Id")
pipeline = dlt.pipeline("peer", destination=dlt.destinations.sqlalchemy(f"sqlite:///{folder}/peer.db"),
    dataset_name="main", pipelines_dir=folder)
def processor():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
started, begun, steps = time.monotonic(), processor(), {}
made = bulk_resource_of if known["way"] == "bulk" else resource_of
pipeline.extract([made(name, soql) for name, soql in known["queries"].items()])
steps["extract"], steps["cpu"] = time.monotonic() - started, processor() - begun
pipeline.normalize()
pipeline.load()
steps["all"] = time.monotonic() - started
rows = sum(count for name, count in pipeline.last_trace.last_normalize_info.row_counts.items() if name[0] != "_")
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"peer": "dlt " + dlt.__version__, "rows": rows, "seconds_to_extract": round(steps["extract"], 1),
    "cpu_seconds_to_extract": round(steps["cpu"], 2),
    "seconds": round(steps["all"], 1), "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
    "memory_mb": round(usage.ru_maxrss / 1000)}))
"""


def queries() -> dict[str, str]:
    """The queries of a first load, as syncd asks them."""
    found = {}
    for kind in (Kind.ACCOUNT, Kind.OPPORTUNITY):
        columns = columns_of(DEFAULT_MAPPING, kind)
        found[kind.value] = f"SELECT {columns.select} FROM {columns.object} ORDER BY SystemModstamp, Id"
    return found


def by_way(known: dict[str, str]) -> None:
    """Let every reader of this process read by REST pages alone, or by Bulk jobs alone."""
    defaults = SalesforceReader.__init__.__kwdefaults__
    assert defaults is not None
    defaults["bulk_above"] = 1 << 62 if known["way"] == "rest" else 0


def ours(folder: Path, known: dict[str, str]) -> dict[str, Any]:
    """The load of syncd by REST pages or Bulk jobs, in this process."""
    folder.mkdir(exist_ok=True)
    found = first_load.load(folder, known, f"sqlite:///{folder}/ours.db", warm=False)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {**found, "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1)}


def extract(folder: Path, known: dict[str, str]) -> dict[str, Any]:
    """The same pages read into records by syncd's reader in this process, and thrown away."""
    environ = {"SYNCD_SALESFORCE__CLIENT_SECRET": known["client_secret"], "SYNCD_ACTOR": "bench"}
    folder.mkdir(exist_ok=True)
    config = folder / "config.toml"
    config.write_text(
        first_load.CONFIG.format(url=f"sqlite:///{folder}/none.db", login=known["url"], client=known["client_id"])
    )
    context = Context.open(load_settings(config, environ), environ=environ, create=True)
    reader = context.reader(System.SALESFORCE)
    window = Window(None, reader.identify().server_now)
    started = first_load.processor_seconds()

    def walk() -> int:
        return sum(
            len(page.records)
            for kind in (Kind.ACCOUNT, Kind.OPPORTUNITY)
            for page in reader.changes(kind, window, None)
        )

    with rare_collections():
        count, seconds = first_load.measured(walk)
    spent = first_load.processor_seconds() - started
    context.close()
    return {"rows": count, "seconds_to_extract": round(seconds, 1), "cpu_seconds_to_extract": round(spent, 2)}


def in_process(command: list[str], told: Any) -> dict[str, Any]:
    """What a process of its own printed last."""
    done = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def by_processor(found: dict[str, Any]) -> dict[str, Any]:
    """The figures of one side, with its rates."""
    clock, cpu = found["rows"] / found["seconds"], found["rows"] / found["cpu_seconds"]
    return {**found, "rows_per_second": round(clock), "rows_per_cpu_second": round(cpu)}


def main() -> None:
    """Measure both, or be the process of syncd's side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", default="python3")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--way", choices=("rest", "bulk"), default="rest")
    parser.add_argument("--ours", type=Path)
    parser.add_argument("--extract", type=Path)
    given = parser.parse_args()
    if given.ours or given.extract:
        told = json.loads(sys.stdin.read())
        by_way(told)
        found = ours(given.ours, told) if given.ours else extract(given.extract, told)
        sys.stdout.write(json.dumps(found) + "\n")
        return
    with tempfile.TemporaryDirectory(prefix="syncd-peer-") as name, first_load.serving(given.rows) as known:
        folder, told = Path(name), {**known, "way": given.way}
        if given.way == "bulk":  # the server renders a job's parts once: neither side waits for that
            in_process([sys.executable, __file__, "--ours", str(folder / "warm")], told)
        peer = by_processor(in_process([given.peer_python, "-c", PEER, str(folder)], {**told, "queries": queries()}))
        us = by_processor(in_process([sys.executable, __file__, "--ours", str(folder)], told))
        alone = in_process([sys.executable, __file__, "--extract", str(folder / "alone")], told)
    figures = {
        "way": given.way,
        "accounts": given.rows,
        "opportunities": given.rows,
        "dlt": peer,
        "syncd": us,
        "syncd_extracting_alone": alone,
        "times_to_extract_by_processor": round(
            alone["rows"] / alone["cpu_seconds_to_extract"] / peer["rows"] * peer["cpu_seconds_to_extract"], 1
        ),
        "times_by_clock": round(us["rows_per_second"] / peer["rows_per_second"], 1),
        "times_by_processor": round(us["rows_per_cpu_second"] / peer["rows_per_cpu_second"], 1),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
