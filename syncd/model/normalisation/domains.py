"""Domains: the registrable one by the public suffix list, private suffixes on; mail providers are nobody's domain."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from syncd.model.normalisation.published_lists import domain_suffixes
from syncd.model.normalisation.texts import settled

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

FREE_MAIL_DOMAINS = frozenset((resources.files(__package__) / "free_mail_domains.txt").read_text("ascii").split())
"""Domains at which anybody can have an address: they say nothing about a company and never link two."""

_PLAIN = re.compile(r"(?!xn--)[a-z0-9][a-z0-9-]*\.((?!xn--)[a-z]+)")
"""A name under a top-level domain, as nearly all are: what it is can be looked up without taking it apart."""
_HOST_END = re.compile(r"[/?#\\\s]")
_OTHER_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))
"""What IDNA reads as a dot besides the dot (RFC 3490, 3.1)."""


@lru_cache(maxsize=65536)
def registrable_domain(raw: str) -> str | None:
    """The registrable domain of a domain, address, or web page, in lower case and Unicode; None without one."""
    plain = _PLAIN.fullmatch(raw)
    if plain is not None:
        suffixes, top = public_suffixes(), plain[1]
        if top in suffixes and raw not in suffixes and f"*.{top}" not in suffixes:
            return raw
    host = _HOST_END.split(domain_text(raw).partition("://")[2] or domain_text(raw), maxsplit=1)[0]
    host = host.rpartition("@")[2].partition(":")[0].translate(_OTHER_DOTS).strip(".")
    return _suffix_list().privatesuffix(_unicode(host.rpartition("..")[2]))  # "www..acme.com" is a slip of the hand


def domain(raw: str, shared: frozenset[str] = frozenset()) -> str | None:
    """The registrable domain; None if there is none, or it belongs to a mail provider or to `shared` (domains)."""
    found = registrable_domain(raw)
    return None if found is None or found in FREE_MAIL_DOMAINS or found in shared else found


def domain_text(raw: str) -> str:
    """A domain, or a part of one, in lower case: not case-folded, for `straße.de` is not `strasse.de`."""
    if raw.isascii():
        return raw.strip().lower()
    return settled(raw, lambda now: unicodedata.normalize("NFKC", now).lower().strip())


def _unicode(host: str) -> str:
    labels = []
    for label in host.split("."):
        if label.startswith("xn--"):
            try:
                label = domain_text(label[4:].encode("ascii").decode("punycode")) or label
            except UnicodeError:
                return host
        labels.append(label)
    return ".".join(labels)


@cache
def public_suffixes() -> frozenset[str]:
    """Every rule of the public suffix list, private ones too: `com`, `co.uk`, `*.ck`."""
    return frozenset(domain_suffixes())


@cache
def _suffix_list() -> PublicSuffixList:
    """The list that comes with the package, in Unicode: no request ever, and no suffix that it does not name."""
    from publicsuffixlist import PublicSuffixList  # 20 ms, paid by those who read a domain that is not plain

    return PublicSuffixList(accept_encoded_idn=False, accept_unknown=False)
