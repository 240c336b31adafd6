"""Alerts as plain text: what, who is hit and how much money, since when, whether it goes on, what to do first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.report.table import render_table
from syncd.report.wording import counted, moment, money, plain, wrapped

_SHOWN = 20
_ORDER = {"page": 0, "ticket": 1, "info": 2}
Alert = Mapping[str, Any]


def alerts_text(document: Mapping[str, Any]) -> str:
    """The list, worst first, each with its first command; `document` is that of `alerts list --format json`."""
    alerts = sorted(document["alerts"], key=lambda alert: (_ORDER.get(alert["severity"], 3), -alert["id"]))
    if not alerts:
        return f"no alerts{_checked(document)}"
    rows = [
        (alert["id"], alert["severity"], _state(alert), moment(alert["since"]), alert["monitor"], alert["subject"])
        for alert in alerts
    ]
    table = render_table(("id", "severity", "state", "since", "monitor", "what"), rows, right={0})
    lines = [table, ""]
    for alert in alerts:
        lines.append(wrapped(f"{alert['id']}: {plain(alert['summary'])}", indent=0, hanging=4))
        if alert["first_command"] and alert["state"] != "resolved":
            lines.append(f"    first: {plain(alert['first_command'])}")
    firing = sum(1 for alert in alerts if alert["state"] == "firing")
    return "\n".join(
        [*lines, "", f"{counted(firing, 'alert')} firing{_checked(document)}; `syncd alerts show ID` says more"]
    )


def silences_text(document: Mapping[str, Any]) -> str:
    """Silences as a table; `document` is that of `alerts silence list --format json`."""
    rows = [
        (each["id"], each["state"], moment(each["ends_at"]), each["author"], _matchers(each), each["comment"])
        for each in document["silences"]
    ]
    headers = ("id", "state", "until", "by", "what", "why")
    return render_table(headers, rows, right={0}, width=110, empty="no silences")


def silence_text(silence: Mapping[str, Any]) -> str:
    """One silence in a sentence."""
    starts = f" from {moment(silence['starts_at'])}" if silence["state"] == "pending" else ""
    until = moment(silence["ends_at"])
    return f"silence {silence['id']}: {_matchers(silence)}{starts} until {until}, by {plain(silence['author'])}"


def _matchers(silence: Mapping[str, Any]) -> str:
    return " ".join(f"{plain(name)}={plain(value)}" for name, value in sorted(silence["matchers"].items()))


def alert_text(document: Mapping[str, Any]) -> str:
    """One alert with evidence and history; `document` is that of `alerts show --format json`."""
    lines = [
        wrapped(f"{document['monitor']} ({document['severity']}): {plain(document['summary'])}", indent=0, hanging=2),
        "",
        *_facts(document),
        "",
        "Evidence:",
        *(wrapped(plain(text), indent=2, hanging=4) for text in document["evidence"][:_SHOWN]),
    ]
    if len(document["evidence"]) > _SHOWN:
        lines.append(f"  … and {len(document['evidence']) - _SHOWN:,} more; --format json lists them")
    lines += [*_accounts(document), "", "History:", *_history(document)]
    return "\n".join(lines)


def _facts(document: Alert) -> Iterator[str]:
    yield f"  state    {_going_on(document)}"
    if document["who"]:
        who = ", ".join(plain(name) for name in document["who"][:5])
        more = f" and {len(document['who']) - 5:,} more" if len(document["who"]) > 5 else ""
        yield wrapped(f"who      {who}{more}", indent=2, hanging=11)
    if document["money"]:
        amount = money(document["money"]["amount"], document["money"]["currency"])
        yield f"  money    {amount} ({plain(document['money']['of'])})"
    yield f"  since    {moment(document['since'])}"
    if document["first_command"] and document["first_command"] != f"syncd alerts show {document['id']}":
        yield f"  first    {plain(document['first_command'])}"
    if document["runbook"]:
        yield f"  runbook  {plain(document['runbook'])}"


def _going_on(document: Alert) -> str:
    if document["state"] == "resolved":
        return f"over since {moment(document['resolved_at'])}"
    checked = f", last looked at {moment(document['checked_at'])}" if document.get("checked_at") else ""
    if document["state"] == "pending":
        what = (
            f"it waits for {document['waits_for']}" if document["waits_for"] else "it has not held long enough to fire"
        )
        return f"pending: {what}{checked}"
    taken = f", looked after by {plain(document['acknowledged_by'])}" if document["acknowledged_by"] else ""
    suppressed = f", suppressed by {plain(document['suppressed_by'])}" if document["suppressed_by"] else ""
    flapping = " (it comes and goes)" if document["flapping"] else ""
    return f"still firing{flapping}{checked}{taken}{suppressed}"


def _accounts(document: Alert) -> Iterator[str]:
    accounts = document["accounts"]
    if not accounts:
        return
    yield ""
    shown, total = accounts[:_SHOWN], document["accounts_total"]
    owners = {account["owner"] or "nobody" for account in shown}
    one_owner = len(owners) == 1
    those = "" if total == len(shown) else f"the first {len(shown)} "
    yield f"Accounts ({total:,})" + (f", {those}owned by {plain(*owners)}:" if one_owner else ":")
    currency = document["money"]["currency"] if document["money"] else ""
    headers = ("amount", "account", "name") if one_owner else ("amount", "account", "owner", "name")
    rows = [
        (
            money(account["amount"], currency),
            account["account"],
            *(() if one_owner else (account["owner"] or "nobody",)),
            account["name"],
        )
        for account in shown
    ]
    for line in render_table(headers, rows, right={0}, width=78 if one_owner else 110).splitlines():
        yield f"  {line}"
    if total > len(shown):
        yield f"  … and {total - len(shown):,} more"


def _history(document: Alert) -> Iterator[str]:
    yield f"  {moment(document['started_at'])}  seen"
    if document["fired_at"]:
        yield f"  {moment(document['fired_at'])}  fired"
    if document["acknowledged_by"]:
        yield f"  {'':17}  acknowledged by {plain(document['acknowledged_by'])}"
    if document["resolved_at"]:
        yield f"  {moment(document['resolved_at'])}  over"
    if document["told_in"]:
        yield f"  {'':17}  told in a digest ({plain(document['told_in'])}), not by itself"
    for notice in document["notices"]:
        at = notice["finished_at"] or notice["queued_at"]
        yield wrapped(f"{moment(at)}  {_notice(notice)}", indent=2, hanging=21)


def _notice(notice: Mapping[str, Any]) -> str:
    told = f"{plain(notice['receiver'])} about {notice['reason']}"
    if notice["state"] == "sent":
        return f"told {told}"
    why = f" ({plain(notice['outcome'])})" if notice["outcome"] else ""
    if notice["state"] == "failed":
        return f"given up telling {told} after {counted(notice['attempts'], 'attempt')}{why}"
    again = f", next try {moment(notice['next_try_at'])}" if notice["next_try_at"] else ""
    return f"not yet told {told}: {counted(notice['attempts'], 'attempt')}{why}{again}"


def _state(alert: Alert) -> str:
    """The state in a word or two: `firing, silenced`, `pending`, `flapping`."""
    if alert["state"] != "firing":
        return str(alert["state"])
    state = "flapping" if alert["flapping"] else "firing"
    suppressed = alert["suppressed_by"]
    if suppressed:
        state += ", silenced" if suppressed.startswith("silence ") else ", suppressed"
    return f"{state}, taken" if alert["acknowledged_by"] else state


def _checked(document: Mapping[str, Any]) -> str:
    at = document["checked_at"]
    return f", as of {moment(at)}" if at else ", and no watch has run yet: `syncd watch`"
