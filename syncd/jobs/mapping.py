"""From settings to the field catalogue and each system's mapping, and the revision that a change of either makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType

from syncd.connectors.hubspot import mapping as hubspot
from syncd.connectors.salesforce import mapping as salesforce
from syncd.errors import ConfigError, Finding, Severity
from syncd.model.fields import LEAD_SIGNS, FieldCatalogue, FieldType, KindMapping, SystemMapping
from syncd.model.plans import held_name
from syncd.model.records import Record
from syncd.model.refs import Kind, System
from syncd.planning.proposing.cascade import PERSON
from syncd.rules.parsing.condition_parser import COMBINATORS
from syncd.rules.reading.row_options import ROW_OPTIONS
from syncd.settings import FieldSetting, Settings

RESERVED = frozenset((*COMBINATORS, *ROW_OPTIONS, "when", "name", "id"))
"""Words that stand where a field could: in a condition, or as a column of a table or an export."""


def configured_systems(settings: Settings) -> tuple[System, ...]:
    """The systems that the settings name, in the order of System."""
    present = {System.SALESFORCE: settings.salesforce, System.HUBSPOT: settings.hubspot}
    return tuple(system for system in System if present[system] is not None)


def system_mapping(settings: Settings, system: System) -> SystemMapping:
    """The default mapping of a system, leads and followers if they are read, with what the settings lay over it."""
    made = _MADE.get(system)
    if made is None or made[0] is not settings:
        made = _MADE[system] = settings, _system_mapping(settings, system)
    return made[1]


_MADE: dict[System, tuple[Settings, SystemMapping]] = {}
"""The last settings that were asked about, which never change: every pull asks tens of times."""


def _system_mapping(settings: Settings, system: System) -> SystemMapping:
    default = salesforce.DEFAULT_MAPPING if system is System.SALESFORCE else hubspot.DEFAULT_MAPPING
    kinds = dict(default.kinds)
    if settings.leads.read:
        kinds[Kind.LEAD] = salesforce.LEAD_MAPPING if system is System.SALESFORCE else _hubspot_leads(settings)
    for kind, custom in _custom(settings, system).items():
        if kind not in kinds:
            continue
        fields = {**kinds[kind].fields, **{name: setting.field for name, setting in custom.items()}}
        kinds[kind] = KindMapping(kind, kinds[kind].object, MappingProxyType(fields))
    kinds |= _followers(settings, system)
    kinds[Kind.ACCOUNT] = _with_written(kinds[Kind.ACCOUNT], settings, system)
    cross = (
        settings.identity.salesforce_cross_reference
        if system is System.SALESFORCE
        else settings.identity.hubspot_cross_reference
    )
    if cross:
        from syncd.identity.linking import CROSS_REFERENCE  # loads rapidfuzz, for those who link

        account = kinds[Kind.ACCOUNT]
        kinds[Kind.ACCOUNT] = KindMapping(
            Kind.ACCOUNT, account.object, MappingProxyType({**account.fields, CROSS_REFERENCE: cross})
        )
    return SystemMapping(system, MappingProxyType(kinds))


READ_KINDS = (Kind.ACCOUNT, Kind.OPPORTUNITY, Kind.CONTACT, Kind.TASK)


def read_kinds(settings: Settings, system: System) -> tuple[Kind, ...]:
    """The kinds that a pull of a system reads: accounts, opportunities, and what follows accounts where it is read."""
    kinds = system_mapping(settings, system).kinds
    return tuple(kind for kind in READ_KINDS if kind in kinds)


def is_lead(settings: Settings, record: Record) -> bool:
    """Whether a record of the kind lead is one: Salesforce's always, HubSpot's in one of the stages of [leads]."""
    if record.ref.system is not System.HUBSPOT:
        return True
    stage = record.fields.get("lifecycle", "").strip().casefold()
    return stage in {each.strip().casefold() for each in settings.leads.hubspot_stages}


def follows(settings: Settings, record: Record) -> bool:
    """Whether a contact or task may follow its account: a HubSpot contact that is a lead goes by `routing` instead.

    Such a contact is read twice, as the kinds contact and lead; only one of the two may ever give it to somebody.
    """
    leads = settings.leads
    routed = leads.read and leads.hubspot_object == "contacts" and record.ref.system is System.HUBSPOT
    return not (routed and record.ref.kind is Kind.CONTACT and is_lead(settings, record))


def written_columns(settings: Settings, system: System) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The fields of accounts that a system's settings map to roles, and those that they map to texts of ours."""
    section = settings.salesforce if system is System.SALESFORCE else settings.hubspot
    return (
        ({}, {}) if section is None else (section.roles, {str(name): column for name, column in section.write.items()})
    )


