"""How far mapped fields are filled in the mirror: a field that nobody fills matches no rule, and looks like any other.

It asks the database, not the CRM.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncd.clock import Clock
from syncd.jobs.doctor.patients import Patient
from syncd.jobs.doctor.verdicts import Reporter, Result
from syncd.jobs.mapping import system_mapping
from syncd.model.refs import Kind
from syncd.store import coverage
from syncd.store.coverage import Filled


def filled(patient: Patient, report: Reporter) -> Iterator[Result]:
    """Tells of each mapped field the share of live records with a value, and the age of the newest of them."""
    home = patient.installation
    if home.context is None:
        yield report.ok("nothing to count: the database does not open")
        return
    for kind, mapped in system_mapping(home.settings, patient.system).kinds.items():
        if kind is Kind.USER:
            continue
        with home.context.store.read() as conn:
            total, found = coverage.filled_fields(conn, patient.system, kind)
        if total == 0:
            yield report.ok(f"no {kind.value} records in the mirror yet")
            continue
        told = [f"{name} {_told(found.get(name), total, home.clock)}" for name in sorted(mapped.fields)]
        yield report.ok(f"{kind.value} fields with a value, and since when the newest stands: {', '.join(told)}")
        empty = [name for name in sorted(mapped.fields) if name not in found and name != "currency"]
        if empty:
            text = f"no {kind.value} record has a value of {', '.join(empty)}: what tests it finds it missing"
            fix = "nothing, if nobody fills it; else correct the mapping, or run: syncd pull --full"
            yield report.warn("SYN440", text, fix)


def _told(field: Filled | None, total: int, clock: Clock) -> str:
    if field is None or field.newest is None:
        return "0 %"
    age = (clock.now() - field.newest).total_seconds()
    old = f"{age / 86400:.0f} d" if age >= 2 * 86400 else f"{max(0.0, age / 3600):.0f} h"
    return f"{_percent(field.records, total)} ({old})"


def _percent(part: int, total: int) -> str:
    """Neither none nor all of many where it is not so."""
    share = 100 * part / total
    if 0 < share < 1:
        return "<1 %"
    return ">99 %" if 99 < share < 100 else f"{share:.0f} %"
