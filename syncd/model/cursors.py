"""Where a pull stands: windows of time, cursors, and the pages that move them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.model.records import Record
from syncd.model.refs import Kind, System


@dataclass(frozen=True, slots=True)
class Window:
    """Modification stamps to read: `lower <= stamp < upper`; no `lower` means everything up to `upper`."""

    lower: datetime | None
    upper: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one kind of one system has been read.

    `through`: every change stamped before it that the system has shown is in the mirror; None before the first load.
    `window` and `resume` stand while a slice is under way: `resume` is the connector's token for its next page.
    `lane` tells readers of the same kind apart (`live`, `delayed`).
    """

    system: System
    kind: Kind
    lane: str = "live"
    through: datetime | None = None
    window: Window | None = None
    resume: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and the token to go on with; no token means the walk is complete, never that a page was short."""

    records: Sequence[Record]
    resume: str | None
