"""The facts of one company after the other, from its records in all systems and what is known of its ownership.

Families, which need the whole book, are joined by whoever asks (derivation.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from syncd.model.decisions import Owner
from syncd.model.money import MoneyTable
from syncd.model.normalisation import email
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.rules.deriving.closed_rates import ClosedRates
from syncd.rules.deriving.company_records import (
    OWN_ID_FIELDS,
    CompanyRecords,
    Derivation,
    OwnershipView,
    field_plan,
)
from syncd.rules.deriving.draft import Draft
from syncd.rules.deriving.field_values import RawValue, id_value
from syncd.rules.deriving.held_rates import HeldRates
from syncd.rules.deriving.known_facts import KnownFacts, holds_between
from syncd.rules.deriving.opportunity_facts import derived_from_opportunities, kept_deals, read_opportunity, shared
from syncd.rules.deriving.readings import AccountReadings, OpportunityReadings
from syncd.rules.facts import NO_CHANGES, Applied, Facts, OpportunityFacts, Seen, Value
from syncd.rules.matching.time_window import EvaluationContext


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who owns a record: `email` where the system shows who it is, `name` for people, empty for nobody."""

    owner: Owner | None
    active: bool
    email: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Dealt:
    """The fields derived from opportunities, whether rules may still ask for one of them, and when that holds.

    It holds at the instants from `since` on and before `until`; without `since` at any.
    """

    values: Mapping[str, Value]
    is_kept: bool
    since: datetime | None = None
    until: datetime | None = None


_NOBODY = _Holder(None, active=False, email=None, name="")
_NOT_APPLIED: Mapping[str, Applied] = MappingProxyType({})


