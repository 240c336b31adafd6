"""Editions of the report: filed under their date, and told to the receivers that ask for them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncd.alerts.notices import report_body
from syncd.clock import parse_instant
from syncd.errors import ConfigError
from syncd.jobs.aids.overview import overview_document
from syncd.jobs.context import Context
from syncd.jobs.recording import recorded
from syncd.jobs.telling import enqueue_for, open_receivers
from syncd.report.overview.html import render_overview_html, title_of
from syncd.report.wording import counted
from syncd.rules.matching.time_window import local_day

JOB = "report"


def rendered(document: Mapping[str, Any], format_: str) -> str:
    """The report as `html` or `json`, ending with a newline."""
    if format_ == "json":
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    return render_overview_html(document)


def publish(context: Context, edition: str) -> Path:
    """Make an edition, put it into the settings' folder, and queue a notice for every receiver of reports.

    The edition of one day is made once: made again, it replaces the file, and nobody is told twice. Of each edition the
    newest `report.keep` stay. Returns the file. Raises ConfigError SYN790 where there is no such folder to write to.
    """
    with recorded(context, JOB, {"edition": edition}) as run:
        document = overview_document(context, edition)
        path = _file(context, document, edition)
        now = context.clock.now()
        body = report_body(title_of(document), lines_of(document), f"{edition}-{path.stem[-10:]}", str(path), now)
        with context.store.write() as conn:
            told = enqueue_for(conn, f"report:{path.stem}", JOB, body, open_receivers(context).values(), now)
        run.summary = {"file": str(path), "told": told, "companies": document["summary"]["companies"]}
    return path


def lines_of(document: Mapping[str, Any]) -> list[str]:
    """The figures that matter most, for a message."""
    figures, currency, wins = document["summary"], document["currency"], document["summary"]["deals_won"]
    behind = sum(each["speaks"] and Decimal(each["pace"]) < Decimal("0.7") for each in document["attainment"])
    return [
        f"companies: {figures['companies']:,}, open pipeline {Decimal(figures['pipeline']):,.0f} {currency}",
        f"won since {document['since'][:10]}: {Decimal(figures['won']):,.0f} {currency} in {counted(wins, 'deal')}",
        f"quotas under way: {len(document['attainment']):,}, below 70 % of pace: {behind:,}",
        f"without an active owner: {figures['without_owner']:,}; nobody works: {figures['unworked']:,}",
        f"changed owner: {figures['moved']:,}, by others than syncd: {figures['moved_by_others']:,}",
        f"alerts open: {figures['alerts_open']:,}",
    ]


def _file(context: Context, document: Mapping[str, Any], edition: str) -> Path:
    """Write the page as `syncd-weekly-2026-11-23.html`, whole or not at all; older ones beyond `keep` go."""
    folder = context.settings.report.folder
    if folder is None:
        hint = "name a folder that syncd may write with report.folder"
        raise ConfigError("SYN790", "there is no folder for reports", where="report.folder", hint=hint)
    day = local_day(_instant(document), context.pack().zone)
    path = folder / f"syncd-{edition}-{day}.html"
    draft = path.with_suffix(".tmp")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text(render_overview_html(document), encoding="utf-8", newline="")
        os.replace(draft, path)
    except OSError as error:
        hint = "name a folder that syncd may write with report.folder"
        raise ConfigError("SYN790", f"{path}: {error.strerror}", where="report.folder", hint=hint) from error
    pattern = re.compile(rf"syncd-{edition}-\d{{4}}-\d\d-\d\d\.html")
    filed = sorted(each for each in folder.iterdir() if pattern.fullmatch(each.name))
    for old in filed[: -context.settings.report.keep]:
        old.unlink(missing_ok=True)
    return path


def _instant(document: Mapping[str, Any]) -> datetime:
    return parse_instant(document["now"]).astimezone(UTC)
