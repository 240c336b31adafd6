"""Which company a deal belongs to: the primary one, from the list's inline associations or from the association batch.

Both ways give the same answer for the same deal. Search shows no associations (hubspot.md 2.1, 2.2 and 2.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from syncd.connectors.hubspot.client import HubspotClient, Json, bad, results_of

BATCH: Final = 1000
PRIMARY_TYPE: Final = 5
_NONE_FOUND: Final = "NO_ASSOCIATIONS_FOUND"
_INLINE_PRIMARY: Final = "deal_to_company"

Associated = tuple[str, bool]
"""A company's id, and whether it is the deal's primary one."""


def companies_of(client: HubspotClient, source: str, target: str, deals: Sequence[str]) -> dict[str, str | None]:
    """The company of each deal, by deal id, from the store."""
    found: dict[str, list[Associated]] = {deal: [] for deal in deals}
    inputs: list[dict[str, str]] = [{"id": deal} for deal in dict.fromkeys(deals)]
    path = client.paths.associated(source, target)
    while inputs:
        batch, inputs = inputs[:BATCH], inputs[BATCH:]
        answer = client.associated(path, {"inputs": batch}, check=_checked)
        for result in answer:
            deal = str(result["from"]["id"])
            found.setdefault(deal, []).extend(_association(entry) for entry in result.get("to") or ())
            after = ((result.get("paging") or {}).get("next") or {}).get("after")
            if after is not None:
                inputs.append({"id": deal, "after": str(after)})
    return {deal: chosen(found[deal]) for deal in deals}


def inline_company(deal: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The company in a listed deal's inline associations, and whether they are all that it has.

    The primary company comes as two rows, one of them unlabelled.
    """
    block = (deal.get("associations") or {}).get("companies") or {}
    rows = [row for row in block.get("results") or () if isinstance(row, dict) and row.get("id")]
    pairs = [(str(row["id"]), str(row.get("type")) == _INLINE_PRIMARY) for row in rows]
    complete = not (block.get("paging") or {}).get("next")
    return chosen(pairs), complete or any(primary for _, primary in pairs)


def chosen(associated: Iterable[Associated]) -> str | None:
    """The primary company; without one the only company; of several none, which nobody should guess."""
    pairs = list(associated)
    for company, primary in pairs:
        if primary:
            return company
    distinct = {company for company, _ in pairs}
    return distinct.pop() if len(distinct) == 1 else None


def _association(entry: Mapping[str, Any]) -> Associated:
    types = entry.get("associationTypes") or ()
    primary = any(
        type_.get("typeId") == PRIMARY_TYPE and type_.get("category", "HUBSPOT_DEFINED") == "HUBSPOT_DEFINED"
        for type_ in types
    )
    return str(entry["toObjectId"]), primary


def _checked(document: Json) -> list[Json]:
    """The results; a deal without a company comes as an error that is none (hubspot.md 2.7)."""
    for error in document.get("errors") or ():
        words = f"{error.get('subCategory')} {error.get('category')} {error.get('message')}"
        if _NONE_FOUND not in words and error.get("category") != "OBJECT_NOT_FOUND":
            raise bad(f"a batch of associations failed in part: {words[:200]}")
    results = results_of(document)
    if not all(isinstance(result.get("from"), dict) for result in results):
        raise bad("an association names no deal")
    return results