class CompanyReader:
    """Makes the facts of one company after the other."""

    def __init__(self, derivation: Derivation, ownership: OwnershipView, now: datetime, *, plain: bool = False) -> None:
        self._derivation = derivation
        self._ownership = ownership
        self._reader = derivation.reader()
        self._fields = field_plan(derivation)
        self._rates = HeldRates(derivation.catalogue, derivation.money, derivation.rates, derivation.pack_revision)
        self._closed_rates = ClosedRates(derivation.rates, derivation.zone, now)
        self._context = EvaluationContext(now, derivation.zone)
        self._ids = _ids_by_email(ownership.users)
        self._plain = plain
        self._accounts = AccountReadings(self._fields, derivation.catalogue.account, self._reader)
        self._deals = OpportunityReadings(derivation.catalogue.opportunity, self._reader)
        self._without_deals = derived_from_opportunities((), self._context)
        leading = derivation.leading
        self._owner_order = (leading, *(system for system in derivation.order if system != leading))
        self._holders: dict[tuple[System, str], _Holder] = {}
        self._held_between: tuple[datetime, datetime] | None = None

    def with_known(
        self, companies: Iterable[CompanyRecords], known: MutableMapping[str, KnownFacts]
    ) -> Iterator[Facts | None]:
        """The facts of companies; those known that hold as they are."""
        for company in companies:
            found = known.get(company.key)
            if found is not None and found.hold(company.content, self._context.now) and self._owned_alike(found.facts):
                yield found.facts
                continue
            facts = self.facts(company)
            if facts is not None and company.content:
                since, until = self._held_between or (None, None)
                known[company.key] = KnownFacts(company.content, facts, since, until)
            yield facts

    def alone(self, companies: Iterable[CompanyRecords]) -> Iterator[tuple[CompanyRecords, KnownFacts]]:
        """The facts of companies, with how long they hold."""
        for company in companies:
            facts = self.facts(company)
            if facts is not None:
                since, until = self._held_between or (None, None)
                yield company, KnownFacts(company.content, facts, since, until)

    def dealt(self, opportunities: Iterable[Record]) -> Dealt:
        """What the opportunities of a company say, whatever the company itself says."""
        deals = self._opportunities(opportunities, [], None)
        if not deals:
            return Dealt(self._without_deals, is_kept=False)
        since, until = holds_between(deals, self._context) or (None, None)
        derived = derived_from_opportunities(deals, self._context)
        return Dealt(derived, bool(kept_deals(deals, self._context)), since, until)

    def _owned_alike(self, facts: Facts) -> bool:
        """Whether the ledger knows of a company what it knew when these facts were derived."""
        key, ownership = facts.key, self._ownership
        changed = ownership.person_changes.get(key, (None, None))
        return (
            (facts.changed_by_person_at, facts.changed_by_person_text) == changed
            and facts.team_holds == ownership.team_holds.get(key)
            and facts.values.get("owner_changed_at") == ownership.owner_changed_at.get(key)
            and facts.applied == ownership.applied.get(key, _NOT_APPLIED)
            and facts.role_changes == ownership.role_changes.get(key, NO_CHANGES)
        )

    def facts(self, company: CompanyRecords) -> Facts | None:
        """The facts of a company; None if none of its records is live."""
        records = _live(company.accounts)
        if not records:
            return None
        draft = Draft()
        applied = self._ownership.applied.get(company.key, _NOT_APPLIED)
        amounts = self._rates.amounts(records.values(), company.opportunities)
        rates = self._rates.held(applied.get("owner"), amounts)
        if self._plain:
            reader = self._reader if rates is None else replace(self._reader, money=rates)
            draft.read_all(self._sources(records), self._derivation, reader)
        else:
            draft.read_records(records, self._derivation, self._accounts, rates)
        deals = self._opportunities(company.opportunities, draft.remarks, rates)
        self._held_between = holds_between(deals, self._context)
        draft.values.update(derived_from_opportunities(deals, self._context) if deals else self._without_deals)
        draft.values["systems"] = shared(system.value for system in records)
        for system, record in records.items():
            own = id_value((record.ref.id, *record.merged_from))
            if own is not None:
                draft.values[OWN_ID_FIELDS[system]] = own
        owner, active = self._owner(company.key, records, draft)
        refs = tuple(sorted(record.ref for record in records.values()))
        changed = self._ownership.person_changes.get(company.key)
        return Facts(
            key=company.key,
            accounts=tuple(str(ref) for ref in refs),
            refs=refs,
            values=draft.values,
            seen=MappingProxyType(draft.seen),
            opportunities=kept_deals(deals, self._context),
            current_owner=owner,
            owner_ids=MappingProxyType({system: record.owner for system, record in records.items() if record.owner}),
            owner_active=active,
            applied=applied,
            changed_by_person_at=changed[0] if changed else None,
            changed_by_person_text=changed[1] if changed else None,
            team_holds=self._ownership.team_holds.get(company.key),
            role_changes=self._ownership.role_changes.get(company.key, NO_CHANGES),
            findings=tuple(sorted(draft.remarks)),
            notes=tuple(draft.notes),
            amounts=amounts,
            rates=rates,
        )

    def _sources(self, records: Mapping[System, Record]) -> dict[str, list[tuple[System | None, RawValue]]]:
        sources: dict[str, list[tuple[System | None, RawValue]]] = {}
        # The hottest lines of deriving a book: most companies stand in one system, and most fields are filled.
        if len(records) == 1:
            ((system, record),) = records.items()
            fields = record.fields
            for name, order in self._fields:
                raw = fields.get(name) or (_raw(record, name) if name == "parent" else "")
                if raw and system in order:
                    sources[name] = [(system, raw)]
            return sources
        for name, order in self._fields:
            told: list[tuple[System | None, RawValue]] = [
                (system, raw) for system in order if system in records and (raw := _raw(records[system], name))
            ]
            if told:
                sources[name] = told
        return sources

    def _opportunities(
        self, records: Iterable[Record], remarks: list[str], rates: MoneyTable | None
    ) -> tuple[OpportunityFacts, ...]:
        deals = []
        for record in records:
            if record.deleted:
                continue
            user = self._user(record)
            owner = user.email if user is not None else None
            money = self._closed_rates.table(record) or rates
            if self._plain:
                deal = self._plain_opportunity(record, owner, money, remarks)
            else:
                deal = self._deals.read(str(record.ref), record, owner, money, remarks)
            deals.append(deal if rates is None else replace(deal, rates=rates))
        return tuple(deals)

    def _plain_opportunity(
        self, record: Record, owner: str | None, money: MoneyTable | None, remarks: list[str]
    ) -> OpportunityFacts:
        raw: dict[str, RawValue] = {name: text for name, text in record.fields.items() if name != "owner"}
        if record.account:
            raw["account"] = record.account
        if owner:
            raw["owner"] = owner
        reader = self._reader if money is None else replace(self._reader, money=money)
        return read_opportunity(str(record.ref), raw, self._derivation.catalogue.opportunity, reader, remarks)

    def _user(self, record: Record) -> User | None:
        if not record.owner:
            return None
        return self._ownership.users.get(Ref(record.ref.system, Kind.USER, record.owner))

    def _owner(self, key: str, records: Mapping[System, Record], draft: Draft) -> tuple[Owner | None, bool]:
        """The current owner and whether they are active; the fields that ownership tells are added to the draft."""
        told = [(system, self._holder(records[system])) for system in self._owner_order if system in records]
        if told and told[0][1].name:
            others = tuple((system, holder.name) for system, holder in told[1:] if holder.name)
            draft.seen["owner"] = Seen(told[0][0], told[0][1].name, others)
        values = draft.values
        applied = self._ownership.applied.get(key, _NOT_APPLIED).get("owner")
        if applied is not None and applied.territory:
            values["territory"] = applied.territory
        if key in self._ownership.owner_changed_at:
            values["owner_changed_at"] = self._ownership.owner_changed_at[key]
        holder = told[0][1] if told else _NOBODY
        if holder.owner is None:
            return None, False
        values["owner_active"] = holder.active
        if holder.email is not None:
            values["owner"] = holder.email
        return holder.owner, holder.active

    def _holder(self, record: Record) -> _Holder:
        """The owner of a record; people own many, so each is looked up once."""
        if not record.owner:
            return _NOBODY
        key = (record.ref.system, record.owner)
        if key not in self._holders:
            self._holders[key] = self._looked_up(record, record.owner)
        return self._holders[key]

    def _looked_up(self, record: Record, owner: str) -> _Holder:
        user = self._user(record)
        active = user is not None and user.active
        if user is None or not user.email:
            # Somebody owns it whom the system no longer shows: the name says so, and no rule can mistake it.
            name = str(Ref(record.ref.system, Kind.USER, owner))
            return _Holder(Owner(name, {record.ref.system: owner}), active, None, name)
        address = email(user.email)
        ids = MappingProxyType({**self._ids.get(address, {}), record.ref.system: owner})
        return _Holder(Owner(address, ids), active, address, address)


def _raw(record: Record, name: str) -> str:
    return record.fields.get(name) or (record.account or "" if name == "parent" else "")


def _live(accounts: Iterable[Record]) -> dict[System, Record]:
    """The live record of each system; of several the one with the smallest id."""
    records: dict[System, Record] = {}
    for record in sorted(accounts, key=lambda each: each.ref):
        if not record.deleted:
            records.setdefault(record.ref.system, record)
    return records


def _ids_by_email(users: Mapping[Ref, User]) -> dict[str, dict[System, str]]:
    """Each person's id in each system, by e-mail: of several users of one system an active one, the smallest id."""
    found: dict[str, dict[System, str]] = {}
    for user in sorted(users.values(), key=lambda each: (not each.active, each.ref)):
        if user.email:
            found.setdefault(email(user.email), {}).setdefault(user.ref.system, user.ref.id)
    return found
