"""A sheet of a planning aid as plain text, 80 columns wide."""

from __future__ import annotations

from syncd.report.aids.sections import Section, Sheet
from syncd.report.table import render_table
from syncd.report.wording import plain, wrapped


def render_text(sheet: Sheet) -> str:
    """The sheet; complete without colour."""
    lines = [plain(sheet.title)]
    lines += [wrapped(plain(sentence), indent=0) for sentence in sheet.lead]
    if sheet.tiles:
        lines += ["", *(f"{plain(name)}: {plain(value)}" for name, value in sheet.tiles)]
    for section in sheet.sections:
        lines += ["", *_section(section)]
    if sheet.closing:
        lines += ["", wrapped(plain(sheet.closing), indent=0)]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> list[str]:
    lines = [plain(section.title)]
    lines += [wrapped(plain(sentence), indent=2) for sentence in section.lines]
    if section.rows:
        told = render_table(section.headers, section.rows, right=section.right, width=78)
        lines += [f"  {line}" for line in told.splitlines()]
    lines += [wrapped(f"- {plain(item)}", indent=2, hanging=4) for item in section.items]
    return lines + [wrapped(plain(sentence), indent=2) for sentence in section.foot]
