"""How to mend what a CRM refuses: commands, and where to click. Screens as of November 2026; docs/connectors.md."""

from __future__ import annotations

from typing import Final

from syncd.errors import SyncdError
from syncd.model.refs import System
from syncd.settings import Settings

_UNREACHABLE: Final = frozenset({"SYN410", "SYN411"})


def remedy_of(system: System, error: SyncdError, settings: Settings) -> str | None:
    """What to do about an error of a CRM's; None where the error's own hint is best."""
    if error.code in _UNREACHABLE:
        ask = f"curl -sv {_host(system, settings)}{_through(settings)}"
        return f"{ask}; then check DNS, firewall, [http] proxy and ca_bundle"
    if error.code == "SYN401" and system is System.SALESFORCE:
        return (
            "Salesforce Setup: External Client App Manager, the app, Policies: the OAuth flow is on and the integration"
            " user pre-authorized; then check client_id and the key or secret"
        )
    if error.code == "SYN401":
        return (
            "HubSpot: Development, Keys, Service keys: rotate the key and put the new one where hubspot.token refers to"
        )
    if error.code == "SYN402":
        return where_to_grant(system, "what the message names")
    if error.code == "SYN405":
        lacking = "Read on what is named" if system is System.SALESFORCE else "what the object is read and described by"
        return f"correct the mapping in the settings; or {where_to_grant(system, lacking)}"
    if error.code == "SYN412":
        return "wait and run this again; https://status.salesforce.com and https://status.hubspot.com tell outages"
    return None


def where_to_grant(system: System, right: str) -> str:
    """Where a person grants a right."""
    if system is System.HUBSPOT and right.endswith((": view", ": edit")):
        return f"HubSpot: Settings, Properties: make {right.partition(':')[0]} one that the key's app may {right[-4:]}"
    if system is System.HUBSPOT:
        return f"HubSpot: Development, Keys, Service keys, the key, Scopes: add {right}"
    if right == "View All":
        return (
            "Salesforce Setup: Permission Sets, the integration user's set, Object Settings: View All Records on the"
            " object (or the system permission View All Data)"
        )
    return f"Salesforce Setup: Permission Sets, the integration user's set, Object Settings: {right}"


def where_to_withdraw(system: System) -> str:
    """Where a person takes back what is granted beyond need."""
    if system is System.HUBSPOT:
        return "HubSpot: Development, Keys, Service keys, the key, Scopes: remove these"
    return (
        "Salesforce Setup: a permission set of its own for the integration user, with the objects and fields that"
        " docs/security.md lists and none of these; take the user out of profiles that grant them"
    )


def _host(system: System, settings: Settings) -> str:
    if system is System.SALESFORCE and settings.salesforce is not None:
        return settings.salesforce.login_url
    return settings.hubspot.base_url if settings.hubspot is not None else ""


def _through(settings: Settings) -> str:
    return f" --proxy {settings.http.proxy.rpartition('@')[2]}" if settings.http.proxy else ""
