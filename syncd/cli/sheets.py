"""How commands of planning aids print: the document as JSON, or its sheet as text, Markdown or HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli.output import put

if TYPE_CHECKING:  # imported at run time only by the commands that need it: --help stays quick
    from syncd.report.aids.sections import Sheet

FORMATS = ["text", "json", "markdown", "html"]


def put_sheet(
    document: Mapping[str, Any], sheet_of: Callable[[Mapping[str, Any]], Sheet], format_: str, out: Path | None
) -> None:
    """A document in one of FORMATS, on stdout or in a file; UsageError SYN004 where that cannot be written."""
    put(_rendered(document, sheet_of, format_), out)


def _rendered(document: Mapping[str, Any], sheet_of: Callable[[Mapping[str, Any]], Sheet], format_: str) -> str:
    if format_ == "json":
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    if format_ == "markdown":
        from syncd.report.aids.sheet_markdown import render_markdown

        return render_markdown(sheet_of(document))
    if format_ == "html":
        from syncd.report.aids.sheet_html import render_html

        return render_html(sheet_of(document))
    from syncd.report.aids.sheet_text import render_text

    return render_text(sheet_of(document))
