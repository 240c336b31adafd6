"""What a check finds: a verdict, one sentence, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from syncd.errors import ExitCode, SyncdError

INSTALLATION: Final = "installation"
"""The subject of what is true of this machine and its files; other subjects are systems."""


class Verdict(StrEnum):
    """How a check came out; `skip`: it could not be made, for a reason that another check tells."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Result:
    """One finding of one check. `fix` is a command or where to click; `exit_code` is what a failure comes to."""

    check: str
    subject: str
    verdict: Verdict
    text: str
    fix: str | None = None
    code: str | None = None
    exit_code: ExitCode = ExitCode.INVALID


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes the results of one check of one subject."""

    check: str
    subject: str

    def ok(self, text: str) -> Result:
        """All well."""
        return Result(self.check, self.subject, Verdict.OK, text)

    def skip(self, text: str) -> Result:
        """Not to be told now."""
        return Result(self.check, self.subject, Verdict.SKIP, text)

    def warn(self, code: str, text: str, fix: str) -> Result:
        """Something that will do harm, or already does a little."""
        return Result(self.check, self.subject, Verdict.WARN, text, fix, code)

    def fail(self, code: str, text: str, fix: str, exit_code: ExitCode = ExitCode.INVALID) -> Result:
        """Something without which syncd cannot do its work, or would do it wrongly."""
        return Result(self.check, self.subject, Verdict.FAIL, text, fix, code, exit_code)

    def failed(self, error: SyncdError, fix: str | None = None) -> Result:
        """What an error says, with its own hint unless there is a better one."""
        text = f"{error.where}: {error.summary}" if error.where not in (None, self.subject) else error.summary
        mend = fix or error.hint or f"syncd explain {error.code}"
        return Result(self.check, self.subject, Verdict.FAIL, text, mend, error.code, error.exit_code)
