"""The freeze file: while it exists nothing is written to a CRM. Read before every call, by whoever makes it.

A line `until INSTANT` in it ends the freeze by itself. What cannot be understood freezes on.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from syncd.clock import iso, parse_instant
from syncd.errors import RefusedError, UsageError

_UNTIL = "until "


def frozen_reason(path: Path, now: datetime) -> str | None:
    """What the freeze file says, on one line, or None where writes are allowed. A file that cannot be read freezes."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"the freeze file cannot be read: {error.strerror}"
    until = frozen_until(text)
    if until is not None and until <= now:
        return None
    return "; ".join(line.strip() for line in text.splitlines() if line.strip()) or "no reason given"


def frozen_until(text: str) -> datetime | None:
    """When the freeze that a file's text tells of ends by itself; None where it does not, or makes no sense."""
    lines = [line.strip() for line in text.splitlines()[1:]]
    found = [line.removeprefix(_UNTIL) for line in lines if line.startswith(_UNTIL)]
    try:
        return parse_instant(found[0]) if len(found) == 1 else None
    except ValueError:
        return None


def freeze(path: Path, reason: str, *, who: str, at: datetime, until: datetime | None = None) -> None:
    """Stop all writes before the next call, for good or until an instant; OSError where the file cannot be written.

    The file is there as a whole or not at all: one without its end would freeze for longer than was meant.
    """
    lines = [f"{iso(at)} {who}: {' '.join(reason.split())}", *([f"{_UNTIL}{iso(until)}"] if until is not None else [])]
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(path)


def check_replaceable(path: Path, now: datetime, until: datetime | None) -> None:
    """UsageError SYN842 for a freeze that is over before it begins, or would end one that lasts until it is lifted."""
    if until is None:
        return
    if until <= now:
        raise UsageError("SYN842", f"{iso(until)} is past", hint="write --until 4h, or leave it out")
    reason = frozen_reason(path, now)
    if reason is not None and _ends(path) is None:
        text = f"writes are frozen already, without an end: {reason}"
        raise UsageError("SYN842", text, where=str(path), hint="`syncd unfreeze` first, if that freeze may end")


def _ends(path: Path) -> datetime | None:
    try:
        return frozen_until(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def check_not_frozen(path: Path, now: datetime) -> None:
    """Raise RefusedError SYN512 while writes are frozen."""
    reason = frozen_reason(path, now)
    if reason is not None:
        raise RefusedError(
            "SYN512", f"writes are frozen: {reason}", where=str(path), hint="`syncd unfreeze` allows them"
        )
