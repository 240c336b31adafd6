"""Records as a connector reads them and the mirror keeps them: canonical text by rule field name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from syncd.model.refs import Ref

_JSON = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"))
PLAIN_SIGNS = bytes(sign for sign in range(0x20, 0x7F) if sign not in b'"\\')
"""What stands in JSON of ASCII characters as it is."""
MANAGER = "manager"
"""The field of a user that holds their manager's id, where the system knows one."""
NO_FIELDS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Record:
    """One version of one record of a CRM.

    `fields` holds canonical text by rule field name (instants as fixed-width UTC text, booleans `true`/`false`, numbers
    in plain notation); a field that is null or empty in the CRM is absent. `owner` and `account` are ids of the same
    system: `account` is an opportunity's account, or an account's parent. `stamp` is the system's modification stamp.
    `modified_by` is the id of who last changed it, where the system says so. `merged_into` is the winner's id.
    """

    ref: Ref
    stamp: datetime
    fields: Mapping[str, str] = field(default_factory=lambda: NO_FIELDS)
    owner: str | None = None
    account: str | None = None
    deleted: bool = False
    merged_into: str | None = None
    merged_from: tuple[str, ...] = ()
    modified_by: str | None = None

    def content_hash(self) -> str:
        """A hash of all that the record says, its stamp apart: equal records are no change."""
        return self.content()[1]

    def content(self) -> tuple[str, str]:
        """The fields as JSON of ASCII characters, sorted by name, and the hash of all that the record says."""
        fields = _json_of(self.fields)
        return fields, hash_of(fields, self.deleted, self.owner, self.account, self.merged_into, self.merged_from)


def hash_of(
    fields: str,
    deleted: bool,
    owner: str | None,
    account: str | None,
    merged_into: str | None,
    merged_from: tuple[str, ...] = (),
) -> str:
    """The hash of all that a record says, its fields as JSON."""
    # an id is never empty and holds no line end, so this says as much as JSON would
    text = f"{fields}\n{'deleted' if deleted else 'live'}\n{owner or ''}\n{account or ''}\n{merged_into or ''}"
    if merged_from:
        text = "\n".join((text, *merged_from))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _json_of(fields: Mapping[str, str]) -> str:
    """The fields as JSON of ASCII characters, sorted by name; plain text, as nearly all is, is put together here."""
    template = _template(tuple(fields))
    if template is not None:
        values = tuple(fields.values())
        # what is left of the text without plain characters: one look a character, and nothing of Python's
        if not "".join(values).encode("utf-8", "surrogatepass").translate(None, PLAIN_SIGNS):
            text, in_order = template
            return text % (values if in_order else fields)
    return _JSON.encode(dict(fields))


@lru_cache(maxsize=4096)
def _template(names: tuple[str, ...]) -> tuple[str, bool] | None:
    """The JSON of a record that has these fields, with a place for each value; None where a name is no plain text.

    And whether the names are sorted already: then values are put in by their order, which costs half.
    """
    said = "".join(names)
    if not said.isascii() or not said.isprintable() or any(sign in said for sign in '"\\%()'):
        return None
    ordered = sorted(names)
    if ordered == list(names):
        return "{" + ",".join(f'"{name}":"%s"' for name in ordered) + "}", True
    return "{" + ",".join(f'"{name}":"%({name})s"' for name in ordered) + "}", False


@dataclass(frozen=True, slots=True)
class User:
    """A person or queue that can own records in one system; `ref.id` is what an owner field holds.

    `active`: may own new records now. `eligible`: of a type that may own accounts (Salesforce: UserType Standard;
    HubSpot: PERSON). `email` is lower case; `login` is the Salesforce username.
    """

    ref: Ref
    email: str
    name: str
    active: bool
    eligible: bool = True
    login: str | None = None
    fields: Mapping[str, str] = field(default_factory=lambda: NO_FIELDS)


@dataclass(frozen=True, slots=True, order=True)
class TeamMember:
    """A user in the team of a record, and what they are and may do there, by the CRM's own field names, sorted."""

    user: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Team:
    """The team of one Salesforce account or opportunity, sorted; empty is no team.

    A change of owner drops it (salesforce.md 3.4). `restorable`: we may put its members back.
    """

    record: Ref
    members: tuple[TeamMember, ...]
    restorable: bool = True
