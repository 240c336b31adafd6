"""Associations between records: which deal belongs to which company, and which of them is the primary one.

Type ids are those of hubspot.md 2.7, and of the public list of default types where the notes are silent. It holds
numbers only and does not ask whether the records exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from syncd.sandbox.hubspot.definitions import ObjectKind

LABELLED = {
    ("deals", "companies"): (341, 5),
    ("companies", "deals"): (342, 6),
    ("contacts", "companies"): (279, 1),
    ("companies", "contacts"): (280, 2),
    ("leads", "companies"): (610, 610),
    ("companies", "leads"): (609, 609),
    ("tickets", "companies"): (339, 26),
    ("companies", "tickets"): (340, 25),
    ("deals", "contacts"): (3, 3),
    ("contacts", "deals"): (4, 4),
    ("leads", "contacts"): (608, 578),
    ("contacts", "leads"): (607, 579),
    ("tickets", "contacts"): (16, 16),
    ("contacts", "tickets"): (15, 15),
    ("tasks", "companies"): (192, 192),
    ("companies", "tasks"): (191, 191),
    ("tasks", "contacts"): (204, 204),
    ("contacts", "tasks"): (203, 203),
    ("tasks", "deals"): (216, 216),
    ("deals", "tasks"): (215, 215),
    ("deals", "tickets"): (27, 27),
    ("tickets", "deals"): (28, 28),
    ("companies", "companies"): (450, 450),
    ("contacts", "contacts"): (449, 449),
    ("deals", "deals"): (451, 451),
}
"""The type ids of a pair of object types: of the plain association and of the primary one (the same: there is none)."""
PARENT_TO_CHILD, CHILD_TO_PARENT = 13, 14
_WITHOUT_PLAIN = frozenset({PARENT_TO_CHILD, CHILD_TO_PARENT})
_ONE_PRIMARY = frozenset(
    {*((name, "companies") for name in ("deals", "contacts", "leads", "tickets")), ("leads", "contacts")}
)
"""The pairs whose first has at most one primary of the second; the second may be that of many."""
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Label:
    """A type of association as the API names it; a plain one has no label."""

    type_id: int
    label: str | None
    category: str = "HUBSPOT_DEFINED"


@dataclass(slots=True)
class Associations:
    """Directed rows from one record to another with a set of type ids; both directions are kept in step.

    `custom` are the account's own labels by direction; `opposite` leads from one to its other direction.
    """

    _rows: dict[Pair, dict[int, dict[int, set[int]]]] = field(default_factory=dict)
    custom: dict[Pair, dict[int, str]] = field(default_factory=dict)
    opposite: dict[int, int] = field(default_factory=dict)
    _next_custom: int = 101

    def labels(self, source: str, target: str) -> list[Label]:
        """All types of a pair, the primary one first, the account's own last."""
        plain, primary = LABELLED.get((source, target), (0, 0))
        found = [Label(primary, "Primary")] if primary != plain else []
        if (source, target) == ("companies", "companies"):
            found = [Label(PARENT_TO_CHILD, "Child Company"), Label(CHILD_TO_PARENT, "Parent Company")]
        if plain:
            found.append(Label(plain, None))
        return found + [Label(key, text, "USER_DEFINED") for key, text in self.custom.get((source, target), {}).items()]

    def words(self, source: ObjectKind, target: ObjectKind) -> dict[int, str]:
        """What v3 calls each type: `deal_to_company` is the primary one, `…_unlabeled` the plain one (9.1)."""
        plain, primary = LABELLED.get((source.name, target.name), (0, 0))
        word = f"{source.singular}_to_{target.singular}"
        words = {label.type_id: str(label.label).lower().replace(" ", "_") for label in self.custom_of(source, target)}
        words |= {PARENT_TO_CHILD: "parent_to_child_company", CHILD_TO_PARENT: "child_to_parent_company"}
        return words | {plain: f"{word}_unlabeled", primary: word}

    def custom_of(self, source: ObjectKind, target: ObjectKind) -> list[Label]:
        """The account's own labels of a pair."""
        return [
            Label(key, text, "USER_DEFINED") for key, text in self.custom.get((source.name, target.name), {}).items()
        ]

    def define(self, source: str, target: str, label: str, inverse: str | None) -> list[Label]:
        """A label of the account's own, for both directions; what was made."""
        there, back = self._next_custom, self._next_custom + 1
        self._next_custom += 2
        self.custom.setdefault((source, target), {})[there] = label
        self.custom.setdefault((target, source), {})[back] = inverse or label
        self.opposite |= {there: back, back: there}
        return [Label(there, label, "USER_DEFINED"), Label(back, inverse or label, "USER_DEFINED")]

    def undefine(self, source: str, target: str, type_id: int) -> None:
        """Take a label of the account's own away, from all associations too. KeyError for another type."""
        del self.custom[source, target][type_id]
        back = self.opposite.pop(type_id)
        del self.opposite[back]
        self.custom[target, source].pop(back, None)
        for pair, one in (((source, target), type_id), ((target, source), back)):
            for others in self._rows.get(pair, {}).values():
                for types in others.values():
                    types.discard(one)

    def link(
        self,
        from_object: str,
        from_id: int,
        to_object: str,
        to_id: int,
        *,
        primary: bool = False,
        types: frozenset[int] = frozenset(),
    ) -> None:
        """Associate two records. A new primary one takes that label from the old; the old association stays.

        `types` are more type ids of the direction given: parent and child, or the account's own labels.
        """
        back_types = frozenset(self._back(one) for one in types)
        for source, target, one, other, more in (
            (from_object, to_object, from_id, to_id, types),
            (to_object, from_object, to_id, from_id, back_types),
        ):
            plain, labelled = LABELLED.get((source, target), (0, 0))
            held = self._of(source, target).setdefault(one, {}).setdefault(other, set())
            if not more or not more <= _WITHOUT_PLAIN:
                held.add(plain)
            held |= more
            if primary:
                held.add(labelled)
        if primary and (from_object, to_object) in _ONE_PRIMARY:
            self._only_primary(from_object, from_id, to_object, to_id)
        elif primary:
            self._only_primary(to_object, to_id, from_object, from_id)

    def link_parent(self, child: int, parent: int) -> None:
        """Make one company the parent of another, and the only one."""
        rows = self._of("companies", "companies")
        for other, types in list(rows.get(child, {}).items()):
            if CHILD_TO_PARENT in types:
                self.unlink("companies", child, "companies", other)
        self.link("companies", child, "companies", parent, types=frozenset({CHILD_TO_PARENT}))

    def unlink(self, from_object: str, from_id: int, to_object: str, to_id: int) -> None:
        """Take the association of two records away; nothing happens where there is none."""
        self._of(from_object, to_object).get(from_id, {}).pop(to_id, None)
        self._of(to_object, from_object).get(to_id, {}).pop(from_id, None)

    def unlabel(self, from_object: str, from_id: int, to_object: str, to_id: int, types: frozenset[int]) -> None:
        """Take labels from an association, which stays; the plain type among them ends it."""
        plain, labelled = LABELLED.get((from_object, to_object), (0, 0))
        if plain in types:
            self.unlink(from_object, from_id, to_object, to_id)
            return
        self._of(from_object, to_object).get(from_id, {}).get(to_id, set()).difference_update(types)
        back = {
            LABELLED.get((to_object, from_object), (0, 0))[1] if one == labelled else self._back(one) for one in types
        }
        self._of(to_object, from_object).get(to_id, {}).get(from_id, set()).difference_update(back)

    def of(self, from_object: str, from_id: int, to_object: str) -> dict[int, frozenset[int]]:
        """The records associated with one, by id, with their type ids."""
        rows = self._rows.get((from_object, to_object), {}).get(from_id, {})
        return {other: frozenset(types) for other, types in sorted(rows.items())}

    def move(self, object_name: str, old: int, new: int, *, keep_primary: bool) -> None:
        """Give a loser's associations to the merged record, with or without its primary labels."""
        for source, target in list(self._rows):
            if source != object_name:
                continue
            for other, types in self.of(source, old, target).items():
                plain, labelled = LABELLED.get((source, target), (0, 0))
                self.unlink(source, old, target, other)
                kept = frozenset(types - {plain, labelled})
                self.link(source, new, target, other, primary=keep_primary and labelled in types, types=kept)

    def _back(self, type_id: int) -> int:
        """The type of the other direction."""
        if type_id in _WITHOUT_PLAIN:
            return PARENT_TO_CHILD + CHILD_TO_PARENT - type_id
        return self.opposite.get(type_id, type_id)

    def _of(self, source: str, target: str) -> dict[int, dict[int, set[int]]]:
        return self._rows.setdefault((source, target), {})

    def _only_primary(self, from_object: str, from_id: int, to_object: str, to_id: int) -> None:
        """Take the primary label from the others that `from_id` has; a company may be primary for many deals."""
        plain, labelled = LABELLED.get((from_object, to_object), (0, 0))
        back = LABELLED.get((to_object, from_object), (0, 0))[1]
        if plain == labelled:
            return
        for other, types in self._of(from_object, to_object).get(from_id, {}).items():
            if other != to_id:
                types.discard(labelled)
                self._of(to_object, from_object).get(other, {}).get(from_id, set()).discard(back)
