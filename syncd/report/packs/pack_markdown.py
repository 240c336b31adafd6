"""A pack in plain English as Markdown: one heading a territory, for a wiki or a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.report.markdown import escaped
from syncd.report.packs.pack_view import PackView, TerritoryView

_DEEPEST = 6


def render_pack_markdown(view: PackView) -> str:
    """The page; ends with a newline. Texts of the pack show as they are: none of them becomes markup."""
    lines = [f"# {escaped(view.name)}", ""]
    lines += [f"- {escaped(fact)}" for fact in view.facts]
    lines += [f"- Pack revision `{view.revision}`.", ""]
    for role, roots in view.roles:
        lines += [f"## {'Territories' if role == 'owner' else f'Territories of the role {escaped(role)}'}", ""]
        for root in roots:
            lines += _territory(root, 3)
    for section in view.sections:
        lines += [f"## {section.title}", "", *(f"- {escaped(point)}" for point in section.points), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _territory(territory: TerritoryView, level: int) -> Iterator[str]:
    title = territory.name if level <= _DEEPEST else territory.path
    yield f"{'#' * min(level, _DEEPEST)} {escaped(title)}"
    yield ""
    if territory.note:
        yield f"> {escaped(territory.note)}"
        yield ""
    yield from _who(territory)
    yield f"- **Who gets it**: {escaped(territory.gets)}"
    for line in territory.more:
        yield f"- {escaped(line)}"
    yield f"- Written at `{territory.place}`."
    yield ""
    for child in territory.children:
        yield from _territory(child, level + 1)


def _who(territory: TerritoryView) -> Iterator[str]:
    parent = territory.path.rpartition("/")[0]
    scope = f" of {escaped(parent)}" if parent else ""
    if not territory.who:
        yield f"- **Who is in it**: every account{scope} that none of the territories above it here takes."
    elif len(territory.who) == 1:
        yield f"- **Who is in it**: accounts{scope} where {escaped(territory.who[0])}."
    else:
        yield f"- **Who is in it**: accounts{scope} where all of this holds:"
        yield from (f"  - {escaped(clause)}" for clause in territory.who)
