"""Files of our own in the state folder, which nobody else may write: each with a hash of what it holds.

What is damaged, foreign or open to others is told from what is not there. Knows nothing of what the files are for.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO
_DIGEST = 32


class UnsoundFileError(Exception):
    """A file is there and may not be relied on; the text says why."""


def read_private(path: Path, most: int) -> bytes | None:
    """What `write_private` wrote; None where there is no file. UnsoundFileError for any other file, or a larger one."""
    try:
        if not _is_private(path.parent.lstat()):
            raise UnsoundFileError(f"others may write {path.parent}")
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnsoundFileError(os.strerror(error.errno or 0)) from error
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or not _is_private(found):
            raise UnsoundFileError("it is no file of ours alone")
        if found.st_size > most:
            raise UnsoundFileError("it is too large")
        digest, payload = file.read(_DIGEST), file.read()
    if digest != hashlib.blake2b(payload, digest_size=_DIGEST).digest():
        raise UnsoundFileError("it is damaged")
    return payload


def write_private(path: Path, payload: bytes) -> None:
    """Put a file there as a whole, in a folder that is made for it in one that is there.

    OSError where that cannot be done, or where the folder is not ours alone.
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(path.parent.lstat()):
        raise PermissionError(errno.EPERM, f"others may use {path.parent}")
    handle, spare = tempfile.mkstemp(dir=path.parent, prefix=".")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.blake2b(payload, digest_size=_DIGEST).digest())
            file.write(payload)
        os.replace(spare, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(spare)
        raise


def _is_private(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_MAY
