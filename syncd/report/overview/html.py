"""The report's document as one HTML file: no network, opens from disk, light and dark, prints whole, works unscripted.

Nothing of a CRM becomes markup. Equal documents give equal pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from syncd.model.normalisation.titles import country_title, state_title
from syncd.report.overview.commands import COMMANDS
from syncd.report.overview.page import SCRIPT, STYLE
from syncd.report.overview.pictures import bar, choropleth, columns, pace_bar
from syncd.report.overview.shapes import us_states, world
from syncd.report.overview.tables import Cell, advice, amount, link, number, safe, share, table
from syncd.report.wording import counted, moment, money

Entry = Mapping[str, Any]
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_PERIODS = {"weekly": "week", "monthly": "month", "quarterly": "quarter"}
_SECTIONS = (
    ("attainment", "Attainment"),
    ("territories", "Territories"),
    ("reps", "Balance"),
    ("findings", "Coverage"),
    ("moves", "Moves"),
    ("alerts", "Alerts"),
    ("places", "Map"),
    ("largest", "Largest deals"),
    ("quality", "Data quality"),
)


def title_of(document: Entry) -> str:
    """`Territory report, week to 2026-11-20`."""
    return f"Territory report, {_PERIODS[document['edition']]} to {document['now'][:10]}"


def render_overview_html(document: Entry) -> str:
    """The page, ending with a newline."""
    title, pack = safe(title_of(document)), safe(document["pack"])
    links = "".join(f'<a href="#{key}">{name}</a>' for key, name in _SECTIONS)
    body = "\n".join(_sections(document))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header><h1>{title}</h1>"
        f'<p class="sub">{_made(document)}</p>{"".join(_tiles(document))}</header>'
        f'\n<nav aria-label="Sections">{links}</nav>\n<main>\n{body}\n'
        f'<p class="sub">Made by syncd from the rules of {pack}. {_command("all")}</p></main>\n'
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _made(document: Entry) -> str:
    mirrors = ", ".join(
        f"{system} read {moment(each['as_of']) if each['as_of'] else 'never'}{' (stale)' if each['stale'] else ''}"
        for system, each in sorted(document["mirror"].items())
    )
    return safe(
        f"{document['since'][:10]} to {moment(document['now'])} · mode {document['mode']} · pack revision"
        f" {document['pack_revision']} · {mirrors} · money in {document['currency']}"
    )


def _command(key: str) -> str:
    return f'<span class="cmd">Explained by <code>{safe(COMMANDS[key])}</code></span>'


def _tiles(document: Entry) -> Iterator[str]:
    """The figures that a reader sees before scrolling, each with the command behind it."""
    figures, currency = document["summary"], document["currency"]
    period = f"this {_PERIODS[document['edition']]}"
    shown = (
        ("companies", "Companies", f"{figures['companies']:,}"),
        ("pipeline", "Open pipeline", _money(figures["pipeline"], currency)),
        ("won", f"Won {period}", _won(figures, currency)),
        ("reps", "Active owners", f"{figures['reps']:,}"),
        ("without_owner", "No active owner", f"{figures['without_owner']:,}"),
        ("unworked", "Nobody works", f"{figures['unworked']:,}"),
        ("moved", f"Changed owner {period}", f"{figures['moved']:,}"),
        ("moved_by_others", "… by others", f"{figures['moved_by_others']:,}"),
        ("to_change", "Rules want moved", f"{figures['to_change']:,}"),
        ("alerts_open", "Alerts open", f"{figures['alerts_open']:,}"),
    )
    yield '<dl class="tiles">'
    for key, name, text in shown:
        yield f"<div><dt>{safe(name)}</dt><dd>{safe(text)}<small><code>{safe(COMMANDS[key])}</code></small></dd></div>"
    yield "</dl>"


def _won(figures: Entry, currency: str) -> str:
    deals = figures["deals_won"]
    return f"{_money(figures['won'], currency)} in {counted(deals, 'deal')}" if deals else "nothing"


def _money(text: str, currency: str) -> str:
    """Money in whole units: cents say nothing of a book."""
    return money(f"{Decimal(text):.0f}", currency)


def _sections(document: Entry) -> Iterator[str]:
    makers = {
        "attainment": _attainment,
        "territories": _territories,
        "reps": _reps,
        "findings": _findings,
        "moves": _moves,
        "alerts": _alerts,
        "places": _places,
        "largest": _largest,
        "quality": _quality,
    }
    for key, name in _SECTIONS:
        yield f'<section id="{key}"><h2>{name}</h2>{"".join(makers[key](document))}</section>'


def _said(text: str, key: str) -> str:
    return f'<p class="cmd">{safe(text)} {_command(key)}</p>'


def _attainment(document: Entry) -> Iterator[str]:
    rows = document["attainment"]
    if document["attainment_problem"]:
        yield f'<p class="guard">{safe(document["attainment_problem"])}</p>'
        return
    if not rows:
        yield '<p class="none">The pack has no quotas that are under way.</p>'
        return
    behind = sum(row["speaks"] and Decimal(row["pace"]) < Decimal("0.7") for row in rows)
    words = f"{len(rows):,} quotas under way, {behind:,} below 70 % of their pace. The line marks the pace of today."
    yield _said(words, "attainment")
    headers = ("Quota of", "Period", "Won", "Expected by now", "Quota", "Of pace", "", "Written in")
    yield table(
        headers,
        ([*_reached(row)] for row in rows),
        name="Attainment against pace",
        right=(2, 3, 4, 5),
        find="Find a territory or rep" if len(rows) > 10 else "",
    )


def _reached(row: Entry) -> Iterator[Cell]:
    pace = Decimal(row["pace"])
    yield Cell(row["subject"])
    yield Cell(row["period"])
    yield amount(row["won"])
    yield amount(row["expected"])
    yield amount(row["quota"])
    yield Cell(f"{pace:.0%}" if row["speaks"] else f"{pace:.0%} (early)", row["pace"])
    yield Cell(markup=pace_bar(pace))
    yield Cell(row["where"])


def _territories(document: Entry) -> Iterator[str]:
    rows = document["territories"]
    most = max((Decimal(row["pipeline"]) for row in rows), default=Decimal(0))
    bands = sorted({band for row in rows for band in row["bands"]})
    words = (
        f"{len(rows):,} territories; each counts what is below it, too. Sort by a column and the tree becomes a list."
    )
    yield _said(words, "territories")
    headers = ("Territory", "Companies", "Open pipeline", "", "Won, 12 months", "No owner", "Nobody works", *bands)
    shown = (
        [
            Cell(row["path"], row["path"], _branch(row)),
            number(row["companies"]),
            amount(row["pipeline"]),
            Cell(markup=bar(Decimal(row["pipeline"]), most)),
            amount(row["won_12m"]),
            share(row["without_owner"], row["companies"]),
            share(row["unworked"], row["companies"]),
            *(number(row["bands"].get(band, 0)) for band in bands),
        ]
        for row in rows
    )
    marks = (f'data-path="{safe(row["path"])}" data-leaf="{1 if row["leaf"] else 0}"' for row in rows)
    right = (1, 2, 4, 5, 6, *range(7, 7 + len(bands)))
    made = table(headers, shown, name="Territories", right=right, find="Find a territory", marks=marks)
    yield f'<div class="tree">{made}</div>'


def _branch(row: Entry) -> str:
    return (
        f'<span class="in" style="--d:{row["depth"]}"></span><span class="pad"></span>'
        f'<span class="short">{safe(row["name"])}</span><span class="full">{safe(row["path"])}</span>'
    )


def _reps(document: Entry) -> Iterator[str]:
    rows, spread = document["reps"], document["balance"]
    named = (("companies", "companies"), ("pipeline", "open pipeline"), ("won_12m", "won in 12 months"))
    told = "; ".join(f"{name} {spread[key]['cv']} (Gini {spread[key]['gini']})" for key, name in named)
    yield _said(f"{len(rows):,} active owners. Unevenness (CV, 0 where all hold alike): {told}.", "reps")
    most = {key: max((Decimal(str(row[key])) for row in rows), default=Decimal(0)) for key in ("companies", "pipeline")}
    shown = (
        [
            Cell(row["email"]),
            number(row["companies"]),
            Cell(markup=bar(Decimal(row["companies"]), most["companies"])),
            amount(row["pipeline"]),
            Cell(markup=bar(Decimal(row["pipeline"]), most["pipeline"])),
            amount(row["won_12m"]),
            share(row["unworked"], row["companies"]),
        ]
        for row in rows
    )
    headers = ("Owner", "Companies", "", "Open pipeline", "", "Won, 12 months", "Nobody works")
    yield table(headers, shown, name="Owners", right=(1, 3, 5, 6), find="Find an owner" if len(rows) > 10 else "")


def _findings(document: Entry) -> Iterator[str]:
    yield _said(
        "Owners who left, orphans, gaps and accounts that nobody works, with the first thing to do.", "findings"
    )
    found = [each for each in document["findings"] if each["count"]]
    shown = (
        [
            Cell(each["title"]),
            Cell(f"{each['count']:,} of {each['of']:,} {each['unit']}", str(each["count"])),
            amount(each["money_at_stake"]),
            Cell("; ".join(f"{group['name']} {group['count']:,}" for group in each["groups"][:4])),
            Cell(markup="".join(_example(document, one) for one in each["examples"][:3])),
            advice(each["first"]),
        ]
        for each in found
    )
    headers = ("Finding", "How many", "Open pipeline", "Most with", "Such as", "First thing to do")
    yield table(headers, shown, name="Coverage and work", right=(1, 2))
    clean = [each["title"] for each in document["findings"] if not each["count"]]
    if clean:
        yield f'<p class="sub">Nothing found: {safe("; ".join(clean))}.</p>'


def _example(document: Entry, example: Entry) -> str:
    """One line of a cell, in a part of its own: on a phone the parts of a cell stand beside its heading."""
    return f"<div>{_opened(document, example['ref'], example['name'])}: {safe(example['text'])}</div>"


def _opened(document: Entry, ref: str, name: str) -> str:
    """A record's name as a link into its CRM, where that is known."""
    system, _, rest = ref.partition(":")
    kind, _, record = rest.partition(":")
    target = document["links"].get(system) if kind == "account" and record else None
    return link(target.replace("{id}", quote(record, safe="")), name) if target else safe(name)


