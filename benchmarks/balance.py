"""Balance and forecast over planted books: how even they become, how far from the best, how well calibrated, how long.

`make bench-balance`, or this script with sizes. Prints JSON. Seconds are of the processor, for these machines are
shared; each book is made again from its seed. The exact engine needs the extra `balance`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: a book is made again from its number
from time import process_time
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from syncd.planning.aids.balance_book import Balancing, balancing, weigher  # noqa: E402 - the path comes first
from syncd.planning.aids.balance_document import curve_of, solution_document  # noqa: E402
from syncd.planning.aids.balance_optimum import available, optimum  # noqa: E402
from syncd.planning.aids.balance_search import search  # noqa: E402
from syncd.planning.aids.forecast import Stretch, check  # noqa: E402
from syncd.planning.people.table import table_of  # noqa: E402
from syncd.rules.deciding.frame import Frame  # noqa: E402
from syncd.rules.engine import Book, decide  # noqa: E402
from syncd.rules.facts import Directory  # noqa: E402
from syncd.rules.loader import load_pack  # noqa: E402
from syncd.rules.pack import Pack  # noqa: E402
from tests.aids_books import COUNTRIES, book, owned, with_values  # noqa: E402
from tests.aids_books import NOW as BOOK_NOW  # noqa: E402
from tests.deal_books import NOW, planted_deals, with_ways  # noqa: E402

SEED = 20261122
SIZES = (1_000, 10_000, 100_000)
EVERYBODY = Directory({}, assume_active=True)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What work comes to, and the seconds of the processor that it took."""
    started = process_time()
    found = work()
    return found, round(process_time() - started, 2)


def team_pack(teams: dict[str, list[str]]) -> Pack:
    """One territory a team: the companies of a country."""
    lines = ["format: 1", "pack: {name: teams}", "territories:"]
    for country, reps in sorted(teams.items()):
        lines += [f"  - name: {country.lower()}", f"    when: {{country: [{country}]}}"]
        lines += [f"    owners: [{', '.join(reps)}]"]
    lines += ["  - {name: rest, when: always, owners: unassigned}"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pack.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return load_pack(Path(folder), now=BOOK_NOW)


def planted(size: int, reps: int) -> tuple[Balancing, float]:
    """A book where one rep in four holds four times what others hold, and the seconds of making it a problem.

    A tenth of the companies has an open deal.
    """
    dice, countries = Random(SEED), sorted(set(COUNTRIES))
    teams: dict[str, list[str]] = {country: [] for country in countries}
    for number in range(reps):
        teams[countries[number % len(countries)]].append(f"rep-{number}@example.com")
    facts = []
    for each in book(size, SEED):
        team = teams[str(each.values["country"])]
        owner = dice.choices(team, [4 if place % 4 == 0 else 1 for place in range(len(team))])[0]
        pipeline = Decimal(int(dice.lognormvariate(9, 1.5)))
        deals = Decimal(dice.random() < 0.1)
        facts.append(owned(with_values(each, open_pipeline=pipeline, open_opportunities=deals), owner))
    pack = team_pack(teams)
    decisions = decide(pack, Book(tuple(facts), EVERYBODY), BOOK_NOW)
    table = table_of(Frame.of(pack, EVERYBODY, BOOK_NOW), decisions, {each.key: each for each in facts})
    return timed(lambda: balancing(table, weigher("pipeline", {})))


def balanced(size: int, reps: int) -> dict[str, Any]:
    """The figures of one size."""
    found, building = planted(size, reps)
    problem, budget = found.problem, max(size // 20, 10)
    heuristic, searching = timed(lambda: search(problem, budget))
    told: dict[str, Any] = {
        "companies": size,
        "reps": len(found.emails),
        "movable": len(problem.units),
        "budget": budget,
        "seconds_building": building,
        "heuristic": solution_document(found, heuristic) | {"seconds": searching},
    }
    if available():
        exact, solving = timed(lambda: optimum(problem, budget))
        told["exact"] = solution_document(found, exact) | {"seconds": solving}
    told["curve"], told["seconds_curve"] = timed(lambda: curve_of(problem, budget, exact=False, seconds=20.0))
    return told


def forecasted(holders: int, a_month: float) -> dict[str, Any]:
    """How planted quarters that were held back came out."""
    deals = planted_deals([f"t{n}" for n in range(holders)], SEED, a_month=a_month, win_rates=(0.2, 0.35, 0.5))

    def quarter(year: int, number: int) -> Stretch:
        end = datetime(year + number // 4, 3 * number % 12 + 1, 1, tzinfo=UTC)
        return Stretch(f"{year}-Q{number}", datetime(year, 3 * number - 2, 1, tzinfo=UTC), end)

    past = [quarter(year, number) for year in (2026, 2025, 2024) for number in (4, 3, 2, 1)][1:]

    def place_of(at: datetime) -> int:
        return (at.month - 1) % 3

    found, seconds = timed(lambda: check(deals, past, 0.55, place_of, NOW))
    known = with_ways(deals, SEED)
    staged, staged_seconds = timed(lambda: check(known, past, 0.55, place_of, NOW, staged=True))
    return {
        "deals": len(deals),
        "territories": holders,
        "a_month": a_month,
        "intervals": found.tested,
        "held": found.share,
        "bias": found.bias,
        "error": found.error,
        "seconds": seconds,
        "with_stages": {
            "held": staged.share,
            "bias": staged.bias,
            "error": staged.error,
            "seconds": staged_seconds,
        },
    }


if __name__ == "__main__":
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    figures = {
        "seed": SEED,
        "balance": [balanced(size, 300 if size > 1_000 else 30) for size in sizes],
        "forecast": [forecasted(100, rate) for rate in (1.5, 6.0)],
    }
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
