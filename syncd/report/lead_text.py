"""Where a lead goes and why, and where it stands, as plain text; nothing is decided or guessed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.report.explanation_text import render_path
from syncd.report.wording import moment, plain, wrapped

_BEFORE_TERRITORIES = frozenset({"matched-account", "duplicate"})
"""Reasons for which the tree was not asked."""


def render_lead(document: Mapping[str, Any]) -> str:
    """The text of `explain --lead` and of `explain` of a lead's ref, ending with a newline."""
    told = ", ".join(f"{name}: {plain(value)}" for name, value in document["lead"].items())
    goes = f"queue {plain(document['queue'])}" if document["queue"] else plain(document["owner"] or "nobody")
    rule = document["rule"]
    place = f" ({plain(rule['file'])}:{rule['line']})" if rule["file"] else ""
    head = [f"Lead  {document['ref']}"] if "ref" in document else []
    lines = [*head, wrapped(told if head else f"Lead  {told}", indent=2 if head else 0, hanging=4 if head else 2)]
    lines += _standing(document) if "standing" in document else []
    goes_to = "goes to" if document.get("standing", {}).get("routed", True) else "would go to"
    lines += [
        f"  {goes_to}  {goes}  ({document['reason']})",
        wrapped(f"# {plain(document['text'])}{place}", indent=4, hanging=6),
    ]
    lines += [wrapped(f"passed: {plain(text)}", indent=4, hanging=6) for text in document["passed"]]
    if document["match"] and document["match"] not in document["text"]:
        lines.append(wrapped(f"matches {plain(document['match'])}", indent=4, hanging=6))
    if document["next_change_at"]:
        lines.append(f"  time alone would next change it at {moment(document['next_change_at'])}")
    lines.append(f"  as of {moment(document['now'])}")
    if document["reason"] in _BEFORE_TERRITORIES:
        lines += [
            "",
            wrapped("By its own facts alone it would go the way below; what is said above comes first.", indent=0),
        ]
    lines += ["", *render_path(document)]
    if document["candidates"]:
        people = ", ".join(plain(each["email"]) for each in document["candidates"])
        lines += ["", wrapped(f"Candidates  {people}", indent=0, hanging=2)]
    lines += ["", *_past(document)] if document.get("written") or document.get("history") else []
    lines += ["", *(f"Data quality  {plain(text)}" for text in document["findings"])] if document["findings"] else []
    return "\n".join(lines) + "\n"


def _standing(document: Mapping[str, Any]) -> Iterator[str]:
    """Where the lead stands now, and its clock."""
    known, sla = document["standing"], document["sla"]
    yield f"  owner    {plain(known['owner'] or 'nobody')}, created {moment(known['created_at'])}"
    yield wrapped(f"state    {known['state']}: {plain(known['text'])}", indent=2, hanging=11)
    if known["waiting_since"]:
        yield f"  waits    since {moment(known['waiting_since'])}"
    if known["assigned_at"]:
        yield f"  given    {moment(known['assigned_at'])} by {plain(known['assigned_by'] or 'somebody')}"
    decided = document["decided"]
    if decided is not None:
        plan = f", plan {plain(decided['plan_id'])}" if decided["plan_id"] else ""
        yield f"  decided  {moment(decided['at'])}{plan}"
    if sla is not None:
        yield wrapped(f"clock    {_clock(sla)}", indent=2, hanging=11)


def _clock(sla: Mapping[str, Any]) -> str:
    rule = f"first touch within {sla['first_touch']}, hours {plain(sla['hours'])}, then {sla['then']}"
    where = f" ({plain(sla['file'])}:{sla['line']})" if sla["file"] else ""
    if sla["touched_at"]:
        said = f"worked {moment(sla['touched_at'])}"
    elif sla["breached_at"]:
        said = f"ran out {moment(sla['breached_at'])}"
    elif sla["due_at"]:
        said = f"runs until {moment(sla['due_at'])}"
    else:
        said = "does not run"
    again = f"; taken away once, {moment(sla['reassigned_at'])}" if sla["reassigned_at"] else ""
    return f"{said}{again}; {rule}{where}"


def _past(document: Mapping[str, Any]) -> Iterator[str]:
    """What was written, and who owned it."""
    for each in document["written"]:
        words = f": {plain(each['message'])}" if each["message"] else ""
        text = f"Written  {moment(each['at'])} {each['state']}: {_way(each)} (plan {plain(each['plan_id'])}){words}"
        yield wrapped(text, indent=0, hanging=2)
    ours = {(each["from"], each["to"]) for each in document["written"] if each["state"] == "confirmed"}
    for each in document["history"]:
        who = each["by"] or ("syncd" if (each["from"], each["to"]) in ours else "somebody")
        text = f"Owner  {moment(each['at'])} {_way(each)} by {plain(who)}"
        yield wrapped(text, indent=0, hanging=2)


def _way(each: Mapping[str, Any]) -> str:
    return f"{plain(each['from'] or 'nobody')} to {plain(each['to'] or 'nobody')}"
