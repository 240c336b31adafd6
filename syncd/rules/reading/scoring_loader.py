"""The sections `score` and `lifecycle`: components, bands and stages, with what can be said of them without accounts.

Reads and checks what is written; grading is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from syncd.errors import Place
from syncd.model.fields import SELF_READING_FIELDS, FieldType
from syncd.rules.conditions import Always, FieldTest
from syncd.rules.matching.matchers import Present
from syncd.rules.matching.time_window import EARLIEST, EvaluationContext
from syncd.rules.nodes import Entry, Mapping, Node, Scalar, Sequence
from syncd.rules.reading import plain_values
from syncd.rules.reading.options import Options, described, read_name
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.scoring import rounded_half_up
from syncd.rules.scoring_rules import Band, Component, Curve, Scoring, Stage
from syncd.rules.suggestion import did_you_mean

SCORE_OPTIONS = ("components", "bands")
COMPONENT_OPTIONS = ("field", "curve", "when", "points")
STAGE_OPTIONS = ("name", "when")
BEFORE_LIFECYCLE = SELF_READING_FIELDS | {"lifecycle", "score", "band"}
BEFORE_SCORE = SELF_READING_FIELDS | {"score", "band"}
_CURVED = frozenset({FieldType.NUMBER, FieldType.MONEY})
_WIDEST = 100_000
"""Bands are compared over all scores that the components can come to, if these are not more than this many."""
_CONTEXT = EvaluationContext(EARLIEST)


def read_lifecycle(levels: list[Sequence], items: Iterable[Node], reading: Reading) -> tuple[Stage, ...]:
    """The stages in the order written. `levels` are the lists as they stand; a second one is an error (SYN246)."""
    for level in levels[1:]:
        message = f"`lifecycle` stands in two files, first at {levels[0].place}"
        reading.findings.error("SYN246", message, level.place, "its order decides: keep one list")
    found: list[Stage] = []
    for item in items:
        options = Options(item, "a lifecycle stage", STAGE_OPTIONS, reading)
        if options.broken:
            continue
        name = options.name() if options.require("name", "write `name: customer`") else None
        when = None
        if options.require("when", "write its condition; `when: always` matches everything"):
            when = reading.condition(options.node("when"), reading.scope(forbidden=BEFORE_LIFECYCLE))
        if name is None or when is None:
            continue
        same = next((stage for stage in found if stage.name == name), None)
        if same is not None:
            message = f"the stage `{name}` stands twice, first at {same.place}"
            reading.findings.error("SYN206", message, options.place, "join the two with `any:`")
        found.append(Stage(name, options.place, when))
    _warn_unreachable(found, reading)
    return tuple(found)


def read_scoring(entries: list[Entry], reading: Reading) -> Scoring | None:
    """The section `score`, or None where the pack has none."""
    if not entries:
        return None
    place = entries[0].key.place
    options = Options(Mapping(tuple(entries), place), "`score`", SCORE_OPTIONS, reading)
    before = reading.findings.error_count
    components: tuple[Component, ...] = ()
    if options.require("components", "write components: {size: {field: employees, curve: [[0, 0], [1000, 40]]}}"):
        components = tuple(_components(options, reading))
    bands = tuple(_bands(options, reading))
    if reading.findings.error_count == before:
        _check_bands(components, bands, reading)
    return Scoring(place, components, bands)


def written_bands(scoring: Scoring | None, reading: Reading) -> frozenset[str]:
    """The names that limits may give a band: the pack's own in whatever case; without bands whatever they say."""
    if scoring is not None and scoring.bands:
        return frozenset(name for band in scoring.bands for name in (band.name, band.name.upper(), band.name.lower()))
    return frozenset(name for kind, name, _ in reading.references if kind == "band")


def _warn_unreachable(stages: list[Stage], reading: Reading) -> None:
    for stage, following in pairwise(stages):
        if isinstance(stage.when, Always):
            message = f"the stage {following.name} and what follows it never come: {stage.name} takes everything"
            reading.findings.warning("SYN293", message, following.place, f"move {stage.name} to the end")
            return


def _components(options: Options, reading: Reading) -> Iterator[Component]:
    for key, value in options.entries("components"):
        name = read_name(key, reading)
        part = Options(value, f"the component `{key.text[:60]}`", COMPONENT_OPTIONS, reading)
        if part.broken or name is None:
            continue
        if ("field" in part) == ("when" in part):
            hint = "write {field: employees, curve: [[0, 0], [1000, 40]]}, or {when: {country: DE}, points: 30}"
            reading.findings.error(
                "SYN290", f"{part.what} is either a field on a curve or a condition", key.place, hint
            )
            continue
        component = _curved(name, part, reading) if "field" in part else _conditional(name, part, reading)
        if component is not None:
            yield component


