"""Whether an error means that the system refuses a file or folder by its name: nobody's bug, and a person can mend it.

What is simply not there is left out: whoever opens a file says what its absence means. This module knows errors alone.
"""

from __future__ import annotations

import errno
import os

from syncd.errors import MachineError

_REFUSALS = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EIO,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
        errno.ETXTBSY,
    }
)


def refused_file(error: BaseException) -> MachineError | None:
    """The error as one of a file (SYN012), if that is what it is."""
    if not isinstance(error, OSError) or error.errno not in _REFUSALS or not isinstance(error.filename, str | bytes):
        return None
    name = os.fsencode(error.filename).decode("utf-8", "replace")
    hint = "run syncd as a user who may use it (`id`, `ls -ld`), or name another file or folder"
    return MachineError("SYN012", f"{name}: {error.strerror}", hint=hint)
