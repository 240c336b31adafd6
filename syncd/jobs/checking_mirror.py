"""What the accounts of the mirror say of a pack: territories without accounts, unknown values and people, thin fields.

Read after a pack was found valid, and only where settings name a CRM: a check without a mirror loads none of this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from syncd.errors import Finding, InputError, Severity, StorageError
from syncd.jobs.books.book import mirror_book
from syncd.jobs.books.signals import stale_findings, words_of
from syncd.jobs.context import Context
from syncd.jobs.packs.picklists import Picklists
from syncd.jobs.packs.takers import without_takers
from syncd.rules.deriving.signals import coverage as rows_joined
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Pack
from syncd.rules.proving.surroundings import Surroundings, geography_only, owner_findings
from syncd.rules.proving.vocabulary import FieldCoverage, Offers, field_coverage, not_offered, thin_fields
from syncd.settings import Settings

_NO_DATABASE = "SYN601"


@dataclass(frozen=True, slots=True)
class MirrorReport:
    """What there is to say of the mirror's accounts: how many were looked at, None where there are none to look at,
    how many have each field, and lines about side tables."""

    findings: tuple[Finding, ...] = ()
    accounts: int | None = None
    fields: tuple[FieldCoverage, ...] = ()
    signals: tuple[str, ...] = ()


def look_at_mirror(settings: Settings, pack: Pack, now: datetime, proved: Iterable[Finding]) -> MirrorReport:
    """What the mirror says of a pack, of which `proved` is said already without any data."""
    try:
        context = Context.open(settings)
    except StorageError as error:
        return MirrorReport(() if error.code == _NO_DATABASE else (_not_looked_at(error.summary),))
    try:
        whole = mirror_book(context, pack, now)
        book, signals = whole.book, whole.signals
        offers = _whole_offers(Picklists.of_store(settings, context.store))
    except InputError as error:
        if error.code != "SYN865":
            raise
        return MirrorReport(error.findings)
    finally:
        context.close()
    if not book.facts:
        return MirrorReport()
    seen = Surroundings.of(pack, book.facts, EvaluationContext(now, pack.zone, pack.fiscal_year_start))
    dead = {each.place for each in proved if each.code in ("SYN350", "SYN351")}
    counts = {name: {str(value): count for value, count in each.items()} for name, each in seen.values.items()}
    found = list(not_offered(pack, offers, counts))
    wrong = {each.place for each in found}
    found += [each for each in seen.findings(wrong) if each.code != "SYN360" or each.place not in dead]
    found += owner_findings(pack, book.directory)
    found += without_takers(pack, book.directory, now)
    found += geography_only(pack, seen.held.get("owner", {}))
    coverage = field_coverage(pack, book.facts)
    found += [*signals.findings, *stale_findings(signals)]
    counts_of = {table.name: rows_joined(book.facts, table) for table in signals.tables}
    said = words_of(signals.tables, counts_of, len(book.facts))
    return MirrorReport((*found, *thin_fields(coverage)), len(book.facts), coverage, tuple(said))


def _whole_offers(picklists: Picklists) -> Offers:
    """What the CRMs offer, of the fields where no value can come that they do not offer."""
    return {
        kind: {name: offer.values for name, offer in fields.items() if offer.whole}
        for kind, fields in picklists.offers.items()
    }


def _not_looked_at(why: str) -> Finding:
    return Finding(
        "SYN367", Severity.NOTE, f"the mirror was not looked at: {why}", None, "see `syncd doctor`, or say --no-mirror"
    )
