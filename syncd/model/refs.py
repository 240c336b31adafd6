"""Systems, kinds and refs: how a record of a CRM is named."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class System(StrEnum):
    """One configured CRM."""

    SALESFORCE = "salesforce"
    HUBSPOT = "hubspot"

    __hash__ = str.__hash__  # an enumeration's own is a function of Python, and these are hashed by the million


class Kind(StrEnum):
    """The kinds of record, in syncd's words: HubSpot's company is an account, its deal an opportunity."""

    ACCOUNT = "account"
    OPPORTUNITY = "opportunity"
    USER = "user"
    LEAD = "lead"
    CONTACT = "contact"
    TASK = "task"

    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One record of one system: `salesforce:account:001…`. Ids are text, their case kept; Salesforce ids have 18."""

    system: System
    kind: Kind
    id: str

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        # members are texts; asking each for its value takes three times as long, and this is asked by the million
        return ":".join((self.system, self.kind, self.id))

    @classmethod
    def parse(cls, text: str) -> Ref:
        """The ref that `str` made; ValueError for anything else."""
        system, _, rest = text.partition(":")
        kind, _, record = rest.partition(":")
        try:
            # looked up, not called: `System(text)` takes ten times as long, and this is asked by the million, too
            found = cls(_SYSTEMS[system], _KINDS[kind], record)
        except KeyError:
            raise ValueError(f"{text!r} is not system:kind:id") from None
        if not record:
            raise ValueError(f"{text!r} is not system:kind:id")
        return found


_SYSTEMS: dict[str, System] = {system.value: system for system in System}
_KINDS: dict[str, Kind] = {kind.value: kind for kind in Kind}
_SUFFIX_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long_salesforce_id(text: str) -> str:
    """A Salesforce id in its 18-character form, from 15 or 18 characters; other lengths are returned as they are.

    The three last characters encode which of the 15 are upper case, so that ids survive case-blind tools
    (salesforce.md 8).
    """
    if len(text) != 15:
        return text
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << offset for offset, char in enumerate(text[start : start + 5]) if "A" <= char <= "Z")
        suffix += _SUFFIX_ALPHABET[bits]
    return text + suffix
