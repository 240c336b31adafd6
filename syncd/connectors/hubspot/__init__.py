"""The HubSpot connector: the port over the CRM API, with hubspot-api-client as its thin transport."""

from __future__ import annotations

from syncd.connectors.hubspot.client import HubspotAccess
from syncd.connectors.hubspot.mapping import CONTACT_MAPPING, DEFAULT_MAPPING, LEAD_MAPPING
from syncd.connectors.hubspot.reader import HubspotReader
from syncd.connectors.hubspot.writer import HubspotWriter

__all__ = ["CONTACT_MAPPING", "DEFAULT_MAPPING", "LEAD_MAPPING", "HubspotAccess", "HubspotReader", "HubspotWriter"]
