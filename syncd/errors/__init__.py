"""Errors and findings: what happened, where, and what to do, each with a stable code.

The tree is by policy: callers catch what to *do* (retry, stop, skip the row), never a status code.
Every code has a page, `syncd/errors/pages/SYNnnn.md`, that `syncd explain SYNnnn` prints.
Ranges: 0xx usage and bugs, 1xx settings, 2xx packs, 3xx CSV and other input, 4xx CRMs, 5xx plans and writes,
6xx storage, 7xx daemon and lease, 8xx alerts. This module knows nothing of the rest of syncd.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from importlib import resources


class ExitCode(IntEnum):
    """The exit codes of every command, in DESIGN.md's words."""

    OK = 0
    BUG = 1
    USAGE = 2
    INVALID = 3
    REFUSED = 4
    GUARD = 5
    CRM = 6
    PARTIAL = 7
    LEADER = 8


EXIT_PRECEDENCE: tuple[ExitCode, ...] = (
    ExitCode.BUG,
    ExitCode.USAGE,
    ExitCode.INVALID,
    ExitCode.LEADER,
    ExitCode.CRM,
    ExitCode.GUARD,
    ExitCode.REFUSED,
    ExitCode.PARTIAL,
    ExitCode.OK,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code to exit with when several causes came together; OK for none."""
    seen = set(codes)
    return next((code for code in EXIT_PRECEDENCE if code in seen), ExitCode.OK)


class Severity(StrEnum):
    """How bad a finding is: errors make input invalid, warnings do under `--strict`, notes never do."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file: `path` as the user named it or relative to the pack, `line` and `column` from 1."""

    path: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem found in input; all findings of a file are reported at once.

    `source` is the offending line of the file, shown above a caret; `hint` says what to do.
    """

    code: str
    severity: Severity
    message: str
    place: Place | None = None
    hint: str | None = None
    source: str | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.severity.value} {self.code} {self.message}"

    def rendered(self) -> str:
        """The finding as a person reads it: one line, then the source with a caret, then the hint."""
        lines = [str(self)]
        if self.source is not None and self.place is not None:
            source = self.source.replace("\t", " ").rstrip("\n")
            start = max(0, self.place.column - 61)
            window = source[start : start + 100]
            lines += [f"    {window}", "    " + " " * (self.place.column - 1 - start) + "^"]
        if self.hint:
            lines.append(f"    {self.hint}")
        return "\n".join(lines)


def sort_key(finding: Finding) -> tuple[str, int, int, str, str]:
    """Findings in the order of the files, those without a place first."""
    place = finding.place
    return (
        place.path if place else "",
        place.line if place else 0,
        place.column if place else 0,
        finding.code,
        finding.message,
    )


class SyncdError(Exception):
    """The root of everything syncd raises on purpose.

    `summary` says what happened, `where` the system and record or file, `hint` what to do.
    """

    exit_code: ExitCode = ExitCode.BUG

    def __init__(
        self,
        code: str,
        summary: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        findings: Iterable[Finding] = (),
    ) -> None:
        super().__init__(code, summary)
        self.code = code
        self.summary = summary
        self.where = where
        self.hint = hint
        self.findings = tuple(findings)

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.code} {self.summary}"


class MachineError(SyncdError):
    """The machine gives this process no more memory, open files, threads or processes: nothing of ours to mend."""

    exit_code = ExitCode.INVALID


class UsageError(SyncdError):
    """The command was called in a way it does not take."""

    exit_code = ExitCode.USAGE


class ConfigError(SyncdError):
    """The settings, a credential or the mapping is wrong: nothing starts until a person mends it."""

    exit_code = ExitCode.INVALID


class InputError(SyncdError):
    """A pack, a CSV or another file of the user's is invalid; `findings` says everything that is."""

    exit_code = ExitCode.INVALID


class CrmError(SyncdError):
    """A CRM could not be reached or refused; the root of the remote errors."""

    exit_code = ExitCode.CRM


class RetryableError(CrmError):
    """A call failed in a way that passes (network, 5xx, row lock): try again.

    `applied` says what is known of a write: False, it certainly was not applied; None, unknown.
    """

    def __init__(
        self, code: str, summary: str, *, where: str | None = None, hint: str | None = None, applied: bool | None = None
    ) -> None:
        super().__init__(code, summary, where=where, hint=hint)
        self.applied = applied


class RateLimitedError(RetryableError):
    """The CRM or our own budget says wait; waiting is no attempt. `wait` is in seconds, None if not told."""

    def __init__(
        self, code: str, summary: str, *, wait: float | None, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(code, summary, where=where, hint=hint, applied=False)
        self.wait = wait


class QuotaExhaustedError(CrmError):
    """The day's allowance, or our share of it, is used up: stop this system until it is refilled."""


class AuthError(CrmError):
    """The CRM refuses our credentials or scopes: a person must act; no retry."""


class SchemaError(CrmError):
    """The CRM does not have, or no longer shows us, an object or field that the mapping names."""


class CursorLostError(CrmError):
    """A page cursor expired or loops: restart this slice from the last committed mark."""


class BadDataError(CrmError):
    """The CRM answered with something that is not what it promises (HTML, a cut body): never "no rows"."""


class ForeignSystemError(CrmError):
    """The credentials lead to another organization or portal than the mirror is bound to."""


class RefusedError(SyncdError):
    """A plan is refused as a whole; nothing was written."""

    exit_code = ExitCode.REFUSED


class GuardTrippedError(SyncdError):
    """A plan is over a limit that its approval does not name; nothing was written."""

    exit_code = ExitCode.GUARD


class StorageError(SyncdError):
    """The database cannot be opened, is from another version, or does not verify."""

    exit_code = ExitCode.INVALID


class LeaseHeldError(SyncdError):
    """Another process holds the lease and cannot be reached through its control socket."""

    exit_code = ExitCode.LEADER


def known_codes() -> tuple[str, ...]:
    """Every code that has a page, sorted."""
    pages = resources.files(__package__) / "pages"
    return tuple(sorted(entry.name.removesuffix(".md") for entry in pages.iterdir() if entry.name.endswith(".md")))


def page_of(code: str) -> str | None:
    """The page of a code as Markdown, or None for a code that does not exist."""
    page = resources.files(__package__) / "pages" / f"{code.upper()}.md"
    return page.read_text(encoding="utf-8") if code.upper() in known_codes() else None
