"""The facts of the last book kept between processes: a watch comes every minute, and most companies stay as they are.

What is kept is found by all that deriving depends on and that companies share: settings, people, rates and this version
of syncd. Each company's facts say themselves of which records they are, so an old or foreign file costs time and never
gives a wrong fact. Two files: the book as it was, and the companies that changed since. Erasing drops both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from syncd.jobs.packs.pack_cache import code_stamp
from syncd.jobs.private_files import UnsoundFileError, read_private, write_private
from syncd.model.records import User
from syncd.rules.derivation import Derivation
from syncd.rules.deriving.known_facts import KnownFacts
from syncd.rules.pack_bytes import UnreadableBytesError, plain_from_bytes, plain_to_bytes
from syncd.settings import Settings
from syncd.telemetry import Log

FOLDER = "book-cache"
COLUMNS_FOLDER = "book-columns"
"""Where the same book is kept in columns (jobs/books/column_book)."""
MOST_COMPANIES = 250_000
"""Of larger books nothing is kept: reading it back would take as much memory as the book itself."""
_MOST_BYTES = 1 << 30
_MOST_KEYS = 2
_BASE, _LATER = ".book", ".later"
_MOST_REMEMBERED, _MOST_FILES = 1 << 20, 4
_READ: dict[str, tuple[bytes, Mapping[str, KnownFacts | None]]] = {}
"""What the bytes of small files said: a run reads the book several times, and reading bytes is what takes long."""
_SMALL, _SHARE = 200, 8
"""The book is written anew where more than 200 companies, and more than an eighth of it, changed since."""


class BookCache:
    """The facts kept in one folder. Nothing here raises: what cannot be used is told once and derived anew."""

    def __init__(self, folder: Path, log: Log) -> None:
        self._folder = folder
        self._log = log
        self._base: Mapping[str, KnownFacts] = {}
        self._found: Mapping[str, KnownFacts] = {}

    def find(self, key: str) -> dict[str, KnownFacts]:
        """What is kept under a key, by company; empty where nothing usable is."""
        self._base = {name: each for name, each in self._read(key + _BASE).items() if each is not None}
        found = dict(self._base)
        for name, each in self._read(key + _LATER).items() if found else ():
            if each is None:
                found.pop(name, None)
            else:
                found[name] = each
        self._found = dict(found)
        return found

    def keep(self, key: str, known: Mapping[str, KnownFacts], companies: Iterable[str]) -> None:
        """Keep what is known of `companies` after `find` of the same key; nothing is written where nothing changed."""
        now = {name: known[name] for name in companies if name in known}
        if _same(now, self._found) or len(now) > MOST_COMPANIES:
            return
        later: dict[str, KnownFacts | None] = {
            name: each for name, each in now.items() if self._base.get(name) is not each
        }
        later |= dict.fromkeys(name for name in self._base if name not in now)
        with suppress(OSError, UnreadableBytesError):
            if not self._base or len(later) > max(_SMALL, len(self._base) // _SHARE):
                write_private(self._folder / (key + _BASE), plain_to_bytes(now))
                (self._folder / (key + _LATER)).unlink(missing_ok=True)
            else:
                write_private(self._folder / (key + _LATER), plain_to_bytes(later))
            self._prune()

    def _read(self, name: str) -> Mapping[str, KnownFacts | None]:
        try:
            payload = read_private(self._folder / name, _MOST_BYTES)
            if payload is None:
                return {}
            known = _READ.get(name)
            if known is not None and known[0] == payload:
                return known[1]
            found = plain_from_bytes(payload)
        except (UnsoundFileError, UnreadableBytesError, OSError) as error:
            self._log.event("book.rebuilt", path=str(self._folder / name), reason=str(error))
            return {}
        if not isinstance(found, dict) or not all(isinstance(each, KnownFacts | None) for each in found.values()):
            self._log.event("book.rebuilt", path=str(self._folder / name), reason="it holds no facts")
            return {}
        if len(payload) <= _MOST_REMEMBERED:
            while len(_READ) >= _MOST_FILES:
                del _READ[next(iter(_READ))]
            _READ[name] = payload, found
        return found

    def _prune(self) -> None:
        """Drop all but the books used last, and what a killed process left half written."""
        found = sorted(((each.stat().st_mtime_ns, each.name) for each in os.scandir(self._folder)), reverse=True)
        keys = list(dict.fromkeys(Path(name).stem for _, name in found if name.endswith((_BASE, _LATER))))
        for _, name in found:
            if Path(name).stem not in keys[:_MOST_KEYS]:
                (self._folder / name).unlink(missing_ok=True)


def book_cache(settings: Settings, log: Log) -> BookCache | None:
    """The cache in the settings' state folder; None where they name none."""
    return BookCache(settings.state_dir / FOLDER, log) if "state_dir" in settings.model_fields_set else None


def forget_books(settings: Settings) -> None:
    """Drop all that is kept: somebody was erased, who may stand in it. OSError where a file cannot be removed."""
    _READ.clear()
    for folder in (settings.state_dir / name for name in (FOLDER, COLUMNS_FOLDER)):
        if "state_dir" not in settings.model_fields_set or not folder.is_dir():
            continue
        for each in folder.iterdir():
            each.unlink(missing_ok=True)


def book_key(derivation: Derivation, users: Iterable[User], told: object) -> str:
    """The name of what is kept: a hash of all that companies share. `told` is what else their records depend on."""
    parts = (
        derivation.catalogue,
        derivation.order,
        sorted(derivation.field_order.items()),
        derivation.leading,
        derivation.money,
        derivation.rates,
        derivation.pack_revision if derivation.rates.rows else None,
        derivation.zone.key,
        derivation.default_country,
        derivation.fill_missing_country,
        sorted(derivation.shared_domains),
        sorted(users, key=lambda user: user.ref),
        told,
    )
    return hashlib.sha256(f"{code_stamp()}\n{parts!r}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _same(one: Mapping[str, KnownFacts], other: Mapping[str, KnownFacts]) -> bool:
    return len(one) == len(other) and all(other.get(name) is each for name, each in one.items())
