"""The Salesforce face of the sandbox: an org that can be loaded, served and edited.

`SalesforceOrg` is what tests, the simulation and the command use; how the org answers is model.py's affair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from syncd.clock import Clock, SystemClock
from syncd.sandbox.control import Reception
from syncd.sandbox.faults import FaultScript
from syncd.sandbox.journal import Journal
from syncd.sandbox.salesforce.currencies import corporate_row
from syncd.sandbox.salesforce.history import settle
from syncd.sandbox.salesforce.identifiers import canonical, checksum
from syncd.sandbox.salesforce.loading import load_rows
from syncd.sandbox.salesforce.model import OrgModel
from syncd.sandbox.salesforce.schema import standard_schema
from syncd.sandbox.salesforce.sessions import Consumer, Sessions
from syncd.sandbox.salesforce.soql.binding import Visibility
from syncd.sandbox.salesforce.state import OrgState
from syncd.sandbox.salesforce.tables import Tables
from syncd.sandbox.timekeeping import SandboxClock
from syncd.sandbox.wire import Request, Response

DEFAULT_ORGANIZATION = "00DFK000000abcd"
_ROBOT = {"Username": "syncd@sandbox.example", "Email": "syncd@sandbox.example", "FirstName": "Sync", "LastName": "Bot"}
_ADMINISTRATOR = {
    "Username": "admin@sandbox.example",
    "Email": "admin@sandbox.example",
    "FirstName": "Ada",
    "LastName": "Administrator",
}


class SalesforceOrg:
    """One fake org. Thread-safe through `handle` and `edit`; load it before it is used.

    It has two users from the start: the integration user that `credentials` log in as, and an administrator, as whom
    edits are made that name nobody. The same seed and the same calls give the same ids and tokens.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        organization_id: str = DEFAULT_ORGANIZATION,
        seed: int = 0,
        public_key: str | None = None,
    ) -> None:
        self.clock = SandboxClock(clock or SystemClock())
        self.organization_id = canonical(organization_id) or organization_id[:15] + checksum(organization_id[:15])
        self._state = OrgState(Tables(standard_schema()), Visibility(), self.clock, seed)
        consumer = _consumer(seed, public_key)
        sessions = Sessions(
            consumer, self.clock, seed=seed, organization_id=self.organization_id, user_id_of=self._user_id_of
        )
        self._model = OrgModel(self._state, sessions, self.organization_id)
        self._reception = Reception(self._model, self.clock)
        self.load("Organization", [_organization(self.organization_id)])
        self.integration_user_id, self._model.default_person = self.load("User", [_ROBOT, _ADMINISTRATOR])
        self.load("CurrencyType", [corporate_row()])

    @property
    def base_url(self) -> str:
        """The address that answers name (`instance_url`, identity); empty: whatever host the caller used."""
        return self._model.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._model.base_url = url.rstrip("/")

    @property
    def reception(self) -> Reception:
        """The door of the face, where the vendors' own software comes in (native_sync)."""
        return self._reception

    @property
    def journal(self) -> Journal:
        """Every request and edit so far."""
        return self._reception.journal

    @property
    def faults(self) -> FaultScript:
        """What goes wrong."""
        return self._reception.faults

    @property
    def model(self) -> OrgModel:
        """The org's knobs: `api_limit`, `cursors.page_limit`, `jobs.polls_needed`, `sessions.lifetime`, `state`."""
        return self._model

    def handle(self, request: Request) -> Response:
        """Answer one request, those under `/_sandbox/` included."""
        return self._reception.handle(request)

    def load(self, object_name: str, rows: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
        """Put rows of API field names in as they are; their ids, in order. ValueError for a value no field can hold.

        `Id`, `CreatedDate`, `SystemModstamp`, `LastModifiedDate` and who made them are filled in where absent, unknown
        fields and objects are added. Nothing of it is journalled.
        """
        with self._reception.lock:
            return load_rows(self._state, object_name, rows, by=getattr(self, "integration_user_id", ""))

    def edit(self, command: Mapping[str, Any] | None = None, /, **more: Any) -> tuple[str, ...]:
        """Act as a person in the UI would: the command of `POST /_sandbox/edit`; what changed, in words. ValueError."""
        return self._reception.edit({**(command or {}), **more})

    def record(self, object_name: str, record_id: str) -> dict[str, Any] | None:
        """A row as it stands, deleted or not; None where there is none."""
        self._reception.attend()
        with self._reception.lock:
            settle(self._state, self.clock.now())
            row = self._state.tables.get(object_name, canonical(record_id) or record_id)
            return None if row is None else dict(row)

    def records(self, object_name: str) -> list[dict[str, Any]]:
        """All rows of an object, deleted ones included, in the order made. KeyError where it does not exist."""
        self._reception.attend()
        with self._reception.lock:
            return [dict(row) for row in self._model.records(object_name)]

    def revision(self, object_name: str) -> int:
        """A number that stays while `records` of an object stay what they are. KeyError where it does not exist."""
        self._reception.attend()
        with self._reception.lock:
            settle(self._state, self.clock.now())
            self._state.tables.table(object_name)
            return self._state.tables.revision

    def credentials(self) -> dict[str, str]:
        """What a client needs, as the `sandbox` command prints it; the access token is fresh."""
        consumer = self._model.sessions.consumer
        with self._reception.lock:
            token = self._model.sessions.issue(self.integration_user_id)
        return {
            "url": self.base_url,
            "client_id": consumer.client_id,
            "client_secret": consumer.client_secret,
            "username": consumer.username,
            "password": consumer.password,
            "refresh_token": consumer.refresh_token,
            "access_token": token,
            "organization_id": self.organization_id,
        }

    def _user_id_of(self, username: str) -> str | None:
        """The active user of that name."""
        return self._model.user_id_of(username)


def _consumer(seed: int, public_key: str | None) -> Consumer:
    """The connected app of an org, the same for the same seed."""

    def secret(name: str, length: int) -> str:
        return hashlib.sha512(f"{name}:{seed}".encode()).hexdigest()[:length]

    return Consumer(
        client_id=f"3MVG9sandbox{secret('client', 32)}",
        client_secret=secret("secret", 64).upper(),
        username=_ROBOT["Username"],
        password=f"sandbox-{secret('password', 12)}",
        refresh_token=f"5Aep861{secret('refresh', 40)}",
        public_key=public_key,
    )


def _organization(organization_id: str) -> dict[str, object]:
    """The one row of Organization."""
    return {
        "Id": organization_id,
        "Name": "Sandbox Org",
        "OrganizationType": "Enterprise Edition",
        "InstanceName": "FK0",
        "IsSandbox": True,
        "TimeZoneSidKey": "UTC",
        "FiscalYearStartMonth": 1,
    }
