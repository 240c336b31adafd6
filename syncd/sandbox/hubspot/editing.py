"""What people do in HubSpot's UI: the commands of `/_sandbox/edit`, and who it was they were done by.

Changes by a person are stamped `CRM_UI` with that user's number in the history (hubspot.md 3.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from syncd.sandbox.hubspot.administering import OWNER_VERBS, PORTAL_VERBS, PROPERTY_VERBS, Administrator
from syncd.sandbox.hubspot.associations import LABELLED
from syncd.sandbox.hubspot.changes import LARGEST_MERGE, RecordChanges
from syncd.sandbox.hubspot.limits import RateLimits
from syncd.sandbox.hubspot.records import Entry, ObjectTable, Source
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.tokens import Tokens
from syncd.sandbox.hubspot.values import canonical, read_stamp, text_of

Command = Mapping[str, Any]
DEFAULT_PERSON = 9_000
_ALIASES = {"undelete": "restore", "hard_delete": "purge"}
_RECORD_VERBS = ("set", "delete", "restore", "purge", "merge", "associate", "dissociate", "lock")
_OBJECT_VERBS = ("create", "restamp")
_VERBS = (*_RECORD_VERBS, *_OBJECT_VERBS, *PROPERTY_VERBS, *OWNER_VERBS, *PORTAL_VERBS)


class Editor:
    """Carries commands out. A mapping holds exactly one verb:

    - `{object, id, set: {property: value}}`, `{object, create: {…}, id}` (the id is optional), `{object, id, delete |
      restore | purge: true}`, `{object, id, merge: [loser, …]}`, `{object, id, lock: seconds}`; beside them `user`
      (who, by user number) and `source` (another sourceType, such as `CRM_UI_BULK_ACTION`, `AUTOMATION_PLATFORM`,
      `SALESFORCE`) with `source_id`
    - `{object, id, associate | dissociate: other id, to: object, primary: true, types: [id, …]}` (`to`: companies)
    - `{object, restamp: instant, ids: […]}` (all live records without ids)
    - `{object, hide | show | undefine: property}`, `{object, define: {name, type, options, …}}`, `{object, rename:
      {name, to}}`
    - `{object: owners, id or email, deactivate | activate: true}`, `{object: owners, id, set: {…}}`, `{…, create: {…}}`
    - `{configure: {quirk: value}}`, `{limits: {tier, enabled, burst, search, day, …}}`, `{expire_tokens: true}`,
      `{revoke_token: token}`, `{scopes: […]}`, `{currencies: {company, rates: {code: rate}}}`
    """

    def __init__(self, state: PortalState, changes: RecordChanges, tokens: Tokens, limits: RateLimits) -> None:
        self._state = state
        self._changes = changes
        self._administrator = Administrator(state, changes, tokens, limits)

    def carry_out(self, command: Command) -> tuple[str, ...]:
        """Do it; what changed, in words. ValueError for what makes no sense, and then nothing changed."""
        command = {_ALIASES.get(key, key): value for key, value in command.items()}
        verbs = [key for key in _VERBS if key in command]
        if len(verbs) != 1:
            raise ValueError(f"an edit has exactly one verb, not {', '.join(verbs) or 'none'}")
        verb, name = verbs[0], str(command.get("object", ""))
        try:
            if verb in PORTAL_VERBS:
                self._administrator.portal(verb, command[verb])
            elif name.lower() in ("owners", "owner"):
                self._administrator.owner(verb, command)
            elif verb in PROPERTY_VERBS:
                self._administrator.property(verb, self._state.table(name), command[verb])
            elif verb in _OBJECT_VERBS:
                self._object(verb, self._state.table(name), command)
            else:
                self._record(verb, self._state.table(name), command)
        except KeyError as error:
            raise ValueError(f"there is no {error.args[0]}") from None
        return self._changes.take_effects()

    def _object(self, verb: str, table: ObjectTable, command: Command) -> None:
        if verb == "create":
            values = self._values(table, command["create"])
            given = text_of(command.get("id"))
            if given and (not given.isdecimal() or int(given) in table.entries):
                raise ValueError(f"{given} is no free id of {table.kind.name}")
            self._changes.create(table, values, _source(command), key=int(given) if given else None)
            return
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
                self._merge(table, entry, command["merge"])
            case "lock":
                self._state.locks[table.kind.name, entry.id] = self._state.now + round(float(command["lock"]) * 1_000)
                self._changes.note(f"{table.kind.name} {entry.id} locked for {command['lock']} s")
            case _:
                self._associate(verb, table, entry, command)

    def _merge(self, table: ObjectTable, entry: Entry, losers: Any) -> None:
        if self._state.salesforce and table.kind.name == "companies":
            raise ValueError("companies cannot be merged while the Salesforce integration is installed")
        for loser in [self._entry(table, one) for one in (losers if isinstance(losers, list) else [losers])]:
            if loser is entry:
                raise ValueError("a record cannot be merged with itself")
            if len(self._changes.merged_ids(entry, loser)) > LARGEST_MERGE:
                raise ValueError(f"a record cannot be merged from more than {LARGEST_MERGE}")
            entry = self._changes.merge(table, entry, loser)

    def _associate(self, verb: str, table: ObjectTable, entry: Entry, command: Command) -> None:
        """Associations move no stamp (hubspot.md 2.2, unverified)."""
        target = self._state.table(str(command.get("to", "companies")))
        other = self._entry(target, command[verb])
        types = frozenset(int(one) for one in command.get("types", ()))
        if verb == "associate":
            if command.get("primary", not types):
                types |= {LABELLED.get((table.kind.name, target.kind.name), (0, 0))[1]}
            self._changes.associate(table, entry, target.kind.name, other.id, types)
        else:
            self._changes.dissociate(table, entry, target.kind.name, other.id, types)

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
