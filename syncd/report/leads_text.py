"""One look at leads: who gets which, which wait and why, as a document and as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.report.wording import counted, plain, wrapped

FORMAT = 1
_SHOWN = 20


def leads_document(
    plan: Mapping[str, Any],
    read: Sequence[str],
    *,
    waiting: Sequence[tuple[str, str]],
    held: str | None,
    applied: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The document of one look. `plan` is that of the plan of leads, empty where nothing was decided."""
    return {
        "format": FORMAT,
        "read": list(read),
        "plan_id": plan.get("plan_id"),
        "decisions": plan.get("decisions", []),
        "changes": plan.get("changes", []),
        "guard": plan.get("guard", {"tripped": []}),
        "held": held,
        "applied": applied,
        "waiting": [{"ref": ref, "text": text} for ref, text in waiting],
    }


def leads_text(document: Mapping[str, Any]) -> str:
    """The document for people, ending with a newline."""
    lines = [plain(line) for line in document["read"]]
    decisions = document["decisions"]
    going = [each for each in decisions if each["outcome"] == "change"]
    for each in going[:_SHOWN]:
        owner = plain(each["owner"]["email"]) if each["owner"] else "nobody"
        lines.append(wrapped(f"{_named(each)} to {owner}  ({each['reason']})", indent=0, hanging=2))
        lines.append(wrapped(f"# {plain(each['text'])}", indent=4, hanging=6))
    if len(going) > _SHOWN:
        lines.append(f"and {len(going) - _SHOWN} more")
    if document["plan_id"]:
        lines.append(f"plan {document['plan_id']}: {counted(len(document['changes']), 'lead')} to give out")
    elif going:
        lines.append(f"{counted(len(going), 'lead')} to give out; nothing was saved")
    if document["held"]:
        lines.append(wrapped(f"held: {plain(document['held'])}", indent=0, hanging=2))
    told = {each["company"] for each in going}
    left = [each for each in document["waiting"] if each["ref"] not in told]
    if left:
        lines.append(f"{counted(len(left), 'lead')} {'wait' if len(left) != 1 else 'waits'} for somebody")
        lines += [wrapped(f"{each['ref']}: {plain(each['text'])}", indent=2, hanging=4) for each in left[:_SHOWN]]
        lines += [f"  and {len(left) - _SHOWN} more"] if len(left) > _SHOWN else []
    elif not going:
        lines.append("no lead waits for somebody")
    return "\n".join(lines) + "\n"


def _named(decision: Mapping[str, Any]) -> str:
    """A lead by what it says of its company, where that is a word, and its ref."""
    name = plain(decision.get("name") or "")
    return f"{name}, {decision['company']}," if any(map(str.isalnum, name)) else str(decision["company"])
