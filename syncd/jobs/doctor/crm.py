"""The checks of one CRM: that we get in, may do what we must, see every row, and are told the time we think it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from syncd.connectors.port import Right, RowCount
from syncd.errors import ExitCode, ForeignSystemError, QuotaExhaustedError, SchemaError, SyncdError
from syncd.jobs.doctor.coverage import filled
from syncd.jobs.doctor.patients import Patient
from syncd.jobs.doctor.remedies import remedy_of, where_to_grant, where_to_withdraw
from syncd.jobs.doctor.verdicts import Reporter, Result
from syncd.model.refs import Kind, System
from syncd.settings import Mode
from syncd.store import mirror

Check = Callable[[Patient, Reporter], Iterator[Result]]

SKEW: Final = timedelta(minutes=2)
UNSEEN_SHARE: Final = 0.02
"""The share of an organization's rows that may be missing before it is called a fault: its own counts run behind."""
_SLACK: Final = 10
_LOW: Final = 0.25
_FLOOR: Final = 0.10


def access(patient: Patient, report: Reporter) -> Iterator[Result]:
    """Signs in, and compares the organization with the one whose records the mirror holds."""
    try:
        _, identity, _ = patient.signed_in()
    except SyncdError as error:
        yield report.failed(error, remedy_of(patient.system, error, patient.installation.settings))
        return
    home = patient.installation
    bound = None
    if home.context is not None:
        with home.context.store.read() as conn:
            bound = mirror.bound_account(conn, patient.system)
    if bound not in (None, identity.account_id):
        foreign = ForeignSystemError(
            "SYN403",
            f"the credentials lead to {identity.account_id}, but the mirror holds records of {bound}",
            hint="use that organization's credentials, or run `syncd system rebind` to start an empty mirror",
        )
        yield report.failed(foreign)
        return
    told = "" if bound else ", to which the mirror will be bound"
    yield report.ok(f"signed in to {identity.account_id}{told}")


def clock(patient: Patient, report: Reporter) -> Iterator[Result]:
    """Compares this machine's clock with the server's."""
    patient.reader()
    _, _, skew = patient.signed_in()
    seconds = abs(round(skew.total_seconds()))
    side = "ahead of" if skew > timedelta(0) else "behind"
    if abs(skew) > SKEW:
        text = f"this machine's clock is {seconds} s {side} the server's: ages are wrong, and signed logins may fail"
        yield report.fail("SYN708", text, "timedatectl set-ntp true, then `timedatectl timesync-status`")
    else:
        yield report.ok(f"{seconds} s {side} the server's clock" if seconds else "the server's clock agrees")


def rights(patient: Patient, report: Reporter) -> Iterator[Result]:
    """Names each scope or permission that is missing, and each that is granted and never used.

    What only writing needs is a warning where nothing is written.
    """
    told = patient.reader().rights()
    found = tuple(right for right in told if right.needed)
    writes = patient.installation.settings.mode is not Mode.OBSERVE
    denied = [right for right in found if right.granted is False]
    for right in denied:
        text = f"not granted: {right.name}, needed {right.purpose}"
        fix = where_to_grant(patient.system, right.name)
        if right.writing and not writes:
            yield report.warn("SYN707", f"{text} (not in mode observe)", fix)
        else:
            yield report.fail("SYN707", text, fix, ExitCode.CRM)
    yield from _open_rights(report, found, writes=writes)
    if not denied:
        granted = sum(right.granted is True for right in found)
        yield report.ok(f"{granted} of {len(found)} rights are granted for sure, and none is refused")
    yield from _excess(patient, report, told)


def _excess(patient: Patient, report: Reporter, told: tuple[Right, ...]) -> Iterator[Result]:
    """The rights that whoever steals the credentials has, and syncd does not use."""
    names = [right.name for right in told if right.granted and not right.needed]
    if names:
        text = f"granted and never used by syncd: {', '.join(names)}"
        yield report.warn("SYN830", text, where_to_withdraw(patient.system))


def _open_rights(report: Reporter, found: tuple[Right, ...], *, writes: bool) -> Iterator[Result]:
    """The rights that the CRM does not tell of, where they matter."""
    untold = [right.name for right in found if right.granted is None and (writes or not right.writing)]
    if untold:
        text = f"not told for this kind of token: {', '.join(untold)}"
        yield report.warn("SYN707", text, "compare the list with the scopes of the key in HubSpot")


def fields(patient: Patient, report: Reporter) -> Iterator[Result]:
    """Checks that every mapped field is there and shown to us."""
    reader = patient.reader()
    try:
        notes = reader.check_schema()
    except SchemaError as error:
        yield report.failed(error, remedy_of(patient.system, error, patient.installation.settings))
        return
    for note in notes:
        yield report.warn(
            "SYN717" if "stamp" in note else "SYN405", note, "nothing, if no rule reads it; else see docs"
        )
    if not notes:
        yield report.ok("every mapped object and field is there")


