"""The fake HubSpot: a stateful portal that answers what hubspot.md describes; knows no connector and no Salesforce."""

from __future__ import annotations

from syncd.sandbox.hubspot.limits import RateLimits
from syncd.sandbox.hubspot.portal import HubspotPortal
from syncd.sandbox.hubspot.quirks import Quirks

__all__ = ["HubspotPortal", "Quirks", "RateLimits"]
