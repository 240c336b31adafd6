"""An explanation as plain text: the owner and the reason first, then the path, what holds, who else, and what lost.

Every outcome shown was computed by the matcher; nothing is decided or guessed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from syncd.report.plans.plan_view import email_of, why
from syncd.report.wording import moment, plain, wrapped

Entry = Mapping[str, Any]

_CAUSES = {
    "own-condition": "its own condition",
    "ancestor": "an ancestor's condition",
    "earlier": "an earlier territory took it",
    "not-in-effect": "not in effect",
    "leeway": "the account stays by the leeway of another",
}
_PATH = "Path (file:line, each clause with its outcome and the value seen)"
_MOST_NEAR = 5
_MOST_LOSERS = 12
_MARKS = {True: "yes", False: "no "}


def render_explanation(document: Entry, *, every: bool = False) -> str:
    """The explanation as text, ending with a newline; `document` is `Explanation.to_json()` and what jobs add to it.

    Of the territories that were not entered a dozen are listed, of those that were tried; with `every`, all.
    """
    blocks = [
        _head(document),
        _block(_PATH, _path(document)),
        _block("Lifecycle, score and band", _grade(document)),
        _block("Order of precedence", _precedence(document)),
        _block("Candidates", _candidates(document)),
        _block("Nearly (territories that one clause keeps from it)", _near_misses(document)),
        _block("Not entered", _losers(document, every=every)),
        _block("Planned and written", _written(document)),
        _block("Owners before (changes that were seen)", _history(document)),
        _block("Notes", _texts(document, "notes")),
        _block("Data quality", _texts(document, "findings")),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def render_path(document: Entry) -> Iterator[str]:
    """The lines of the way in, with a title; none where no territory was entered."""
    block = _block(_PATH, _path(document))
    if block:
        yield block


def _head(document: Entry) -> str:
    """Who it is, whose it is, whose it should be, and why."""
    name = plain(document.get("name") or document["company"])
    lines = [f"{name}  ({', '.join(plain(account) for account in document['accounts'])})"]
    lines.append(f"  owner now     {email_of(document['current_owner'])}")
    decision = document["decision"]
    if decision is None:
        lines.append("  not picked yet: the territory's candidates are below")
    else:
        lines.append(f"  by the rules  {email_of(decision['owner'])}  ({decision['outcome']}, {decision['reason']})")
        where = _where(decision)
        lines.append(wrapped(f"# {plain(decision['text'])}" + (f" ({where})" if where else ""), indent=4, hanging=6))
        if decision.get("next_change_at"):
            lines.append(f"  time alone would next change it at {moment(decision['next_change_at'])}")
    last = document.get("last_applied")
    if last:
        territory = plain(last["territory"] or "no territory")
        lines.append(f"  last applied  {plain(last['owner'] or 'nobody')}, {territory}, {moment(last['at'])}")
    lines.append(f"  role {document['role']}, as of {moment(document['now'])}")
    return "\n".join(lines)


def _block(title: str, lines: Iterator[str]) -> str:
    """A titled block, or nothing where it has no line."""
    listed = list(lines)
    return "\n".join([title, *listed]) if listed else ""


def _path(document: Entry) -> Iterator[str]:
    for step in document["path"]:
        row = f", row {step['row']}" if step.get("row") else ""
        yield f"  {plain(step['territory'])}  ({_where(step)}{row})"
        yield from _clause(step["when"], 4)
        labels = ", ".join(f"{plain(key)}: {plain(value)}" for key, value in step.get("labels", {}).items())
        for title, text in (("labels", labels), ("note", plain(step.get("note") or ""))):
            if text:
                yield wrapped(f"{title}: {text}", indent=4, hanging=8)


def _clause(clause: Entry, indent: int) -> Iterator[str]:
    """One clause as written in the file, with its outcome, the value and where that came from."""
    seen = ""
    if clause["field"] is not None:
        value = "missing" if clause["value"] is None else plain(clause["value"])
        seen = f"  [{clause['field']}: {value}"
        if clause["raw"] is not None and plain(clause["raw"]) != value:
            seen += f", written {plain(clause['raw'])!r}"
        seen += f", from {clause['system']}" if clause["system"] else ""
        seen += "".join(f"; {other['system']} says {plain(other['raw'])!r}" for other in clause["others"]) + "]"
    text = f"{_MARKS[clause['outcome']]} {plain(clause['text'])}{seen}"
    yield wrapped(text, indent=indent, hanging=indent + 4)
    for child in clause["children"]:
        yield from _clause(child, indent + 2)


def _grade(document: Entry) -> Iterator[str]:
    """What the pack makes of the account, and what each part of the score comes from."""
    grade = document.get("grade") or {}
    told = [f"{name} {plain(str(grade[name]))}" for name in ("lifecycle", "score", "band") if name in grade]
    if told:
        yield f"  {', '.join(told)}"
    for part in grade.get("components", ()):
        text = f"{part['points']} {plain(part['name'])}: {plain(part['from'])} ({_where(part)})"
        yield wrapped(text, indent=4, hanging=8)


def _precedence(document: Entry) -> Iterator[str]:
    """What decides, and what would have applied further down or does not apply."""
    decided = False
    for rung in document["precedence"]:
        if not rung["applies"]:
            word = "does not apply"
        elif decided:
            word = "outranked"
        else:
            word, decided = "decides", True
        where = _where(rung)
        text = f"{word}: {why(rung)}" + (f" ({where})" if where else "")
        yield wrapped(text, indent=2, hanging=6)

    for other in (document.get("decision") or {}).get("outranked", ()):
        if other["reason"] == "picked":
            yield wrapped(f"outranked: {plain(other['text'])}", indent=2, hanging=6)


def _near_misses(document: Entry) -> Iterator[str]:
    """Those that would win first; what stands behind an earlier territory is counted where it would be a crowd."""
    missed = document.get("near_misses", ())
    shown = [miss for miss in missed if not miss["behind"]] + [miss for miss in missed if miss["behind"]]
    for miss in shown[:_MOST_NEAR]:
        behind = f"; behind {plain(miss['behind'])}, which would take it first" if miss["behind"] else ""
        yield wrapped(f"{plain(miss['territory'])}  ({_where(miss)}){behind}", indent=2, hanging=6)
        yield from _clause(miss["clause"], 6)
    if len(shown) > _MOST_NEAR:
        yield f"  and {len(shown) - _MOST_NEAR} more"


def _written(document: Entry) -> Iterator[str]:
    """The newest plan that names the company, and the receipts of its records."""
    planned = document.get("planned")
    if planned:
        text = f"plan {plain(planned['plan_id'])} ({planned['status']}, {moment(planned['created_at'])}): "
        said, outcome = plain(planned["text"]), str(planned["outcome"])
        yield wrapped(text + (said if said.startswith(f"{outcome}:") else f"{outcome}, {said}"), indent=2, hanging=6)
    for receipt in document.get("written", ()):
        text = f"{moment(receipt['at'])}  {plain(receipt['ref'])}: {receipt['state']}, "
        text += f"{plain(receipt['from'] or 'nobody')} -> {plain(receipt['to'] or 'nobody')}"
        text += f", plan {plain(receipt['plan_id'])}"
        if receipt["approved_by"]:
            text += f", approved by {plain(receipt['approved_by'])}: {plain(receipt['why'] or '')}"
        if receipt["code"]:
            text += f" ({plain(receipt['code'])}: {plain(receipt['message'] or '')})"
        yield wrapped(text, indent=2, hanging=6)


def _history(document: Entry) -> Iterator[str]:
    for change in document.get("history", ()):
        by = f" by {plain(change['by'])}" if change["by"] else ""
        means = f" ({plain(change['source'])})" if change["source"] else ""
        text = f"{plain(change['from'] or 'nobody')} -> {plain(change['to'] or 'nobody')}{by}{means}"
        yield wrapped(f"{moment(change['at'])}  {plain(change['ref'])}: {text}", indent=2, hanging=6)


def _candidates(document: Entry) -> Iterator[str]:
    for option in document["candidates"]:
        told = [f"load {option['load']}"] if option["load"] is not None else []
        told += [plain(option["not_now"])] if option["not_now"] else []
        told += [f"overflow of {plain(option['overflow_of'])}"] if option["overflow_of"] else []
        yield f"  {plain(option['email'])}" + (f"  ({'; '.join(told)})" if told else "")


def _losers(document: Entry, *, every: bool) -> Iterator[str]:
    losers = document["losers"]
    if len(losers) > _MOST_LOSERS and not every:
        entered = {step["territory"] for step in document["path"]}
        levels = {name.rpartition("/")[0] for name in entered} | {document["territory"]}
        tried = [each for each in losers if each["territory"].rpartition("/")[0] in levels]
        shown = [each for each in tried if each["cause"] != "earlier"][:_MOST_LOSERS]
    else:
        shown = losers
    for loser in shown:
        cause = _CAUSES.get(loser["cause"], plain(loser["cause"]))
        by = f" ({plain(loser['by'])})" if loser["by"] else ""
        yield wrapped(f"{plain(loser['territory'])}  ({_where(loser)}): {cause}{by}", indent=2, hanging=6)
        if loser["when"] is not None:
            yield from _clause(loser["when"], 6)
    left = len(losers) - len(shown)
    if left:
        counts = Counter(_CAUSES.get(loser["cause"], loser["cause"]) for loser in losers)
        told = "; ".join(f"{count} {cause}" for cause, count in sorted(counts.items()))
        yield wrapped(f"and {left} more, of all {len(losers)}: {told}. `--all` lists them.", indent=2, hanging=4)


def _texts(document: Entry, key: str) -> Iterator[str]:
    for text in document[key]:
        yield wrapped(f"- {plain(text)}", indent=2, hanging=4)


def _where(entry: Entry) -> str:
    """The `file:line` of an entry, empty where it stands in no file."""
    return plain(f"{entry['file']}:{entry['line']}") if entry.get("file") else ""
