"""The rules engine, figure by figure: `make bench-rules`, or this script with the names of figures. Prints JSON.

Seconds are of the processor, for these machines are shared. Every figure of the classes is checked against the plain
evaluator on a sample of the same accounts; a difference ends the run.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.rules_world import accounts, write_list, write_pack, write_table  # noqa: E402 - the path comes first
from syncd.rules.classes.near_misses import near_misses  # noqa: E402
from syncd.rules.classes.territories import PackClasses  # noqa: E402
from syncd.rules.deciding.tree import choose_territory  # noqa: E402
from syncd.rules.derivation import Derivation, facts_from_raw  # noqa: E402
from syncd.rules.engine import Book, decide  # noqa: E402
from syncd.rules.facts import Directory, Facts  # noqa: E402
from syncd.rules.loader import load_pack  # noqa: E402
from syncd.rules.matching.time_window import EvaluationContext  # noqa: E402
from syncd.rules.pack import Pack  # noqa: E402
from syncd.rules.pack_bytes import pack_from_bytes, pack_to_bytes  # noqa: E402
from syncd.rules.proving.proof import prove  # noqa: E402
from syncd.sandbox.dataset import from_financedb  # noqa: E402
from tests.acceptance.real_world import LIST  # noqa: E402
from tests.acceptance.real_world import write_pack as write_real_pack  # noqa: E402

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
EVERYBODY = Directory({}, assume_active=True)
SAMPLE = 1000
Figures = dict[str, object]


def cpu(work: Callable[[], object], times: int = 1) -> float:
    """Seconds of the processor, the median of so many runs."""
    taken = []
    for _ in range(times):
        started = process_time()
        work()
        taken.append(process_time() - started)
    return median(taken)


def territory(folder: Path) -> Figures:
    """Where 100,000 accounts end among 1,000 territories, and what it costs to say how one stands."""
    digest = write_pack(folder / "pack", 1000)
    return {"pack": digest, "territories": 1000, **_tree(load_pack(folder / "pack"), accounts(100_000))}


def decisions(folder: Path) -> Figures:
    """`decide` as a whole, 1,000 territories: 100,000 accounts by classes, a sample of them plainly."""
    write_pack(folder / "pack", 1000)
    return _decisions(load_pack(folder / "pack"), accounts(100_000))


def real(folder: Path) -> Figures:
    """`decide` over the real company list, each record of either CRM a company of its own."""
    if not LIST.exists():
        return {"skipped": "the real company list is not beside the project (../shared/data)"}
    dataset = from_financedb(LIST, 1, as_of=NOW)
    count = write_real_pack(folder / "pack", dataset, large=400)
    pack = load_pack(folder / "pack")
    derivation = Derivation(zone=pack.zone)
    names = {
        "Name": "name",
        "BillingCountry": "country",
        "BillingState": "state",
        "Industry": "industry",
        "NumberOfEmployees": "employees",
        "owner": "owner",
    }
    emails = {str(row["Id"]): row["Email"] for row in dataset.salesforce["User"]}
    book = [
        facts_from_raw(
            str(row["Id"]),
            _raw({**row, "owner": emails.get(str(row["OwnerId"]))}, names),
            derivation=derivation,
            now=NOW,
        )
        for row in dataset.salesforce["Account"]
    ]
    names = {"name": "name", "country": "country", "state": "state", "industry": "industry"}
    names["numberofemployees"] = "employees"
    book += [
        facts_from_raw(f"hubspot-{number}", _raw(row, names), derivation=derivation, now=NOW)
        for number, row in enumerate(dataset.hubspot["companies"])
    ]
    whole = tuple(book)
    return {"territories": count, **_tree(pack, whole), **_decisions(pack, whole)}


def reading(folder: Path) -> Figures:
    """Packs from the files to a value, back from what is kept of them, to class tables, and proved."""
    write_pack(folder / "small", 1000)
    write_pack(folder / "large", 5000)
    write_table(folder / "table", 50_000)
    write_list(folder / "list", 100_000)
    kinds = {"small": "1,000 territories", "large": "5,000 territories", "table": "a table of 50,000 rows"}
    kinds["list"] = "a list of 100,000 domains"
    found: Figures = {}
    for name, what in kinds.items():
        packs: list[Pack] = []
        seconds = cpu(lambda name=name, packs=packs: packs.append(load_pack(folder / name)), 3)  # type: ignore[misc]
        compiling = cpu(lambda packs=packs: PackClasses(packs[-1]).role("owner"), 3)  # type: ignore[misc]
        pack = packs[-1]
        kept = pack_to_bytes(pack)
        found[what] = {
            "read_seconds": round(seconds, 3),
            "kept_mb": round(len(kept) / 1e6, 1),
            "kept_seconds": round(cpu(lambda kept=kept: pack_from_bytes(kept), 3), 3),  # type: ignore[misc]
            "compile_seconds": round(compiling, 3),
            "proof_seconds": round(cpu(lambda pack=pack: _prove(pack)), 2),  # type: ignore[misc]
        }
    return found


def _prove(pack: Pack) -> None:
    prove(pack, derivation=Derivation(zone=pack.zone), now=NOW)


FIGURES: Mapping[str, Callable[[Path], Figures]] = {
    "territory": territory,
    "decisions": decisions,
    "real": real,
    "reading": reading,
}


def _tree(pack: Pack, book: tuple[Facts, ...]) -> Figures:
    context = EvaluationContext(NOW)
    compiled: list[PackClasses] = []
    compiling = cpu(lambda: compiled.append(PackClasses(pack)) or compiled[-1].role("owner"), 5)
    answers = compiled[-1].at(context)
    sample = book[:: len(book) // SAMPLE]
    first = cpu(lambda: [answers.choose("owner", each) for each in book])
    again = cpu(lambda: [answers.choose("owner", each) for each in book], 3)
    plain = cpu(lambda: [choose_territory(pack, "owner", each, context) for each in sample])
    for each in sample:
        if answers.choose("owner", each) != choose_territory(pack, "owner", each, context):
            sys.exit(f"the classes and the plain evaluator differ on {each.key}")
    role = answers.role("owner")
    missing = cpu(lambda: [near_misses(role, each) for each in sample], 3)
    return {
        "accounts": len(book),
        "terms": len(compiled[-1].role("owner").table.terms),
        "compile_seconds": round(compiling, 3),
        "first_us_an_account": _micro(first, len(book)),
        "again_us_an_account": _micro(again, len(book)),
        "plain_us_an_account": _micro(plain, len(sample)),
        "near_misses_us_an_account": _micro(missing, len(sample)),
    }


def _decisions(pack: Pack, book: tuple[Facts, ...]) -> Figures:
    whole = Book(book, EVERYBODY)
    sample = Book(book[:: max(1, len(book) // SAMPLE)], EVERYBODY)
    classes = cpu(lambda: decide(pack, whole, NOW))
    plain = cpu(lambda: decide(pack, sample, NOW, plain=True))
    if decide(pack, sample, NOW) != decide(pack, sample, NOW, plain=True):
        sys.exit("decisions by classes and plain decisions differ")
    return {
        "companies": len(book),
        "seconds": round(classes, 2),
        "us_a_company": _micro(classes, len(book)),
        "plain_us_a_company": _micro(plain, len(sample.facts)),
    }


def _raw(row: Mapping[str, object], names: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    return {name: str(row[column]) for column, name in names.items() if row.get(column) not in (None, "")}


def _micro(seconds: float, count: int) -> float:
    return round(seconds / count * 1e6, 1)


def main() -> None:
    """Measure the figures named, or all of them."""
    names = sys.argv[1:] or list(FIGURES)
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        sys.exit(f"there is no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    found: dict[str, Figures] = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
            found[name] = FIGURES[name](Path(folder))
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    sys.stdout.write(json.dumps({"machine": machine, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
