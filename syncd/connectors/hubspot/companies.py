"""Which company a deal or contact belongs to: the primary one, from the list's inline associations or from the batch.

Both ways give the same answer for the same record. Search shows no associations (hubspot.md 2.1, 2.2 and 2.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from syncd.connectors.hubspot.client import WHERE, HubspotClient, Json, bad, next_after, results_of
from syncd.connectors.shape import decoding, id_of, object_of, objects

BATCH: Final = 1000
PRIMARY_TYPES: Final = frozenset({1, 5})
"""Contact to primary company and deal to primary company (hubspot.md 2.7); of one batch only one of them can come."""
_NONE_FOUND: Final = "NO_ASSOCIATIONS_FOUND"
_INLINE_PRIMARY: Final = frozenset({"deal_to_company", "contact_to_company"})

Associated = tuple[str, bool]
"""A company's id, and whether it is the deal's primary one."""


def companies_of(client: HubspotClient, source: str, target: str, deals: Sequence[str]) -> dict[str, str | None]:
    """The company of each deal, by deal id, from the store."""
    found: dict[str, list[Associated]] = {deal: [] for deal in deals}
    inputs: list[dict[str, str]] = [{"id": deal} for deal in dict.fromkeys(deals)]
    path = client.paths.associated(source, target)
    while inputs:
        batch, inputs = inputs[:BATCH], inputs[BATCH:]
        for deal, associated, after in client.associated(path, {"inputs": batch}, check=_checked):
            found.setdefault(deal, []).extend(associated)
            if after is not None:
                inputs.append({"id": deal, "after": after})
    return {deal: chosen(found[deal]) for deal in deals}


def inline_company(deal: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The company in a listed deal's inline associations, and whether they are all that it has.

    The primary company comes as two rows, one of them unlabelled.
    """
    with decoding(WHERE, "the companies of a listed deal"):
        block = object_of(object_of(deal.get("associations")).get("companies"))
        pairs = [(id_of(row), row.get("type") in _INLINE_PRIMARY) for row in objects(block.get("results"))]
        complete = next_after(block) is None
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
    primary = any(
        type_.get("typeId") in PRIMARY_TYPES and type_.get("category", "HUBSPOT_DEFINED") == "HUBSPOT_DEFINED"
        for type_ in objects(entry.get("associationTypes"))
    )
    return id_of({"id": entry["toObjectId"]}), primary


def _checked(document: Json) -> list[tuple[str, list[Associated], str | None]]:
    """Each deal's companies and the cursor to more; a deal without any comes as an error, which it is not (2.7)."""
    for error in objects(document.get("errors")):
        words = f"{error.get('subCategory')} {error.get('category')} {error.get('message')}"
        if _NONE_FOUND not in words and error.get("category") != "OBJECT_NOT_FOUND":
            raise bad(f"a batch of associations failed in part: {words[:200]}")
    return [
        (id_of(result["from"]), [_association(entry) for entry in objects(result.get("to"))], next_after(result))
        for result in results_of(document)
    ]
