"""Names of companies as keys: without legal forms and punctuation, so that `Acme, Inc.` and `ACME` are one name."""

from __future__ import annotations

from syncd.model.normalisation.texts import text

LEGAL_FORMS = frozenset(
    "ab ag as asa bv co company corp corporation gmbh group holding holdings inc incorporated "  # noqa: SIM905
    "kg llc llp ltd limited nv oy oyj plc sa sas se spa the".split()
)


def company_name_key(name: str) -> str:
    """The words of a company's name that tell it from others, in the order written; empty if none does."""
    words = text(name).replace(",", " ").replace(".", " ").split()
    return " ".join(word for word in words if word not in LEGAL_FORMS)
