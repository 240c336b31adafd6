"""syncd keeps account ownership right in Salesforce and HubSpot."""

from __future__ import annotations

__version__ = "0.1.0.dev0"
