"""Reading a pack as the settings mean it: their fields, rates and shared domains, at an instant of the clock.

One place, so that `check`, `test`, `plan` and the daemon never disagree about the same pack.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from syncd.errors import Finding, InputError, Severity
from syncd.jobs.mapping import field_catalogue
from syncd.jobs.money import money_table
from syncd.rules.loader import check_pack
from syncd.rules.pack import Pack
from syncd.settings import Settings


def inspect_pack(
    settings: Settings, root: Path, *, now: datetime, rates_on: date | None = None
) -> tuple[Pack | None, tuple[Finding, ...]]:
    """The pack, None where it cannot be used, and every finding.

    Its amounts are converted by the rates of `now`, or of another day.
    """
    pack, findings = check_pack(
        root,
        catalogue=field_catalogue(settings),
        money=money_table(settings.money, on=rates_on or now.date()),
        now=now,
        shared_domains=frozenset(settings.identity.shared_domains),
    )
    usable = pack is not None and not any(finding.severity is Severity.ERROR for finding in findings)
    return (pack if usable else None), findings


def open_pack(settings: Settings, root: Path, *, now: datetime, rates_on: date | None = None) -> Pack:
    """The pack; InputError SYN200 with all findings where it cannot be used."""
    pack, findings = inspect_pack(settings, root, now=now, rates_on=rates_on)
    if pack is None:
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        summary = f"the pack has {errors} error{'s' if errors != 1 else ''}"
        raise InputError("SYN200", summary, where=str(root), hint="run `syncd check` on it", findings=findings)
    return pack
