"""How syncd is, on one screen of plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.report.wording import counted, moment, plain, wrapped

_APART = 60
"""Seconds by which one kind of records may be older than its system before the screen says so."""
_MODES = {
    "observe": "plans and alerts, never writes",
    "approve": "writes plans that a person approved",
    "apply": "writes plans inside the guard",
}


def status_text(document: Mapping[str, Any]) -> str:
    """The screen; `document` is that of `status --format json`."""
    sections = [_head(document), _systems(document), _leads(document), _work(document), _alerts(document)]
    return "\n\n".join("\n".join(lines) for section in sections if (lines := tuple(section)))


def _head(document: Mapping[str, Any]) -> Iterator[str]:
    mode, daemon, pack = document["mode"], document["daemon"], document["pack"]
    yield f"mode     {mode}: {_MODES.get(mode, '')}"
    frozen = document["frozen"]
    yield wrapped(f"writes   {f'FROZEN: {plain(frozen)}' if frozen is not None else 'not frozen'}", indent=0, hanging=9)
    leader = f"; the lease is held by {plain(daemon['leader'])}" if daemon["leader"] else ""
    runs = "running" if daemon["listening"] else "none leads on this machine" if daemon["leader"] else "not running"
    if daemon["listening"] and not daemon.get("answers", True):
        runs = "running, but DOES NOT ANSWER (`systemctl status syncd`)"
    yield wrapped(f"daemon   {runs}{leader}", indent=0, hanging=9)
    if document.get("unready"):
        yield wrapped(f"ready    NO: {'; '.join(plain(each) for each in document['unready'])}", indent=0, hanging=9)
    if pack["valid"]:
        yield f"pack     {pack['revision']}, valid ({plain(pack['path'])})"
    else:
        yield wrapped(f"pack     INVALID: {plain(pack['problem'])} ({plain(pack['path'])})", indent=0, hanging=9)
    adopted = document["adopted_at"]
    yield f"adopted  {moment(adopted) if adopted else 'no: nothing is written before `syncd adopt`'}"


def _systems(document: Mapping[str, Any]) -> Iterator[str]:
    yield "mirror"
    if not document["systems"]:
        yield "  no CRM is configured"
    for name, system in document["systems"].items():
        counts = ", ".join(_counted(kind, count) for kind, count in system["records"].items()) or "no records"
        if system["as_of"] is None:
            yield f"  {name:<11} never complete; {counts}"
        else:
            stale = "STALE, " if system["stale"] else ""
            text = f"{stale}{age(system['age_seconds'])} old ({moment(system['as_of'])}); {counts}"
            yield f"  {name:<11} " + wrapped(text, indent=14).lstrip()
            behind = system["age_seconds"] + _APART
            for kind, known in system.get("objects", {}).items():
                if known["lag_seconds"] > behind:
                    text = f"{kind} is read up to {moment(known['read_through'])}, {age(known['lag_seconds'])} ago"
                    yield wrapped(text, indent=14)
        if system["last_outcome"] not in (None, "ok"):
            text = f"last pull {system['last_outcome']}: {plain(system['last_error'] or '')}"
            yield wrapped(text, indent=14)


def _counted(kind: str, count: int) -> str:
    return counted(count, kind, "opportunities" if kind == "opportunity" else None)


def _leads(document: Mapping[str, Any]) -> Iterator[str]:
    known = document.get("leads")
    if known is None:
        return
    yield "leads"
    oldest = known["oldest_waiting_seconds"]
    longest = f", the longest for {age(oldest)}" if oldest is not None else ""
    yield f"  {known['waiting']} waiting for somebody{longest}; {known['queued']} in queues"
    yield f"  {known['running']} with somebody and not worked yet; {known['overdue']} overdue"
    speed = known["speed"]
    if speed["leads"]:
        half, most = age(int(speed["p50_seconds"])), age(int(speed["p95_seconds"]))
        of = f"{counted(speed['leads'], 'lead')} in {speed['days']} d"
        yield f"  from creation to somebody: half in {half}, 95 % in {most} ({of})"


def _work(document: Mapping[str, Any]) -> Iterator[str]:
    yield "last runs"
    for job, run in document["runs"].items():
        yield f"  {job:<13} {moment(run['started_at'])}  {run['outcome'] or 'not ended'}"
    if not document["runs"]:
        yield "  nothing has run yet"
    for plan in document["plans"]:
        waits = (
            "waits for `syncd approve`" if plan["status"] == "offered" else f"approved by {plain(plan['approved_by'])}"
        )
        yield f"plan {plan['plan_id']}: {waits}, expires {moment(plan['expires_at'])}"
    if not document["plans"]:
        yield "no plan is open"
    for name, told in (("waiting", "approved and not sent yet"), ("in_doubt", "sent, and no answer known")):
        rows = document.get("outbox", {}).get(name, {"rows": 0})
        if rows["rows"]:
            yield f"{counted(rows['rows'], 'write')} {told}, the oldest for {age(rows['oldest_seconds'])}"


def _alerts(document: Mapping[str, Any]) -> Iterator[str]:
    alerts = document["alerts"]
    kinds = ", ".join(f"{count} {severity}" for severity, count in alerts["by_severity"].items() if count)
    yield f"alerts: {alerts['firing']} firing" + (f" ({kinds})" if kinds else "")
    for alert in alerts["newest"]:
        text = f"{alert['id']} {alert['severity']} {alert['monitor']}: {plain(alert['summary'])}"
        yield wrapped(text, indent=2, hanging=4)
    if alerts["firing"] > len(alerts["newest"]):
        yield f"  … and {alerts['firing'] - len(alerts['newest'])} more: `syncd alerts`"


def age(seconds: int) -> str:
    """A span as a person says it: `40 s`, `12 min`, `3 h`, `2 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"
