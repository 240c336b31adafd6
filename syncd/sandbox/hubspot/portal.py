"""The fake HubSpot as tests, the simulation and the server use it: one portal with data, time, faults and a journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from syncd.clock import Clock, SystemClock
from syncd.sandbox.control import Reception
from syncd.sandbox.faults import FaultScript
from syncd.sandbox.hubspot.catalogue import SALESFORCE_PROPERTIES, salesforce_property
from syncd.sandbox.hubspot.limits import RateLimits
from syncd.sandbox.hubspot.loading import load
from syncd.sandbox.hubspot.model import PortalModel, record_row
from syncd.sandbox.hubspot.quirks import Quirks
from syncd.sandbox.hubspot.records import Source
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.tokens import Tokens
from syncd.sandbox.journal import Journal
from syncd.sandbox.timekeeping import SandboxClock
from syncd.sandbox.wire import Request, Response

DEFAULT_PORTAL = 44_515_151
APP_ID = "8151242"


class HubspotPortal:
    """A fake HubSpot portal: stateful, thread-safe, true to the shapes of hubspot.md section 9.

    `quirks` are the switches of its odd behaviours, `limits` its call limits, `faults` what goes wrong. Nothing in it
    depends on anything but the clock and the seed.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        portal_id: int = DEFAULT_PORTAL,
        seed: int = 0,
        quirks: Quirks | None = None,
        limits: RateLimits | None = None,
        time_zone: str = "Europe/Berlin",
    ) -> None:
        self.clock = SandboxClock(clock or SystemClock())
        self.limits = limits if limits is not None else RateLimits()
        self.quirks = quirks if quirks is not None else Quirks()
        self._tokens = Tokens(portal_id, APP_ID, seed)
        self._state = PortalState(
            clock=self.clock,
            portal_id=portal_id,
            writer=Source("INTEGRATION", APP_ID),
            zone=ZoneInfo(time_zone),
            seed=seed,
            quirks=self.quirks,
        )
        self._model = PortalModel(self._state, self._tokens, self.limits)
        self._reception = Reception(self._model, self.clock)

    @property
    def base_url(self) -> str:
        """The URL that the portal believes to be reached at; links in answers start with it."""
        return self._state.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._state.base_url = url.rstrip("/")

    @property
    def reception(self) -> Reception:
        """The door of the face, where HubSpot's own software comes in (native_sync)."""
        return self._reception

    @property
    def journal(self) -> Journal:
        """Every request so far."""
        return self._reception.journal

    @property
    def faults(self) -> FaultScript:
        """What goes wrong."""
        return self._reception.faults

    def handle(self, request: Request) -> Response:
        """Answer one request, those under `/_sandbox/` included; thread-safe."""
        return self._reception.handle(request)

    def load(self, object_name: str, rows: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
        """Put rows by property name into `companies`, `deals`, `owners`, `associations`, `pipelines`, …; their ids.

        `id`, `createdate`, the modification stamp and what HubSpot derives are filled in where absent. Pipelines come
        before their deals. ValueError names a row that cannot be. Nothing of it is journalled.
        """
        with self._reception.lock:
            return load(self._state, object_name, rows)

    @property
    def service_key(self) -> str:
        """A second credential of the account: a service key, whose writes history names by a number of its own."""
        return self._tokens.service_key

    @property
    def authorization_code(self) -> str:
        """The code that an installation of the OAuth app would have got; good for one exchange."""
        return self._tokens.authorization_code

    def edit(self, command: Mapping[str, Any] | None = None, /, **words: Any) -> tuple[str, ...]:
        """Act as a person in the UI would (`editing.Editor` lists the commands); what changed, in words.

        ValueError for a command that makes no sense.
        """
        return self._reception.edit({**(command or {}), **words})

    def record(self, object_name: str, record_id: str) -> dict[str, Any] | None:
        """One record as it is now, by its own id (a merged-away one says so); None where there is none."""
        self._reception.attend()
        with self._reception.lock:
            table = self._state.table(object_name)
            entry = table.entries.get(int(record_id)) if record_id.isdecimal() else None
            return None if entry is None else record_row(self._state, table, entry)

    def records(self, object_name: str) -> Sequence[Mapping[str, Any]]:
        """All records of an object type by id, archived and merged-away ones included."""
        self._reception.attend()
        with self._reception.lock:
            return self._model.records(object_name)

    def revision(self, object_name: str) -> int:
        """A number that stays while the values of an object type's records do. KeyError for another name."""
        self._reception.attend()
        with self._reception.lock:
            return self._state.table(object_name).revision

    def accepts(self, object_name: str, property_name: str, value: str) -> bool:
        """Whether an enumeration has that value; anything else has any."""
        with self._reception.lock:
            definition = self._state.table(object_name).definitions.get(property_name)
            options = definition.options if definition is not None and definition.type == "enumeration" else ()
            return not options or not value or value in {option.value for option in options}

    def install_salesforce(self, *, installed: bool = True) -> None:
        """Install HubSpot's Salesforce connector, or take it out: its properties appear, companies merge no more."""
        with self._reception.lock:
            self._state.salesforce = installed
            if installed:
                for name, properties in SALESFORCE_PROPERTIES.items():
                    table = self._state.table(name)
                    for one in properties:
                        table.definitions[one] = salesforce_property(one)

    def credentials(self) -> dict[str, object]:
        """What a client needs to connect, as `syncd sandbox` prints it."""
        return {
            "url": self.base_url,
            "access_token": self._tokens.access_token,
            "client_id": self._tokens.client_id,
            "client_secret": self._tokens.client_secret,
            "refresh_token": self._tokens.refresh_token,
            "portal_id": self._state.portal_id,
        }
