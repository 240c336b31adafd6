"""Where a lead goes and why, as plain text; nothing is decided or guessed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.report.explanation_text import render_path
from syncd.report.wording import moment, plain, wrapped


def render_lead(document: Mapping[str, Any]) -> str:
    """The text of `explain --lead`, ending with a newline."""
    told = ", ".join(f"{name}: {plain(value)}" for name, value in document["lead"].items())
    goes = f"queue {plain(document['queue'])}" if document["queue"] else plain(document["owner"] or "nobody")
    rule = document["rule"]
    place = plain(f" ({rule['file']}:{rule['line']})") if rule["file"] else ""
    lines = [
        wrapped(f"Lead  {told}", indent=0, hanging=2),
        f"  goes to  {goes}  ({document['reason']})",
        wrapped(f"# {plain(document['text'])}{place}", indent=4, hanging=6),
    ]
    lines += [wrapped(f"passed: {plain(text)}", indent=4, hanging=6) for text in document["passed"]]
    if document["next_change_at"]:
        lines.append(f"  time alone would next change it at {moment(document['next_change_at'])}")
    lines.append(f"  as of {moment(document['now'])}")
    lines += ["", *render_path(document)]
    if document["candidates"]:
        people = ", ".join(plain(each["email"]) for each in document["candidates"])
        lines += ["", wrapped(f"Candidates  {people}", indent=0, hanging=2)]
    lines += ["", *(f"Data quality  {plain(text)}" for text in document["findings"])] if document["findings"] else []
    return "\n".join(lines) + "\n"
