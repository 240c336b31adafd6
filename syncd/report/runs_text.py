"""Runs, and what became of a plan, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.clock import parse_instant
from syncd.report.table import render_table
from syncd.report.wording import moment, plain, wrapped

Entry = Mapping[str, Any]


def runs_text(runs: Sequence[Entry], job: str | None = None) -> str:
    """A table of runs, as they come; without a newline at its end."""
    if not runs:
        return "nothing has run yet" + (f" as {job}" if job else "")
    rows = [
        (run["started_at"][:19].replace("T", " "), run["job"], run["outcome"] or "not ended", _took(run), run["run"])
        for run in runs
    ]
    return render_table(("started (UTC)", "job", "outcome", "took", "run"), rows)


def run_text(run: Entry) -> str:
    """One run with its summary and what the ledger holds of it."""
    took = f", took {_took(run)}" if run["finished_at"] else ""
    lines = [f"Run {run['run']}: {plain(run['job'])}, {plain(run['outcome'] or 'not ended')}"]
    lines.append(f"started {moment(run['started_at'])}{took}")
    lines += [wrapped(f"{plain(key)}: {plain(value)}", indent=2, hanging=4) for key, value in run["summary"].items()]
    known = run["ledger"]
    if known["events"]:
        lines += ["", f"In the ledger, rows {known['first']} to {known['last']}:"]
        lines += [f"{count:>8,}  {event}" for event, count in known["events"].items()]
    return "\n".join(lines)


def plan_fate_text(fate: Entry, *, redact: bool = False) -> str:
    """The state of a plan, who approved it and why, and what became of its rows."""
    lines = [f"{fate['status']}, hash {fate['hash'][:16]}"]
    approval = fate["approval"]
    if approval is not None:
        who, why = ("somebody", "") if redact else (plain(approval["who"]), f": {plain(approval['why'])}")
        limits = f", lifting {', '.join(approval['limits'])}" if approval["limits"] else ""
        lines.append(wrapped(f"approved {moment(approval['at'])} by {who}{limits}{why}", indent=0, hanging=2))
    if fate["rows"]:
        told = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in fate["rows"].items())
        lines.append(f"rows: {told}")
    return "\n".join(lines)


def _took(run: Entry) -> str:
    if not run["finished_at"]:
        return ""
    return f"{(parse_instant(run['finished_at']) - parse_instant(run['started_at'])).total_seconds():.1f} s"
