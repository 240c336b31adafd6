"""The fake Salesforce: a stateful org that answers as salesforce.md says the real one does."""

from __future__ import annotations

from syncd.sandbox.salesforce.face import SalesforceOrg

__all__ = ["SalesforceOrg"]