def freshness(patient: Patient, report: Reporter) -> Iterator[Result]:
    """Names the mapped fields whose change stamps nothing, so that only a sweep reads it."""
    late = {kind.value: names for kind, names in patient.reader().unstamped().items() if names}
    if not late:
        yield report.ok("every mapped field stamps its record when it changes")
        return
    told = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in late.items())
    schedule = patient.installation.settings.schedule
    yield report.ok(
        f"a change of these stamps nothing, so the sweep reads them (schedule.sweep, {schedule.sweep}): {told}"
    )


def rows(patient: Patient, report: Reporter) -> Iterator[Result]:
    """Compares what we are shown with what there is, and with what the mirror holds."""
    reader = patient.reader()
    status = patient.installation.statuses().get(patient.system)
    for kind in (Kind.ACCOUNT, Kind.OPPORTUNITY):
        counted = reader.count(kind)
        yield _hidden(patient, report, kind, counted) or _compared(report, kind, counted, status)


def _hidden(patient: Patient, report: Reporter, kind: Kind, counted: RowCount) -> Result | None:
    if counted.total is None or counted.total - counted.seen <= max(_SLACK, UNSEEN_SHARE * counted.total):
        return None
    text = f"{_many(kind)}: only {counted.seen:,} of {counted.total:,} rows are shown to us; rules would miss the rest"
    return report.fail("SYN706", text, where_to_grant(patient.system, "View All"), ExitCode.CRM)


def _compared(report: Reporter, kind: Kind, counted: RowCount, status: mirror.MirrorStatus | None) -> Result:
    name = _many(kind)
    proved = "all rows are shown" if counted.total is not None else "whether there are more is not told"
    if status is None or not status.complete:
        return report.ok(f"{name}: {counted.seen:,} in the CRM, {proved}; no complete mirror to compare with yet")
    held = status.records.get(kind, 0)
    if abs(held - counted.seen) > max(_SLACK, UNSEEN_SHARE * counted.seen):
        text = f"{name}: the mirror holds {held:,}, the CRM counts {counted.seen:,}"
        return report.warn("SYN706", text, "syncd pull --sweep, and if it stays so, syncd pull --full")
    return report.ok(f"{name}: {counted.seen:,} in the CRM, {held:,} in the mirror, {proved}")


def quota(patient: Patient, report: Reporter) -> Iterator[Result]:
    """Says how much of the day's calls is left, to all and to us."""
    reader = patient.reader()
    try:
        if patient.budget.usage().org_total is None:
            reader.count(Kind.ACCOUNT)
    except QuotaExhaustedError as error:
        yield report.failed(error)
        return
    usage, home = patient.budget.usage(), patient.installation
    if usage.org_total is None or usage.org_used is None:
        yield report.ok("the CRM tells no daily allowance")
        return
    left = usage.org_total - usage.org_used
    ours = int(usage.org_total * float(home.settings.limits.api_share))
    spent = _spent(patient)
    text = f"{left:,} of the day's {usage.org_total:,} calls are left to all; syncd made {spent:,} of its {ours:,}"
    fix = "find out which integration uses them up, raise limits.api_share, or pull less often"
    if left < _FLOOR * usage.org_total or spent >= ours:
        yield report.fail("SYN709", f"{text}: nothing more is read today", fix, ExitCode.CRM)
    elif left < _LOW * usage.org_total or spent > (1 - _LOW) * ours:
        yield report.warn("SYN709", text, fix)
    else:
        yield report.ok(text)


def _spent(patient: Patient) -> int:
    context = patient.installation.context
    if context is None:
        return 0
    with context.store.read() as conn:
        return context.spent_today(conn, patient.system)


def native_sync(patient: Patient, report: Reporter) -> Iterator[Result]:
    """Looks for signs that the vendors' own sync with the other CRM writes owners too."""
    settings = patient.installation.settings
    if settings.salesforce is None or settings.hubspot is None:
        yield report.ok("there is no second CRM to sync with")
        return
    sign = patient.reader().native_sync()
    if sign is None:
        yield report.ok("no sign of the vendors' own sync here")
    elif settings.owner_writer is None:
        text = (
            f"HubSpot's own Salesforce sync seems to be on ({sign}), and nothing is written until owner_writer is set"
        )
        yield report.fail("SYN715", text, 'set owner_writer = "salesforce", "hubspot" or "both" in the settings')
    else:
        yield report.ok(f"HubSpot's own Salesforce sync seems to be on; owner_writer is {settings.owner_writer.value}")


CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("access", access),
    ("clock", clock),
    ("rights", rights),
    ("fields", fields),
    ("freshness", freshness),
    ("fill", filled),
    ("rows", rows),
    ("quota", quota),
    ("native-sync", native_sync),
)


def checks_of(system: System) -> tuple[tuple[str, Check], ...]:
    """The checks of a system; the vendors' own sync leaves its marks in HubSpot alone."""
    return tuple(each for each in CHECKS if each[0] != "native-sync" or system is System.HUBSPOT)


def _many(kind: Kind) -> str:
    return "opportunities" if kind is Kind.OPPORTUNITY else f"{kind.value}s"
