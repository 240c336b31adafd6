"""What the CRMs offer for the picklists that rules read, by the schemas that the last pull stored.

Read when first asked: most packs never need it. Knows nothing of rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from syncd.clock import SystemClock
from syncd.errors import StorageError
from syncd.jobs.mapping import configured_systems, system_mapping
from syncd.model.refs import Kind, System
from syncd.model.schemas import ObjectSchema
from syncd.settings import Settings

if TYPE_CHECKING:  # loads SQLAlchemy, which a pack without a database waits for in vain
    from syncd.store.engine import Store

Schemas = Mapping[System, Mapping[Kind, ObjectSchema]]
_RELABELLED = frozenset({(System.HUBSPOT, "dealstage"), (System.HUBSPOT, "pipeline")})
"""Fields of which the mirror holds the labels that pipelines give, while the schema lists their ids."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The values that the CRMs offer for one field, as they spell them.

    `whole` where every configured system that has the field shows it as a picklist: then no other value is to come.
    """

    values: frozenset[str]
    whole: bool


class Picklists:
    """The offers of every system of the settings; `load` reads the stored schemas and is called once, when asked."""

    def __init__(self, settings: Settings, load: Callable[[], Schemas]) -> None:
        self._settings = settings
        self._load = load
        self.asked = False

    @classmethod
    def of_store(cls, settings: Settings, store: Store) -> Picklists:
        """Those of an open store."""
        return cls(settings, lambda: _opened(settings) if store.in_transaction else _read(settings, store))

    @classmethod
    def of_settings(cls, settings: Settings) -> Picklists:
        """Those of the settings' own database; none where there is no such database."""
        return cls(settings, lambda: _opened(settings))

    @cached_property
    def offers(self) -> Mapping[Kind, Mapping[str, Offer]]:
        """What is offered, by kind and the rules' name of the field; fields that no system offers values for are not
        there."""
        self.asked = True
        schemas = self._load()
        found: dict[Kind, dict[str, list[frozenset[str]]]] = {}
        for system in configured_systems(self._settings):
            for kind, mapping in system_mapping(self._settings, system).kinds.items():
                known = schemas.get(system, {}).get(kind)
                shown = {name.lower(): each for name, each in known.fields.items()} if known is not None else {}
                for name, column in mapping.fields.items():
                    field = None if (system, column) in _RELABELLED else shown.get(column.lower())
                    values = frozenset(field.values) if field is not None else frozenset()
                    found.setdefault(kind, {}).setdefault(name, []).append(values)
        return {
            kind: {name: Offer(frozenset().union(*each), all(each)) for name, each in fields.items() if any(each)}
            for kind, fields in found.items()
        }

    def values(self, kind: Kind) -> Mapping[str, frozenset[str]]:
        """The offered values of one kind by field; nothing is read before a field is looked up."""
        return _Values(self, kind)


class _Values(Mapping[str, frozenset[str]]):
    def __init__(self, picklists: Picklists, kind: Kind) -> None:
        self._picklists = picklists
        self._kind = kind

    def _offers(self) -> Mapping[str, Offer]:
        return self._picklists.offers.get(self._kind, {})

    def __getitem__(self, name: str) -> frozenset[str]:
        return self._offers()[name].values

    def __iter__(self) -> Iterator[str]:
        return iter(self._offers())

    def __len__(self) -> int:
        return len(self._offers())


def _read(settings: Settings, store: Store) -> Schemas:
    from syncd.store.schemas import stored_schemas

    with store.read() as conn:
        return {system: stored_schemas(conn, system) for system in configured_systems(settings)}


def _opened(settings: Settings) -> Schemas:
    if not configured_systems(settings):
        return {}
    from syncd.store.engine import Store

    try:
        store = Store.open(settings.database.url, clock=SystemClock())
    except StorageError:
        return {}
    try:
        return _read(settings, store)
    finally:
        store.close()
