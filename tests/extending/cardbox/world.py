"""Cardbox for the contract suite: the words of `tests.contract.worlds.World` in Cardbox's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.clock import ManualClock
from syncd.connectors.budget import RateBudget
from syncd.connectors.wire import HttpRequest
from syncd.entropy import SeededEntropy
from syncd.model.fields import SystemMapping
from syncd.model.refs import Kind, System
from tests.contract.worlds import START, Expected, World
from tests.extending.cardbox.client import CardboxAccess
from tests.extending.cardbox.connector import DEFAULT_MAPPING, CardboxReader, CardboxWriter
from tests.extending.cardbox.face import Cardbox

WON = "closedwon"


class CardboxWorld(World):
    """One box with four people."""

    system = System.HUBSPOT
    mapping = DEFAULT_MAPPING
    data_path = "/v1/*"
    write_path = "/v1/*/batch/update"

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.box = Cardbox(self.clock)
        super().__init__()

    @property
    def face(self) -> Cardbox:
        return self.box

    def load_people(self) -> tuple[str, ...]:
        names = enumerate(("Ann Lee", "Bob Ray", "Cyd Poe", "Dee Fox"))
        rows = [{"email": f"Person{n}@Acme.example", "name": name, "active": n != 2} for n, name in names]
        return self.box.load_people(rows)

    def load(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        made = [self._names(kind, {"owner": self.people[0], **row}) for row in rows]
        if kind is Kind.OPPORTUNITY:
            made = [_closed(row) for row in made]
        return self.box.load(self._object(kind), made)

    def edit(self, kind: Kind, record: str, **values: Any) -> None:
        late = values.pop("visible_after", 0)
        command = {"object": self._object(kind), "id": record, "set": self._names(kind, values)}
        self.box.edit({**command, "visible_after": late})

    def act(self, kind: Kind, record: str, verb: str, argument: Any = True) -> None:
        self.box.edit({"object": self._object(kind), "id": record, verb: argument})

    def expected(self, kind: Kind) -> dict[str, Expected]:
        rows = self.box.records(self._object(kind))
        return {row["id"]: Expected(row["values"]["title"], row["owner"], row["gone"]) for row in rows}

    def budget(self) -> RateBudget:
        return RateBudget(self.clock)

    def reader(self, mapping: SystemMapping | None = None) -> CardboxReader:
        return CardboxReader(self._access(), mapping or self.mapping, **self._ports())

    def writer(self) -> CardboxWriter:
        return CardboxWriter(self._access(), self.mapping, **self._ports())

    def is_write(self, request: HttpRequest) -> bool:
        return "/batch/update" in request.url

    def _access(self) -> CardboxAccess:
        credentials = self.box.credentials()

        def token() -> str:
            self.token_reads += 1
            return credentials["token"]

        return CardboxAccess(token, credentials["url"])

    def _ports(self) -> dict[str, Any]:
        return {"wire": self.wire, "clock": self.clock, "entropy": SeededEntropy(1), "budget": self.budget()}

    def _object(self, kind: Kind) -> str:
        return self.mapping.kinds[kind].object

    def _names(self, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
        fields = {**self.mapping.kinds[kind].fields, "owner": "owner", "account": "account"}
        return {fields[name]: value for name, value in values.items()}


def _closed(row: dict[str, Any]) -> dict[str, Any]:
    """A deal with its step in Cardbox's words."""
    won = row.get("step") == WON
    step = "Closed Won" if won else row.get("step", "Talking")
    return {**row, "step": step, "won": won, "over": won, "odds": 100 if won else 20}
