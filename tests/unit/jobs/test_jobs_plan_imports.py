"""What a plan of a mirror by columns loads: in a cold process imports are the larger half of a small plan."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")

UNNEEDED = {
    *("structlog", "rich", "urllib3", "requests", "rapidfuzz", "yaml", "jinja2", "apscheduler", "apprise", "alembic"),
    *("hubspot", "simple_salesforce", "zeep", "polars", "pandas", "highspy"),
}
PATH = (
    *("syncd.cli.main", "syncd.cli.commands.plan", "syncd.cli.session", "syncd.jobs.plans.plan", "syncd.settings"),
    *("syncd.jobs.context", "syncd.jobs.books.batch_book", "syncd.report.plans.plan_json"),
)
LOOK = "import importlib, json, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
LOOK += "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def test_a_plan_by_columns_loads_no_library_that_it_does_not_use() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK, *PATH], capture_output=True, text=True, check=True)
    assert UNNEEDED & set(json.loads(done.stdout)) == set()
