"""The fake Cardbox: boxes of cards over JSON, with the sandbox's reception (faults, journal, clock) in front.

It knows nothing of the connector. Its API is on the page docs/extending.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncd.clock import Clock, iso, parse_instant
from syncd.sandbox.control import Answer, Reception
from syncd.sandbox.faults import FaultScript, RowFault
from syncd.sandbox.timekeeping import SandboxClock
from syncd.sandbox.wire import Request, Response

PAGE = 100
FIELDS = {
    "accounts": ("title", "trade", "heads", "turnover", "post_code", "town", "land", "opened", "web"),
    "deals": ("title", "worth", "due", "step", "odds", "won", "over"),
}


@dataclass(slots=True)
class Card:
    """One record: `turn` is the box's counter when it last changed, `shown` when the feed shows that."""

    id: str
    values: dict[str, Any]
    owner: str
    account: str | None
    turn: int
    stamp: datetime
    shown: datetime
    gone: bool = False
    merged_into: str | None = None
    swallowed: list[str] = field(default_factory=list)

    def row(self, hidden: Iterable[str] = ()) -> dict[str, Any]:
        """The card as JSON."""
        values = {name: value for name, value in self.values.items() if name not in hidden}
        named = {"id": self.id, "owner": self.owner, "account": self.account, "changed": iso(self.stamp)}
        return {**named, "gone": self.gone, "into": self.merged_into, "swallowed": self.swallowed, "values": values}


class Cardbox:
    """One Cardbox account, in process: what `syncd.sandbox.wire.Face` asks, and what tests need besides."""

    organization_id = "box-7"

    def __init__(self, clock: Clock) -> None:
        self.clock = SandboxClock(clock)
        self.base_url = "https://cardbox.example"
        self._cards: dict[str, dict[str, Card]] = {"accounts": {}, "deals": {}}
        self._people: list[dict[str, Any]] = []
        self._hidden: dict[str, set[str]] = {"accounts": set(), "deals": set()}
        self._turn = 0
        self._reception = Reception(self, self.clock)

    @property
    def faults(self) -> FaultScript:
        """What goes wrong."""
        return self._reception.faults

    def credentials(self) -> dict[str, str]:
        """What a client needs."""
        return {"url": self.base_url, "token": "cardbox-token-0123456789abcdef"}

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        return self._reception.handle(request)

    def load_people(self, rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
        """Put people in."""
        self._people += [{"id": f"p{number}", **row} for number, row in enumerate(rows, len(self._people) + 1)]
        return tuple(person["id"] for person in self._people)

    def load(self, box: str, rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
        """Put cards in: `owner` and `account` beside the values by field name."""
        made = []
        for row in rows:
            values = dict(row)
            owner, account = values.pop("owner"), values.pop("account", None)
            card = Card(str(1_000_001 + self._turn), values, owner, account, 0, self.clock.now(), self.clock.now())
            self._cards[box][card.id] = card
            self._touch(card)
            made.append(card.id)
        return tuple(made)

    def edit(self, command: Mapping[str, Any]) -> Sequence[str]:
        """Act as a person: `set`, `delete`, `undelete`, `merge` on a card, or `hide` a field of a box."""
        box = str(command["object"])
        if "hide" in command:
            self._hidden[box].add(str(command["hide"]))
            return (f"{box} hides {command['hide']}",)
        card = self._cards[box][str(command["id"])]
        if "set" in command:
            values = dict(command["set"])
            card.owner = values.pop("owner", card.owner)
            card.values.update(values)
        elif "merge" in command:
            for loser in (self._cards[box][each] for each in command["merge"]):
                loser.gone, loser.merged_into = True, card.id
                card.swallowed.append(loser.id)
                self._touch(loser)
        else:
            card.gone = "delete" in command
        self._touch(card, timedelta(seconds=float(command.get("visible_after", 0))))
        return (f"{box}/{card.id} {', '.join(sorted(set(command) - {'object', 'id'}))}",)

    def records(self, name: str) -> Sequence[Mapping[str, Any]]:
        """All cards of a box, gone ones included."""
        return [card.row() for card in self._cards[name].values()]

    def fault_response(self, status: int, code: str = "") -> Response:
        """An error in Cardbox's words."""
        return Response.of_json(status, {"trouble": code or "refused", "say": f"Cardbox answers {status}"})

    def answer(self, request: Request, row_fault: RowFault | None) -> Answer:
        """Answer a request of the API."""
        if request.headers.get("authorization") != f"Bearer {self.credentials()['token']}":
            return Answer(self.fault_response(401, "token"))
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["v1", "me"]:
                return _said({"box": self.organization_id, "person": "p0", "now": iso(self.clock.now())})
            case "GET", ["v1", "people"]:
                return _said({"results": self._people})
            case "GET", ["v1", box, "fields"] if box in self._cards:
                return _said({"results": [name for name in FIELDS[box] if name not in self._hidden[box]]})
            case "GET", ["v1", box, "feed"] if box in self._cards:
                return _said(self._feed(box, request.query))
            case "POST", ["v1", box, "batch", "read"] if box in self._cards:
                return _said(self._read(box, request.json()["ids"]))
            case "POST", ["v1", box, "batch", "update"] if box in self._cards:
                return self._update(box, request.json()["rows"])
            case _:
                return Answer(self.fault_response(404, "path"))

    def _feed(self, box: str, query: Mapping[str, list[str]]) -> dict[str, Any]:
        """Cards by their turn, from `since` on; a card that changes while it is read comes again at the end."""
        after = int(query.get("after", ["0"])[0])
        since = parse_instant(query["since"][0]) if "since" in query else None
        live_only, now = "live" in query, self.clock.now()
        cards = sorted((card for card in self._cards[box].values() if card.turn > after), key=lambda card: card.turn)
        seen = [
            card
            for card in cards
            if card.shown <= now and (since is None or card.stamp >= since) and not (live_only and card.gone)
        ]
        page = seen[:PAGE]
        rows = [card.row(self._hidden[box]) for card in page]
        return {"results": rows, "next": str(page[-1].turn) if len(seen) > PAGE else None}

    def _read(self, box: str, ids: Sequence[str]) -> dict[str, Any]:
        cards = self._cards[box]
        found = [cards[known].row(self._hidden[box]) for known in ids if known in cards]
        return {"results": found, "unknown": [known for known in ids if known not in cards]}

    def _update(self, box: str, rows: Sequence[Mapping[str, Any]]) -> Answer:
        active = {person["id"] for person in self._people if person["active"]}
        results, effects = [], []
        for row in rows:
            card = self._cards[box].get(row["id"])
            if card is None or card.gone:
                results.append({"id": row["id"], "code": "NO_CARD", "say": "there is no such card"})
            elif row["owner"] not in active:
                results.append({"id": row["id"], "code": "INVALID_OWNER_ID", "say": "who left owns nothing"})
            else:
                card.owner = row["owner"]
                self._touch(card)
                results.append({"id": row["id"], "owner": card.owner})
                effects.append(f"{box}/{card.id} owner={card.owner}")
        return Answer(Response.of_json(200, {"results": results}), tuple(effects))

    def _touch(self, card: Card, hidden_for: timedelta = timedelta()) -> None:
        self._turn += 1
        card.turn, card.stamp = self._turn, self.clock.now()
        card.shown = card.stamp + hidden_for


def _said(document: Mapping[str, Any]) -> Answer:
    return Answer(Response.of_json(200, document))
