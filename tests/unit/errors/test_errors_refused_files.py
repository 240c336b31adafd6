"""A file that the system refuses by its name is nobody's bug."""

from __future__ import annotations

import errno
import os

import pytest

from syncd.errors import ExitCode
from syncd.errors.refused_files import refused_file


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (errno.EACCES, "/root/pack"),
        (errno.EROFS, b"/mnt/pack"),
        (errno.ENOSPC, "plan.json"),
        (errno.EISDIR, "/srv"),
        (errno.ENAMETOOLONG, "a" * 300),
        (errno.EPERM, "gef\udce4hrlich.yaml"),
    ],
)
def test_what_the_system_refuses_is_told_with_its_name(number: int, name: str | bytes) -> None:
    found = refused_file(OSError(number, os.strerror(number), name))
    assert found is not None
    assert (found.code, found.exit_code) == ("SYN012", ExitCode.INVALID)
    assert found.summary.endswith(f": {os.strerror(number)}")
    assert found.summary.isprintable()
    assert found.summary.startswith(os.fsdecode(name)[:3])


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/etc/syncd/config.toml"),
        OSError(errno.EACCES, "Permission denied"),
        OSError(errno.ENOSPC, "No space left on device", 7),
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused", "control.sock"),
        ValueError("/root/pack: Permission denied"),
    ],
    ids=["what is not there", "no name", "a number", "a socket", "another error"],
)
def test_what_else_goes_wrong_is_no_refusal(error: Exception) -> None:
    assert refused_file(error) is None
