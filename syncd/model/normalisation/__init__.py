"""Normalisation: one meaning for the many ways in which the same value is written (RULES.md, section 3).

Each function takes raw text and gives the value that comparisons see, the same on both sides of every comparison.
Nothing here knows fields, records or rules, and nothing reads a file, a clock or the network.
"""

from __future__ import annotations

from syncd.model.normalisation.countries import country, country_codes, country_names
from syncd.model.normalisation.dates import day, instant_or_date
from syncd.model.normalisation.domains import FREE_MAIL_DOMAINS, domain, domain_text, registrable_domain
from syncd.model.normalisation.numbers import boolean, number
from syncd.model.normalisation.postal_codes import postal_code, postal_text
from syncd.model.normalisation.states import state, state_names
from syncd.model.normalisation.texts import email, folded, text, without_accents

__all__ = [
    "FREE_MAIL_DOMAINS",
    "boolean",
    "country",
    "country_codes",
    "country_names",
    "day",
    "domain",
    "domain_text",
    "email",
    "folded",
    "forget_texts",
    "instant_or_date",
    "number",
    "postal_code",
    "postal_text",
    "registrable_domain",
    "state",
    "state_names",
    "text",
]


def forget_texts() -> None:
    """Drop what is remembered of texts that were read: of a whole book they are tens of megabytes."""
    for reader in (country, instant_or_date, number, postal_text, registrable_domain, state, text, without_accents):
        reader.cache_clear()
