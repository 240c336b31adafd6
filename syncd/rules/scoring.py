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
from syncd.rules.conditions import FieldTest, holds, next_change
from syncd.rules.facts import Facts, Grade, ScorePart, Seen, Value
from syncd.rules.matching.time_window import EvaluationContext, earliest
from syncd.rules.pack import Pack
from syncd.rules.scoring_rules import Component, Curve

_CRM_NAMES = {"lifecycle": "crm_lifecycle", "score": "crm_score"}
_HALF = Fraction(1, 2)
_SHOWN = Decimal("0.01")
_KEPT = 4096
"""Points of so many values are kept by component: many companies have the same number of employees."""


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
    return (points + _HALF).numerator // (points + _HALF).denominator


class _Grader:
    """Grades one company after the other by one pack at one instant."""

    def __init__(self, pack: Pack, context: EvaluationContext) -> None:
        self._pack = pack
        self._context = context
        self._known: dict[str, dict[Decimal, Fraction]] = {}

    def graded(self, facts: Facts) -> Facts:
        """The company with its stage, score and band."""
        facts = self._without_crm_values(facts)
        stage = self._stage(facts)
        if stage is not None:
            facts = _with_value(facts, "lifecycle", text(stage))
        score: int | None = None
        band: str | None = None
        parts: tuple[ScorePart, ...] = ()
        if self._pack.scoring is not None:
            score, parts = self._score(facts)
            facts = _with_value(facts, "score", Decimal(score))
            band = self._band(facts)
            if band is not None:
                facts = _with_value(facts, "band", text(band))
        return replace(facts, grade=Grade(self._pack.revision, stage, score, band, parts))

    def _without_crm_values(self, facts: Facts) -> Facts:
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
        return replace(facts, values=MappingProxyType(values), seen=MappingProxyType(seen))

    def _stage(self, facts: Facts) -> str | None:
        given = facts.seen.get("lifecycle")
        if not self._pack.lifecycle or _is_given(given):
            return given.raw if given is not None else None
        return next((each.name for each in self._pack.lifecycle if holds(each.when, facts, self._context)), None)

    def _score(self, facts: Facts) -> tuple[int, tuple[ScorePart, ...]]:
        given = facts.values.get("score")
        if _is_given(facts.seen.get("score")) and isinstance(given, Decimal):
            return rounded_half_up(Fraction(given)), ()
        scoring = self._pack.scoring
        components = scoring.components if scoring is not None else ()
        points = [self._points(component, facts) for component in components]
        parts = tuple(
            ScorePart(component.name, _shown(earned), _said(component, facts, earned), component.place)
            for component, earned in zip(components, points, strict=True)
        )
        return rounded_half_up(sum(points, Fraction(0))), parts

    def _points(self, component: Component, facts: Facts) -> Fraction:
        if component.field is None:
            return Fraction(component.points) if holds(component.test, facts, self._context) else Fraction(0)
        value = facts.values.get(component.field)
        if not isinstance(value, Decimal):
            return Fraction(0)
        known = self._known.setdefault(component.name, {})
        if value not in known:
            if len(known) >= _KEPT:
                known.clear()
            known[value] = points_on(component.curve, value)
        return known[value]

    def _band(self, facts: Facts) -> str | None:
        given = facts.seen.get("band")
        if given is not None:
            return given.raw
        bands = self._pack.scoring.bands if self._pack.scoring is not None else ()
        return next((band.name for band in bands if holds(band.test, facts, self._context)), None)


def _with_value(facts: Facts, name: str, value: Value) -> Facts:
    return replace(facts, values=MappingProxyType({**facts.values, name: value}))


def _is_given(seen: Seen | None) -> bool:
    """Whether a field was given as such, by an export or a test case, and is no value of a CRM."""
    return seen is not None and seen.system is None


def _shown(points: Fraction) -> Decimal:
    exact = Decimal(points.numerator) / Decimal(points.denominator)
    return exact.quantize(_SHOWN).normalize() + 0 if points.denominator > 1 else Decimal(points.numerator)


def _said(component: Component, facts: Facts, earned: Fraction) -> str:
    """What a component's points come from."""
    if component.field is None:
        holding = "holds" if earned or not component.points else "does not hold"
        return f"{_written(component)}: {holding}"
    value = facts.values.get(component.field)
    return f"{component.field} {value:f}" if isinstance(value, Decimal) else f"{component.field} is missing"


def _written(component: Component) -> str:
    test = component.test
    return test.text or (test.field if isinstance(test, FieldTest) else component.name)
