"""Associations between records: which deal belongs to which company, and which of them is the primary one.

Type ids are those of hubspot.md 2.7. It holds numbers only and does not ask whether the records exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LABELLED = {
    ("deals", "companies"): (341, 5),
    ("companies", "deals"): (342, 6),
    ("contacts", "companies"): (279, 1),
    ("companies", "contacts"): (280, 2),
    ("leads", "companies"): (610, 610),
    ("companies", "leads"): (609, 609),
    ("tickets", "companies"): (339, 26),
    ("companies", "tickets"): (340, 25),
}
"""The type ids of a pair of object types: of the plain association and of the primary one."""
PARENT_TO_CHILD, CHILD_TO_PARENT = 13, 14


@dataclass(slots=True)
class Associations:
    """Directed rows from one record to another with a set of type ids; both directions are kept in step."""

    _rows: dict[tuple[str, str], dict[int, dict[int, set[int]]]] = field(default_factory=dict)

    def link(self, from_object: str, from_id: int, to_object: str, to_id: int, *, primary: bool = False) -> None:
        """Associate two records. A new primary one takes that label from the old; the old association stays."""
        for source, target, one, other in (
            (from_object, to_object, from_id, to_id),
            (to_object, from_object, to_id, from_id),
        ):
            plain, labelled = LABELLED.get((source, target), (0, 0))
            types = self._of(source, target).setdefault(one, {}).setdefault(other, set())
            types.add(plain)
            if primary:
                types.add(labelled)
        if primary:
            self._only_primary(from_object, from_id, to_object, to_id)

    def link_parent(self, child: int, parent: int) -> None:
        """Make one company the parent of another, and the only one."""
        rows = self._of("companies", "companies")
        for other, types in list(rows.get(child, {}).items()):
            if CHILD_TO_PARENT in types:
                self.unlink("companies", child, "companies", other)
        rows.setdefault(child, {}).setdefault(parent, set()).add(CHILD_TO_PARENT)
        rows.setdefault(parent, {}).setdefault(child, set()).add(PARENT_TO_CHILD)

    def unlink(self, from_object: str, from_id: int, to_object: str, to_id: int) -> None:
        """Take the association of two records away; nothing happens where there is none."""
        self._of(from_object, to_object).get(from_id, {}).pop(to_id, None)
        self._of(to_object, from_object).get(to_id, {}).pop(from_id, None)

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
                _, labelled = LABELLED.get((source, target), (0, 0))
                self.unlink(source, old, target, other)
                self.link(source, new, target, other, primary=keep_primary and labelled in types)

    def _of(self, source: str, target: str) -> dict[int, dict[int, set[int]]]:
        return self._rows.setdefault((source, target), {})

    def _only_primary(self, from_object: str, from_id: int, to_object: str, to_id: int) -> None:
        """Take the primary label from the others that `from_id` has; a company may be primary for many deals."""
        labelled = LABELLED.get((from_object, to_object), (0, 0))[1]
        back = LABELLED.get((to_object, from_object), (0, 0))[1]
        for other, types in self._of(from_object, to_object).get(from_id, {}).items():
            if other != to_id:
                types.discard(labelled)
                self._of(to_object, from_object).get(other, {}).get(from_id, set()).discard(back)
