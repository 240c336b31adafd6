"""Who may come in: a file of names, roles and hashes of tokens, read anew at each look. Knows nothing of pages."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from syncd.entropy import Entropy
from syncd.errors import ConfigError, Finding, Place, Severity, UsageError
from syncd.settings import SecretReader, Settings

VIEW, APPROVE = "view", "approve"
ROLES = (VIEW, APPROVE)
"""What somebody may do: look, or also approve plans and take alerts."""
_LINE = re.compile(r"(?P<name>[^\s:#]{1,120})\s+(?P<role>\S+)\s+sha256:(?P<hash>[0-9a-f]{64})")
_NAME = re.compile(r"[\w.@+-]{1,120}")
_TOKEN_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may come in: their name as it stands in the ledger, their role, the SHA-256 of their token."""

    name: str
    role: str
    hash: str

    @property
    def may_approve(self) -> bool:
        """Whether they may do more than look."""
        return self.role == APPROVE


def new_line(name: str, role: str, entropy: Entropy) -> tuple[str, str]:
    """A new token of 256 bits, and the line of the file that lets its holder in. The file never holds a token.

    Raises UsageError SYN813 for a name that cannot stand in the file.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError("SYN813", f"{name[:60]!r} cannot be a name", hint="take an e-mail address or a login")
    token = entropy.token(_TOKEN_DIGITS)
    return token, f"{name} {role} sha256:{_hash(token)}"


def read_people(settings: Settings, environ: Mapping[str, str]) -> Mapping[str, Person]:
    """Everybody by the hash of their token. Empty lines and lines that begin with # say nothing.

    Raises ConfigError SYN811 with every line that cannot be read, SYN105 and SYN106 where the file is not to be had, or
    others can read it.
    """
    text = SecretReader(environ).read(settings.console.tokens, "console.tokens")
    people: dict[str, Person] = {}
    findings: list[Finding] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or match["role"] not in ROLES:
            place, hint = Place("console.tokens", number), "make one with `syncd console token NAME --role view`"
            findings.append(Finding("SYN811", Severity.ERROR, "this is no name, role and hash", place, hint))
            continue
        people[match["hash"]] = Person(match["name"], match["role"], match["hash"])
    if findings:
        raise ConfigError("SYN811", "who may use the console cannot be read", where="console.tokens", findings=findings)
    return people


def person_of(people: Mapping[str, Person], token: str) -> Person | None:
    """Whose token it is; None for nobody's. Takes as long for a wrong one as for a right one."""
    given, found = _hash(token.strip()), None
    for known, person in people.items():
        if hmac.compare_digest(known, given):
            found = person
    return found


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
