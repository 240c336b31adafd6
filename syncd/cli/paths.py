"""Paths on the command line: what looks like another option, or is longer than any path, is a slip and no file's name.

Holds for every command, whoever wrote it: they pass here when they are loaded.
"""

from __future__ import annotations

import errno
import os
from typing import Any

import click


class GivenPath(click.Path):
    """A path as `click.Path` reads it, but not one that begins with two dashes or that no system would look for."""

    @classmethod
    def like(cls, path: click.Path) -> GivenPath:
        """The same kind of path."""
        return cls(
            exists=path.exists,
            file_okay=path.file_okay,
            dir_okay=path.dir_okay,
            writable=path.writable,
            readable=path.readable,
            resolve_path=path.resolve_path,
            allow_dash=path.allow_dash,
            path_type=path.type,
            executable=path.executable,
        )

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; a usage error for what looks like an option, or is too long."""
        if isinstance(value, str) and value.startswith("--"):
            self.fail(f"{value!r} is an option, no path; for a file of that name write './{value}'.", param, ctx)
        if _is_too_long(value):
            self.fail(f"'{os.fspath(value)[:40]}...' is too long for a path.", param, ctx)
        return super().convert(value, param, ctx)


def _is_too_long(path: str | os.PathLike[str]) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    return False


def with_given_paths(command: click.Command) -> click.Command:
    """The command, and those below it, with everything that takes a path refusing what is none."""
    for param in command.params:
        if isinstance(param.type, click.Path):
            param.type = GivenPath.like(param.type)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            with_given_paths(each)
    return command
