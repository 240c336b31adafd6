"""`plan --watch`: a plan, and after each save of the pack and each pull what differs from the one before."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from syncd.cli.output import show_error, show_findings
from syncd.cli.session import open_context
from syncd.errors import ExitCode, InputError
from syncd.jobs.plans.replanning import Replan, Replanner
from syncd.jobs.stages import Stages
from syncd.report.comparisons.comparison_view import called, rule_change, side
from syncd.rules.collector import without_collector

LOOKS_EVERY = 0.3
"""Seconds between two looks at the files of the pack, and at how far pulls have come."""
_SHOWN = 20


def watch_pack(ctx: click.Context, pack: Path | None, *, all_: bool, timings: bool, save: bool = False) -> int:
    """Plan, then look at pack and mirror again and again; an invalid pack shows its findings and is waited for.

    With `save` each plan that differs from the last one saved is saved, as a preview.
    """
    with open_context(ctx) as context:
        replanner = Replanner(context, pack)
        seen: object = None
        try:
            while True:
                found = (replanner.footprint(), replanner.pulled())
                if found != seen:
                    seen = found
                    stages = Stages(context.clock.monotonic)
                    with without_collector():  # it looks for garbage once the answer is told
                        _replan(replanner, stages, everything=all_, save=save)
                    for line in stages.lines() if timings else ():
                        click.echo(line, err=True)
                context.clock.sleep(LOOKS_EVERY)
        except KeyboardInterrupt:
            click.echo("", err=True)
            return ExitCode.OK


def _replan(replanner: Replanner, stages: Stages, *, everything: bool, save: bool) -> None:
    """Plan anew and show it, and what is wrong with the pack where it is invalid."""
    try:
        replan = replanner.plan(stages)
    except InputError as error:
        show_error(error)
        return
    show_findings(replan.findings)
    click.echo("\n".join(told(replan, everything=everything)))
    if save:
        with stages.stage("save the plan"):
            kept = replanner.save()
        click.echo(f"  preview {kept['plan_id']}" if kept["plan_id"] else "  nothing to save")


def told(replan: Replan, *, everything: bool = False) -> list[str]:
    """A plan as lines of text: what it comes to, then the edits and whom they concern; of these the first twenty."""
    outcomes = [each.outcome.value for each in replan.side.decisions]
    totals = Counter(outcomes) + Counter({"keep": replan.kept})
    counts = ", ".join(f"{totals[each]:,} {each}" for each in sorted(totals))
    lines = [f"{replan.now:%Y-%m-%d %H:%M}Z, pack {replan.side.pack.revision}: {counts or 'no companies'}"]
    lines += [f"  {rule_change(dict(each))}" for each in replan.rules]
    shown = replan.entries if everything else replan.entries[:_SHOWN]
    for entry in shown:
        load = "  # loads shifted" if entry["cause"] == "load" else ""
        lines.append(f"  ~ {called(dict(entry))}: {side(entry['from'])} -> {side(entry['to'])}{load}")
    if len(shown) < len(replan.entries):
        lines.append(f"  … and {len(replan.entries) - len(shown):,} more: --all lists them")
    if replan.first:
        return [*lines, "  save a file of the pack, or wait for a pull: what comes out otherwise is shown"]
    return [*lines, f"  {len(replan.entries):,} decisions differ from the last plan"]
