"""Files of people's that a job writes: whole or not at all. Knows no formats."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from syncd.errors import UsageError


def replace_file(path: Path, data: bytes) -> None:
    """Put these bytes under this name in one step; what stood there keeps its mode, and stays if anything fails.

    Raises UsageError SYN004 where it cannot be written.
    """
    target = path.resolve()
    spare: str | None = None
    try:
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        handle, spare = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(spare, mode if mode is not None else 0o666 & ~_umask())
        os.replace(spare, target)
    except OSError as error:
        if spare is not None:
            with suppress(OSError):
                os.unlink(spare)
        raise UsageError("SYN004", f"{path}: {error.strerror}", hint="choose a file you may write") from error


def _umask() -> int:
    """The umask of the process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
