"""The Salesforce connector: the port over REST, with simple-salesforce as its thin transport."""

from __future__ import annotations

from syncd.connectors.salesforce.auth import SalesforceAccess
from syncd.connectors.salesforce.mapping import CONTACT_MAPPING, DEFAULT_MAPPING, LEAD_MAPPING
from syncd.connectors.salesforce.reader import SalesforceReader
from syncd.connectors.salesforce.writer import SalesforceWriter

__all__ = ["CONTACT_MAPPING", "DEFAULT_MAPPING", "LEAD_MAPPING", "SalesforceAccess", "SalesforceReader", "SalesforceWriter"]
