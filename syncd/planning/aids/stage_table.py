"""Stages as people read them: how many deals of each went on, were won or lost, and how long they stood there. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from syncd.planning.aids.chances import Seen
from syncd.planning.aids.measures import Share, middle_of
from syncd.planning.aids.stage_chances import Stage, Stay, standing, stays


def stage_table(seen: Iterable[Seen]) -> list[dict[str, Any]]:
    """By stage, in the order of the median age of deals that enter it: conversion and time, with counts and intervals.

    `moved_on` counts stays that ended in another stage, `won` deals that ended won of those that ended and once stood
    there; `days` are those of stays that ended and whose beginning is known.
    """
    ended: dict[Stage, list[Stay]] = defaultdict(list)
    reached: dict[Stage, list[bool]] = defaultdict(list)
    ages: dict[Stage, list[Decimal]] = defaultdict(list)
    open_: dict[Stage, list[Seen]] = defaultdict(list)
    for each in seen:
        for entry in each.way:
            ages[entry.stage].append(Decimal(round((entry.at - each.created).total_seconds())))
        for stay in stays(each):
            if stay.won or stay.lost or stay.left_for is not None:
                ended[stay.stage].append(stay)
        if each.end is not None:
            for stage in {entry.stage for entry in each.way}:
                reached[stage].append(each.won)
        elif (now := standing(each.way, each.known_at)) is not None:
            open_[now[0]].append(each)
    order = sorted(ages, key=lambda stage: (middle_of(ages[stage]).median or Decimal(0), stage))
    return [_row(stage, ended[stage], reached[stage], open_[stage]) for stage in order]


def _row(stage: Stage, ended: Sequence[Stay], reached: Sequence[bool], open_: Sequence[Seen]) -> dict[str, Any]:
    days = [Decimal(str(round(stay.days, 2))) for stay in ended if stay.whole]
    return {
        "stage": stage,
        "open": len(open_),
        "open_amount": f"{Decimal(str(sum(each.amount for each in open_))).quantize(Decimal('0.01')):f}",
        "moved_on": Share(sum(stay.left_for is not None for stay in ended), len(ended)).document(),
        "won": Share(sum(reached), len(reached)).document(),
        "days": middle_of(days).document(),
    }
