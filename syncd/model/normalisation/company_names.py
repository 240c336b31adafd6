"""Names of companies as keys: without legal forms and punctuation, so that `Acme, Inc.` and `ACME` are one name."""

from __future__ import annotations

import re
import unicodedata

from syncd.model.normalisation.texts import text

LEGAL_FORMS = frozenset(
    "ab ag as asa bhd bv co company corp corporation gmbh group holding holdings inc incorporated kg kgaa kk llc llp "  # noqa: SIM905
    "lp ltd limited ltda nv oy oyj pcl pjsc plc pt pte pty public pvt private sa sab sas se sarl spa srl tbk the ord "
    "adr ads cia sae saic sau saa bsc qpsc psc jsc ojsc pao".split()
)
_DOTTED = re.compile(r"\b(?:\w\.){2,}")
_PUNCTUATION = re.compile(r"[^\w\s]")


def company_name_key(name: str) -> str:
    """The words of a company's name that tell it from others, in the order written; empty if none does.

    Accents, punctuation and legal forms are dropped: `S.A.` is `sa`, `&` is `and`.
    """
    return " ".join(word for word in company_name_words(name) if word not in LEGAL_FORMS)


def company_name_words(name: str) -> tuple[str, ...]:
    """The words of a company's name without accents and punctuation, legal forms included."""
    joined = _DOTTED.sub(lambda found: found.group().replace(".", ""), text(name)).replace("&", " and ")
    bare = "".join(char for char in unicodedata.normalize("NFKD", joined) if not unicodedata.combining(char))
    return tuple(_PUNCTUATION.sub(" ", bare.replace("'", "")).split())
