"""The freeze file: while it exists nothing is written to a CRM. Read before every call, by whoever makes it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from syncd.clock import iso
from syncd.errors import RefusedError


def frozen_reason(path: Path) -> str | None:
    """What the freeze file says, or None where writes are allowed. A file that cannot be read freezes too."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or "no reason given"
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"the freeze file cannot be read: {error.strerror}"


def freeze(path: Path, reason: str, *, who: str, at: datetime) -> None:
    """Stop all writes before the next call; OSError where the file cannot be written."""
    path.write_text(f"{iso(at)} {who}: {reason}\n", encoding="utf-8")


def check_not_frozen(path: Path) -> None:
    """Raise RefusedError SYN512 while writes are frozen."""
    reason = frozen_reason(path)
    if reason is not None:
        raise RefusedError(
            "SYN512", f"writes are frozen: {reason}", where=str(path), hint="`syncd unfreeze` allows them"
        )
