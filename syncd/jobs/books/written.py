"""What syncd writes beside owners: the roles and texts that settings map to a field, and what is odd about them.

It reads settings and pack, never the mirror; `check` and `plan` tell what it finds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from syncd.errors import ConfigError, Finding, InputError, Place, Severity
from syncd.jobs.mapping import configured_systems, field_order, system_mapping, written_columns
from syncd.model.fields import ACCOUNT_FIELDS, DERIVED_FIELDS
from syncd.model.plans import OWNER_FIELD, held_name
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.planning.proposing.cascade import CHILD_KINDS
from syncd.rules.conditions import Condition, fields_read
from syncd.rules.pack import Pack
from syncd.settings import Settings

FOLLOWERS = tuple(kind for kind in CHILD_KINDS if kind is not Kind.OPPORTUNITY)
"""The kinds that are read only where settings ask for them."""
_NAMES = {Kind.CONTACT: "contacts", Kind.TASK: "tasks"}
_TAKEN = frozenset({OWNER_FIELD, *ACCOUNT_FIELDS, *DERIVED_FIELDS})


def mapped_roles(settings: Settings) -> tuple[str, ...]:
    """The roles beside `owner` that some system has a field for. ConfigError SYN549 for one named like a rule field."""
    names = sorted({name for system in configured_systems(settings) for name in written_columns(settings, system)[0]})
    for system in configured_systems(settings):
        roles, _ = written_columns(settings, system)
        custom = system_mapping(settings, system).kinds[Kind.ACCOUNT].fields
        for name in roles:
            if name in _TAKEN or name in custom:
                raise ConfigError(
                    "SYN549",
                    f"the role {name!r} has the name of a field that rules read",
                    where=f"{system.value}.roles.{name}",
                    hint="give the role another name, or take the field out of the mapping",
                )
    return tuple(names)


def written_fields(settings: Settings) -> Mapping[str, frozenset[System]]:
    """The roles and texts that settings map to a field, each with the systems that have one."""
    found: dict[str, frozenset[System]] = {}
    for system in configured_systems(settings):
        for name in (*written_columns(settings, system)[0], *written_columns(settings, system)[1]):
            found[name] = found.get(name, frozenset()) | {system}
    return found


def read_followers(settings: Settings, system: System) -> tuple[Kind, ...]:
    """The kinds of a system that are read so that they can follow the owner of their account."""
    return tuple(kind for kind in FOLLOWERS if kind in system_mapping(settings, system).kinds)


def held_fields(accounts: Iterable[Record], names: Collection[str]) -> dict[Ref, Mapping[str, str]]:
    """What the written fields of accounts hold now; accounts where all of them are empty are left out."""
    found: dict[Ref, Mapping[str, str]] = {}
    keys = {name: held_name(name) for name in names}
    for account in accounts if keys else ():
        held = {name: account.fields[key] for name, key in keys.items() if key in account.fields}
        if held:
            found[account.ref] = held
    return found


@dataclass(frozen=True, slots=True)
class Holders:
    """Who has the roles that settings map: from ids in fields to people, as rules see them."""

    roles: Mapping[str, frozenset[System]]
    order: tuple[System, ...]
    users: Mapping[Ref, User]

    @classmethod
    def of(cls, settings: Settings, users: Mapping[Ref, User]) -> Holders:
        """The roles of the settings, read in the leading system first."""
        fields = written_fields(settings)
        roles = {role: fields[role] for role in mapped_roles(settings)}
        return cls(roles, field_order(settings)[0], users)

    def told(self, accounts: Sequence[Record]) -> tuple[Record, ...]:
        """The records of one company with who has each role: an e-mail under the role's name.

        It is the holder in the first system of the order that has the company and a field for the role. Somebody whom
        the system does not show is named by their ref, which no rule can mistake.
        """
        said: dict[Ref, dict[str, str]] = {}
        for role, systems in self.roles.items():
            live = [
                record
                for system in self.order
                if system in systems
                for record in sorted(accounts, key=lambda each: each.ref)
                if record.ref.system is system and not record.deleted
            ]
            if live and (held := live[0].fields.get(held_name(role))):
                said.setdefault(live[0].ref, {})[role] = self._named(live[0].ref.system, held)
        return tuple(
            replace(each, fields={**each.fields, **said[each.ref]}) if each.ref in said else each for each in accounts
        )

    def _named(self, system: System, held: str) -> str:
        ref = Ref(system, Kind.USER, held)
        user = self.users.get(ref)
        return user.email if user is not None and user.email else str(ref)


def findings(settings: Settings, pack: Pack) -> tuple[Finding, ...]:
    """What a person should know of what is written: what is mapped nowhere, what cannot follow, what reads itself."""
    return (
        *_unmapped(settings, pack),
        *_unfollowed(settings, pack),
        *_self_reading(settings, pack),
    )


def refuse_self_reading(settings: Settings, pack: Pack) -> None:
    """InputError SYN543 where a rule reads a field that syncd would fill by that very rule."""
    found = tuple(_self_reading(settings, pack))
    if found:
        raise InputError("SYN543", found[0].message, hint=found[0].hint, findings=list(found))


def _unmapped(settings: Settings, pack: Pack) -> Iterator[Finding]:
    mapped = written_fields(settings)
    systems = " or ".join(system.value for system in configured_systems(settings)) or "SYSTEM"
    for role in sorted(pack.roles):
        if role != OWNER_FIELD and role not in mapped:
            place = pack.roles[role][0].place if pack.roles[role] else None
            text = f"role {role} is decided and shown, and written nowhere: no setting maps it to a field"
            yield Finding("SYN541", Severity.NOTE, text, place, f'set {role} = "FIELD" under [{systems}.roles]')
    able = pack.written_texts
    for name in pack.write:
        if name not in able:
            text = f"`write` asks for {name}, and the pack has no `{'lifecycle' if name == 'lifecycle' else 'score'}`"
            yield Finding("SYN542", Severity.NOTE, text, None, f"nothing is written; take {name} out of `write`")
        elif name not in mapped:
            text = f"`write` asks for {name}, and no setting maps it to a field: nothing is written"
            yield Finding("SYN542", Severity.NOTE, text, None, f'set {name} = "FIELD" under [{systems}.write]')


def _unfollowed(settings: Settings, pack: Pack) -> Iterator[Finding]:
    words = {Kind.CONTACT: pack.cascade.contacts, Kind.TASK: pack.cascade.open_tasks}
    for kind, word in words.items():
        lacking = [
            system.value for system in configured_systems(settings) if kind not in read_followers(settings, system)
        ]
        if word != "stay" and lacking:
            name = _NAMES[kind]
            text = f"{name} of {' and '.join(lacking)} stay with whoever has them: they are not read"
            hint = f'to take them along set children = ["{name}"] under [{lacking[0]}]; else write {name}: stay'
            yield Finding("SYN544", Severity.NOTE, text, None, hint.replace("tasks: stay", "open_tasks: stay"))


def _self_reading(settings: Settings, pack: Pack) -> Iterator[Finding]:
    """Rule fields that are read from a field which a decision of the same rules fills."""
    for system in configured_systems(settings):
        roles, texts = written_columns(settings, system)
        fields = system_mapping(settings, system).kinds[Kind.ACCOUNT].fields
        asked = {name: column for name, column in texts.items() if name in pack.write}
        for name, column in sorted({**roles, **asked}.items()):
            sources = {rule_field for rule_field, other in fields.items() if other == column and ":" not in rule_field}
            if name in roles:
                sources.add(name)
            if name == "lifecycle" and "lifecycle" in sources:
                sources.add("crm_lifecycle")
            if name == "score" and "score" in sources:
                sources.add("crm_score")
            for read, place in _readers(pack, name if name in roles else None):
                found = sorted(read & sources)
                if found:
                    text = (
                        f"a rule reads {found[0]}, which is {system.value}'s {column}: syncd fills it with the {name}"
                    )
                    hint = "a rule must not read its own result; read another field"
                    yield Finding("SYN543", Severity.ERROR, text, place, hint)


def _readers(pack: Pack, role: str | None) -> Iterator[tuple[frozenset[str] | set[str], Place | None]]:
    """What decides of a role, or of any where none is named, each condition with what it reads and where it stands."""
    for known in sorted(pack.roles):
        if role in (None, known):
            for territory in pack.territories(known):
                yield _read(territory.when), territory.place
    if role is None:
        for stage in pack.lifecycle:
            yield _read(stage.when), stage.place
        for component in pack.scoring.components if pack.scoring is not None else ():
            yield _read(component.test), component.place


def _read(condition: Condition) -> set[str]:
    return set(fields_read(condition))
