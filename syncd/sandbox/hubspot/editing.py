"""What people do in HubSpot's UI, and what an administrator or HubSpot itself does: the commands of `/_sandbox/edit`.

Changes by a person are stamped `CRM_UI` with that user's number in the history (hubspot.md 3.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from syncd.sandbox.hubspot.changes import RecordChanges
from syncd.sandbox.hubspot.loading import load
from syncd.sandbox.hubspot.owners import Owner
from syncd.sandbox.hubspot.records import Entry, ObjectTable, Source
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.tokens import Tokens
from syncd.sandbox.hubspot.values import canonical, read_stamp, text_of

Command = Mapping[str, Any]
DEFAULT_PERSON = 9_000
_ALIASES = {"undelete": "restore", "hard_delete": "purge"}
_RECORD_VERBS = ("set", "delete", "restore", "purge", "merge", "associate", "dissociate")
_OBJECT_VERBS = ("create", "hide", "show", "restamp")
_OWNER_VERBS = ("set", "create", "deactivate", "activate")
_PORTAL_VERBS = ("configure", "limits", "expire_tokens", "revoke_token")


class Editor:
    """Carries commands out. A mapping holds exactly one verb:

    - `{object, id, set: {property: value}}`, `{object, create: {…}}`, `{object, id, delete | restore | purge: true}`,
      `{object, id, merge: [loser, …]}`; beside them `user` (who, by user number) and `source` (another sourceType)
    - `{object, id, associate: company, primary: true}`, `{object, id, dissociate: company}`
    - `{object: owners, id or email, deactivate | activate: true}`, `{object: owners, id, set: {…}}`, `{…, create: {…}}`
    - `{object, hide | show: property}`, `{object, restamp: instant, ids: […]}` (all live records without ids)
    - `{configure: {quirk: value}}`, `{limits: {enabled, burst, search, day}}`, `{expire_tokens: true}`,
      `{revoke_token: token}`
    """

    def __init__(self, state: PortalState, changes: RecordChanges, tokens: Tokens, limits: object) -> None:
        self._state = state
        self._changes = changes
        self._tokens = tokens
        self._limits = limits

    def carry_out(self, command: Command) -> tuple[str, ...]:
        """Do it; what changed, in words. ValueError for what makes no sense, and then nothing changed."""
        command = {_ALIASES.get(key, key): value for key, value in command.items()}
        verbs = [key for key in (*_RECORD_VERBS, *_OBJECT_VERBS, *_OWNER_VERBS[2:], *_PORTAL_VERBS) if key in command]
        if len(verbs) != 1:
            raise ValueError(f"an edit has exactly one verb, not {', '.join(verbs) or 'none'}")
        verb = verbs[0]
        try:
            if verb in _PORTAL_VERBS:
                self._portal(verb, command[verb])
            elif str(command.get("object", "")).lower() in ("owners", "owner"):
                self._owner(verb, command)
            elif verb in _OBJECT_VERBS:
                self._object(verb, self._state.table(str(command.get("object", ""))), command)
            else:
                self._record(verb, self._state.table(str(command.get("object", ""))), command)
        except KeyError as error:
            raise ValueError(f"there is no {error.args[0]}") from None
        return self._changes.take_effects()

    def _portal(self, verb: str, argument: Any) -> None:
        match verb:
            case "configure":
                effects = self._state.quirks.configure(argument)
            case "limits":
                for name, value in argument.items():
                    if name not in ("enabled", "burst", "search", "associations", "day", "used_today"):
                        raise ValueError(f"unknown limit {name}")
                    setattr(self._limits, name, value)
                effects = tuple(f"limit {name} = {value}" for name, value in argument.items())
            case "expire_tokens":
                self._tokens.expire_all()
                effects = ("access tokens expired",)
            case _:
                self._tokens.revoked.add(str(argument))
                effects = ("a token was revoked",)
        for effect in effects:
            self._changes.note(effect)

    def _object(self, verb: str, table: ObjectTable, command: Command) -> None:
        match verb:
            case "create":
                values = self._values(table, command["create"])
                self._changes.create(table, values, _source(command))
            case "hide":
                table.hidden_properties.add(str(command["hide"]))
                self._changes.note(f"{table.kind.name} property {command['hide']} hidden")
            case "show":
                table.hidden_properties.discard(str(command["show"]))
                self._changes.note(f"{table.kind.name} property {command['show']} shown")
            case _:
                entries = self._entries(table, command.get("ids"))
                table.restamp(entries, read_stamp(text_of(command["restamp"])))
                self._changes.note(f"{table.kind.name}: {len(entries)} records stamped {command['restamp']}")

    def _record(self, verb: str, table: ObjectTable, command: Command) -> None:
        entry = self._entry(table, command.get("id"), archived=verb in ("restore", "purge"))
        match verb:
            case "set":
                self._changes.write(table, entry, self._values(table, command["set"]), _source(command))
            case "delete":
                self._changes.archive(table, entry)
            case "restore":
                if entry.archived is None:
                    raise ValueError(f"{table.kind.name} {entry.id} is not in the recycle bin")
                self._changes.restore(table, entry)
            case "purge":
                self._changes.purge(table, entry)
            case "merge":
                losers = command["merge"] if isinstance(command["merge"], list) else [command["merge"]]
                for loser in [self._entry(table, one) for one in losers]:
                    if loser is entry:
                        raise ValueError("a record cannot be merged with itself")
                    entry = self._changes.merge(table, entry, loser)
            case _:
                self._associate(verb, table, entry, command)

    def _associate(self, verb: str, table: ObjectTable, entry: Entry, command: Command) -> None:
        """Associations move no stamp (hubspot.md 2.2, unverified)."""
        company = self._entry(self._state.table("companies"), command[verb])
        if verb == "associate":
            primary = bool(command.get("primary", True))
            self._state.associations.link(table.kind.name, entry.id, "companies", company.id, primary=primary)
        else:
            self._state.associations.unlink(table.kind.name, entry.id, "companies", company.id)
        self._state.refresh_primary_companies()
        self._changes.note(f"{table.kind.name} {entry.id} {verb}d companies {company.id}")

    def _owner(self, verb: str, command: Command) -> None:
        if verb == "create":
            load(self._state, "owners", [command["create"]])
            self._changes.note(f"owners {command['create'].get('email')} created")
            return
        owner = self._find_owner(command)
        match verb:
            case "deactivate" | "activate":
                owner.archived = verb == "deactivate"
            case "set":
                names = {"email": "email", "firstName": "first", "lastName": "last", "type": "kind"}
                unknown = command["set"].keys() - names.keys()
                if unknown:
                    raise ValueError(f"an owner has no {', '.join(sorted(unknown))} to set")
                for name, value in command["set"].items():
                    setattr(owner, names[name], str(value))
            case _:
                raise ValueError(f"an owner cannot be {verb}d")
        owner.updated = self._state.now
        self._changes.note(f"owners {owner.id} {'changed' if verb == 'set' else f'{verb}d'}")

    def _find_owner(self, command: Command) -> Owner:
        email = str(command.get("email", "")).lower()
        owner = self._state.owners.get(str(command.get("id", "")))
        if owner is None and email:
            owner = next((row for row in self._state.owners if row.email.lower() == email), None)
        if owner is None:
            raise KeyError(f"owner {command.get('id') or email}")
        return owner

    def _entry(self, table: ObjectTable, record_id: object, *, archived: bool = False) -> Entry:
        entry = table.find(text_of(record_id))
        if entry is None or (entry.archived is not None and not archived):
            raise KeyError(f"{table.kind.name} {record_id}")
        return entry

    def _entries(self, table: ObjectTable, ids: Iterable[object] | None) -> list[Entry]:
        if ids is None:
            return [table.entries[key] for key in table.live]
        return [self._entry(table, one) for one in ids]

    def _values(self, table: ObjectTable, values: Mapping[str, Any]) -> dict[str, str]:
        """Values in canonical form; a person may set what the API may not, so that odd data can be made."""
        written: dict[str, str] = {}
        for name, value in values.items():
            if name not in table.definitions:
                table.define(name)
            written[name] = canonical(table.definitions[name], text_of(value))
        return written


def _source(command: Command) -> Source:
    """Who does it: a person in the UI, unless the command names another `source`."""
    kind = str(command.get("source", "CRM_UI"))
    if not kind.startswith(("CRM_UI", "MOBILE")):
        return Source(kind, text_of(command.get("source_id")) or None)
    user = int(command.get("user", DEFAULT_PERSON))
    return Source(kind, f"userId:{user}", user)
