"""Pictures of the report: maps in five shades, bars, and columns by week. Equal figures give equal pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from syncd.report.overview.shapes import Atlas
from syncd.report.overview.tables import safe

Entry = Mapping[str, Any]
_SHADES = 5
_SHARES = (0.05, 0.1, 0.25, 0.5)
"""Shares have fixed steps, so that two editions can be laid side by side."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a map can show: its key in the rows, how people call it, and whether it is a share of companies."""

    key: str
    title: str
    of_companies: bool = False


MEASURES = (
    Measure("companies", "Companies"),
    Measure("pipeline", "Open pipeline"),
    Measure("unworked", "Nobody works", True),
    Measure("without_owner", "No active owner", True),
)


def choropleth(atlas: Atlas, rows: Sequence[Entry], called: Callable[[str], str], *, title: str, name: str) -> str:
    """A map of places by code, with a choice of measures; the first one shows where no script runs."""
    held = {row["code"]: row for row in rows}
    steps = {measure.key: _steps(measure, rows) for measure in MEASURES}
    shown: list[str] = []
    for code, path in atlas.shapes.items():
        row = held.get(code)
        classes = [_shade(_figure(measure, row), steps[measure.key]) for measure in MEASURES] if row else [0] * 4
        told = "".join(f' data-{measure.key}="{shade}"' for measure, shade in zip(MEASURES, classes, strict=True))
        words = f"{called(code)}: {_words(row)}" if row else f"{called(code)}: none"
        shown.append(f'<path class="q{classes[0]}"{told} d="{path}"><title>{safe(words)}</title></path>')
    missing = [row for row in rows if row["code"] not in atlas.shapes]
    return (
        f'<figure class="map"><figcaption>{safe(title)}</figcaption>{_choice(name)}'
        f'<svg viewBox="0 0 {atlas.width} {atlas.height}" role="img" aria-label="{safe(title)}">{"".join(shown)}</svg>'
        f"{''.join(_legends(steps))}{_unshown(missing, called)}"
        f'<p class="sub">Shapes: {safe(atlas.source)}.</p></figure>'
    )


def _choice(name: str) -> str:
    """The buttons that choose a measure; they need the script, and are hidden without it."""
    boxes = "".join(
        f'<label><input type="radio" name="{name}" value="{measure.key}"{" checked" if not place else ""}> '
        f"{measure.title}</label>"
        for place, measure in enumerate(MEASURES)
    )
    return f'<fieldset class="choice" hidden><legend>Shade by</legend>{boxes}</fieldset>'


def _legends(steps: Mapping[str, Sequence[float]]) -> Iterator[str]:
    for place, measure in enumerate(MEASURES):
        hidden = " hidden" if place else ""
        entries = "".join(
            f'<span><i class="q{shade}"></i>{safe(words)}</span>'
            for shade, words in enumerate(_said(measure, steps[measure.key]))
        )
        yield f'<p class="legend" data-of="{measure.key}"{hidden}>{entries}</p>'


def _said(measure: Measure, steps: Sequence[float]) -> list[str]:
    """The shades in words, the lightest (none) first."""
    if measure.of_companies:
        edges = [f"{step:.0%}" for step in steps]
        return ["none", f"to {edges[0]}", *(f"over {each}" for each in edges)]
    return ["none", *(f"from {_short(step)}" for step in steps)]


def _short(value: float) -> str:
    for edge, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if value >= edge:
            return f"{value / edge:.3g}{unit}"
    return f"{value:.0f}"


def _figure(measure: Measure, row: Entry) -> float:
    value = float(Decimal(str(row[measure.key])))
    return value / row["companies"] if measure.of_companies and row["companies"] else value


def _steps(measure: Measure, rows: Sequence[Entry]) -> list[float]:
    """From which value on each shade holds: fixed for shares, else so that each shade has about as many places."""
    if measure.of_companies:
        return list(_SHARES)
    found = sorted({_round_down(value) for row in rows if (value := _figure(measure, row)) > 0})
    if not found:
        return [1.0]
    if len(found) <= _SHADES:
        return found
    return sorted({found[len(found) * place // _SHADES] for place in range(_SHADES)})


def _round_down(value: float) -> float:
    """Two leading digits at most, so that a legend can be read."""
    if value < 10:
        return float(max(1, int(value)))
    size = 10.0 ** (len(str(int(value))) - 2)
    return value // size * size


def _shade(value: float, steps: Sequence[float]) -> int:
    if value <= 0:
        return 0
    if list(steps) == list(_SHARES):
        return 1 + sum(value > step for step in steps)
    return max(1, sum(value >= step for step in steps))


def _words(row: Entry) -> str:
    pipeline = _short(float(Decimal(row["pipeline"])))
    return (
        f"{row['companies']:,} companies, pipeline {pipeline}, {row['unworked']:,} that nobody works,"
        f" {row['without_owner']:,} without an active owner"
    )


def _unshown(missing: Sequence[Entry], called: Callable[[str], str]) -> str:
    """Places that are too small for the map, in words."""
    if not missing:
        return ""
    told = ", ".join(f"{called(row['code'])} {row['companies']:,}" for row in missing[:8])
    more = f" and {len(missing) - 8:,} more" if len(missing) > 8 else ""
    return f'<p class="sub">Too small to draw: {safe(told)}{more}; the table has them.</p>'


def bar(value: Decimal, most: Decimal, *, kind: str = "fill") -> str:
    """A bar as markup, as long as its share of the longest; what is not nothing shows at least a line."""
    width = float(value / most * 100) if most else 0.0
    shown = max(min(width, 100.0), 0.8 if value else 0.0)
    return f'<span class="track" aria-hidden="true"><i class="{kind}" style="width:{shown:.1f}%"></i></span>'


def pace_bar(pace: Decimal) -> str:
    """A bar of attainment against pace: the line stands where the pace is met, the bar ends at twice that."""
    kind = "good" if pace >= 1 else "near" if pace >= Decimal("0.7") else "far"
    width = min(float(pace) * 50, 100.0)
    return (
        f'<span class="track paced" aria-hidden="true"><i class="{kind}" style="width:{max(width, 0.8):.1f}%"></i>'
        "<b></b></span>"
    )


def columns(weeks: Sequence[Entry]) -> str:
    """Moves by week as columns: what syncd wrote at the bottom, what others did on top of it."""
    most = max((week["by_syncd"] + week["by_others"] for week in weeks), default=0)
    shown: list[str] = []
    for week in weeks:
        ours, theirs = (100 * week[key] / most if most else 0 for key in ("by_syncd", "by_others"))
        words = f"week of {week['week']}: {week['by_syncd']:,} by syncd, {week['by_others']:,} by others"
        total = week["by_syncd"] + week["by_others"]
        shown.append(
            f'<li><span class="sum">{total or ""}</span><span class="column" title="{safe(words)}">'
            f'<i class="theirs" style="height:{theirs:.1f}%"></i><i class="ours" style="height:{ours:.1f}%"></i></span>'
            f'<span class="when">{safe(week["week"][5:])}</span></li>'
        )
    return (
        "<figure><figcaption>Accounts that changed owner, by week (from Monday)"
        '<span class="legend"><span><i class="ours"></i>by syncd</span><span><i class="theirs"></i>by others</span>'
        f'</span></figcaption><ol class="columns">{"".join(shown)}</ol></figure>'
    )
