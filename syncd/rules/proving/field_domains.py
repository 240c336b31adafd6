"""Which domain a field has, by its type."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from syncd.model.fields import FieldType
from syncd.rules.matching.date_matchers import NotSince, OlderThan
from syncd.rules.matching.matchers import Matcher
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.domains import COUNTS, BooleanDomain, Domain, atoms, identity
from syncd.rules.proving.line_domain import LineDomain
from syncd.rules.proving.lines import DateScale, NumberScale
from syncd.rules.proving.logic import Variables
from syncd.rules.proving.set_domain import SetDomain
from syncd.rules.proving.text_domain import TextDomain


def domain_of(
    name: str, type_: FieldType, matchers: Sequence[Matcher], variables: Variables, context: EvaluationContext
) -> Domain:
    """The domain of a field, cut by all matchers that stand against it."""
    distinct: Mapping[Hashable, Matcher] = {identity(each): each for matcher in matchers for each in atoms(matcher)}
    known = list(distinct.values())
    known += [OlderThan("", each.duration) for each in known if isinstance(each, NotSince)]
    if type_ is FieldType.BOOLEAN:
        return BooleanDomain(name, variables)
    if type_ in (FieldType.NUMBER, FieldType.MONEY):
        return LineDomain(name, variables, known, NumberScale(whole=name in COUNTS))
    if type_ is FieldType.DATE:
        return LineDomain(name, variables, known, DateScale(context.zone, context.now))
    if type_ in (FieldType.SEVERAL, FieldType.SYSTEM_ID):
        return SetDomain(name, type_, variables, known)
    return TextDomain(name, type_, variables, known, context)
