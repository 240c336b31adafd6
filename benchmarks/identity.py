"""How well records of two CRMs are linked: `python benchmarks/identity.py [SEED]`. Prints JSON.

Every company of the real list stands in Salesforce, in HubSpot or in both, each copy with dirt of its own. How often a
field is missing or spelled otherwise is measured in that list; the true pairs stay hidden from the matcher, which
sees records with meaningless ids. A last figure is of pairs of the list that a person labelled (tests/data).
"""

from __future__ import annotations

import csv
import hashlib
import json
import random  # noqa: TID251 - a benchmark that repeats by its seed
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from syncd.clock import SystemClock  # noqa: E402 - the checkout is put on the path first
from syncd.identity import Linking, link_accounts  # noqa: E402
from syncd.model.normalisation import registrable_domain  # noqa: E402
from syncd.model.normalisation.company_names import LEGAL_FORMS  # noqa: E402
from syncd.model.records import Record  # noqa: E402
from syncd.model.refs import Kind, Ref, System  # noqa: E402

LIST = ROOT.parent / "shared" / "data" / "financedb" / "companies.csv"
LABELS = ROOT / "tests" / "data" / "labelled_pairs.csv"
STAMP = datetime(2026, 11, 20, tzinfo=UTC)
TYPOS = 0.02
"""Names with one wrong letter: the one rate that the list cannot tell; it is assumed."""
Row = dict[str, str]


@dataclass(frozen=True)
class Rates:
    """What the list shows: how often each field is missing, how websites are spelled, how names are."""

    missing: dict[str, float]
    spellings: tuple[str, ...]
    bare: float
    shouted: float

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Rates:
        """Measured on the rows."""
        missing = {
            field: sum(not row[field] for row in rows) / len(rows)
            for field in ("website", "city", "zipcode", "country")
        }
        bare = sum(not LEGAL_FORMS & set(_words(row["name"])) for row in rows) / len(rows)
        shouted = sum(row["name"].isupper() for row in rows) / len(rows)
        return cls(missing, tuple(_spelling(row["website"]) for row in rows if row["website"]), bare, shouted)


def _words(name: str) -> list[str]:
    return name.casefold().replace(".", "").replace(",", " ").split()


def _spelling(website: str) -> str:
    """How a website is written, as a pattern with a place for the domain."""
    scheme, _, rest = website.rpartition("://")
    www = "www." if rest.lower().startswith("www.") else ""
    return f"{scheme}://{www}{{}}" if scheme else f"{www}{{}}"


class Dirt:
    """Makes a copy of a row as somebody else would have typed it."""

    def __init__(self, rates: Rates, seed: int) -> None:
        self.rates = rates
        self.chance = random.Random(seed)

    def copy(self, row: Row) -> dict[str, str]:
        """The fields of one copy."""
        domain = registrable_domain(row["website"]) if row["website"] else None
        fields = {"name": self._name(row["name"])}
        if domain and not self._lost("website"):
            fields["website"] = self.chance.choice(self.rates.spellings).format(domain)
        for field, source in (("city", "city"), ("postal_code", "zipcode"), ("country", "country")):
            if row[source] and not self._lost(source):
                fields[field] = row[source]
        return fields

    def _lost(self, field: str) -> bool:
        return self.chance.random() < self.rates.missing[field]

    def _name(self, name: str) -> str:
        words = name.split()
        if self.chance.random() < self.rates.bare:
            kept = [word for word in words if not LEGAL_FORMS & set(_words(word))]
            words = kept or words
        if self.chance.random() < TYPOS:
            at = self.chance.randrange(len(words))
            letter = self.chance.randrange(len(words[at]))
            words[at] = words[at][:letter] + words[at][letter + 1 :]
        text = " ".join(word for word in words if word)
        return text.upper() if self.chance.random() < self.rates.shouted else text or name


