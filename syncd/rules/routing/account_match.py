"""Which account a lead belongs to: by the CRM's own link, by e-mail domain, then by name and place.

Each match has a score, its evidence and, of several accounts, the tie-break. Free-mail and shared domains are missing
from facts, so they match nothing. Two countries that are known and differ never match by name, nor do names of which
each has a word that the other has not. Knows no owners and routes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from syncd.model.normalisation.company_names import company_name_key
from syncd.model.refs import Ref
from syncd.rules.facts import Facts
from syncd.rules.routing.name_likeness import name_likeness

LOWEST_SCORE = 85
"""Out of 100: names that are equal without a place to compare come to 90, alike ones need a place that agrees."""
_NAMES = 0.9
_PLACES = (("postal_code", 10), ("city", 8), ("state", 7), ("country", 5))
_ABROAD = -100
_OTHER_DOMAIN = -12
"""Whoever writes from another company's domain is only taken for a namesake who stands closer than the country."""
_SHORTEST_WORD = 3
_COMMONEST = 200
"""A word of more names than this finds no candidates by itself."""


@dataclass(frozen=True, slots=True)
class Match:
    """The account of a lead: `score` is 0 to 100, `evidence` says what agrees, `tie_break` why this one of several."""

    company: str
    score: int
    evidence: str
    tie_break: str | None = None

    @property
    def text(self) -> str:
        """The match in one line."""
        return f"{self.company}: {self.evidence} (score {self.score}{f'; {self.tie_break}' if self.tie_break else ''})"


class AccountIndex:
    """The accounts of a book by domain, by name and by the words of their names. Independent of their order."""

    def __init__(self, book: Iterable[Facts]) -> None:
        self._by_domain: dict[str, list[Facts]] = defaultdict(list)
        self._by_name: dict[str, list[Facts]] = defaultdict(list)
        self._by_joined: dict[str, set[str]] = defaultdict(set)
        self._by_word: dict[str, set[str]] = defaultdict(set)
        self._by_ref: dict[Ref, Facts] = {}
        for facts in sorted(book, key=lambda each: each.key):
            self._by_ref.update(dict.fromkeys(facts.refs, facts))
            for domain in _domains(facts):
                self._by_domain[domain].append(facts)
            name = _name_of(facts)
            if name:
                self._by_name[name].append(facts)
                self._by_joined[name.replace(" ", "")].add(name)
                for word in name.split():
                    self._by_word[word].add(name)

    def match(self, lead: Facts, linked: Ref | None = None) -> Match | None:
        """The account of a lead, or None where nothing agrees well enough. `linked` is the one that its CRM names."""
        if linked is not None and linked in self._by_ref:
            return Match(self._by_ref[linked].key, 100, f"{linked.system.value} links it to this account")
        for domain in _domains(lead):
            found = self._by_domain.get(domain)
            if found:
                return _best([(100, facts, f"same domain {domain}") for facts in found], lead)
        name = _name_of(lead)
        scored = [each for each in self._scored(name, lead) if each[0] >= LOWEST_SCORE] if name else []
        return _best(scored, lead) if scored else None

    def _scored(self, name: str, lead: Facts) -> Iterable[tuple[int, Facts, str]]:
        for other in sorted(self._names_like(name)):
            alike = name_likeness(name, other)
            if alike * _NAMES + _PLACES[0][1] < LOWEST_SCORE:
                continue
            for facts in self._by_name[other]:
                points, said = _place(lead, facts)
                if points is None:
                    continue
                if _other_domain(lead, facts):
                    points, said = points + _OTHER_DOMAIN, f"{said}, other domain"
                yield min(100, round(alike * _NAMES) + points), facts, f"names {round(alike)} % alike, {said}"

    def _names_like(self, name: str) -> set[str]:
        """Names that are this one but for spaces, or share a word with it, words in everybody's name left out."""
        found = set(self._by_joined.get(name.replace(" ", ""), ()))
        for word in name.split():
            sharing = self._by_word.get(word, set())
            if len(word) >= _SHORTEST_WORD and len(sharing) <= _COMMONEST:
                found |= sharing
        return found


def _domains(facts: Facts) -> tuple[str, ...]:
    value = facts.values.get("domain")
    if isinstance(value, frozenset):
        return tuple(sorted(value))
    return (value,) if isinstance(value, str) else ()


def _other_domain(lead: Facts, facts: Facts) -> bool:
    """Whether both have domains of their own, and none says the same before its suffix, as acme.de and acme.com do."""
    here, there = ({domain.partition(".")[0] for domain in _domains(each)} for each in (lead, facts))
    return bool(here and there and not here & there)


def _name_of(facts: Facts) -> str:
    value = facts.values.get("name")
    return company_name_key(value) if isinstance(value, str) else ""


def _place(lead: Facts, facts: Facts) -> tuple[int | None, str]:
    """Points for the closest place that agrees, None where the countries differ, and what was compared."""
    here, there = lead.values.get("country"), facts.values.get("country")
    if here is not None and there is not None and here != there:
        return None, "other country"
    compared = False
    for name, points in _PLACES:
        one, other = lead.values.get(name), facts.values.get(name)
        if one is None or other is None:
            continue
        if one == other:
            return points, f"same {name.replace('_', ' ')}"
        compared = True
    return (-5, "other place") if compared else (0, "no place to compare")


def _closeness(lead: Facts, facts: Facts) -> int:
    points = _place(lead, facts)[0]
    return _ABROAD if points is None else points


def _best(scored: Sequence[tuple[int, Facts, str]], lead: Facts) -> Match:
    """The best of several: score, place, who is a customer, open pipeline, the head of a family, the smallest key."""
    keys: Mapping[str, tuple[tuple[str, object], ...]] = {
        facts.key: (
            ("the better score", -score),
            ("the closer place", -_closeness(lead, facts)),
            ("it is a customer", "last_won_at" not in facts.values),
            ("the larger open pipeline", -_pipeline(facts)),
            ("the head of its family", facts.head is not None),
            ("the smallest key", facts.key),
        )
        for score, facts, _ in scored
    }
    ranked = sorted(scored, key=lambda each: tuple(value for _, value in keys[each[1].key]))
    score, facts, evidence = ranked[0]
    tie_break = None
    if len(ranked) > 1:
        pairs = zip(keys[facts.key], keys[ranked[1][1].key], strict=True)
        reason = next(word for (word, one), (_, other) in pairs if one != other)
        tie_break = f"of {len(ranked)} accounts: {reason}"
    return Match(facts.key, score, evidence, tie_break)


def _pipeline(facts: Facts) -> Decimal:
    value = facts.values.get("open_pipeline")
    return value if isinstance(value, Decimal) else Decimal(0)
