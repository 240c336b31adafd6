"""The audit: credentials in, findings out. Needs no pack, and never makes a write client.

It looks at the configured mirror where that is complete, else it reads the CRMs into a temporary one that is gone
afterwards. Either way its own settings say `observe`, under which a writer cannot be made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncd.clock import iso
from syncd.errors import StorageError, UsageError
from syncd.jobs.books.book import MirrorBook, derivation_of, read_book
from syncd.jobs.context import Context
from syncd.jobs.mapping import configured_systems
from syncd.jobs.pulling.pull import pull
from syncd.model.records import Record
from syncd.model.refs import Kind, System
from syncd.planning.aids.audit import AuditBook, AuditFinding, Example, amount
from syncd.planning.aids.audit_data import audit
from syncd.rules.collector import without_collector
from syncd.rules.facts import Facts, Value
from syncd.rules.pack import Pack
from syncd.settings import Mode, Settings
from syncd.settings.model import DatabaseSettings
from syncd.store import companies, mirror

NO_PACK = Pack("audit", "", ())
"""The pack of an audit: no rules at all, so that companies are read as the settings alone say."""
FORMAT = 1
Opened = Callable[[Settings, bool], Context]
"""Makes a context of settings; the flag says whether its database may be made."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What was looked at and what came of it. `temporary` says that the CRMs were read for this audit alone."""

    source: MirrorBook
    findings: tuple[AuditFinding, ...]
    accounts: int
    now: datetime
    currency: str
    temporary: bool

    @property
    def facts(self) -> tuple[Facts, ...]:
        """The companies."""
        return self.source.book.facts


@contextmanager
def audit_context(
    settings: Settings,
    *,
    system: System | None = None,
    fresh: bool = False,
    opened: Opened = lambda settings, create: Context.open(settings, create=create),
    show: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Context, bool]]:
    """A context with a complete mirror, and whether it is a temporary one; closed at the end of the with-block.

    Raises UsageError SYN740 for a system that is not configured, and the CRM's error where one cannot be read to its
    end.
    """
    quiet = _only(settings, system)
    known = None if fresh else _configured(quiet, opened)
    if known is not None:
        try:
            yield known, False
        finally:
            known.close()
        return
    with tempfile.TemporaryDirectory(prefix="syncd-audit-") as folder:
        place = DatabaseSettings(url=f"sqlite:///{folder}/mirror.db", erasures=Path(folder) / "erasures")
        context = opened(quiet.model_copy(update={"database": place}), True)
        try:
            report = pull(context, full=True, show=show)
            show("")
            for one in report.systems:
                if one.error is not None:
                    raise one.error
            yield context, True
        finally:
            context.close()


def run_audit(context: Context, *, temporary: bool) -> Audited:
    """Audit the mirror of a context."""
    now = context.clock.now()
    with without_collector(), context.store.read() as conn:
        source = read_book(context, conn, NO_PACK, now)
        accounts: tuple[Record, ...] = tuple(
            record for system in context.systems for record in mirror.records(conn, system, Kind.ACCOUNT)
        )
        links = companies.links(conn)
    derivation, catalogue = derivation_of(context, NO_PACK, now.date()), context.catalogue().account
    reader = derivation.reader()

    def read(name: str, raw: str, country: str | None) -> Value | None:
        return reader.read(catalogue[name], raw, country)[0]

    book = AuditBook(
        source.book.facts,
        accounts,
        source.open_opportunities,
        source.users,
        links,
        catalogue,
        read,
        now,
        derivation.shared_domains,
    )
    currency = context.settings.money.reporting_currency
    return Audited(source, audit(book), len(accounts), now, currency, temporary)


def audit_document(audited: Audited) -> dict[str, Any]:
    """The audit as a document; findings that found something by money at stake, then what is clean."""
    facts, users = audited.facts, audited.source.users.values()
    found = [each for each in audited.findings if each.count]
    found.sort(key=lambda each: (each.check == "data-quality", -each.money, -each.won, -each.count, each.title))
    return {
        "format": FORMAT,
        "kind": "audit",
        "now": iso(audited.now),
        "mirror": {system.value: {"as_of": iso(at)} for system, at in sorted(audited.source.as_of.items())},
        "temporary": audited.temporary,
        "currency": audited.currency,
        "summary": {
            "accounts": audited.accounts,
            "companies": len(facts),
            "users": len(audited.source.users),
            "active_users": sum(user.active for user in users),
            "open_opportunities": len(audited.source.open_opportunities),
            "open_pipeline": _text(sum((amount(each, "open_pipeline") for each in facts), Decimal(0))),
            "won_12m": _text(sum((amount(each, "won_amount_12m") for each in facts), Decimal(0))),
        },
        "findings": [finding_document(each) for each in found],
        "clean": [
            {"check": each.check, "title": each.title, "of": each.of} for each in audited.findings if not each.count
        ],
    }


def finding_document(finding: AuditFinding) -> dict[str, Any]:
    """A finding as JSON values, money as decimal text."""
    return {
        "check": finding.check,
        "subject": finding.subject,
        "title": finding.title,
        "count": finding.count,
        "of": finding.of,
        "unit": finding.unit,
        "money_at_stake": _text(finding.money),
        "won_12m": _text(finding.won),
        "first": finding.first,
        "groups": [{"name": name, "count": count, "money": _text(money)} for name, count, money in finding.groups],
        "examples": [_example(each) for each in finding.examples],
    }


def _example(example: Example) -> Mapping[str, str]:
    return {"ref": example.ref, "name": example.name, "text": example.said, "money": _text(example.money)}


def _text(money: Decimal) -> str:
    return f"{money:f}"


def _only(settings: Settings, system: System | None) -> Settings:
    """The settings of an audit: nothing is written, and one system alone where it is named."""
    changes: dict[str, Any] = {"mode": Mode.OBSERVE}
    if system is not None:
        if system not in configured_systems(settings):
            hint = f"add a [{system.value}] section to the settings, or leave --system out"
            raise UsageError("SYN740", f"{system.value} is not configured, so it cannot be audited", hint=hint)
        changes |= {other.value: None for other in System if other is not system}
        changes["leading_system"] = system.value
    return settings.model_copy(update=changes)


def _configured(settings: Settings, opened: Opened) -> Context | None:
    """The configured mirror where it is complete; None where there is none, or one that says less than the CRMs do."""
    try:
        context = opened(settings, False)
    except StorageError:
        return None
    with context.store.read() as conn:
        status = mirror.mirror_status(conn)
    revision = context.mapping_revision()
    if all(
        (known := status.get(system)) is not None and known.complete and known.mapping_revision == revision
        for system in context.systems
    ):
        return context
    context.close()
    return None