def _with_written(account: KindMapping, settings: Settings, system: System) -> KindMapping:
    """The mapping of accounts with the fields that syncd writes beside the owner, under names that no rule has."""
    roles, texts = written_columns(settings, system)
    written = {held_name(name): column for name, column in {**roles, **texts}.items()}
    return KindMapping(account.kind, account.object, MappingProxyType({**account.fields, **written}))


def _followers(settings: Settings, system: System) -> dict[Kind, KindMapping]:
    """The kinds that are read so that they can follow the owner of their account."""
    if system is System.HUBSPOT:
        asked = settings.hubspot.children if settings.hubspot is not None else ()
        able = {"contacts": hubspot.CONTACT_MAPPING, "tasks": hubspot.TASK_MAPPING}
        return {mapping.kind: mapping for name, mapping in able.items() if name in asked}
    section, found = settings.salesforce, {}
    if section is not None and "contacts" in section.children:
        person = {PERSON: salesforce.PERSON_ACCOUNT} if section.person_accounts else {}
        contact = salesforce.CONTACT_MAPPING
        found[Kind.CONTACT] = KindMapping(contact.kind, contact.object, MappingProxyType({**contact.fields, **person}))
    if section is not None and "tasks" in section.children:
        found[Kind.TASK] = salesforce.TASK_MAPPING
    return found


def _hubspot_leads(settings: Settings) -> KindMapping:
    return hubspot.LEAD_OBJECT_MAPPING if settings.leads.hubspot_object == "leads" else hubspot.LEAD_MAPPING


def field_catalogue(settings: Settings) -> FieldCatalogue:
    """The fields rules may read: RULES.md's and the settings' own.

    Raises ConfigError: SYN108 for an untyped one, SYN284 for one whose name is a word of the language, SYN864 for one
    of a side table; with several wrong ones the code is the first's, and all of them are in its findings.
    """
    catalogue = FieldCatalogue()
    wrong: list[ConfigError] = []
    for kind in (Kind.ACCOUNT, Kind.OPPORTUNITY, Kind.LEAD):
        signs = LEAD_SIGNS if kind is Kind.LEAD else {}
        types: dict[str, FieldType] = {}
        for system in configured_systems(settings):
            if kind is Kind.ACCOUNT:  # who has a role is an e-mail under the role's name
                types |= dict.fromkeys(written_columns(settings, system)[0], FieldType.EMAIL)
            for name, setting in _custom(settings, system).get(kind, {}).items():
                if name in RESERVED and name not in catalogue.of(kind):
                    wrong.append(_reserved(system, kind, name))
                    continue
                given = FieldType(setting.type) if setting.type else None
                known = catalogue.of(kind).get(name) or signs.get(name) or types.get(name)
                if known is None and given is None:
                    wrong.append(_untyped(system, kind, name, "has no type and is no field of RULES"))
                if known is not None and given is not None and known is not given:
                    wrong.append(_untyped(system, kind, name, f"is {given.value} here and {known.value} elsewhere"))
                if known is None and given is not None:
                    types[name] = given
        catalogue = catalogue.extended(kind, types)
    catalogue = _with_signals(settings, catalogue, wrong)
    if wrong:
        raise wrong[0] if len(wrong) == 1 else _all_wrong(wrong)
    return catalogue