def measured(rows: Sequence[Row], seed: int) -> dict[str, Any]:
    """Link one made-up pair of CRMs and compare with what is true."""
    rates = Rates.of(rows)
    dirt, numbers = Dirt(rates, seed), random.Random(seed + 1)
    ids = numbers.sample(range(10**9), 2 * len(rows))
    records: list[Record] = []
    truth: set[tuple[Ref, Ref]] = set()
    for index, row in enumerate(rows):
        where = numbers.choice(("salesforce", "hubspot", "both"))
        left = Ref(System.SALESFORCE, Kind.ACCOUNT, f"001{ids[index]:012d}AAA")
        right = Ref(System.HUBSPOT, Kind.ACCOUNT, str(ids[len(rows) + index]))
        records += [Record(left, STAMP, dirt.copy(row))] if where != "hubspot" else []
        records += [Record(right, STAMP, dirt.copy(row))] if where != "salesforce" else []
        if where == "both":
            truth.add((left, right))
    numbers.shuffle(records)
    started = SystemClock().monotonic()
    linking = link_accounts(records)
    seconds = SystemClock().monotonic() - started
    linked = _linked(linking)
    offered = {(one.salesforce, one.hubspot) for one in linking.candidates}
    return {
        "records": len(records),
        "true_pairs": len(truth),
        "rates": {**{name: round(rate, 4) for name, rate in rates.missing.items()}, "typos": TYPOS}
        | {"no_legal_form": round(rates.bare, 4), "upper_case": round(rates.shouted, 4)},
        "links": len(linked),
        "precision": round(len(linked & truth) / len(linked), 5),
        "recall_of_links": round(len(linked & truth) / len(truth), 5),
        "candidates": len(offered),
        "recall_with_candidates": round(len((linked | offered) & truth) / len(truth), 5),
        "candidates_true": round(len(offered & truth) / max(len(offered), 1), 5),
        "seconds": round(seconds, 1),
    }


def _linked(linking: Linking) -> set[tuple[Ref, Ref]]:
    members: dict[str, list[Ref]] = {}
    for ref, company in linking.links.items():
        members.setdefault(company, []).append(ref)
    pairs = (sorted(refs, key=lambda ref: ref.system is System.HUBSPOT) for refs in members.values() if len(refs) == 2)
    return {(pair[0], pair[1]) for pair in pairs}


def symbol_key(symbol: str) -> str:
    """A row of the list, named without copying anything of it."""
    return hashlib.sha256(symbol.encode()).hexdigest()[:12]


def labelled(rows: Sequence[Row]) -> dict[str, Any]:
    """The matcher on the pairs that a person labelled, each pair alone in its two CRMs."""
    by_key = {symbol_key(row["symbol"]): row for row in rows}
    outcomes: Counter[tuple[str, str]] = Counter()
    with LABELS.open(encoding="utf-8", newline="") as file:
        for pair in csv.DictReader(file):
            outcomes[pair["same"], judged(by_key[pair["left"]], by_key[pair["right"]])] += 1
    links = outcomes["yes", "link"] + outcomes["no", "link"]
    same = sum(count for (label, _), count in outcomes.items() if label == "yes")
    return {
        "pairs": outcomes.total(),
        "same": same,
        "links": links,
        "precision": round(outcomes["yes", "link"] / links, 5) if links else None,
        "recall_with_candidates": round((outcomes["yes", "link"] + outcomes["yes", "candidate"]) / same, 5),
        "different_but_offered": outcomes["no", "candidate"],
    }


def judged(left: Row, right: Row) -> str:
    """What the matcher makes of two rows: `link`, `candidate` or `apart`."""
    one = Record(Ref(System.SALESFORCE, Kind.ACCOUNT, "001000000000001AAA"), STAMP, _fields(left))
    other = Record(Ref(System.HUBSPOT, Kind.ACCOUNT, "1"), STAMP, _fields(right))
    linking = link_accounts([one, other])
    return "link" if linking.evidence else "candidate" if linking.candidates else "apart"


def _fields(row: Row) -> dict[str, str]:
    named = {"name": "name", "website": "website", "city": "city", "postal_code": "zipcode", "country": "country"}
    return {field: row[column] for field, column in named.items() if row[column]}


def read_list() -> list[Row]:
    """The rows of the real list."""
    with LIST.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Measure once."""
    if not LIST.exists():
        sys.exit("the real company list is not beside the project (../shared/data); nothing to measure")
    rows = read_list()
    result: dict[str, Any] = {"generated": measured(rows, int(sys.argv[1]) if len(sys.argv) > 1 else 7)}
    if LABELS.exists():
        result["labelled"] = labelled(rows)
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