def _moves(document: Entry) -> Iterator[str]:
    figures = document["summary"]
    words = f"{figures['moved']:,} since {document['since'][:10]}, {figures['moved_by_others']:,} of them by others."
    yield _said(words, "weeks")
    if any(week["by_syncd"] or week["by_others"] for week in document["weeks"]):
        yield columns(document["weeks"])
    else:
        yield f'<p class="none">No account changed owner in the last {len(document["weeks"])} weeks.</p>'
    rows = document["movers"]
    if rows:
        shown = (
            [Cell(row["email"]), number(row["gained"]), number(row["lost"]), _net(row["gained"] - row["lost"])]
            for row in rows
        )
        headers = ("Owner", "Gained", "Lost", "Net")
        yield f"<h3>Who gained and lost since {safe(document['since'][:10])}</h3>"
        yield table(headers, shown, name="Who gained and lost", right=(1, 2, 3))


def _net(value: int) -> Cell:
    return Cell(f"{value:+,}" if value else "±0", str(value))


def _alerts(document: Entry) -> Iterator[str]:
    alerts = document["alerts"]
    yield _said(f"{alerts['open_total']:,} open.", "alerts")
    if alerts["open"]:
        shown = (
            [
                Cell(str(each["id"])),
                Cell(
                    each["severity"], _severity(each), f'<span class="sev {each["severity"]}">{each["severity"]}</span>'
                ),
                Cell(each["monitor"]),
                Cell(each["summary"]),
                Cell(moment(each["since"]), each["since"]),
                Cell(each["acknowledged_by"] or "nobody yet"),
                Cell(markup=f"<code>{safe(each['first_command'])}</code>" if each["first_command"] else ""),
            ]
            for each in alerts["open"]
        )
        headers = ("Id", "Severity", "Monitor", "What", "Since", "Taken by", "First")
        yield table(headers, shown, name="Open alerts", find="Find an alert" if len(alerts["open"]) > 10 else "")
    if alerts["by_monitor"]:
        rows = ([Cell(row["monitor"]), number(row["fired"]), number(row["ended"])] for row in alerts["by_monitor"])
        yield f"<h3>Since {safe(document['since'][:10])}</h3>"
        yield table(("Monitor", "Fired", "Ended"), rows, name="Alerts by monitor", right=(1, 2))


