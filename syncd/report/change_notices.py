"""What an applied plan changed, for the people whom it concerns: won, lost and kept, each with the reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from syncd.model.plans import OutboxRow, RowState
from syncd.report.markdown import Page, code, escaped
from syncd.report.plans.plan_view import Entry, checked, decisions, email_of, moves, why
from syncd.report.wording import counted, place, plain, wrapped

_DONE = frozenset({RowState.CONFIRMED, RowState.SKIPPED_ALREADY})
_LISTED = 50
NOBODY_MANAGES: Mapping[str, str] = MappingProxyType({})
_SECTIONS = (("won", "Won"), ("lost", "Lost"), ("kept", "Kept, though the rules say otherwise"))


def change_view(
    document: Entry, rows: Iterable[OutboxRow], managers: Mapping[str, str] = NOBODY_MANAGES
) -> dict[str, Any]:
    """The changes of a plan by rep. What was planned and is not written is told as such, and won or lost by nobody.

    `of` is what changed hands: `account`, or `lead` where the plan is of leads. `reps` has, by e-mail, `won`, `lost`
    and `kept`: accounts (or leads) with their name, the other rep, the reason and the rule.
    `managers` (who manages a rep, by e-mail) become the reps of each manager of whom the plan says something.
    """
    states: dict[tuple[str, str], list[RowState]] = {}
    for row in rows:
        if row.parent is None:
            states.setdefault((row.because, row.field), []).append(row.state)
    reps: dict[str, dict[str, list[dict[str, Any]]]] = {}
    moved, not_written = 0, []
    leads = document.get("kind") == "leads"
    for move in moves(checked(document)):
        known = states.get((move.decision["company"], "owner" if leads else move.role), [])
        if not leads and move.role != "owner" and not known:
            continue  # a role that no field holds is decided, and nobody has it by that
        if not known or not _DONE.issuperset(known):
            ended = sorted({state.value for state in known if state not in _DONE}) or ["not sent"]
            not_written.append({"name": move.name, "to": move.new, "state": ", ".join(ended)})
            continue
        if move.old == move.new:
            continue
        moved += 1
        _of(reps, move.new)["won"].append(_line(move.decision, move.name, move.old))
        _of(reps, move.old)["lost"].append(_line(move.decision, move.name, move.new, lost=True))
    for entry in decisions(document, "held"):
        name = plain(entry.get("name") or entry["company"])
        _of(reps, email_of(entry["current_owner"]))["kept"].append(_line(entry, name, email_of(entry["owner"])))
    reps.pop("nobody", None)
    said = f"{counted(moved, 'lead')} given" if leads else f"{counted(moved, 'account')} moved"
    summary = f"plan {document['plan_id']} is applied: {said}"
    return {
        "format": 1,
        "plan_id": document["plan_id"],
        "of": "lead" if leads else "account",
        "summary": summary + (f", {len(not_written):,} not written" if not_written else ""),
        "moved": moved,
        "not_written": not_written,
        "reps": {rep: reps[rep] for rep in sorted(reps)},
        "managers": _teams(reps, managers),
    }


def _teams(reps: Iterable[str], managers: Mapping[str, str]) -> dict[str, list[str]]:
    """The reps of whom something is told, by their manager."""
    teams: dict[str, list[str]] = {}
    for rep in sorted(reps):
        if rep in managers:
            teams.setdefault(managers[rep], []).append(rep)
    return dict(sorted(teams.items()))


def change_text(
    view: Mapping[str, Any], *, rep: str | None = None, manager: str | None = None, folded: bool = False
) -> str:
    """The view as plain text: a summary by rep, or everything about one of them, or about a manager's.

    `folded` for a terminal; where it is sent, whoever shows it folds it.
    """
    lines = _of_team(view, manager) if manager is not None else _of_rep(view, rep) if rep is not None else _of_all(view)
    return "\n".join(_folded(line) if folded else line for line in lines)


def _folded(line: str) -> str:
    indent = len(line) - len(line.lstrip())
    return wrapped(line.lstrip(), indent=indent, hanging=indent + 4)


def _of_all(view: Mapping[str, Any]) -> list[str]:
    lines = [view["summary"]]
    for name, told in view["reps"].items():
        lines.append(f"{name}: {_counts(told)}")
    lines += [
        f"not written: {each['name']} to {each['to']} ({each['state']})" for each in view["not_written"][:_LISTED]
    ]
    return lines


def change_markdown(view: Mapping[str, Any], *, rep: str | None = None, manager: str | None = None) -> str:
    """The same as Markdown, ending with a newline; every rep's accounts are in it."""
    shown = set(view["managers"].get(manager, ())) if manager is not None else {rep} if rep is not None else None
    page = Page()
    what = view["of"].title()
    page.add([f"## {escaped(view['summary'])}"])
    for name, told in view["reps"].items():
        if shown is not None and name not in shown:
            continue
        page.add([f"### {escaped(name)}: {_counts(told)}"])
        for key, title in _SECTIONS:
            page.table(f"#### {title}", (what, "Other rep", "Why", "Rule"), [_cells(each) for each in told[key]])
    missing = [[escaped(each["name"]), escaped(each["to"]), each["state"]] for each in view["not_written"]]
    if shown is None:
        page.table("### Not written", (what, "To", "State"), missing)
    return page.finished(view["summary"])


