"""Derivation: the records of a company, or the row of an export, as the facts that rules see.

Each field comes from the first system, in that field's order, that has a value. Pure and independent of the order of
its input; nothing here decides, reads a store or asks a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.model.decisions import Owner
from syncd.model.fields import FieldCatalogue, FieldType
from syncd.model.money import DatedRates, MoneyTable
from syncd.model.normalisation import email
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.rules.deriving.closed_rates import ClosedRates
from syncd.rules.deriving.families import FAMILY_FIELDS, join_families
from syncd.rules.deriving.field_values import RawValue, ValueReader, id_value
from syncd.rules.deriving.held_rates import HeldRates
from syncd.rules.deriving.known_facts import KnownFacts, holds_between
from syncd.rules.deriving.opportunity_facts import derived_from_opportunities, read_opportunity, shared, worth_keeping
from syncd.rules.deriving.readings import AccountReadings, OpportunityReadings
from syncd.rules.facts import NO_CHANGES, Applied, Facts, OpportunityFacts, Seen, Value
from syncd.rules.matching.time_window import UTC_ZONE, EvaluationContext

OWN_ID_FIELDS: Mapping[System, str] = MappingProxyType(
    {System.SALESFORCE: "salesforce_id", System.HUBSPOT: "hubspot_id"}
)
_FROM_OPPORTUNITIES = frozenset(
    {"open_opportunities", "open_pipeline", "open_stages", "won_amount_12m", "won_count_12m", "last_won_at"}
)
_FROM_OWNERSHIP = frozenset({"owner", "owner_active", "owner_changed_at", "territory"})
_COMPUTED = FAMILY_FIELDS | _FROM_OPPORTUNITIES | _FROM_OWNERSHIP | {"systems", "band", *OWN_ID_FIELDS.values()}


@dataclass(frozen=True, slots=True)
class CompanyRecords:
    """The live records of one company and their opportunities, of all systems.

    `content` stands for all that they say, where the caller knows it: equal records have equal ones.
    """

    key: str
    accounts: tuple[Record, ...]
    opportunities: tuple[Record, ...] = ()
    content: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Derivation:
    """How records become facts: `order` is the default order of systems, `field_order` that of single fields.

    `leading` is the system whose owner is the current one. `money`, `shared_domains` and the orders come from settings,
    `zone`, `default_country` and `fill_missing_country` from the pack. With `rates` and the pack's revision, a company
    whose last applied decision was of that revision and whose raw amounts are the same keeps that decision's table.
    """

    catalogue: FieldCatalogue = field(default_factory=FieldCatalogue)
    order: tuple[System, ...] = tuple(System)
    field_order: Mapping[str, tuple[System, ...]] = field(default_factory=lambda: MappingProxyType({}))
    leading: System = System.SALESFORCE
    money: MoneyTable = field(default_factory=MoneyTable)
    zone: ZoneInfo = UTC_ZONE
    default_country: str | None = None
    fill_missing_country: bool = False
    shared_domains: frozenset[str] = frozenset()
    rates: DatedRates = field(default_factory=DatedRates)
    pack_revision: str | None = None

    def reader(self) -> ValueReader:
        """The reader of single values that these settings make."""
        return ValueReader(self.money, self.zone, self.shared_domains)


@dataclass(frozen=True, slots=True)
class OwnershipView:
    """Who owns what, as users and ledger know it; all but `users` by company key."""

    users: Mapping[Ref, User] = field(default_factory=lambda: MappingProxyType({}))
    applied: Mapping[str, Mapping[str, Applied]] = field(default_factory=lambda: MappingProxyType({}))
    person_changes: Mapping[str, tuple[datetime, str]] = field(default_factory=lambda: MappingProxyType({}))
    owner_changed_at: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    team_holds: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    role_changes: Mapping[str, Mapping[str, tuple[datetime, str]]] = field(default_factory=lambda: MappingProxyType({}))


Sources = Mapping[str, Sequence[tuple[System | None, RawValue]]]
"""Raw values by field name, of each system that has one, in the field's order of systems."""