def _severity(each: Entry) -> str:
    return {"page": "0", "ticket": "1"}.get(each["severity"], "2")


def _places(document: Entry) -> Iterator[str]:
    yield _said("Companies by the country and state of their address.", "places")
    yield '<div class="maps">'
    yield choropleth(world(), document["countries"], country_title, title="The world", name="world")
    if document["states"]:
        yield choropleth(us_states(), document["states"], state_title, title="States of the USA", name="states")
    yield '</div><div class="two">'
    named = (
        ("countries", "Countries", "Country", country_title),
        ("states", "States of the USA", "State", state_title),
    )
    for key, title, head, called in named:
        if document[key]:
            yield f"<div><h3>{title}</h3>{_place_table(document[key], called, title, head)}</div>"
    yield "</div>"


def _place_table(rows: Sequence[Entry], called: Callable[[str], str], title: str, head: str) -> str:
    shown = (
        [
            Cell(called(row["code"])),
            number(row["companies"]),
            amount(row["pipeline"]),
            share(row["unworked"], row["companies"]),
            share(row["without_owner"], row["companies"]),
        ]
        for row in rows
    )
    headers = (head, "Companies", "Open pipeline", "Nobody works", "No owner")
    return table(headers, shown, name=title, right=(1, 2, 3, 4))


