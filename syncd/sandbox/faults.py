"""Scripted, seeded fault injection: what goes wrong, at which request, before or after the work is done.

A script is a list of entries `{"match": {...}, "fault": "status 503 after", ...}`. It knows nothing of either CRM: a
face says how its own error bodies look. The numbers F01 to F24 are those of reliability.md 6.3.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from syncd.sandbox.wire import Request

DEFAULT_TIMEOUT_SECONDS = 30.0


class FaultKind(StrEnum):
    """What can go wrong.

    STATUS n [CODE]: an error status in the CRM's own shape (F01 to F05), CODE being its error code or limit policy.
    HTML n: an edge server's page with that status (F09). EMPTY n: no body at all (F09). TRUNCATE: a JSON body cut
    short, its length header honest (F09). GARBLE: a body that is not UTF-8 (F09). CUT: the connection breaks in the
    middle of the body (F08). DROP: it breaks before an answer (F08). TIMEOUT s: nothing comes for s seconds, then it
    breaks (F07). STALL s: the answer is s seconds late.
    REPLAY: the answer to the read before is given once more (F10, F11, F14). ROW code: single rows of a batch are
    refused. EDIT: a person changes a record just before or after (F19, F24). REFUSE: nobody listens (F06; over sockets
    the connection breaks at once). CUT-HEADERS, CUT-GZIP: it breaks inside the headers, or the compressed body ends
    early (F08, F09). LENGTH n: Content-Length is n off (F09). DRIP s: a byte every s seconds (F09). FLOOD n: n MB of
    blanks in front of the body (F09). SHUFFLE, DOUBLE: a page out of order, or with its first record twice (F12, F18).
    WITH: other headers. WITHOUT name: that header is missing.
    """

    STATUS = "status"
    HTML = "html"
    EMPTY = "empty"
    TRUNCATE = "truncate"
    GARBLE = "garble"
    CUT = "cut"
    DROP = "drop"
    TIMEOUT = "timeout"
    STALL = "stall"
    REPLAY = "replay"
    ROW = "row"
    EDIT = "edit"
    REFUSE = "refuse"
    CUT_HEADERS = "cut-headers"
    CUT_GZIP = "cut-gzip"
    LENGTH = "length"
    DRIP = "drip"
    FLOOD = "flood"
    SHUFFLE = "shuffle"
    DOUBLE = "double"
    WITH = "with"
    WITHOUT = "without"


_CODE = re.compile(r"[A-Z][A-Z0-9_]+")
_DEFAULT_STATUS = {FaultKind.STATUS: 503, FaultKind.HTML: 503, FaultKind.EMPTY: 200}
_WITH_SECONDS = frozenset({FaultKind.TIMEOUT, FaultKind.STALL, FaultKind.DRIP})
_WITH_SIZE = {FaultKind.LENGTH: 7, FaultKind.FLOOD: 50}
_ALWAYS_AFTER = frozenset(
    {
        FaultKind.TRUNCATE,
        FaultKind.GARBLE,
        FaultKind.CUT,
        FaultKind.STALL,
        FaultKind.REPLAY,
        FaultKind.ROW,
        FaultKind.CUT_HEADERS,
        FaultKind.CUT_GZIP,
        FaultKind.LENGTH,
        FaultKind.DRIP,
        FaultKind.FLOOD,
        FaultKind.SHUFFLE,
        FaultKind.DOUBLE,
        FaultKind.WITH,
        FaultKind.WITHOUT,
    }
)


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests an entry is for: method, path glob (`*` crosses slashes), text in it; then which of those.

    `nth` counts matching requests from 1 and the fault runs for `times` of them from there on (None: for ever);
    `probability` then draws for each, the same way for the same seed.
    """

    method: str = "*"
    path: str = "*"
    contains: str | None = None
    nth: int = 1
    times: int | None = None
    probability: float = 1.0
    seed: int = 0

    def takes(self, request: Request) -> bool:
        """Whether the request is of the kind meant, whichever one it is."""
        if self.method not in ("*", request.method) or not fnmatchcase(request.path.rstrip("/"), self.path.rstrip("/")):
            return False
        if self.contains is None:
            return True
        values = (value for values in request.query.values() for value in values)
        return any(self.contains in value for value in values) or self.contains.encode() in request.body

    def draws(self, number: int) -> bool:
        """Whether matching request `number` (from 1) is hit, `times` aside."""
        if number < self.nth:
            return False
        if self.probability >= 1.0:
            return True
        digest = hashlib.sha256(f"{self.seed}:{number}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 < self.probability


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. `after`: the work is done first. `ids` and `every` say which rows a ROW fault hits.

    `size` is of LENGTH and FLOOD, `values` what the second copy of DOUBLE holds instead, `seed` the order of SHUFFLE.
    `code` is the word of STATUS, ROW and WITHOUT.
    """

    kind: FaultKind
    text: str
    after: bool = False
    status: int = 0
    seconds: float = 0.0
    code: str = ""
    message: str | None = None
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    edit: Mapping[str, Any] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()
    every: int = 1
    size: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


@dataclass(slots=True)
class _Entry:
    """A scripted fault and how often it matched and ran."""

    match: Match
    fault: Fault
    document: Mapping[str, Any]
    seen: int = 0
    hits: int = 0


@dataclass(frozen=True, slots=True)
class RowFault:
    """Rows of one batch that the face must refuse with `code`, whatever they hold."""

    code: str
    message: str
    ids: frozenset[str]
    every: int

    def hits(self, position: int, record_id: str) -> bool:
        """Whether the row at `position` (from 0) is refused: one of `ids`, or each `every`th where no ids are named."""
        if self.ids:
            return record_id in self.ids or record_id[:15] in self.ids
        return (position + 1) % self.every == 0


@dataclass(frozen=True, slots=True)
class Incident:
    """What goes wrong with one request: edits around it, and at most one other fault."""

    edits_before: tuple[Mapping[str, Any], ...] = ()
    edits_after: tuple[Mapping[str, Any], ...] = ()
    fault: Fault | None = None

    @property
    def text(self) -> str | None:
        """The incident as the journal names it; None where nothing goes wrong."""
        parts = ["edit before"] * len(self.edits_before) + ([self.fault.text] if self.fault else [])
        parts += ["edit after"] * len(self.edits_after)
        return ", ".join(parts) or None

    @property
    def row_fault(self) -> RowFault | None:
        """The rows to refuse, where the fault is of that kind."""
        if self.fault is None or self.fault.kind is not FaultKind.ROW:
            return None
        message = self.fault.message or _ROW_MESSAGES.get(self.fault.code, "refused by the sandbox")
        return RowFault(self.fault.code, message, self.fault.ids, self.fault.every)


_QUIET = Incident()
_ROW_MESSAGES = {"UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record"}


class FaultScript:
    """The faults of one face. The first that hits wins; `edit` entries run beside it. Safe between threads."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._lock = threading.Lock()

    def install(self, documents: Iterable[Mapping[str, Any]], *, keep: bool = False) -> None:
        """Replace the script, or add to it with `keep`. ValueError for an unreadable entry, and nothing changes."""
        entries = [_Entry(match_of(document.get("match", {})), fault_of(document), document) for document in documents]
        with self._lock:
            self._entries = [*self._entries, *entries] if keep else entries

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._entries = []

    def strike(self, request: Request) -> Incident:
        """What goes wrong with this request; counts it as seen."""
        with self._lock:
            if not self._entries:
                return _QUIET
            before: list[Mapping[str, Any]] = []
            after: list[Mapping[str, Any]] = []
            chosen: Fault | None = None
            for entry in self._entries:
                if not entry.match.takes(request):
                    continue
                entry.seen += 1
                is_edit = entry.fault.kind is FaultKind.EDIT
                if (chosen is not None and not is_edit) or not _due(entry):
                    continue
                entry.hits += 1
                if is_edit:
                    (after if entry.fault.after else before).append(entry.fault.edit)
                else:
                    chosen = entry.fault
            return Incident(tuple(before), tuple(after), chosen)

    def to_json(self) -> list[dict[str, Any]]:
        """The script as installed, with how often each entry matched and ran."""
        with self._lock:
            return [{**entry.document, "seen": entry.seen, "hits": entry.hits} for entry in self._entries]


def _due(entry: _Entry) -> bool:
    """Whether the entry runs for the matching request just counted."""
    return (entry.match.times is None or entry.hits < entry.match.times) and entry.match.draws(entry.seen)


def match_of(document: Mapping[str, Any]) -> Match:
    """A match from JSON. `nth` alone hits once; without `nth` and `times`, every match. ValueError for unknown keys."""
    unknown = set(document) - {"method", "path", "contains", "nth", "times", "probability", "seed"}
    if unknown:
        raise ValueError(f"unknown keys in match: {', '.join(sorted(unknown))}")
    times = document.get("times", 1 if "nth" in document else None)
    match = Match(
        method=str(document.get("method", "*")).upper(),
        path=str(document.get("path", "*")),
        contains=document.get("contains"),
        nth=int(document.get("nth", 1)),
        times=None if times is None else int(times),
        probability=float(document.get("probability", 1.0)),
        seed=int(document.get("seed", 0)),
    )
    if match.nth < 1 or not 0.0 <= match.probability <= 1.0:
        raise ValueError("nth counts from 1 and a probability is between 0 and 1")
    return match


def fault_of(document: Mapping[str, Any]) -> Fault:
    """A fault from JSON: the words of `fault`; beside it body, headers, message, edit, ids, every, values, seed.

    ValueError for what cannot be read.
    """
    text = document.get("fault")
    if not isinstance(text, str) or not text.split():
        raise ValueError("an entry names its fault, such as 'status 503 before'")
    words = text.split()
    kind = _kind(words.pop(0))
    after = kind in _ALWAYS_AFTER
    if "after" in words or "before" in words:
        after = after or "after" in words
        words = [word for word in words if word not in ("after", "before")]
    status, seconds, code, size = 0, 0.0, "", 0
    if kind in _DEFAULT_STATUS:
        status = int(words.pop(0)) if words else _DEFAULT_STATUS[kind]
        if kind is FaultKind.STATUS and words and _CODE.fullmatch(words[0]):
            code = words.pop(0)
    elif kind in _WITH_SECONDS:
        seconds = float(words.pop(0)) if words else DEFAULT_TIMEOUT_SECONDS
    elif kind in _WITH_SIZE:
        size = int(words.pop(0)) if words else _WITH_SIZE[kind]
    elif kind is FaultKind.ROW:
        code = words.pop(0) if words else "UNABLE_TO_LOCK_ROW"
    elif kind is FaultKind.WITHOUT:
        if not words:
            raise ValueError("a fault without says which header is missing")
        code = words.pop(0)
    if words:
        raise ValueError(f"cannot read {' '.join(words)!r} in fault {text!r}")
    if kind is FaultKind.EDIT and not isinstance(document.get("edit"), Mapping):
        raise ValueError("an edit fault needs the edit to make")
    body = document.get("body")
    return Fault(
        kind=kind,
        text=text,
        after=after,
        status=status,
        seconds=seconds,
        code=code,
        message=document.get("message"),
        body=body if body is None or isinstance(body, str) else json.dumps(body),
        headers={str(key): str(value) for key, value in document.get("headers", {}).items()},
        edit=document.get("edit", {}),
        ids=frozenset(str(item) for item in document.get("ids", ())),
        every=max(1, int(document.get("every", 1))),
        size=size,
        values=document.get("values", {}),
        seed=int(document.get("seed", 0)),
    )


def _kind(word: str) -> FaultKind:
    """The kind that a word names, with the known ones in the error."""
    try:
        return FaultKind(word)
    except ValueError as error:
        raise ValueError(f"unknown fault {word!r}; known are {', '.join(FaultKind)}") from error
