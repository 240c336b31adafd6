"""Where the rules are: a folder, or a repository that the daemon fetches."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from pydantic import field_validator

from syncd.settings.basics import Section, Span


class GitPackSettings(Section):
    """A pack that the daemon fetches from git by itself."""

    repository: str
    """What `git clone` takes: an URL, or the path of a repository on this machine."""
    ref: str = "main"
    """The branch, tag or commit that is in use."""
    folder: str = "."
    """The pack's folder within the repository."""
    every: Span = timedelta(minutes=5)
    """Between two looks at the repository."""

    @field_validator("ref")
    @classmethod
    def _one_ref(cls, value: str) -> str:
        if re.fullmatch(r"[\w./+@#-]+", value) is None or ".." in value:
            raise ValueError("it is a branch, a tag or a commit, without spaces")
        return value

    @field_validator("repository", "ref", "folder")
    @classmethod
    def _no_option(cls, value: str) -> str:
        if value.startswith("-") or not value.strip():
            raise ValueError("it may not be empty, nor begin with a dash")
        return value

    @field_validator("repository")
    @classmethod
    def _no_secret(cls, value: str) -> str:
        if re.search(r"://[^/@]*:[^/@]*@", value) or value.startswith("ext::"):
            raise ValueError("no password in the URL: use an SSH key, or git's own credential helper")
        return value

    @field_validator("folder")
    @classmethod
    def _inside(cls, value: str) -> str:
        if value.startswith("/") or ".." in Path(value).parts:
            raise ValueError("it is a folder within the repository")
        return value


class PackSettings(Section):
    """Where the rules are."""

    path: Path = Path("pack")
    """The folder of YAML and CSV files that RevOps keeps in git. With `git`, left out: `pack` in the state folder."""
    git: GitPackSettings | None = None
    """Where the daemon fetches the pack from, instead of reading a folder that somebody else keeps up to date."""
