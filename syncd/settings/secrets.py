"""Secrets are referred to, never held: each is read from its source again at every use, so rotation needs no restart.

A reference is `credential:NAME` (a file of systemd's credentials directory), `file:/path` or `env:NAME`. The value
itself may come only from a SYNCD_* variable. Files that others can read are refused.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from syncd.errors import ConfigError

SCHEMES = ("credential", "file", "env")


class Secret:
    """Where a secret is found. The text of a literal is not shown by repr, str or the settings' own JSON.

    No dataclass: a variable that holds one would have to be JSON.
    """

    __slots__ = ("reference",)

    def __init__(self, reference: str) -> None:
        self.reference = reference

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    @property
    def scheme(self) -> str | None:
        """`credential`, `file` or `env`; None for a literal."""
        scheme, colon, _ = self.reference.partition(":")
        return scheme if colon and scheme in SCHEMES else None

    def __str__(self) -> str:
        return self.reference if self.scheme else "(a value from the environment)"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read from text, written as the reference alone."""
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(min_length=1),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )


@dataclass(frozen=True, slots=True)
class SecretReader:
    """Reads secrets from the process's environment and credentials directory."""

    environ: Mapping[str, str]

    def read(self, secret: Secret, what: str) -> str:
        """The secret's text, without the newline at its end; `what` names it in errors, such as `hubspot.token`.

        Raises ConfigError SYN105 where it is not to be had and SYN106 where others than the owner can read the file.
        """
        name = secret.reference.partition(":")[2]
        if secret.scheme is None:
            return secret.reference
        if secret.scheme == "env":
            value = self.environ.get(name)
            if value is None:
                raise ConfigError(
                    "SYN105",
                    f"the variable {name} is not set",
                    where=what,
                    hint=f"set {name}, or refer to another source",
                )
            return value
        return self._read_file(self._path(secret.scheme, name, what), what)

    def _path(self, scheme: str, name: str, what: str) -> Path:
        if scheme == "file":
            return Path(name)
        directory = self.environ.get("CREDENTIALS_DIRECTORY")
        if directory is None:
            raise ConfigError(
                "SYN105",
                f"credential:{name} needs a credentials directory, and CREDENTIALS_DIRECTORY is not set",
                where=what,
                hint="start syncd under systemd with LoadCredential=, or refer to file:/path or env:NAME instead",
            )
        return Path(directory) / name

    def _read_file(self, path: Path, what: str) -> str:
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "cannot be read"
            raise ConfigError(
                "SYN105",
                f"{path}: {reason}",
                where=what,
                hint="give the service's user the file, readable by nobody else",
            ) from error
        except UnicodeDecodeError as error:
            raise ConfigError(
                "SYN105", f"{path} is not UTF-8 text", where=what, hint="put the secret alone into the file"
            ) from error
        if stat.S_IMODE(mode) & 0o077 and "CREDENTIALS_DIRECTORY" not in self.environ:
            raise ConfigError("SYN106", f"{path} can be read by others", where=what, hint=f"chmod 600 {path}")
        return text.rstrip("\r\n")
