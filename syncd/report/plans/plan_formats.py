"""A plan's document in each of its formats: which renderer makes which. Loads only the one that is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from syncd.report.plans.plan_view import Entry

Format = Literal["text", "json", "markdown", "csv", "html"]
FORMATS: tuple[str, ...] = get_args(Format)
"""The formats of a plan, the one for terminals first."""


def rendered(document: Entry, format_: str) -> Iterable[str]:
    """What `render` gives, JSON in pieces."""
    if format_ == "json":
        from syncd.report.plans.plan_json import plan_json_pieces

        return plan_json_pieces(document)
    return (render(document, format_),)


def render(document: Entry, format_: str) -> str:
    """The document in a format; ValueError for a format that there is not, InputError SYN540 for another document."""
    if format_ == "json":
        from syncd.report.plans.plan_json import render_plan_json

        return render_plan_json(document)
    if format_ == "markdown":
        from syncd.report.plans.plan_markdown import render_markdown

        return render_markdown(document)
    if format_ == "csv":
        from syncd.report.plans.plan_csv import render_plan_csv

        return render_plan_csv(document)
    if format_ == "html":
        from syncd.report.plans.plan_html import render_plan_html

        return render_plan_html(document)
    if format_ != "text":
        raise ValueError(f"a plan has no format {format_!r}")
    from syncd.report.plans.plan_text import render_plan

    return render_plan(document)