@dataclass(slots=True)
class _Draft:
    """What is known of a company while its fields are read."""

    values: dict[str, Value] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def read_all(self, sources: Sources, derivation: Derivation, reader: ValueReader) -> None:
        """Read every field that the catalogue knows; the country first, for states and postal codes are read in it."""
        fields = derivation.catalogue.account
        if "country" in sources and "country" in fields:
            self._read("country", fields["country"], sources["country"], None, reader)
        place = any(not _blank(raw) for name in _PLACES for _, raw in sources.get(name, ()))
        if place and "country" not in self.values and derivation.fill_missing_country and derivation.default_country:
            self._fill_country(derivation.default_country)
        found = self.values.get("country")
        country = found if isinstance(found, str) else None
        for name, raws in sources.items():
            if name != "country" and name in fields:
                self._read(name, fields[name], raws, country, reader)

    def read_records(
        self,
        records: Mapping[System, Record],
        derivation: Derivation,
        readings: AccountReadings,
        money: MoneyTable | None,
    ) -> None:
        """The same from records, by what was read before; amounts by `money` where it is another table."""
        where = readings.country(records, self.values, self.remarks)
        if where is not None:
            self.seen["country"] = where
        fills = derivation.fill_missing_country and derivation.default_country
        if fills and "country" not in self.values and readings.is_placed(records, _PLACES):
            self._fill_country(fills)
        found = self.values.get("country")
        country = found if isinstance(found, str) else None
        readings.read(records, country, money, self.values, self.seen, self.remarks)

    def _fill_country(self, default: str) -> None:
        self.values["country"] = default
        self.notes.append(f"no country: read as {default}, the pack's default")

    def _read(
        self,
        name: str,
        type_: FieldType,
        raws: Sequence[tuple[System | None, RawValue]],
        country: str | None,
        reader: ValueReader,
    ) -> None:
        """Take the value of the first system that has a readable one; say what the others hold."""
        told: list[tuple[System | None, str]] = []
        taken: int | None = None
        for system, raw in raws:
            if _blank(raw):
                continue
            told.append((system, raw if isinstance(raw, str) else "; ".join(raw)))
            value, problem = reader.read(type_, raw, country)
            if problem is not None:
                self.remarks.append(f"{name}: {problem}" + (f" ({system.value})" if system else ""))
            if value is not None and taken is None:
                self.values[name] = value
                taken = len(told) - 1
        if told:
            system, raw_text = told.pop(taken or 0)
            others = tuple((other, text) for other, text in told if other is not None)
            self.seen[name] = Seen(system, raw_text, others)

    def add_derived(self, derived: Mapping[str, Value]) -> None:
        """Add derived fields; those that were given stay."""
        for name, value in derived.items():
            if name not in self.seen:
                self.values[name] = value


_PLACES = ("state", "postal_code")


def _blank(raw: RawValue) -> bool:
    return not raw or (isinstance(raw, str) and raw.isspace())


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
    company_reader = _CompanyReader(derivation, ownership, now, plain=plain)
    if known is not None:
        return join_families(facts for facts in company_reader.with_known(companies, known) if facts is not None)
    return join_families(facts for facts in map(company_reader.facts, companies) if facts is not None)


def derive_alone(
    companies: Iterable[CompanyRecords], derivation: Derivation, ownership: OwnershipView, now: datetime
) -> Iterator[tuple[CompanyRecords, KnownFacts]]:
    """Each company that has a live record with its facts, without what families tell, and how long they hold.

    None but the one at hand is kept: a book of any size goes by.
    """
    company_reader = _CompanyReader(derivation, ownership, now)
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
    draft, reader = _Draft(), derivation.reader()
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
        opportunities=_kept(deals, context),
        current_owner=Owner(owner) if isinstance(owner, str) else None,
        owner_active=owner is not None and active is True,
        findings=tuple(sorted(draft.remarks)),
        notes=tuple(draft.notes),
    )
    return next(join_families((facts,)))


def _kept(deals: Iterable[OpportunityFacts], context: EvaluationContext) -> tuple[OpportunityFacts, ...]:
    return tuple(sorted((each for each in deals if worth_keeping(each, context)), key=lambda each: each.key))


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who owns a record: `email` where the system shows who it is, `name` for people, empty for nobody."""

    owner: Owner | None
    active: bool
    email: str | None
    name: str


_NOBODY = _Holder(None, active=False, email=None, name="")
_NOT_APPLIED: Mapping[str, Applied] = MappingProxyType({})


class _CompanyReader:
    """Makes the facts of one company after the other."""

    def __init__(self, derivation: Derivation, ownership: OwnershipView, now: datetime, *, plain: bool = False) -> None:
        self._derivation = derivation
        self._ownership = ownership
        self._reader = derivation.reader()
        self._fields = _field_plan(derivation)
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
        draft = _Draft()
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
            opportunities=_kept(deals, self._context),
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

    def _owner(self, key: str, records: Mapping[System, Record], draft: _Draft) -> tuple[Owner | None, bool]:
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


def _field_plan(derivation: Derivation) -> tuple[tuple[str, tuple[System, ...]], ...]:
    """The mapped fields in the order they are read, each with its order of systems."""
    names = sorted({*derivation.catalogue.account, "parent"} - _COMPUTED)
    return tuple((name, derivation.field_order.get(name, derivation.order)) for name in names)


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