def _curved(name: str, part: Options, reading: Reading) -> Component | None:
    field = part.scalar("field")
    curve = _curve(part, reading) if part.require("curve", "write curve: [[0, 0], [1000, 40]]") else None
    _refuse_beside(part, "points", "field", reading)
    if field is None:
        return None
    type_ = reading.catalogue.account.get(field.text)
    if type_ is None:
        hint = did_you_mean(field.text, reading.catalogue.account)
        reading.findings.error("SYN210", f"there is no field '{field.text[:60]}'", field.place, hint)
    elif field.text in BEFORE_SCORE:
        hint = "a score must not read its own result"
        reading.findings.error("SYN211", f"{field.text} may not be read here", field.place, hint)
    elif type_ not in _CURVED:
        message = f"a curve is for numbers and money; {field.text} is a {type_} field"
        reading.findings.error("SYN290", message, field.place, "use `when` and `points`")
    elif curve:
        test = FieldTest(field.text, type_, Present("present"), field.place, field.text)
        return Component(name, part.place, test, field.text, curve)
    return None


def _conditional(name: str, part: Options, reading: Reading) -> Component | None:
    when = reading.condition(part.node("when"), reading.scope(forbidden=BEFORE_SCORE))
    _refuse_beside(part, "curve", "when", reading)
    given = part.require("points", "write `points: 30`")
    points = part.read("points", plain_values.number, "no number: write digits, as in 30 or -10") if given else None
    return Component(name, part.place, when, points=points) if when is not None and points is not None else None


def _refuse_beside(part: Options, key: str, other: str, reading: Reading) -> None:
    if key in part:
        message = f"`{key}` does not go with `{other}`"
        reading.findings.error("SYN290", message, part.place_of(key), "remove one of the two")


def _curve(part: Options, reading: Reading) -> Curve | None:
    """The points of a curve, None after an error: pairs of numbers, the first of each rising."""
    points: list[tuple[Decimal, Decimal]] = []
    for item in part.items("curve"):
        pair = _pair(item)
        if pair is None:
            hint = "write [value, points], as in [1000, 40]; amounts are in the reporting currency"
            reading.findings.error("SYN290", f"{described(item)} is no point of a curve", item.place, hint)
            return None
        if points and pair[0] <= points[-1][0]:
            message = f"the values of a curve rise: {pair[0]:f} does not come after {points[-1][0]:f}"
            reading.findings.error("SYN290", message, item.place, "put the points in order, each value once")
            return None
        points.append(pair)
    return tuple(points) or None


def _pair(item: Node) -> tuple[Decimal, Decimal] | None:
    if not isinstance(item, Sequence) or len(item.items) != 2:
        return None
    read = [plain_values.number(each.text.strip()) if isinstance(each, Scalar) else None for each in item.items]
    value, points = read
    return (value, points) if value is not None and points is not None else None


def _bands(options: Options, reading: Reading) -> Iterator[Band]:
    names: dict[str, Place] = {}
    for key, value in options.entries("bands"):
        named = Entry(Scalar("score", False, key.place), value)
        scope = reading.scope()
        test = reading.condition(Mapping((named,), key.place), scope)
        first = names.setdefault(key.text.casefold(), key.place)
        if first is not key.place:
            message = f"the band `{key.text}` stands twice, first at {first}; upper and lower case are the same"
            reading.findings.error("SYN206", message, key.place, "give it another name")
        elif isinstance(test, FieldTest):
            yield Band(key.text, key.place, test)


def _check_bands(components: tuple[Component, ...], bands: tuple[Band, ...], reading: Reading) -> None:
    """A score in two bands is an error (SYN291), one in none a warning (SYN292); the first such score is named."""
    low, high = _reach(components)
    if not bands or high - low > _WIDEST:
        return
    doubled, missing = None, None
    for score in range(low, high + 1):
        inside = [band for band in bands if band.test.matcher.matches(Decimal(score), _CONTEXT)]
        doubled = doubled or ((score, inside) if len(inside) > 1 else None)
        missing = score if missing is None and not inside else missing
    if doubled is not None:
        score, (one, other, *_) = doubled
        message = f"a score of {score} is in band {one.name} and in band {other.name}"
        reading.findings.error("SYN291", message, other.place, "bands have no order: let their ranges not overlap")
    if missing is not None:
        message = f"a score of {missing} is in no band"
        reading.findings.warning("SYN292", message, bands[0].place, f"scores go from {low} to {high}")


def _reach(components: tuple[Component, ...]) -> tuple[int, int]:
    """The least and the greatest score that the components can come to."""
    none = Decimal(0)
    ends = [[none, *(points for _, points in each.curve), each.points] for each in components]
    low = sum((Fraction(min(each)) for each in ends), Fraction(0))
    high = sum((Fraction(max(each)) for each in ends), Fraction(0))
    return rounded_half_up(low), rounded_half_up(high)
