"""A sheet of a planning aid as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from syncd.report.aids.sections import Sheet
from syncd.report.markdown import Page, escaped, row


def render_markdown(sheet: Sheet) -> str:
    """The sheet; it stops before code hosts refuse it, and says so."""
    page = Page()
    page.add([f"## {escaped(sheet.title)}"])
    page.add([escaped(sentence) for sentence in sheet.lead])
    if sheet.tiles:
        names, values = zip(*sheet.tiles, strict=True)
        page.add([row(map(escaped, names)), row(["---"] * len(names)), row(map(escaped, values))])
    for section in sheet.sections:
        page.add([f"### {escaped(section.title)}", "", *(escaped(sentence) for sentence in section.lines)])
        if section.rows:
            rows = [["" if cell is None else escaped(cell) for cell in cells] for cells in section.rows]
            page.table("", list(map(escaped, section.headers)), rows)
        page.add([f"- {escaped(item)}" for item in section.items])
        page.add([escaped(sentence) for sentence in section.foot])
    return page.finished(escaped(sheet.closing or "This is a proposal: nothing was written to a CRM."))
