"""What the token must be allowed to do in HubSpot, whether it is, and what it may do beyond: told, else tried.

A private app's token has its scopes told. Of a service key or an OAuth token HubSpot tells no list, so each thing that
is read is read once; whether such a token may write is not to be had without writing, and is left open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from syncd.connectors.hubspot.client import HubspotClient, Json, bad, results_of
from syncd.connectors.hubspot.mapping import OWNERS_SCOPE, Columns
from syncd.connectors.hubspot.paths import TOKEN_INFORMATION
from syncd.connectors.hubspot.schema import PortalSchema
from syncd.connectors.port import Right
from syncd.errors import AuthError, SchemaError
from syncd.model.plans import written_field

_HARMLESS: Final = frozenset({"oauth", "multi-currency-read"})
"""What every app has, and what reading a portal's currencies takes."""
_SCOPE_NAMES: Final[Mapping[str, str]] = {
    "0-1": "contacts",
    "0-2": "companies",
    "0-3": "deals",
    "0-136": "leads",
    "tasks": "contacts",  # an activity's scopes are those of contacts
    "0-27": "contacts",
}


def rights_of(client: HubspotClient, schema: PortalSchema, kinds: list[Columns]) -> tuple[Right, ...]:
    """The scopes that the mapped kinds need, each with whether the token has it; then those it has beyond.

    Of each property that syncd writes beside owners: whether it is shown to us, and may be changed by anybody at all.
    """
    told = _told_scopes(client)
    rights = [_right(told, client, OWNERS_SCOPE, "to know the owners", client.paths.owners)]
    for columns in kinds:
        name = _SCOPE_NAMES.get(columns.object, columns.object)
        listed = client.paths.list(columns.object)
        properties = client.paths.properties_of(columns.object)
        rights.append(_right(told, client, f"crm.objects.{name}.read", f"to read {name}", listed))
        rights.append(_right(told, client, f"crm.schemas.{name}.read", f"to check the mapping of {name}", properties))
        write = f"crm.objects.{name}.write"
        granted = None if told is None else write in told
        rights.append(Right(write, f"to write owners of {name}", granted, writing=True))
        rights += _property_rights(schema, columns)
    beyond = sorted((told or frozenset()) - {right.name for right in rights} - _HARMLESS)
    return (*rights, *(Right(scope, "never", granted=True, needed=False) for scope in beyond))


def _property_rights(schema: PortalSchema, columns: Columns) -> Iterator[Right]:
    """To read and to write the properties that settings map to a role or a text of ours."""
    written = {name: column for key, column in columns.fields.items() if (name := written_field(key)) is not None}
    if not written:
        return
    try:
        known = schema.properties(columns.object)
    except (AuthError, SchemaError):
        return  # the scope that is missing stands in a row of its own
    for name, column in written.items():
        place, entry = f"{columns.object}.{column}", known.get(column)
        yield Right(f"{place}: view", f"to compare {name} before it is written", granted=entry is not None)
        if entry is not None:
            metadata: Mapping[str, Any] = entry.get("modificationMetadata") or {}
            granted = metadata.get("readOnlyValue") is not True and entry.get("calculated") is not True
            yield Right(f"{place}: edit", f"to write {name}", granted, writing=True)


def _told_scopes(client: HubspotClient) -> frozenset[str] | None:
    """The scopes of a private app's token; None for another kind of token."""
    try:
        return client.post(TOKEN_INFORMATION, {"tokenKey": client.token()}, check=_scopes)
    except SchemaError:
        return None


def _scopes(document: Json) -> frozenset[str]:
    scopes: Any = document.get("scopes")
    if not isinstance(scopes, list):
        raise bad("the information about the token names no scopes")
    return frozenset(map(str, scopes))


def _right(told: frozenset[str] | None, client: HubspotClient, name: str, purpose: str, path: str) -> Right:
    """Whether a scope is there: told, or tried by reading one row of what it opens."""
    return Right(name, purpose, name in told if told is not None else _tried(client, path, results_of))


def _tried(client: HubspotClient, path: str, check: Callable[[Json], Any]) -> bool:
    try:
        client.get(path, [("limit", "1")], check=check)
    except AuthError as error:
        if error.code != "SYN402":
            raise
        return False
    return True
