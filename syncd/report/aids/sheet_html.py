"""A sheet of a planning aid as one HTML file: no network, light and dark, sortable tables, prints whole."""

from __future__ import annotations

from html import escape

from syncd.report.aids.sections import Cell, Section, Sheet
from syncd.report.inline_code import with_code
from syncd.report.plans.plan_page import SCRIPT, STYLE
from syncd.report.wording import plain

_WRAP = "p,li{overflow-wrap:anywhere}"
"""Ids and addresses are longer than a phone is wide."""


def render_html(sheet: Sheet) -> str:
    """The page; every text from a CRM is escaped."""
    lead = "".join(f'<p class="sub">{with_code(sentence)}</p>' for sentence in sheet.lead)
    tiles = "".join(f"<div><dt>{_safe(name)}</dt><dd>{_safe(value)}</dd></div>" for name, value in sheet.tiles)
    body = "".join(map(_section, sheet.sections))
    closing = f"<p>{with_code(sheet.closing)}</p>" if sheet.closing else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_safe(sheet.title)}</title><style>{STYLE}{_WRAP}</style></head>\n<body><header><h1>{_safe(sheet.title)}</h1>"
        f'{lead}</header>\n<main><dl class="tiles">{tiles}</dl>\n{body}{closing}</main>'
        f"\n<script>{SCRIPT}</script></body></html>\n"
    )


def _section(section: Section) -> str:
    lines = "".join(f"<p>{with_code(sentence)}</p>" for sentence in section.lines)
    foot = "".join(f'<p class="sub">{with_code(sentence)}</p>' for sentence in section.foot)
    items = "".join(f"<li>{with_code(item)}</li>" for item in section.items)
    listed = f"<ul>{items}</ul>" if items else ""
    return f"<section><h2>{_safe(section.title)}</h2>{lines}{_table(section)}{listed}{foot}</section>\n"


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    heads = "".join(f"<th{_class(place, section)}>{_safe(head)}</th>" for place, head in enumerate(section.headers))
    rows = "".join(
        f"<tr>{''.join(_cell(place, cell, section) for place, cell in enumerate(row))}</tr>" for row in section.rows
    )
    label = f'aria-label="{_safe(section.title)}"'
    table = f'<table class="cards" {label}><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="scroll" tabindex="0" role="region" {label}>{table}</div>'


def _cell(place: int, cell: Cell, section: Section) -> str:
    text = "" if cell is None else plain(cell)
    value = ""
    if place in section.right and text:
        number = text.split(" ", 1)[0].replace(",", "").rstrip("%")
        value = f' data-v="{escape(number, quote=True)}"'
    return f'<td{_class(place, section)} data-h="{_safe(section.headers[place])}"{value}>{escape(text)}</td>'


def _class(place: int, section: Section) -> str:
    return ' class="n"' if place in section.right else ""


def _safe(text: object) -> str:
    return escape(plain(text), quote=True)
