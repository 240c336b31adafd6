"""The history of a company's records as text: how it stood, then the ledger's rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.report.wording import moment, plain, wrapped

Entry = Mapping[str, Any]


def history_text(document: Entry, *, at_an_instant: bool) -> str:
    """The history; `at_an_instant` tells how things stood then, without a newline at its end."""
    lines: list[str] = []
    if at_an_instant:
        lines.append(f"As of {moment(document['as_of'])}:")
    for record in document["records"]:
        lines += _record(record)
    lines += [wrapped(f"{ref} was merged into it", indent=2) for ref in document["merged"]]
    lines.append("")
    if not document["entries"]:
        lines.append("the ledger holds nothing of it" + (" up to then" if at_an_instant else " yet"))
    for entry in document["entries"]:
        lines.append(f"{entry['at'][:19].replace('T', ' ')}Z  {entry['event']:<18} {entry['ref']}")
        said = _said(entry["facts"]) + (f", by {plain(entry['actor'])}" if entry["actor"] else "")
        lines.append(wrapped(said.removeprefix(", "), indent=4, hanging=6))
    return "\n".join(lines)


def _record(record: Entry) -> Iterator[str]:
    yield record["ref"]
    yield f"  owner   {_person(record['owner'])}"
    mark = record["mark"]
    if mark is not None:
        yield wrapped(f"known   {_person(mark)}, {mark['source']} {moment(mark['at'])}", indent=2, hanging=10)
    plan = record["plan"]
    if plan is not None:
        by = f", approved by {plain(plan['approved_by'])}: {plain(plan['why'])}" if plan["approved_by"] else ""
        yield wrapped(f"plan    {plan['plan_id']}{by}", indent=2, hanging=10)
    for receipt in record["receipts"]:
        code = f" {plain(receipt['code'])}" if receipt["code"] else ""
        what = "" if receipt["field"] == "owner" else f"{plain(receipt['field'])}: "
        owners = f"{what}{receipt['from'] or 'nobody'} -> {receipt['to'] or 'nobody'}"
        yield wrapped(f"receipt {moment(receipt['at'])} {receipt['state']}{code} {owners}", indent=2, hanging=10)


def _person(told: Entry) -> str:
    if told["id"] is None:
        return "nobody"
    return f"{plain(told['email'])} ({told['id']})" if told["email"] else str(told["id"])


def _said(facts: Entry) -> str:
    """The facts of a row in words: the owners first, then what else there is."""
    words = [f"{facts['from'] or 'nobody'} -> {facts['to'] or 'nobody'}"] if {"from", "to"} <= set(facts) else []
    rest = {key: value for key, value in facts.items() if key not in ("from", "to", "state") and value is not None}
    return ", ".join([*words, *(f"{key} {plain(value)}" for key, value in sorted(rest.items()))])
