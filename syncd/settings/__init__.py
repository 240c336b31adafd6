"""Settings: what the operator decides, read from TOML, SYNCD_* variables and credential files, checked as a whole.

Knows nothing of stores, CRMs or rules; the jobs turn these values into the objects that the rooms below take.
"""

from __future__ import annotations

from syncd.settings.basics import FieldSetting
from syncd.settings.loading import load_settings
from syncd.settings.model import Mode, OwnerWriter, Settings
from syncd.settings.receivers import ReceiverSettings
from syncd.settings.secrets import Secret, SecretReader
from syncd.settings.signals import SignalSettings
from syncd.settings.systems import HubspotSettings, SalesforceSettings

__all__ = [
    "FieldSetting",
    "HubspotSettings",
    "Mode",
    "OwnerWriter",
    "ReceiverSettings",
    "SalesforceSettings",
    "Secret",
    "SecretReader",
    "Settings",
    "SignalSettings",
    "load_settings",
]