def _largest(document: Entry) -> Iterator[str]:
    rows = document["largest"]
    yield _said("Companies with the most open pipeline; the name opens the record.", "largest")
    shown = (
        [
            Cell(row["name"], row["name"], "<br>".join(_records(document, row))),
            Cell(row["owner"] or "nobody"),
            Cell(row["territory"] or "(no territory)"),
            amount(row["pipeline"]),
            Cell(markup=f"<code>syncd explain {safe(row['company'])}</code>"),
        ]
        for row in rows
    )
    headers = ("Company", "Owner", "Territory", "Open pipeline", "Why")
    yield table(headers, shown, name="Companies with the most open pipeline", right=(3,), find="Find a company")


def _records(document: Entry, row: Entry) -> Iterator[str]:
    """The company's name as a link, and a link more where the other CRM holds it, too."""
    for place, ref in enumerate(row["refs"] or [row["company"]]):
        system = ref.partition(":")[0]
        yield _opened(document, ref, row["name"] if not place else f"in {system}")


def _quality(document: Entry) -> Iterator[str]:
    yield _said("Fields that rules may read: missing, not to be read, or different in the two CRMs.", "quality")
    shown = (
        [
            Cell(each["subject"]),
            share(each["count"], each["of"]),
            number(each["of"]),
            Cell("; ".join(f"{group['name']} {group['count']:,}" for group in each["groups"])),
            advice(each["first"]),
        ]
        for each in sorted(document["quality"], key=lambda each: (-each["count"], each["subject"]))
    )
    headers = ("Field", "Affected", "Of companies", "How", "First thing to do")
    yield table(headers, shown, name="Data quality by field", right=(1, 2))
