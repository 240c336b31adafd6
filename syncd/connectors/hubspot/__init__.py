"""The HubSpot connector: the port over the CRM API, with hubspot-api-client as its thin transport.

The vendor's SDK takes a quarter of a second to import, so what reaches the CRM is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from syncd.connectors.hubspot.mapping import CONTACT_MAPPING, DEFAULT_MAPPING, LEAD_MAPPING

if TYPE_CHECKING:
    from syncd.connectors.hubspot.client import HubspotAccess
    from syncd.connectors.hubspot.reader import HubspotReader
    from syncd.connectors.hubspot.writer import HubspotWriter

__all__ = ["CONTACT_MAPPING", "DEFAULT_MAPPING", "LEAD_MAPPING", "HubspotAccess", "HubspotReader", "HubspotWriter"]

_HOMES = {"HubspotAccess": "client", "HubspotReader": "reader", "HubspotWriter": "writer"}


def __getattr__(name: str) -> Any:
    """The classes that reach the CRM, by the names above."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
