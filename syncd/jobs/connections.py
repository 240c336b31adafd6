"""From settings to connectors: how each CRM is reached, with secrets that are read only when they are used.

Imports a connector only when one is asked for: most commands reach no CRM, and an SDK takes long to import.
The one place that says which class reads and which writes a system. Whether a writer may be made at all is decided
by its caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncd.clock import Clock
from syncd.connectors.budget import RateBudget
from syncd.connectors.port import Reader, Writer
from syncd.entropy import Entropy
from syncd.errors import ConfigError
from syncd.jobs.mapping import system_mapping
from syncd.model.refs import System
from syncd.settings import Secret, SecretReader, Settings

if TYPE_CHECKING:
    from syncd.connectors.hubspot import HubspotAccess
    from syncd.connectors.retry import RetryPolicy
    from syncd.connectors.salesforce import SalesforceAccess
    from syncd.connectors.wire import Wire


@dataclass(frozen=True, slots=True)
class Ports:
    """What a connector needs from outside; `policy` is how its reads are retried, the usual way for None."""

    wire: Wire
    clock: Clock
    entropy: Entropy
    budget: RateBudget
    policy: RetryPolicy | None = None


def new_reader(settings: Settings, system: System, environ: Mapping[str, str], ports: Ports) -> Reader:
    """A connector that reads a system; ConfigError SYN109 for one that is not configured."""
    mapping = system_mapping(settings, system)
    if system is System.SALESFORCE:
        from syncd.connectors.salesforce import SalesforceReader

        return SalesforceReader(
            _salesforce_access(settings, environ),
            mapping,
            wire=ports.wire,
            clock=ports.clock,
            entropy=ports.entropy,
            budget=ports.budget,
            policy=ports.policy,
        )
    from syncd.connectors.hubspot import HubspotReader

    return HubspotReader(
        _hubspot_access(settings, environ),
        mapping,
        wire=ports.wire,
        clock=ports.clock,
        entropy=ports.entropy,
        budget=ports.budget,
        policy=ports.policy,
    )


def new_writer(settings: Settings, system: System, environ: Mapping[str, str], ports: Ports) -> Writer:
    """A connector that writes a system; ConfigError SYN109 for one that is not configured."""
    mapping, clock = system_mapping(settings, system), ports.clock
    if system is System.SALESFORCE:
        from syncd.connectors.salesforce import SalesforceWriter

        access = _salesforce_access(settings, environ)
        return SalesforceWriter(
            access, mapping, wire=ports.wire, clock=clock, entropy=ports.entropy, budget=ports.budget
        )
    from syncd.connectors.hubspot import HubspotWriter

    return HubspotWriter(
        _hubspot_access(settings, environ),
        mapping,
        wire=ports.wire,
        clock=clock,
        entropy=ports.entropy,
        budget=ports.budget,
    )


def _salesforce_access(settings: Settings, environ: Mapping[str, str]) -> SalesforceAccess:
    from syncd.connectors.salesforce import SalesforceAccess

    section = settings.salesforce
    if section is None:
        raise ConfigError("SYN109", "no Salesforce is configured", hint="add a [salesforce] section")
    return SalesforceAccess(
        login_url=section.login_url,
        client_id=section.client_id,
        grant=section.grant,
        client_secret=_read(environ, section.client_secret, "salesforce.client_secret"),
        username=section.username,
        private_key=_read(environ, section.private_key, "salesforce.private_key"),
        api_version=section.api_version,
    )


def _hubspot_access(settings: Settings, environ: Mapping[str, str]) -> HubspotAccess:
    from syncd.connectors.hubspot import HubspotAccess

    section = settings.hubspot
    if section is None:
        raise ConfigError("SYN109", "no HubSpot is configured", hint="add a [hubspot] section")
    token = _read(environ, section.token, "hubspot.token")
    return HubspotAccess(token=token, base_url=section.base_url, api_version=section.api_version)


def _read(environ: Mapping[str, str], secret: Secret, what: str) -> Callable[[], str]:
    reader = SecretReader(environ)
    return lambda: reader.read(secret, what)
