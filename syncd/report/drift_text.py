"""Drift and the overrides it became, as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.report.wording import counted, plain, wrapped


def drift_text(document: Mapping[str, Any]) -> str:
    """The accounts that others changed, the latest first, and what to do."""
    drifts = document["drifts"]
    if not drifts:
        return "No account drifted: every owner is as syncd wrote, adopted or first saw it."
    what = "owner" if all(entry["role"] == "owner" for entry in drifts) else "owner or holder of a role"
    lines = [f"{counted(len(drifts), 'account')} whose {what} somebody else changed:", ""]
    for entry in drifts:
        lines.append(f"  {entry['ref']}  {plain(entry['name'] or '')}".rstrip())
        role = "" if entry["role"] == "owner" else f"{plain(entry['role'])}: "
        lines.append(f"      {role}{_person(entry['was'])} -> {_person(entry['now'])}")
        means = f", {plain(entry['source'])}" if entry["source"] else ""
        by = entry["by"]["email"] or entry["by"]["id"] or "somebody"
        lines.append(wrapped(f"by {plain(by)} on {entry['at'][:10]}{means}", indent=6, hanging=8))
    lines += ["", "Keep one: syncd drift adopt REF --reason R; plan one back: syncd drift revert REF"]
    return "\n".join(lines)


def overrides_text(document: Mapping[str, Any]) -> str:
    """The overrides that stand in the ledger."""
    found = document["overrides"]
    if not found:
        return "No override stands in the ledger; those of the pack stand in its files."
    lines = [f"{counted(len(found), 'override')} in the ledger:", ""]
    for entry in found:
        until = f"until {entry['expires']}" if entry["expires"] else "without end"
        role = "" if entry["role"] == "owner" else f"{plain(entry['role'])} "
        lines.append(f"  {entry['number']:>4}  {entry['account']}  {role}{plain(entry['owner'])}, {until}")
        if entry["outranked_by"] is not None:
            lines.append(f"        outranked by {entry['outranked_by']}, adopted later for the same company")
        lines.append(wrapped(f"{plain(entry['by'])}: {plain(entry['why'])}", indent=8, hanging=10))
    return "\n".join(lines)


def _person(person: Mapping[str, str | None]) -> str:
    return plain(person["email"] or person["id"] or "nobody")
