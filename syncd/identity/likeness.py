"""How alike two records are: by name, place, domain and phone, as a score from 0 to 100 with its reason. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz

from syncd.model import normalisation
from syncd.model.normalisation.company_names import LEGAL_FORMS, company_name_key, company_name_words
from syncd.model.records import Record
from syncd.model.refs import Ref

_SAME_PLACE = {"postal code": 8, "city": 6, "country": 3}
_OTHER_PLACE = {"postal code": 0, "city": -4, "country": -25}
_PHONE_DIGITS = 7
_LONG_WORD = 4


@dataclass(frozen=True, slots=True)
class Look:
    """What a record is compared by: each part normalised, None or empty where it is missing."""

    ref: Ref
    name: str
    words: tuple[str, ...]
    domain: str | None
    phone: str | None
    places: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, record: Record, domain: str | None) -> Look:
        """The look of a record whose domain counts, or None."""
        fields = record.fields
        digits = "".join(char for char in fields.get("phone", "") if char.isdigit())
        phone = digits[-_PHONE_DIGITS:] if len(digits) >= _PHONE_DIGITS else None
        name = fields.get("name", "")
        words = tuple(word for word in company_name_words(name) if word not in LEGAL_FORMS or word in _GROUP)
        return cls(record.ref, company_name_key(name), words, domain, phone, tuple(_places(record)))

    def keys(self) -> Iterator[tuple[str, str]]:
        """The keys under which records are found that may be the same company, each with what it is."""
        words = self.name.split()
        places = dict(self.places)
        if self.domain:
            yield "domain", self.domain
        if self.phone:
            yield "phone", self.phone
        if words:
            yield "name", "".join(sorted(words))
            yield "name", "".join(words)
            yield from (("word", f"{words[0]} {place}") for place in self.places)
            if len(words) > 1:
                yield "word", f"{words[0]} {words[1]}"
            if len(words[0]) >= _LONG_WORD and "city" in places:
                yield "word", f"{words[0][:3]} {places['city']}"


def _places(record: Record) -> Iterator[tuple[str, str]]:
    fields = record.fields
    code = normalisation.country(fields["country"]) if fields.get("country") else None
    if fields.get("postal_code"):
        postal = normalisation.postal_code(fields["postal_code"], code)[0]
        if postal:
            yield "postal code", postal
    if fields.get("city"):
        yield "city", company_name_key(fields["city"]) or normalisation.text(fields["city"])
    if fields.get("country"):
        yield "country", code or normalisation.text(fields["country"])


def name_likeness(one: str, other: str) -> float:
    """How alike two name keys are, 0 to 100: word order and spaces do not matter."""
    if not one or not other:
        return 0.0
    whole = max(fuzz.token_sort_ratio(one, other), fuzz.ratio(one.replace(" ", ""), other.replace(" ", "")))
    if min(len(one.split()), len(other.split())) > 1:
        whole = max(whole, 0.93 * fuzz.token_set_ratio(one, other))
    return float(whole)


def contradicts(one: Look, other: Look) -> bool:
    """Whether two records that share a domain may be different companies, by everything else.

    A group's companies share its website: their names differ by a word or a number, or they stand in different
    countries. A slip of the pen is no other name.
    """
    if not one.words or not other.words:
        return False
    return _other_country(one, other) or not _same_words(one.words, other.words)


def _same_words(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether every word of each name has its like in the other; numbers and short words have to be equal."""
    if "".join(one) == "".join(other):
        return True
    left = list(other)
    for word in one:
        like = next((each for each in left if _same_word(word, each)), None)
        if like is None:
            return False
        left.remove(like)
    return not left


def _same_word(one: str, other: str) -> bool:
    if one == other:
        return True
    if min(len(one), len(other)) < _LONG_WORD or any(char.isdigit() for char in one + other):
        return False
    return fuzz.ratio(one, other) >= _SLIP


def _other_country(one: Look, other: Look) -> bool:
    here, there = dict(one.places), dict(other.places)
    cities = here.get("city"), there.get("city")
    if cities[0] is not None and cities[0] == cities[1]:
        return False
    return "country" in here and "country" in there and here["country"] != there["country"]


_SLIP = 80.0
_GROUP = frozenset({"group", "holding", "holdings"})
"""Legal forms that tell a parent from its subsidiary."""


def score(one: Look, other: Look) -> tuple[int, str]:
    """How likely two records are one company, and why, in words."""
    name = name_likeness(one.name, other.name)
    points, said = 0.9 * name, [f"names {round(name)} % alike"]
    there, same_city = dict(other.places), not _other_country(one, other)
    for what, value in one.places:
        if what in there:
            same = value == there[what]
            if same or what != "country" or not same_city:  # one city stands in one country, whatever was typed
                points += _SAME_PLACE[what] if same else _OTHER_PLACE[what]
            said.append(f"{'same' if same else 'other'} {what}")
    if one.domain and other.domain:
        points += 12 if one.domain == other.domain else -8
        said.append("same domain" if one.domain == other.domain else "other domain")
    if one.phone and one.phone == other.phone:
        points += 10
        said.append("same phone")
    return max(0, min(100, round(points))), ", ".join(said)
