"""`check`, `test`, `plan` and `explain` on each example pack, and on 1,000 territories over 100,000 accounts.

`make bench-packs`, or this script with a number of accounts. Prints JSON: seconds of the processor inside one process,
apart from starting Python; each figure goes to stderr as soon as it is known, for the whole takes minutes. Each account
file is also a mirror, from which one company in the middle is explained. Bad input is measured beside it: the slowest
file of those that the tests try.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit" / "rules")]

from benchmarks.rules_world import accounts, write_pack  # noqa: E402 - the path comes first
from syncd.clock import ManualClock  # noqa: E402
from syncd.jobs.answers.explaining import explain_company  # noqa: E402
from syncd.jobs.checking import check  # noqa: E402
from syncd.jobs.context import Context  # noqa: E402
from syncd.jobs.packs.cases import run_tests  # noqa: E402
from syncd.jobs.packs.packs import open_pack  # noqa: E402
from syncd.jobs.plans.export import ExportFiles, think_over_export  # noqa: E402
from syncd.model.records import Record, User  # noqa: E402
from syncd.model.refs import Kind, Ref, System  # noqa: E402
from syncd.rules.loader import check_pack  # noqa: E402
from syncd.settings import Settings, load_settings  # noqa: E402
from syncd.store import companies, mirror  # noqa: E402
from syncd.store.records import upsert_records  # noqa: E402

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
ACCOUNTS, TERRITORIES, CASES = 100_000, 1_000, 500
Seconds = dict[str, Any]


def main() -> None:
    """Measure every example, then the large pack, then the bad input."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS
    found: dict[str, Seconds] = {}
    examples = sorted(path.parent for path in (ROOT / "examples").glob("*/accounts.csv"))
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        for pack in examples:
            found[pack.name] = _commands(pack, pack / "accounts.csv", Path(name) / pack.name)
        large = Path(name) / "large-pack"
        write_pack(large, TERRITORIES)
        _write_cases(large)
        found[f"{TERRITORIES} territories, {CASES} cases"] = _commands(
            large, _write_accounts(Path(name) / "accounts.csv", count), Path(name) / "large"
        )
        found["bad input"] = _bad_input(Path(name) / "bad")
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    sys.stdout.write(json.dumps({"machine": machine, **found}, indent=2) + "\n")


def _commands(pack: Path, rows: Path, folder: Path) -> Seconds:
    """The four commands over one pack and one file of accounts."""
    deals = rows.with_name("opportunities.csv")
    files = ExportFiles(rows, deals if deals.exists() else None)
    folder.mkdir()
    context, keys = _mirror(folder, pack, rows)
    middle = keys[len(keys) // 2]
    told: Seconds = {"accounts": len(keys)}
    steps: dict[str, Callable[[], object]] = {
        "read the pack": lambda: open_pack(Settings(), pack, now=NOW),
        "read and keep it": context.pack,
        "read it again in another process": context.pack,
        "check": lambda: check(Settings(), pack, now=NOW),
        "check with the mirror": lambda: check(context.settings, pack, now=NOW),
        "test": lambda: _passing(run_tests(Settings(), pack, now=NOW, covered=True).failed),
        "plan": lambda: think_over_export(Settings(), pack, files, now=NOW),
        "explain": lambda: explain_company(context, middle),
    }
    for name, work in steps.items():
        told[name] = _cpu(work)
        sys.stderr.write(f"{pack.name}: {name}: {told[name]} s\n")
    context.close()
    return told


def _passing(failed: int) -> None:
    if failed:
        sys.exit(f"{failed} cases of the pack fail")


def _cpu(work: Callable[[], object]) -> float:
    started = process_time()
    work()
    return round(process_time() - started, 3)


def _bad_input(folder: Path) -> Seconds:
    """The slowest of the worst inputs that the tests try, which also assert where each finding stands."""
    from pack_writing import write
    from test_rules_bad_input import FOUND

    taken = {}
    for number, (name, (files, expected)) in enumerate(FOUND.items()):
        root = write(folder / str(number), files)
        taken[name] = _cpu(lambda root=root, expected=expected: _found(root, expected))  # type: ignore[misc]
    slowest = max(taken, key=lambda name: taken[name])
    return {"files": len(taken), "slowest": slowest, "seconds": taken[slowest]}


def _found(root: Path, expected: str) -> None:
    if expected not in [f"{each.place} {each.code}" for each in check_pack(root)[1]]:
        sys.exit(f"{expected} was not found")


def _mirror(folder: Path, pack: Path, rows: Path) -> tuple[Context, list[str]]:
    """A mirror on SQLite that holds a file's accounts as those of one Salesforce, and their refs."""
    config = folder / "config.toml"
    config.write_text(
        f'state_dir = "{folder}"\n[database]\nurl = "sqlite:///{folder}/syncd.db"\n[pack]\npath = "{pack}"\n'
        '[salesforce]\nlogin_url = "https://bench.my.salesforce.com"\nclient_id = "c"\ngrant = "client_credentials"\n'
    )
    settings = load_settings(config, {"SYNCD_SALESFORCE__CLIENT_SECRET": "s"})
    context = Context.open(settings, clock=ManualClock(NOW), create=True)
    system = System.SALESFORCE
    with rows.open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    owners = sorted({row["owner"] for row in read if row.get("owner")})
    users = {email: f"005{number:012}" for number, email in enumerate(owners)}
    people = [User(Ref(system, Kind.USER, users[email]), email, email, True) for email in owners]
    records = [_record(number, row, users) for number, row in enumerate(read)]
    with context.store.write() as conn:
        mirror.store_users(conn, system, people, now=NOW, run_id="r")
        for start in range(0, len(records), 5000):
            upsert_records(conn, records[start : start + 5000], now=NOW, run_id="r")
        companies.save_links(conn, {each.ref: str(each.ref) for each in records}, {}, now=NOW)
        mirror.store_teams(conn, system, [], now=NOW)
        mirror.mark_complete(conn, system, as_of=NOW, run_id="r", mapping_revision=context.mapping_revision())
    return context, [str(each.ref) for each in records]


def _record(number: int, row: Mapping[str, str], users: Mapping[str, str]) -> Record:
    fields = {name: value for name, value in row.items() if value and name not in ("id", "owner")}
    return Record(
        Ref(System.SALESFORCE, Kind.ACCOUNT, f"001{number:012}"), NOW, fields, users.get(row.get("owner", ""))
    )


def _write_accounts(path: Path, count: int) -> Path:
    names = ("name", "country", "domain", "state", "postal_code", "industry", "employees")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", *names, "owner"))
        for facts in accounts(count):
            owner = facts.current_owner.email if facts.current_owner else ""
            writer.writerow((facts.key, *_cells(facts.values, names), owner))
    return path


def _cells(values: Mapping[str, object], names: Iterable[str]) -> list[str]:
    return [str(values.get(name, "")).removeprefix("US-") for name in names]


def _write_cases(folder: Path) -> None:
    """So many cases whose outcome is that somebody or nobody has the account: they run, whatever the rules say."""
    cases = "".join(
        f"  - name: case {number}\n    now: 2026-12-01T10:00:00Z\n"
        f"    account: {{country: US, industry: Banking, employees: {number}}}\n    expect: {{role: owner}}\n"
        for number in range(CASES)
    )
    (folder / "tests.yaml").write_text(f"tests:\n{cases}")


if __name__ == "__main__":
    main()
