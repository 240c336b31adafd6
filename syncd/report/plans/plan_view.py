"""A plan's document as readers look at it: moves with their rows, grouped; who gains and who loses. Renders nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.errors import InputError
from syncd.report.wording import counted, moment, plain

Entry = Mapping[str, Any]
OURS = frozenset({"territory", "band", "score", "lifecycle"})
"""The fields of a plan that hold a value of syncd's; all others name a person."""


@dataclass(frozen=True, slots=True)
class MoveView:
    """One decision that changes something, with the account rows it writes and the records that follow."""

    decision: Entry
    rows: tuple[Entry, ...]
    children: tuple[Entry, ...]

    @property
    def name(self) -> str:
        """What a person calls the account: its name, else its key."""
        return plain(self.decision.get("name") or self.decision["company"])

    @property
    def territory(self) -> str:
        """The territory path."""
        return plain(self.decision["territory"] or "(no territory)")

    @property
    def old(self) -> str:
        """The present owner's e-mail."""
        return email_of(self.decision["current_owner"])

    @property
    def new(self) -> str:
        """The planned owner's e-mail."""
        return email_of(self.decision["owner"])

    @property
    def role(self) -> str:
        """Whose place changes: `owner`, or another role."""
        return plain(self.decision["role"])


@dataclass(frozen=True, slots=True)
class TextView:
    """One value of ours that is written beside owners: its account, record and field, and what it was and becomes."""

    name: str
    row: Entry

    @property
    def field(self) -> str:
        """Which value it is: territory, band, score or lifecycle."""
        return plain(self.row["field"])

    @property
    def old(self) -> str:
        """What the field holds now."""
        return plain(self.row["from"] or "(empty)")

    @property
    def new(self) -> str:
        """What is written."""
        return plain(self.row["to"] or "(empty)")


@dataclass(frozen=True, slots=True)
class Balance:
    """What one rep gains and loses by a plan, in accounts."""

    rep: str
    gains: int
    losses: int

    @property
    def net(self) -> int:
        """Gains less losses."""
        return self.gains - self.losses


def checked(document: Entry) -> Entry:
    """The document, if this version can render it; InputError SYN540 otherwise."""
    if document.get("format") != 1:
        raise InputError("SYN540", f"the plan has format {document.get('format')!r}; this version of syncd renders 1")
    return document


def why(entry: Entry) -> str:
    """The reason and the text of a decision in one phrase, neither told twice: `late-stage-deal: the deal is late`."""
    reason, text = plain(entry["reason"]), plain(entry["text"])
    if text.startswith((f"{reason}:", f"{reason} ")):
        return text
    for word in ("held", "kept", "unassigned"):
        text = text.removeprefix(f"{word}: ")
    return f"{reason}: {text}"


def email_of(owner: Entry | None) -> str:
    """An owner's e-mail, or `nobody`."""
    return "nobody" if owner is None else plain(owner["email"])


def moves(document: Entry) -> tuple[MoveView, ...]:
    """The decisions that change something, by territory, then new owner, then name."""
    rows: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for change in document["changes"]:
        rows[change["because"], change["field"]].append(change)
    found = [
        MoveView(
            decision,
            tuple(row for row in rows[decision["company"], decision["role"]] if "parent" not in row),
            tuple(row for row in rows[decision["company"], decision["role"]] if "parent" in row),
        )
        for decision in decisions(document, "change")
    ]
    return tuple(sorted(found, key=lambda move: (move.territory, move.new, move.name, move.decision["company"])))


def texts(document: Entry) -> tuple[TextView, ...]:
    """The values of ours that are written beside owners, by field, then name, then record."""
    names = {
        entry["company"]: plain(entry.get("name") or entry["company"])
        for entry in document["decisions"]
        if entry["role"] == "owner"
    }
    found = [
        TextView(names.get(row["because"], plain(row["because"])), row)
        for row in document["changes"]
        if row["field"] in OURS
    ]
    return tuple(sorted(found, key=lambda each: (each.field, each.name, each.row["ref"])))


def decisions(document: Entry, outcome: str) -> tuple[Entry, ...]:
    """The decisions of one outcome, as the document orders them."""
    return tuple(entry for entry in document["decisions"] if entry["outcome"] == outcome)


def balances(found: Sequence[MoveView]) -> tuple[Balance, ...]:
    """What each rep gains and loses, the most movement first, then by e-mail; rows that only align count for nobody."""
    gains: Counter[str] = Counter()
    losses: Counter[str] = Counter()
    for move in found:
        if move.old != move.new and move.role == "owner":
            gains[move.new] += 1
            losses[move.old] += 1
    reps = [Balance(rep, gains[rep], losses[rep]) for rep in gains.keys() | losses.keys() if rep != "nobody"]
    return tuple(sorted(reps, key=lambda balance: (-(balance.gains + balance.losses), balance.rep)))


def mirrors(document: Entry) -> str:
    """How fresh the mirror of each system is: `salesforce 2026-11-22 09:58Z, hubspot never read (stale)`."""
    return ", ".join(_mirror(system, entry) for system, entry in sorted(document["mirror"].items()))


def nothing_to_do(document: Entry) -> str | None:
    """Why a plan changes nothing, in the words for its case; None for a plan that changes something."""
    summary = document["summary"]
    if summary["changes"] or document["changes"]:
        return None
    if document.get("kind") == "undo":
        return "Nothing to undo: none of these writes was confirmed, or each is undone already."
    if not summary["evaluated"]:
        return "Nothing to do: there are no accounts to evaluate. Is the mirror or the export empty?"
    waiting = [(summary[key], key) for key in ("held", "blocked", "unassigned") if summary[key]]
    if waiting:
        listed = ", ".join(f"{count:,} {key}" for count, key in waiting)
        return f"Nothing to change: {listed}; every other account has the owner that the rules name."
    return f"Nothing to do: all {summary['keep']:,} accounts have the owner that the rules name."


def closing_line(document: Entry) -> str:
    """`Plan: 12 to change, 3 held, 1 blocked, 240 kept.`; unassigned ones are named where there are any."""
    summary = document["summary"]
    unassigned = f", {summary['unassigned']:,} unassigned" if summary["unassigned"] else ""
    ours = len(texts(document))
    written = f", {counted(ours, 'value')} of ours to write" if ours else ""
    return (
        f"Plan: {summary['changes']:,} to change, {summary['held']:,} held, {summary['blocked']:,} blocked{unassigned},"
        f" {summary['keep']:,} kept{written}."
    )


def _mirror(system: str, entry: Entry) -> str:
    stale = " (stale)" if entry.get("stale") else ""
    return f"{system} {moment(entry['as_of']) if entry['as_of'] else 'never read'}{stale}"
