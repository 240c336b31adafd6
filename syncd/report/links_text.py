"""The links between two CRMs as text of 80 columns: how records were joined, and who might be one company."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import shorten, wrap
from typing import Any

_WIDTH = 80


def links_text(document: Mapping[str, Any]) -> str:
    """A document of `links_document`: three lines a candidate, its two records and why."""
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    joined = ", ".join(f"{count:,} by {evidence}" for evidence, count in document["evidence"].items()) or "none"
    total, shown = document["candidates_total"], document["candidates"]
    yield f"joined records: {joined}"
    yield f"candidates: {total:,}" + (f", the first {len(shown):,}:" if len(shown) < total else "")
    for one in shown:
        yield ""
        yield from wrap(f"{one['score']:>3}  {one['reason']}", _WIDTH, subsequent_indent=" " * 5)
        for side in (one["salesforce"], one["hubspot"]):
            yield f"     {side['ref']}"
            yield " " * 7 + shorten(_told(side), _WIDTH - 7, placeholder=" …")
    if shown:
        yield ""
        yield "One company: syncd link confirm REF REF; two: syncd link reject REF REF"


def _told(side: Mapping[str, Any]) -> str:
    """What a person knows a company by."""
    place = " ".join(side[name] for name in ("postal_code", "city") if side[name])
    parts = (side["name"] or "without a name", place, side["country"], side["website"])
    return ", ".join(part for part in parts if part)
