"""Sentences with commands, fields and keys between backticks, as HTML; knows no page and no table."""

from __future__ import annotations

from html import escape

from syncd.report.wording import plain


def with_code(text: object) -> str:
    """The escaped text; what stands between two backticks is marked as code. A lone backtick stays as it is."""
    parts = escape(plain(text), quote=True).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts)
    return "".join(f'<code class="word">{part}</code>' if odd % 2 else part for odd, part in enumerate(parts))
