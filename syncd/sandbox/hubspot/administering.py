"""What an administrator or HubSpot itself does: owners, properties, currencies, limits, tokens, switches.

The commands that touch no single record; `editing.Editor` hands them on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from syncd.sandbox.hubspot.changes import RecordChanges
from syncd.sandbox.hubspot.definitions import FIELD_TYPES, Option, Property
from syncd.sandbox.hubspot.limits import RateLimits
from syncd.sandbox.hubspot.loading import load, read_teams
from syncd.sandbox.hubspot.owners import Owner
from syncd.sandbox.hubspot.records import ObjectTable
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.tokens import Tokens

Command = Mapping[str, Any]
PORTAL_VERBS = ("configure", "limits", "expire_tokens", "revoke_token", "scopes", "currencies")
PROPERTY_VERBS = ("hide", "show", "define", "undefine", "rename")
OWNER_VERBS = ("deactivate", "activate")
_COUNTED = ("used_today", "associations_today")
_LIMITS = (
    "enabled",
    "burst",
    "search",
    "associations",
    "day",
    "associations_day",
    "second",
    "enforce_second",
    *_COUNTED,
)
_OWNER_FIELDS = {"email": "email", "firstName": "first", "lastName": "last", "type": "kind"}


class Administrator:
    """Carries those commands out; each notes its effect. ValueError for what makes no sense."""

    def __init__(self, state: PortalState, changes: RecordChanges, tokens: Tokens, limits: RateLimits) -> None:
        self._state = state
        self._changes = changes
        self._tokens = tokens
        self._limits = limits

    def portal(self, verb: str, argument: Any) -> None:
        """Change what holds for the whole portal."""
        match verb:
            case "configure":
                effects = self._state.quirks.configure(argument)
            case "limits":
                effects = self._limit(argument)
            case "expire_tokens":
                self._tokens.expire_all()
                effects = ("access tokens expired",)
            case "scopes":
                self._tokens.scopes = frozenset(map(str, argument))
                effects = (f"{len(self._tokens.scopes)} scopes granted",)
            case "currencies":
                self._state.currency = str(argument.get("company", self._state.currency))
                self._state.rates |= {str(code): str(rate) for code, rate in dict(argument.get("rates", {})).items()}
                effects = (f"currencies {self._state.currency} {' '.join(sorted(self._state.rates))}".strip(),)
            case _:
                self._tokens.revoked.add(str(argument))
                effects = ("a token was revoked",)
        for effect in effects:
            self._changes.note(effect)

    def property(self, verb: str, table: ObjectTable, argument: Any) -> None:
        """Hide or show a property, define it anew, take it away, or give it another name (F22).

        Values stay with the records as they are, whatever type the property has now. No stamp moves.
        """
        name = str(argument.get("name", "") if isinstance(argument, Mapping) else argument)
        match verb:
            case "hide":
                table.hidden_properties.add(name)
                effect = f"property {name} hidden"
            case "show":
                table.hidden_properties.discard(name)
                effect = f"property {name} shown"
            case "define":
                table.definitions[name] = self._defined(table, name, argument)
                effect = f"property {name} defined"
            case "undefine":
                table.definitions[name] = replace(self._definition(table, name), archived=self._state.now)
                effect = f"property {name} archived"
            case _:
                new = str(argument["to"])
                table.rename(name, new)
                effect = f"property {name} renamed to {new}"
        self._changes.note(f"{table.kind.name} {effect}")

    def owner(self, verb: str, command: Command) -> None:
        """Make, change, deactivate or activate an owner; the records stay where they are (2.6)."""
        if verb == "create":
            load(self._state, "owners", [command["create"]])
            self._changes.note(f"owners {command['create'].get('email')} created")
            return
        owner = self._find_owner(command)
        match verb:
            case "deactivate" | "activate":
                owner.archived = verb == "deactivate"
            case "set":
                unknown = command["set"].keys() - _OWNER_FIELDS.keys() - {"teams"}
                if unknown:
                    raise ValueError(f"an owner has no {', '.join(sorted(unknown))} to set")
                for name, value in command["set"].items():
                    if name == "teams":
                        owner.teams = read_teams(value)
                    else:
                        setattr(owner, _OWNER_FIELDS[name], str(value))
            case _:
                raise ValueError(f"an owner cannot be {verb}d")
        if set(command.get("set", ())) != {"teams"}:
            owner.updated = self._state.now  # a change of teams is none of the owner's (2.6)
        self._changes.note(f"owners {owner.id} {'changed' if verb == 'set' else f'{verb}d'}")

    def _limit(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        for name, value in values.items():
            if name == "tier":
                self._limits.use(str(value))
            elif name in _LIMITS:
                setattr(self._limits, name, value)
            else:
                raise ValueError(f"unknown limit {name}")
        return tuple(f"limit {name} = {value}" for name, value in values.items())

    def _defined(self, table: ObjectTable, name: str, argument: Mapping[str, Any]) -> Property:
        held = table.definitions.get(name)
        kind = str(argument.get("type", held.type if held else "string"))
        if not name or kind not in FIELD_TYPES:
            raise ValueError(f"a property has a name and one of the types {', '.join(FIELD_TYPES)}")
        base = held or Property(name, kind, FIELD_TYPES[kind], name.replace("_", " ").capitalize(), custom=True)
        options = tuple(Option(str(one), str(one)) for one in argument["options"]) if "options" in argument else None
        return replace(
            base,
            type=kind,
            field_type=str(argument.get("fieldType", base.field_type if kind == base.type else FIELD_TYPES[kind])),
            label=str(argument.get("label", base.label)),
            options=base.options if options is None else options,
            read_only=bool(argument.get("readOnly", base.read_only)),
            unique=bool(argument.get("hasUniqueValue", base.unique)),
            calculated=bool(argument.get("calculated", base.calculated)),
            updated=self._state.now,
            archived=None,
        )

    def _definition(self, table: ObjectTable, name: str) -> Property:
        found = table.definitions.get(name)
        if found is None:
            raise KeyError(f"property {name}")
        return found

    def _find_owner(self, command: Command) -> Owner:
        email = str(command.get("email", "")).lower()
        owner = self._state.owners.get(str(command.get("id", "")))
        if owner is None and email:
            owner = next((row for row in self._state.owners if row.email.lower() == email), None)
        if owner is None:
            raise KeyError(f"owner {command.get('id') or email}")
        return owner
