"""How each CRM is reached, what is read from it, and which of its fields syncd may fill."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from syncd.settings.basics import FieldTable, Section
from syncd.settings.secrets import Secret


class FieldsOfSystem(Section):
    """Field mapping of one CRM, by kind; what is not named keeps the default mapping."""

    account: FieldTable = Field({})
    """Account (HubSpot: company) fields by rule field name."""
    opportunity: FieldTable = Field({})
    """Opportunity (HubSpot: deal) fields by rule field name."""
    lead: FieldTable = Field({})
    """Lead (HubSpot: contact) fields by rule field name. `first_touch`: a date that says when somebody first called."""


RoleName = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
FieldName = Annotated[str, Field(min_length=1)]
RoleTable = dict[RoleName, FieldName]
WriteTable = dict[Literal["territory", "band", "score", "lifecycle"], FieldName]


class SalesforceSettings(Section):
    """How to reach Salesforce. Leave the section out where there is none."""

    login_url: str
    """The org's My Domain, such as https://acme.my.salesforce.com; http only on loopback."""
    client_id: str
    """The consumer key of the External Client App."""
    grant: Literal["jwt", "client_credentials"] = "jwt"
    """The OAuth flow: `jwt` (a key pair, no shared secret) or `client_credentials`."""
    username: str | None = None
    """The integration user, for `jwt`."""
    private_key: Secret = Secret("credential:salesforce_private_key")
    """The PEM key of the app's certificate, for `jwt`."""
    client_secret: Secret = Secret("credential:salesforce_client_secret")
    """The consumer secret, for `client_credentials`."""
    api_version: str = Field("66.0", pattern=r"^\d{2,3}\.0$")
    """The pinned REST API version."""
    fields: FieldsOfSystem = FieldsOfSystem()
    """Field mapping."""
    roles: RoleTable = Field({})
    """Roles beside the owner: the field of Account, a lookup to User, that says who has each."""
    write: WriteTable = Field({})
    """Fields of Account that syncd fills where the pack's `write` says so: territory, band, score, lifecycle."""
    children: tuple[Literal["contacts", "tasks"], ...] = ()
    """What is read beside opportunities, so that it can follow its account's owner as the pack's `cascade` says."""
    person_accounts: bool = False
    """Whether the org has person accounts: their contacts are told apart then, and never follow."""


class HubspotSettings(Section):
    """How to reach HubSpot. Leave the section out where there is none."""

    base_url: str = "https://api.hubapi.com"
    """The API host; another one only for the sandbox."""
    token: Secret = Secret("credential:hubspot_token")
    """The service key or private-app token."""
    api_version: Literal["v3", "2026-03"] = "v3"
    """The path family. 2026-09 is not offered: it refuses owner writes for unrelated validation rules."""
    fields: FieldsOfSystem = FieldsOfSystem()
    """Field mapping."""
    roles: RoleTable = Field({})
    """Roles beside the owner: the company property, holding an owner's id, that says who has each."""
    write: WriteTable = Field({})
    """Company properties that syncd fills where the pack's `write` says so: territory, band, score, lifecycle."""
    children: tuple[Literal["contacts", "tasks"], ...] = ()
    """What is read beside deals, so that it can follow the owner of its company as the pack's `cascade` says."""
