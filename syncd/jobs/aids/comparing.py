"""The job behind `compare`: two packs, each a folder or a git revision, decided over one mirror or one export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncd.alerts.attainment import running
from syncd.clock import iso
from syncd.errors import Finding, UsageError
from syncd.jobs.context import Context
from syncd.jobs.currencies.money import money_table
from syncd.jobs.packs.revisions import pack_at
from syncd.jobs.plans.comparison import Side, entries_between, mirror_side, named, rule_changes, side_of, state_of
from syncd.jobs.plans.export import ExportFiles, think_over_export
from syncd.model.money import MoneyTable
from syncd.planning.aids.moves import (
    Outcome,
    Quota,
    attainment_document,
    balance_document,
    broken_document,
    changes_document,
    moves_from_today,
)
from syncd.rules.pack import Pack
from syncd.settings import Settings

FORMAT = 1
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the two packs as it is asked for: how the user calls it, its folder, and the commit it is of."""

    called: str
    folder: Path
    commit: str | None = None


def named_packs(words: tuple[str, ...]) -> tuple[str, str]:
    """The two packs that a command names: `A B`, or `A..B`. UsageError SYN747 for anything else."""
    parts = words if len(words) == 2 else tuple(words[0].split("..")) if len(words) == 1 else ()
    if len(parts) != 2 or not all(parts):
        hint = "name two folders or git revisions, or `main..HEAD`"
        raise UsageError("SYN747", f"`{' '.join(words)}` does not name two packs", hint=hint)
    return parts[0], parts[1]


@contextmanager
def candidate(word: str, home: Path) -> Iterator[Candidate]:
    """A pack that a word names: a folder, else the pack of the settings at a git revision.

    Raises the UsageErrors of `pack_at` where it is neither.
    """
    folder = Path(word)
    if folder.is_dir():
        yield Candidate(word, folder)
        return
    with pack_at(home, word) as revision:
        yield Candidate(f"{word}:{home.name}", revision.folder, revision.commit)


def compare_packs_over_mirror(
    context: Context, words: tuple[str, str], *, home: Path, as_of: datetime | None = None
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Compare two packs over one state of the mirror; the document, and the remarks on the second pack."""
    now = as_of or context.clock.now()
    with candidate(words[0], home) as first, candidate(words[1], home) as second:
        for _ in range(_TRIES):
            before = state_of(context)
            a = mirror_side(context, first.folder, now, first.called)
            b = mirror_side(context, second.folder, now, second.called)
            if state_of(context) == before:  # no pull came between the two readings
                break
        money = context.rates().on(now.date())
        return comparison_document((first, a), (second, b), now, money), b.findings


def compare_packs_over_export(
    settings: Settings, words: tuple[str, str], files: ExportFiles, *, home: Path, now: datetime
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The same over an export: needs no CRM, mirror or ledger."""
    with candidate(words[0], home) as first, candidate(words[1], home) as second:
        sides = []
        for each in (first, second):
            with named(each.called):
                sides.append(side_of(think_over_export(settings, each.folder, files, now=now)))
        money = money_table(settings.money, on=now.date())
        return comparison_document((first, sides[0]), (second, sides[1]), now, money), sides[1].findings


def comparison_document(
    first: tuple[Candidate, Side], second: tuple[Candidate, Side], now: datetime, money: MoneyTable
) -> dict[str, Any]:
    """The comparison as a document: equal packs and books give equal documents."""
    (_, a), (_, b) = first, second
    one, other = Outcome.of(a.decisions, a.facts), Outcome.of(b.decisions, b.facts)
    entries = list(entries_between(a, b))
    moved = [each for each in entries if _email(each["from"]) != _email(each["to"])]
    people = frozenset(a.pack.reps) | frozenset(b.pack.reps)
    quotas = tuple(quotas_under_way(b.pack, now, money))
    return {
        "format": FORMAT,
        "kind": "pack-comparison",
        "now": iso(now),
        "currency": money.reporting,
        "a": _about(*first, one, now, people),
        "b": _about(*second, other, now, people),
        "summary": {
            "evaluated": len(b.decisions),
            "changed": len(entries),
            "moved": len(moved),
            "territory": sum(each["from"]["territory"] != each["to"]["territory"] for each in entries),
            "by_load": sum(each["cause"] == "load" for each in entries),
            "money": f"{sum((Decimal(each['money']) for each in moved), Decimal(0)):f}",
        },
        "rules": list(rule_changes(a.pack, b.pack)),
        "reps": changes_document(one, other, "rep"),
        "territories": changes_document(one, other, "territory"),
        "attainment": attainment_document(one, other, quotas, now),
        "companies": entries,
    }


def _about(asked: Candidate, side: Side, outcome: Outcome, now: datetime, people: frozenset[str]) -> dict[str, Any]:
    return {
        "pack": asked.called,
        "commit": asked.commit,
        "pack_revision": side.pack.revision,
        "from_today": moves_from_today(outcome),
        "balance": balance_document(outcome, people),
        "relationships_broken": broken_document(outcome, now),
    }


def quotas_under_way(pack: Pack, now: datetime, money: MoneyTable) -> Iterator[Quota]:
    """The quotas of a pack whose period is under way; one whose currency has no rate is left out."""
    paths: dict[str, str] = {}
    for territory in pack.territories():
        paths.setdefault(territory.name, territory.path)
        paths[territory.path] = territory.path
    for quota, period in running(pack, now):
        whole = money.convert(quota.amount, quota.currency)
        holder = quota.rep or paths.get(quota.territory or "")
        if whole is not None and holder is not None:
            yield Quota(holder, quota.rep is not None, period.name, period.start, whole)


def _email(side: Mapping[str, Any]) -> str | None:
    owner = side["owner"]
    return owner["email"] if owner is not None else None
