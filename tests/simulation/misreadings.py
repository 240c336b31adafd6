"""Answers to a pull that are whole, in order, and not the truth: a replica that lags behind (F10), a row that nobody
asked for (F17), a total that is not how many there are (F16).

Only pages of increments are touched. What a write is compared with and read back from is what a CRM has: no condition
of ours could save a write from a compare that lies. Nothing here knows what is checked.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from syncd.clock import parse_instant
from syncd.connectors.wire import HttpRequest, HttpResponse
from tests.simulation.dice import Dice

LAG, STRAY, TOTAL = "lag", "stray", "total"
KINDS = (LAG, STRAY, TOTAL)
_REMEMBERED = 60
"""Pages: an older version comes from one of them."""
_LISTS = ("records", "results")
_COUNTS = ("total", "totalSize")


@dataclass(slots=True)
class Misreadings:
    """One CRM's; `kind` is what is wrong with its pages just now, empty for nothing.

    A replica is at most `behind` late, which the overlap of pulls outlasts. `lives` says of an id whether the CRM still
    has that record: no replica shows one again that was gone long before. `told` counts the pages that were touched.
    """

    dice: Dice
    now: Callable[[], datetime]
    lives: Callable[[str], bool]
    kind: str = ""
    behind: timedelta = timedelta(0)
    told: int = 0
    _pages: deque[bytes] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def given(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        """The answer as syncd gets it."""
        if answer.status != 200 or not _is_increment(request):
            return answer
        touched = self._touched(answer.body) if self.kind else None
        self._pages.append(answer.body)
        if touched is None:
            return answer
        self.told += 1
        return replace(answer, body=touched)

    def _touched(self, body: bytes) -> bytes | None:
        """The page with what is wrong in it; None where nothing can be: a broken page, or an empty one."""
        document = _document(body)
        items = _items(document)
        if document is None or not items:
            return None
        if self.kind == TOTAL:
            changed = {name: document[name] + self.dice.whole(1, 40) for name in _COUNTS if name in document}
        else:
            name = next(name for name in _LISTS if name in document)
            changed = {name: self._late(items) if self.kind == LAG else self._with_stray(items)}
        return json.dumps({**document, **changed}).encode()

    def _late(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What a replica shows that is `behind`: of what changed since, the version before, or nothing."""
        until = self.now() - self.behind
        before = {key: item for key, item in self._known(items[0]) if _stamp(item) <= until}
        found = [item if _stamp(item) <= until else before.get(_key(item)) for item in items]
        return sorted((item for item in found if item is not None), key=_stamp)

    def _with_stray(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The page with a record of an earlier page, as it was then."""
        here = {_key(item) for item in items}
        known = [item for key, item in self._known(items[0]) if key not in here and self.lives(key)]
        if not known:
            return items
        place = self.dice.whole(0, len(items) - 1)
        return [*items[:place], self.dice.one_of(known), *items[place:]]

    def _known(self, like: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """The rows of the pages before of the kind that `like` is, oldest first."""
        shape = _shape(like)
        return [(key, item) for body in self._pages for key, item, its in _rows(body) if its == shape]


def _is_increment(request: HttpRequest) -> bool:
    if request.method == "POST":
        return request.url.endswith("/search")
    return "/query" in request.url and "SystemModstamp" in request.url and "Id+IN" not in request.url


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _items(document: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The rows of a page, if each has an id and a stamp."""
    found: list[Any] = next((document[name] for name in _LISTS if name in document), []) if document else []
    whole = all(isinstance(item, dict) and ("SystemModstamp" in item or "updatedAt" in item) for item in found)
    return list(found) if whole else []


@lru_cache(maxsize=4 * _REMEMBERED)
def _rows(body: bytes) -> tuple[tuple[str, dict[str, Any], tuple[Any, ...]], ...]:
    """The rows of a page, each with its key and its shape; nobody changes them."""
    return tuple((_key(item), item, _shape(item)) for item in _items(_document(body)))


def _shape(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells the rows of one kind and one list of fields from others."""
    return (*sorted(item), *sorted(item.get("properties", ())), item.get("attributes", {}).get("type"))


def _key(item: Mapping[str, Any]) -> str:
    return str(item["Id"] if "Id" in item else item["id"])


def _stamp(item: Mapping[str, Any]) -> datetime:
    return parse_instant(item["SystemModstamp"] if "SystemModstamp" in item else item["updatedAt"])
