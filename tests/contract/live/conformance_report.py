"""The report of the conformance suite: which accounts it ran on, how it ended, and where the references are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from syncd.clock import iso
from syncd.model.refs import System

_NAMES = {System.SALESFORCE: "Salesforce", System.HUBSPOT: "HubSpot"}


@dataclass
class Facts:
    """What the references say against what an account does: told in a report, since a difference is no failure."""

    system: System
    rows: list[tuple[System, str, str, str, bool]] = field(default_factory=list)

    def check(self, source: str, expected: str, observed: object, *, holds: bool) -> None:
        self.rows.append((self.system, source, expected, str(observed)[:300], holds))


@dataclass
class ConformanceReport:
    """What is told of the real accounts; `missing` are the variables without which one was not tried."""

    missing: Mapping[System, tuple[str, ...]]
    accounts: dict[System, str] = field(default_factory=dict)
    refused: dict[System, str] = field(default_factory=dict)
    outcomes: dict[System, dict[str, str]] = field(default_factory=dict)
    rows: list[tuple[System, str, str, str, bool]] = field(default_factory=list)

    @property
    def worth_telling(self) -> bool:
        return bool(self.accounts or self.refused)

    def outcome(self, system: System, test: str, word: str) -> None:
        """How a test ended; what went wrong once stays."""
        ends = self.outcomes.setdefault(system, {})
        if ends.get(test) in (None, "passed"):
            ends[test] = word

    def write(self, path: Path, now: datetime) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text(now), encoding="utf-8")

    def text(self, now: datetime) -> str:
        """The report as Markdown: the accounts, then the differences, then what is as described."""
        lines = ["# Conformance: the references against real accounts", "", f"Ended at {iso(now)}.", ""]
        for system in System:
            lines += [f"- {_NAMES[system]}: {self._told(system)}"]
        lines += ["", "| | CRM | source | expected | observed |", "|---|---|---|---|---|"]
        for system, source, expected, observed, holds in sorted(self.rows, key=lambda row: (row[4], row[0], row[1])):
            told = observed.replace("|", "\\|").replace("\n", " ")
            verdict = "as described" if holds else "**DIFFERENT**"
            lines.append(f"| {verdict} | {_NAMES[system]} | {source} | {expected} | {told} |")
        lines += ["", "The suite does not look at all that was never seen live: see the lists in docs/connectors.md."]
        return "\n".join(lines) + "\n"

    def _told(self, system: System) -> str:
        if self.missing[system]:
            return f"**not tested**: {', '.join(self.missing[system])} not set"
        if system in self.refused:
            return f"**not tested**: {self.refused[system]}"
        if system not in self.accounts:
            return "**not tested** in this run"
        ends = self.outcomes.get(system, {})
        wrong = sorted(test for test, word in ends.items() if word == "failed")
        passed, skipped = (sum(word == each for word in ends.values()) for each in ("passed", "skipped"))
        told = f"{self.accounts[system]}: {passed} tests passed, {skipped} skipped, {len(wrong)} failed"
        return f"{told} (**{', '.join(wrong)}**)" if wrong else told
