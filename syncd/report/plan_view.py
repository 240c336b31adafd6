"""A plan's document as readers look at it: moves with their rows, grouped; who gains and who loses. Renders nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.errors import InputError
from syncd.report.wording import moment, plain

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MoveView:
    """One decision that changes something, with the account rows it writes and the opportunities that follow."""

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
    rows: defaultdict[str, list[Entry]] = defaultdict(list)
    for change in document["changes"]:
        rows[change["because"]].append(change)
    found = [
        MoveView(
            decision,
            tuple(row for row in rows[decision["company"]] if "parent" not in row),
            tuple(row for row in rows[decision["company"]] if "parent" in row),
        )
        for decision in decisions(document, "change")
    ]
    return tuple(sorted(found, key=lambda move: (move.territory, move.new, move.name, move.decision["company"])))


def decisions(document: Entry, outcome: str) -> tuple[Entry, ...]:
    """The decisions of one outcome, as the document orders them."""
    return tuple(entry for entry in document["decisions"] if entry["outcome"] == outcome)


def balances(found: Sequence[MoveView]) -> tuple[Balance, ...]:
    """What each rep gains and loses, the most movement first, then by e-mail; rows that only align count for nobody."""
    gains: Counter[str] = Counter()
    losses: Counter[str] = Counter()
    for move in found:
        if move.old != move.new:
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
    if summary["changes"]:
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
    return (
        f"Plan: {summary['changes']:,} to change, {summary['held']:,} held, {summary['blocked']:,} blocked{unassigned},"
        f" {summary['keep']:,} kept."
    )


def _mirror(system: str, entry: Entry) -> str:
    stale = " (stale)" if entry.get("stale") else ""
    return f"{system} {moment(entry['as_of']) if entry['as_of'] else 'never read'}{stale}"
