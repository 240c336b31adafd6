"""Files of our own in the state folder, which nobody else may write: each with a hash of what it holds.

What is damaged, foreign or open to others is told from what is not there. Knows nothing of what the files are for.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO
_DIGEST = 32


class UnsoundFileError(Exception):
    """A file is there and may not be relied on; the text says why."""


def read_private(path: Path, most: int) -> bytes | None:
    """What `write_private` wrote; None where there is no file. UnsoundFileError for any other file, or a larger one."""
    handle = _opened(path, most)
    if handle is None:
        return None
    with os.fdopen(handle, "rb") as file:
        digest, payload = file.read(_DIGEST), file.read()
    if digest != hashlib.blake2b(payload, digest_size=_DIGEST).digest():
        raise UnsoundFileError("it is damaged")
    return payload


def map_private(path: Path, most: int) -> mmap.mmap | None:
    """A file that `put_private` put there, in memory as far as it is looked at; None where there is none.

    What it holds is for the caller to check. UnsoundFileError for a file that is not ours alone, or is larger.
    """
    handle = _opened(path, most)
    if handle is None:
        return None
    with os.fdopen(handle, "rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise UnsoundFileError("it is empty") from error


def write_private(path: Path, payload: bytes) -> None:
    """Put a file there as a whole, with its hash, in a folder that is made for it in one that is there.

    OSError where that cannot be done, or where the folder is not ours alone.
    """

    def write(file: IO[bytes]) -> None:
        file.write(hashlib.blake2b(payload, digest_size=_DIGEST).digest())
        file.write(payload)

    put_private(path, write)


def put_private(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Put a file there as a whole that `write` writes; folder and OSError as with `write_private`."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(path.parent.lstat()):
        raise PermissionError(errno.EPERM, f"others may use {path.parent}")
    handle, spare = tempfile.mkstemp(dir=path.parent, prefix=".")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        os.replace(spare, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(spare)
        raise


def _opened(path: Path, most: int) -> int | None:
    """A file of ours alone, open to be read; None where there is none."""
    try:
        if not _is_private(path.parent.lstat()):
            raise UnsoundFileError(f"others may write {path.parent}")
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnsoundFileError(os.strerror(error.errno or 0)) from error
    found = os.fstat(handle)
    why = None
    if not stat.S_ISREG(found.st_mode) or not _is_private(found):
        why = "it is no file of ours alone"
    elif found.st_size > most:
        why = "it is too large"
    if why is not None:
        os.close(handle)
        raise UnsoundFileError(why)
    return handle


def _is_private(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_MAY