def _of_team(view: Mapping[str, Any], manager: str) -> list[str]:
    """What a manager is told: the sums of the team, then each rep with every account."""
    reps = view["managers"].get(manager, [])
    told = {key: [each for rep in reps for each in view["reps"][rep][key]] for key, _ in _SECTIONS}
    lines = [f"your team, {manager}: {_counts(told)} by plan {view['plan_id']}"]
    for rep in reps:
        lines += ["", f"{rep}: {_counts(view['reps'][rep])}", *_accounts_of(view, rep, yours=False)]
    return lines


def _of_rep(view: Mapping[str, Any], rep: str) -> list[str]:
    told = view["reps"].get(rep) or {key: [] for key, _ in _SECTIONS}
    lines = [f"your {view['of']}s, {rep}: {_counts(told)} by plan {view['plan_id']}"]
    lines += _accounts_of(view, rep, yours=True)
    if told["lost"] and view["of"] == "account":
        ask = f"syncd explain ACCOUNT --toward {rep}"
        lines += ["", f"RevOps can show each clause, and what would bring an account back: {ask}"]
    return lines


def _accounts_of(view: Mapping[str, Any], rep: str, *, yours: bool) -> list[str]:
    """Every account of a rep of whom the plan says something, by what became of it."""
    told, lines = view["reps"].get(rep) or {key: [] for key, _ in _SECTIONS}, list[str]()
    for key, title in _SECTIONS:
        found: Sequence[Mapping[str, Any]] = told[key]
        lines += ["", f"{title}:"] if found else []
        for each in found[:_LISTED]:
            stays = "stays yours" if yours else "stays theirs"
            other = {"won": f"from {each['other']}", "lost": f"to {each['other']}"}.get(key, stays)
            lines.append(f"  {each['name']}, {other}: {each['why']}" + (f" ({each['rule']})" if each["rule"] else ""))
        if len(found) > _LISTED:
            lines.append(f"  and {len(found) - _LISTED:,} more: syncd notices {view['plan_id']} --rep {rep}")
    return lines


def _counts(told: Mapping[str, Any]) -> str:
    return ", ".join(f"{len(told[key]):,} {key}" for key, _ in _SECTIONS)


def _of(reps: dict[str, dict[str, list[dict[str, Any]]]], rep: str) -> dict[str, list[dict[str, Any]]]:
    return reps.setdefault(rep, {key: [] for key, _ in _SECTIONS})


def _line(entry: Entry, name: str, other: str, *, lost: bool = False) -> dict[str, Any]:
    text = why(entry) + (_not_among(entry) if lost else "")
    return {"name": name, "other": other, "why": text, "rule": place(entry["rule"])}


def _not_among(entry: Entry) -> str:
    """What tells whoever lost an account more than how another was picked: that they could not be."""
    candidates, had = entry.get("candidates") or (), email_of(entry["current_owner"])
    if entry["reason"] != "picked" or not candidates or had in candidates:
        return ""
    return f"; {had} is " + ("none" if len(candidates) == 1 else "not among them")


def _cells(each: Mapping[str, Any]) -> list[str]:
    rule = f"`{code(each['rule'])}`" if each["rule"] else ""
    return [*(escaped(str(each[key])) for key in ("name", "other", "why")), rule]
