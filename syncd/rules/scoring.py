"""Grading: the lifecycle stage, the score and the band that a pack gives each company (RULES.md sections 3 and 7).

Built in that order, each from what stands before it, after the families are joined. Where the pack grades, the CRM's
own value moves to `crm_lifecycle` and `crm_score`; a value given by an export or a test case stays. Decides no owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from syncd.model.normalisation import text
from syncd.rules.conditions import holds, next_change
from syncd.rules.facts import Facts, Grade, ScorePart, Seen, Value
from syncd.rules.matching.time_window import EvaluationContext, earliest
from syncd.rules.pack import Pack
from syncd.rules.scoring_rules import Component, Curve

_CRM_NAMES = {"lifecycle": "crm_lifecycle", "score": "crm_score"}
_HALF = Fraction(1, 2)
_SHOWN = Decimal("0.01")
_NOTHING = Fraction(0)
_KEPT = 65536
"""Points of so many values are kept: many companies have the same number of employees."""


def graded(pack: Pack, book: Iterable[Facts], now: datetime) -> Iterator[Facts]:
    """The same companies, in the same order, with lifecycle, score and band; those graded by this pack already stay."""
    if pack.scoring is None and not pack.lifecycle:
        yield from book
        return
    context = EvaluationContext(now, pack.zone, pack.fiscal_year_start)
    grader = _Grader(pack, context)
    for facts in book:
        known = facts.grade is not None and bool(pack.revision) and facts.grade.revision == pack.revision
        yield facts if known else grader.graded(facts)


def grade_changes(pack: Pack, facts: Facts, context: EvaluationContext) -> datetime | None:
    """When time alone could next change the stage or the score of a company; early is allowed, late is not."""
    tests = [stage.when for stage in pack.lifecycle]
    tests += [component.test for component in pack.scoring.components] if pack.scoring is not None else []
    return earliest(next_change(test, facts, context) for test in tests)


def grade_document(grade: Grade | None) -> dict[str, Any] | None:
    """The stage, score and band of a company with the score's parts, as JSON values; what there is none of left out."""
    if grade is None:
        return None
    parts = [
        {
            "name": part.name,
            "points": f"{part.points:f}",
            "from": part.said,
            "file": part.place.path,
            "line": part.place.line,
        }
        for part in grade.parts
    ]
    told = {"lifecycle": grade.stage, "score": grade.score, "band": grade.band, "components": parts or None}
    return {key: value for key, value in told.items() if value is not None}


def points_on(curve: Curve, value: Decimal) -> Fraction:
    """The score of a value on a curve: straight lines between its points, flat outside."""
    x = Fraction(value)
    low_x, low_y = curve[0]
    if x <= low_x:
        return Fraction(low_y)
    for high_x, high_y in curve[1:]:
        if x <= high_x:
            part = (x - Fraction(low_x)) / (Fraction(high_x) - Fraction(low_x))
            return Fraction(low_y) + part * (Fraction(high_y) - Fraction(low_y))
        low_x, low_y = high_x, high_y
    return Fraction(low_y)


def rounded_half_up(points: Fraction) -> int:
    """A whole number: a half goes up, also below zero."""
    if points.denominator == 1:
        return points.numerator
    return (points + _HALF).numerator // (points + _HALF).denominator


class _Grader:
    """Grades one company after the other by one pack at one instant."""

    def __init__(self, pack: Pack, context: EvaluationContext) -> None:
        self._pack = pack
        self._context = context
        self._components = pack.scoring.components if pack.scoring is not None else ()
        self._bands = pack.scoring.bands if pack.scoring is not None else ()
        self._known: dict[tuple[str, Decimal | bool | None], tuple[Fraction, ScorePart]] = {}

    def graded(self, facts: Facts) -> Facts:
        """The company with its stage, score and band."""
        values, seen = self._without_crm_values(facts)
        # the values grow while the company is graded: each step reads what those before it found
        company = replace(facts, values=values, seen=MappingProxyType(seen))
        stage = self._stage(company)
        if stage is not None:
            values["lifecycle"] = text(stage)
        score: int | None = None
        band: str | None = None
        parts: tuple[ScorePart, ...] = ()
        if self._pack.scoring is not None:
            score, parts = self._score(company)
            values["score"] = Decimal(score)
            band = self._band(company)
            if band is not None:
                values["band"] = text(band)
        grade = Grade(self._pack.revision, stage, score, band, parts)
        return replace(company, values=MappingProxyType(values), grade=grade)

    def _without_crm_values(self, facts: Facts) -> tuple[dict[str, Value], dict[str, Seen]]:
        """What the CRM says goes by its own name; what an export or a case gives is the field itself and stays."""
        values, seen = dict(facts.values), dict(facts.seen)
        for name, asked in (("lifecycle", bool(self._pack.lifecycle)), ("score", self._pack.scoring is not None)):
            if not asked or _is_given(seen.get(name)):
                continue
            value, told = values.pop(name, None), seen.pop(name, None)
            if value is not None and told is not None:
                values.setdefault(_CRM_NAMES[name], value)
                seen.setdefault(_CRM_NAMES[name], told)
        if self._pack.scoring is not None and not _is_given(seen.get("band")):
            values.pop("band", None)
            seen.pop("band", None)
        return values, seen

    def _stage(self, facts: Facts) -> str | None:
        given = facts.seen.get("lifecycle")
        if not self._pack.lifecycle or _is_given(given):
            return given.raw if given is not None else None
        return next((each.name for each in self._pack.lifecycle if holds(each.when, facts, self._context)), None)

    def _score(self, facts: Facts) -> tuple[int, tuple[ScorePart, ...]]:
        given = facts.values.get("score")
        if _is_given(facts.seen.get("score")) and isinstance(given, Decimal):
            return rounded_half_up(Fraction(given)), ()
        earned = [self._earned(component, facts) for component in self._components]
        total = sum((points for points, _ in earned), _NOTHING)
        return rounded_half_up(total), tuple(part for _, part in earned)

    def _earned(self, component: Component, facts: Facts) -> tuple[Fraction, ScorePart]:
        """What a component gives: the same to all companies with the same value, so it is worked out once."""
        found: Decimal | bool | None
        if component.field is None:
            found = holds(component.test, facts, self._context)
        else:
            value = facts.values.get(component.field)
            found = value if isinstance(value, Decimal) else None
        key = (component.name, found)
        if key not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = _worked_out(component, found)
        return self._known[key]

    def _band(self, facts: Facts) -> str | None:
        given = facts.seen.get("band")
        if given is not None:
            return given.raw
        return next((band.name for band in self._bands if holds(band.test, facts, self._context)), None)


def _worked_out(component: Component, found: Decimal | bool | None) -> tuple[Fraction, ScorePart]:
    """The points of a component and what they come from: a value on its curve, or whether its condition holds."""
    if isinstance(found, bool):
        points = Fraction(component.points) if found else _NOTHING
        said = f"{component.test.text}: {'holds' if found else 'does not hold'}"
    elif found is None:
        points, said = _NOTHING, f"{component.field} is missing"
    else:
        points, said = points_on(component.curve, found), f"{component.field} {found:f}"
    return points, ScorePart(component.name, _shown(points), said, component.place)


def _is_given(seen: Seen | None) -> bool:
    """Whether a field was given as such, by an export or a test case, and is no value of a CRM."""
    return seen is not None and seen.system is None


def _shown(points: Fraction) -> Decimal:
    exact = Decimal(points.numerator) / Decimal(points.denominator)
    return exact.quantize(_SHOWN).normalize() + 0 if points.denominator > 1 else Decimal(points.numerator)
