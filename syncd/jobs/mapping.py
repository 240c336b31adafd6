"""From settings to the field catalogue and each system's mapping, and the revision that a change of either makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType

from syncd.connectors.hubspot import mapping as hubspot
from syncd.connectors.salesforce import mapping as salesforce
from syncd.errors import ConfigError
from syncd.identity.linking import CROSS_REFERENCE
from syncd.model.fields import FieldCatalogue, FieldType, KindMapping, SystemMapping
from syncd.model.refs import Kind, System
from syncd.settings import FieldSetting, Settings


def configured_systems(settings: Settings) -> tuple[System, ...]:
    """The systems that the settings name, in the order of System."""
    present = {System.SALESFORCE: settings.salesforce, System.HUBSPOT: settings.hubspot}
    return tuple(system for system in System if present[system] is not None)


def system_mapping(settings: Settings, system: System) -> SystemMapping:
    """The default mapping of a system with the settings' fields and cross-reference laid over it."""
    default = salesforce.DEFAULT_MAPPING if system is System.SALESFORCE else hubspot.DEFAULT_MAPPING
    kinds = dict(default.kinds)
    for kind, custom in _custom(settings, system).items():
        fields = {**kinds[kind].fields, **{name: setting.field for name, setting in custom.items()}}
        kinds[kind] = KindMapping(kind, kinds[kind].object, MappingProxyType(fields))
    cross = (
        settings.identity.salesforce_cross_reference
        if system is System.SALESFORCE
        else settings.identity.hubspot_cross_reference
    )
    if cross:
        account = kinds[Kind.ACCOUNT]
        kinds[Kind.ACCOUNT] = KindMapping(
            Kind.ACCOUNT, account.object, MappingProxyType({**account.fields, CROSS_REFERENCE: cross})
        )
    return SystemMapping(system, MappingProxyType(kinds))


def field_catalogue(settings: Settings) -> FieldCatalogue:
    """The fields rules may read: RULES.md's and the settings' own. Raises ConfigError SYN108 for an untyped one."""
    catalogue = FieldCatalogue()
    for kind in (Kind.ACCOUNT, Kind.OPPORTUNITY):
        types: dict[str, FieldType] = {}
        for system in configured_systems(settings):
            for name, setting in _custom(settings, system).get(kind, {}).items():
                given = FieldType(setting.type) if setting.type else None
                known = catalogue.of(kind).get(name) or types.get(name)
                if known is None and given is None:
                    raise _untyped(system, kind, name, "has no type and is no field of RULES")
                if known is not None and given is not None and known is not given:
                    raise _untyped(system, kind, name, f"is {given.value} here and {known.value} elsewhere")
                if known is None and given is not None:
                    types[name] = given
        catalogue = catalogue.extended(kind, types)
    return catalogue


def mapping_revision(settings: Settings) -> str:
    """A hash of all mappings: another one means that old and new mirror values are not comparable."""
    content = {
        system.value: {
            kind.value: [mapping.object, dict(sorted(mapping.fields.items()))]
            for kind, mapping in system_mapping(settings, system).kinds.items()
        }
        for system in configured_systems(settings)
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


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
    return {Kind.ACCOUNT: section.fields.account, Kind.OPPORTUNITY: section.fields.opportunity}


def _untyped(system: System, kind: Kind, name: str, problem: str) -> ConfigError:
    return ConfigError(
        "SYN108",
        f"the field {name!r} {problem}",
        where=f"{system.value}.fields.{kind.value}.{name}",
        hint='write it as {field = "…", type = "picklist"}, the same type in both systems',
    )
