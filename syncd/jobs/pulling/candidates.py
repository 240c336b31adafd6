"""Who might be one company: the candidates that a person confirms or rejects, with what tells them apart."""

from __future__ import annotations

from collections import Counter
from typing import Any

from syncd.jobs.context import Context
from syncd.model.refs import Ref
from syncd.store import companies, mirror

_TOLD = ("name", "website", "postal_code", "city", "country")


def links_document(context: Context, limit: int) -> dict[str, Any]:
    """How many records are joined by which evidence, and the first `limit` candidates, the likeliest first.

    Each side of a candidate has the fields that a person looks at, None for what the CRM does not hold.
    """
    with context.store.read() as conn:
        evidence = Counter(reason.partition(" ")[0] for reason in companies.link_evidence(conn).values())
        found = companies.candidates(conn)
        shown = found[:limit]
        refs = {ref for one in shown for ref in (one.salesforce, one.hubspot)}
        held = {ref: record.fields for ref in refs if (record := mirror.get_record(conn, ref)) is not None}

    def side(ref: Ref) -> dict[str, Any]:
        return {"ref": str(ref), **{name: held.get(ref, {}).get(name) for name in _TOLD}}

    return {
        "format": 1,
        "evidence": dict(sorted(evidence.items())),
        "candidates": [
            {
                "salesforce": side(one.salesforce),
                "hubspot": side(one.hubspot),
                "score": one.score,
                "reason": one.reason,
            }
            for one in shown
        ],
        "candidates_total": len(found),
    }