def _with_signals(settings: Settings, catalogue: FieldCatalogue, wrong: list[ConfigError]) -> FieldCatalogue:
    """The catalogue with the fields of side tables, none of which may be another's: else SYN864 goes to `wrong`."""
    types: dict[str, FieldType] = {}
    for table in settings.signals:
        for name, setting in table.fields.items():
            where = f"signals.{table.name}.fields.{name}"
            if setting.type is None:
                hint = f'write {name} = {{field = "{setting.field}", type = "number"}}'
                wrong.append(ConfigError("SYN864", f"the field {name!r} has no type", where=where, hint=hint))
                continue
            if name in RESERVED or name in catalogue.account or name in types:
                hint = "choose another name for it; the column's own name stays what it is"
                wrong.append(ConfigError("SYN864", f"the name {name!r} is taken already", where=where, hint=hint))
                continue
            types[name] = FieldType(setting.type)
    return catalogue.extended(Kind.ACCOUNT, types) if types else catalogue


def mapping_revision(settings: Settings) -> str:
    """A hash of all mappings: another one means that old and new mirror values are not comparable.

    Leads are read in a lane of their own, which knows their mapping by itself (`lead_revision`).
    """
    if not _HASHED or _HASHED[-1][0] is not settings:
        _HASHED[:] = [(settings, _mapping_revision(settings))]
    return _HASHED[-1][1]


_HASHED: list[tuple[Settings, str]] = []


def _mapping_revision(settings: Settings) -> str:
    content = {
        system.value: {
            kind.value: [mapping.object, dict(sorted(mapping.fields.items()))]
            for kind, mapping in system_mapping(settings, system).kinds.items()
            if kind is not Kind.LEAD
        }
        for system in configured_systems(settings)
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def lead_revision(settings: Settings, system: System) -> str:
    """A hash of the mapping of a system's leads; empty where leads are not read."""
    mapped = system_mapping(settings, system).kinds.get(Kind.LEAD)
    if mapped is None:
        return ""
    content = json.dumps([mapped.object, dict(sorted(mapped.fields.items()))])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def field_order(settings: Settings) -> tuple[tuple[System, ...], Mapping[str, tuple[System, ...]]]:
    """Which system's value comes first: by default, and for single fields."""
    leading = System(settings.leading_system)
    default = (leading, *(system for system in System if system is not leading))
    single = {name: tuple(System(value) for value in order) for name, order in settings.fields_from.items()}
    return default, MappingProxyType(single)


def _custom(settings: Settings, system: System) -> dict[Kind, Mapping[str, FieldSetting]]:
    section = settings.salesforce if system is System.SALESFORCE else settings.hubspot
    if section is None:
        return {}
    fields = section.fields
    return {Kind.ACCOUNT: fields.account, Kind.OPPORTUNITY: fields.opportunity, Kind.LEAD: fields.lead}


def _all_wrong(wrong: list[ConfigError]) -> ConfigError:
    findings = [Finding(each.code, Severity.ERROR, f"{each.where}: {each.summary}", None, each.hint) for each in wrong]
    return ConfigError(wrong[0].code, f"{len(wrong)} fields of the settings cannot be read", findings=findings)


def _reserved(system: System, kind: Kind, name: str) -> ConfigError:
    return ConfigError(
        "SYN284",
        f"no field can be called {name!r}: it is a word of the rules",
        where=f"{system.value}.fields.{kind.value}.{name}",
        hint="choose another name for it; rules use the name, the CRM's own field stays what it is",
    )


def _untyped(system: System, kind: Kind, name: str, problem: str) -> ConfigError:
    return ConfigError(
        "SYN108",
        f"the field {name!r} {problem}",
        where=f"{system.value}.fields.{kind.value}.{name}",
        hint='write it as {field = "…", type = "picklist"}, the same type in both systems',
    )
