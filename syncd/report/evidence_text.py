"""The evidence of owner changes as text: for each one who, why, by which rule, on whose approval; then the checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.report.wording import counted, moment, plain, wrapped

Entry = Mapping[str, Any]


def evidence_text(document: Entry) -> str:
    """The evidence, without a newline at its end."""
    ledger = document["ledger"]
    name = plain(document["name"]) + " " if document["name"] else ""
    lines = [f"Evidence for {name}({document['record']}), {moment(document['made_at'])}"]
    lines.append(f"{counted(len(document['changes']), 'change')} written by syncd")
    for change in document["changes"]:
        lines += ["", *_change(change)]
    lines += ["", _check(ledger["ok"], ledger["text"])]
    told = f"the ledger ends at row {ledger['head']['seq']}, {ledger['head']['hash']}"
    lines.append(wrapped(f"{told}: compare it with one that was kept elsewhere", indent=0, hanging=2))
    return "\n".join(lines)


def _change(change: Entry) -> Iterator[str]:
    plan, rule, approval = change["plan"], change["rule"], change["approval"]
    what = "" if change["field"] == "owner" else f"{plain(change['field'])}: "
    yield f"{moment(change['at'])}  {change['ref']}"
    yield _line("change", f"{what}{_holder(change['from'])} -> {_holder(change['to'])}")
    if rule is not None:
        place = f" ({rule['file']}:{rule['line']})" if rule["file"] else ""
        yield _line(
            "rule", f"{rule['territory'] or 'none'}{place} of pack {rule['pack_revision']}: {plain(rule['text'])}"
        )
        if rule["written"]:
            yield _line("", plain(rule["written"]))
        else:
            yield _line("", f"its words: the pack of revision {rule['pack_revision']}, which is not the one in use")
    if approval is not None:
        limits = f", lifting {', '.join(approval['limits'])}" if approval["limits"] else ""
        yield _line(
            "approved", f"{moment(approval['at'])} by {plain(approval['who'])}{limits}: {plain(approval['why'])}"
        )
    if plan is not None:
        by = f" by {plain(plan['made_by'])}" if plan["made_by"] else ""
        yield _line("plan", f"{plan['plan_id']}, made {moment(plan['created_at'])}{by}, hash {plan['hash']}")
    request = f", request {plain(change['request_id'])}" if change["request_id"] else ""
    yield _line("written", f"and read back {moment(change['at'])}{request}")
    yield _line("ledger", "rows " + ", ".join(map(str, change["rows"])))
    for check in change["checks"]:
        yield "  " + _check(check["ok"], plain(check["check"]))


def _line(head: str, text: str) -> str:
    return wrapped(f"{head:<9} {text}", indent=2, hanging=12)


def _check(ok: bool, text: str) -> str:
    return wrapped(f"{'yes' if ok else 'NO '} {text}", indent=0, hanging=4)


def _holder(told: Entry | None) -> str:
    if told is None:
        return "nobody"
    return f"{plain(told['email'])} ({plain(told['id'])})" if told["email"] else plain(told["id"])
