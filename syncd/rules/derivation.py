"""Derivation: the records of a company, or the row of an export, as the facts that rules see.

Each field comes from the first system, in that field's order, that has a value. Pure and independent of the order of
its input; nothing here decides, reads a store or asks a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from datetime import datetime
from types import MappingProxyType

from syncd.model.decisions import Owner
from syncd.rules.deriving.company_reader import CompanyReader
from syncd.rules.deriving.company_records import CompanyRecords, Derivation, OwnershipView
from syncd.rules.deriving.draft import Draft
from syncd.rules.deriving.families import join_families
from syncd.rules.deriving.field_values import RawValue
from syncd.rules.deriving.known_facts import KnownFacts
from syncd.rules.deriving.opportunity_facts import derived_from_opportunities, kept_deals, read_opportunity
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext

__all__ = ["CompanyRecords", "Derivation", "OwnershipView", "derive_alone", "derive_book", "facts_from_raw"]


def derive_book(
    companies: Iterable[CompanyRecords],
    derivation: Derivation,
    ownership: OwnershipView,
    now: datetime,
    *,
    plain: bool = False,
    known: MutableMapping[str, KnownFacts] | None = None,
) -> Iterator[Facts]:
    """The facts of every company that has a live record, in the order given.

    Opportunities are read one company at a time and only those are kept that rules may still ask for; the fields that
    need the whole book (families) are added at the end. Texts that were read before are remembered; `plain` reads each
    anew: slower, with the same facts, and the reference that remembering is held to. `known` are facts derived by this
    derivation for these users before: those that still hold are taken, those that do not are replaced in it.
    """
    company_reader = CompanyReader(derivation, ownership, now, plain=plain)
    if known is not None:
        return join_families(facts for facts in company_reader.with_known(companies, known) if facts is not None)
    return join_families(facts for facts in map(company_reader.facts, companies) if facts is not None)


def derive_alone(
    companies: Iterable[CompanyRecords], derivation: Derivation, ownership: OwnershipView, now: datetime
) -> Iterator[tuple[CompanyRecords, KnownFacts]]:
    """Each company that has a live record with its facts, without what families tell, and how long they hold.

    None but the one at hand is kept: a book of any size goes by.
    """
    company_reader = CompanyReader(derivation, ownership, now)
    return company_reader.alone(companies)


def facts_from_raw(
    key: str,
    raw: Mapping[str, RawValue],
    *,
    opportunities: Sequence[Mapping[str, str]] = (),
    derivation: Derivation,
    now: datetime,
    owner_active: bool = True,
) -> Facts:
    """The facts of a CSV row or a test case: raw texts by field name; unknown names are left out.

    Derived fields may be given and win over `opportunities`. The company stands alone: `join_families` over the whole
    book adds what parents and children say.
    """
    draft, reader = Draft(), derivation.reader()
    context = EvaluationContext(now, derivation.zone)
    draft.read_all({name: ((None, value),) for name, value in raw.items()}, derivation, reader)
    deals = tuple(
        read_opportunity(
            deal.get("id") or f"{key}/{number}", deal, derivation.catalogue.opportunity, reader, draft.remarks
        )
        for number, deal in enumerate(opportunities, start=1)
    )
    draft.add_derived(derived_from_opportunities(deals, context))
    owner, active = draft.values.get("owner"), draft.values.get("owner_active", owner_active)
    if owner is not None:
        draft.add_derived({"owner_active": active})
    facts = Facts(
        key=key,
        accounts=(key,),
        values=draft.values,
        seen=MappingProxyType(draft.seen),
        opportunities=kept_deals(deals, context),
        current_owner=Owner(owner) if isinstance(owner, str) else None,
        owner_active=owner is not None and active is True,
        findings=tuple(sorted(draft.remarks)),
        notes=tuple(draft.notes),
    )
    return next(join_families((facts,)))
