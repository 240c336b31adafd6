"""A pack in plain English as one HTML file: a tree that opens and folds, readable at hundreds of territories.

It needs no network, follows the reader's light or dark, prints whole, and lets nothing of the pack become markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from syncd.report.packs.pack_page import SCRIPT, STYLE
from syncd.report.packs.pack_view import PackView, Section, TerritoryView
from syncd.report.wording import counted

_OPEN_BELOW, _FIRST_LEVEL_BELOW = 40, 150
"""Up to so many territories the whole tree is open when the page is; up to so many, the first level; else none."""


def render_pack_html(view: PackView) -> str:
    """The page; ends with a newline."""
    return "\n".join(_page(view)) + "\n"


def _page(view: PackView) -> Iterator[str]:
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(view.name)}: territories</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    yield f"<header><h1>{escape(view.name)}</h1>"
    size = counted(view.count, "territory", "territories")
    yield f'<p class="sub">{size} · revision <code>{view.revision}</code></p>'
    yield '<div class="bar"><input id="find" type="search" placeholder="Find a territory, person or word"'
    yield ' aria-label="Find"><button id="open" type="button">Open all</button>'
    yield '<button id="fold" type="button">Fold all</button><span id="count" role="status"></span></div></header>'
    links = " · ".join(f'<a href="#{_id(title)}">{escape(title)}</a>' for title in _titles(view))
    yield f'<nav aria-label="Parts of this page">{links}</nav>'
    yield '<main><section><h2 id="how-to-read-it">How to read it</h2>' + _points(view.facts) + "</section>"
    for role, roots in view.roles:
        title = _role_title(role)
        yield f'<section><h2 id="{_id(title)}">{escape(title)}</h2><div class="tree">'
        for root in roots:
            yield from _territory(root, 2 * (view.count <= _OPEN_BELOW) + (view.count <= _FIRST_LEVEL_BELOW))
        yield "</div></section>"
    yield from (_section(section) for section in view.sections)
    yield f"</main>\n<script>{SCRIPT}</script>\n</body>\n</html>"


def _titles(view: PackView) -> Iterator[str]:
    yield "How to read it"
    yield from (_role_title(role) for role, _ in view.roles)
    yield from (section.title for section in view.sections)


def _role_title(role: str) -> str:
    return "Territories" if role == "owner" else f"Territories of the role {role}"


def _id(title: str) -> str:
    return "-".join("".join(char if char.isalnum() else " " for char in title.lower()).split())


def _territory(territory: TerritoryView, opened: int) -> Iterator[str]:
    """A territory and those below it: 0 folded, 1 open with those below folded, more all open."""
    shown = " open" if opened > 1 or (opened and territory.children) else ""
    below = len(list(territory.walk())) - 1
    size = f'<span class="size">{below:,} below</span>' if below else ""
    name = f'id="t-{escape(territory.path.replace("/", "-"))}" aria-label="{escape(territory.path)}"'
    yield f'<details class="territory" {name}{shown}>'
    hint = f'<span class="hint">{escape(_hint(territory))}</span>'
    yield f"<summary><b>{escape(territory.name)}</b> {size}{hint}</summary>"
    yield '<div class="body">'
    if territory.note:
        yield f'<p class="note">{escape(territory.note)}</p>'
    yield f"<dl><dt>Who is in it</dt><dd>{_who(territory)}</dd>"
    yield f"<dt>Who gets it</dt><dd>{escape(territory.gets)}</dd>"
    if territory.more:
        yield f"<dt>And</dt><dd>{_points(territory.more)}</dd>"
    yield f"<dt>Written at</dt><dd><code>{escape(territory.place)}</code></dd></dl>"
    for child in territory.children:
        yield from _territory(child, opened if opened > 1 else 0)
    yield "</div></details>"


def _hint(territory: TerritoryView) -> str:
    """What a folded territory shows beside its name: the beginning of who is in it."""
    return "; ".join(territory.who) if territory.who else "everything else"


def _who(territory: TerritoryView) -> str:
    parent = territory.path.rpartition("/")[0]
    scope = f" of {escape(parent)}" if parent else ""
    if not territory.who:
        return f"Every account{scope} that none of the territories above it here takes."
    if len(territory.who) == 1:
        return f"Accounts{scope} where {escape(territory.who[0])}."
    return f"Accounts{scope} where all of this holds:{_points(territory.who)}"


def _points(points: tuple[str, ...]) -> str:
    return "<ul>" + "".join(f"<li>{escape(point)}</li>" for point in points) + "</ul>"


def _section(section: Section) -> str:
    return f'<section><h2 id="{_id(section.title)}">{escape(section.title)}</h2>{_points(section.points)}</section>'
