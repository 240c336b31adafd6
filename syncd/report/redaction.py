"""A plan or a comparison without names, domains and e-mail addresses, for places that others can read.

People become `rep-1`, `rep-2`; companies are named by their CRM ids, anything else by `account-1`. Texts that quote the
CRM or a person are replaced by their reason. Territories, files and lines stay: they are the pack's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_EMAIL = re.compile(r"[^\s@<>(),;:\"'|]+@[\w.-]*\w")
_REF = re.compile(r"(?:salesforce|hubspot):[a-z]+:\w+|[0-9]+|00[0-9A-Za-z]{13}(?:[0-9A-Za-z]{3})?")
_ABOUT_ACCOUNTS = frozenset({"override", "dispute"})
_IDS = frozenset({"company", "accounts", "because", "ref", "parent"})


def redacted(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with nobody's name in it; equal documents give equal ones, and every renderer takes it."""
    hiding = _Hiding()
    for text in sorted(set(_emails(document))):
        hiding.people[text] = f"rep-{len(hiding.people) + 1}"
    for key in sorted({each for each in _ids(document) if not _REF.fullmatch(each)}):
        hiding.companies[key] = f"account-{len(hiding.companies) + 1}"
    shown: dict[str, Any] = hiding.value("", document)
    return {**shown, "redacted": True}


class _Hiding:
    """The names given so far."""

    def __init__(self) -> None:
        self.people: dict[str, str] = {}
        self.companies: dict[str, str] = {}

    def value(self, key: str, value: Any) -> Any:
        """A value under a key, with everything below it."""
        if isinstance(value, Mapping):
            return {
                self._key(each): self._entry(each, inner, value) for each, inner in value.items() if _shown(each, value)
            }
        if isinstance(value, list | tuple):
            return [self.value(key, item) for item in value]
        if not isinstance(value, str):
            return value
        if key in _IDS and value in self.companies:
            return self.companies[value]
        if key == "email":
            return self.people[value.casefold()]
        return self._text(value)

    def _key(self, key: str) -> str:
        return self.people.get(key.casefold(), key)

    def _entry(self, key: str, value: Any, around: Mapping[str, Any]) -> Any:
        if key == "text" and "reason" in around:
            return str(around["reason"] or "")
        if key == "name" and around.get("kind") in _ABOUT_ACCOUNTS:
            return "of an account"
        return self.value(key, value)

    def _text(self, text: str) -> str:
        return _EMAIL.sub(lambda found: self.people.get(found.group().casefold(), "somebody"), text)


def _shown(key: str, around: Mapping[str, Any]) -> bool:
    """Whether a key may be shown at all: not what a company or a person is called, nor remarks about them."""
    return key != "notes" and not (key == "name" and not around.keys().isdisjoint({"company", "email"}))


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for each, inner in value.items():
            yield "", each
            yield from _leaves(inner, each)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item, key)
    elif isinstance(value, str):
        yield key, value


def _emails(document: Mapping[str, Any]) -> Iterator[str]:
    for key, text in _leaves(document):
        yield from ([text.casefold()] if key == "email" else map(str.casefold, _EMAIL.findall(text)))


def _ids(document: Mapping[str, Any]) -> Iterator[str]:
    return (text for key, text in _leaves(document) if key in _IDS)
