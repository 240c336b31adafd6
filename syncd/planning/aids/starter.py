"""The starter pack: a tree of owners written as territories that a person can read and `check` accepts. Pure.

The order of siblings carries the tree: a branch is a territory with its condition, what takes none of them goes on to
the next, and each list ends in a catch-all or in the owners of the territory above it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from syncd.model.fields import FieldType
from syncd.planning.aids.induction import Leaf, Node, Sample, Split, Test
from syncd.rules.facts import Facts

_T = FieldType
_WORDS = frozenset({_T.PICKLIST, _T.COUNTRY, _T.STATE, _T.BOOLEAN})
_NUMBERS = frozenset({_T.NUMBER, _T.MONEY})
_NOT_RULES = frozenset(
    {"locked", "open_opportunities", "open_pipeline", "won_amount_12m", "won_count_12m", "children", "band", "score"}
    | {"crm_lifecycle", "crm_score", "lifecycle", "owner_active", "has_customer_parent", "family_open_pipeline"}
    | {"family_employees"}
)
"""Fields that say what happened at an account, not where it belongs: territories by them would move with each deal."""
_FULL_STATE = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _/&'-]*[A-Za-z0-9]")
_RESERVED = frozenset({"missing", "always", "true", "false", "null", "yes", "no", "on", "off"})
_LONGEST = 40
_TEAM_IN_LINE = 4
"""A larger team is written as a pool, with its members below."""


@dataclass(frozen=True, slots=True)
class Starter:
    """The text of a pack, the number of its territories, and each territory's path with the leaf it was made of."""

    text: str
    territories: int
    leaves: Mapping[str, Leaf]


def samples_of(
    facts: Iterable[Facts], fields: Mapping[str, FieldType], barred: Collection[str] = ()
) -> tuple[Sample, ...]:
    """The companies with an active owner, as induction sees them: fields of places, kinds and sizes.

    `barred` are the e-mails of who owns some and may never be given one: queues, and users of another kind.
    """
    words = [name for name, type_ in fields.items() if type_ in _WORDS and name not in _NOT_RULES]
    numbers = [name for name, type_ in fields.items() if type_ in _NUMBERS and name not in _NOT_RULES]
    found = []
    for each in facts:
        if each.current_owner is None or not each.owner_active or "@" not in each.current_owner.email:
            continue
        if each.current_owner.email in barred:
            continue
        told = {name: word for name in words if (word := _word(each, name, fields[name])) is not None}
        counts = {name: value for name in numbers if isinstance(value := each.values.get(name), Decimal)}
        found.append(Sample(each.key, each.current_owner.email, told, counts))
    return tuple(found)


def spellings_of(facts: Iterable[Facts], fields: Mapping[str, FieldType]) -> Mapping[tuple[str, str], str]:
    """How the CRM spells each value of a picklist most often."""
    seen: dict[tuple[str, str], Counter[str]] = {}
    for each in facts:
        for name, raw in each.seen.items():
            value = each.values.get(name)
            if fields.get(name) is _T.PICKLIST and isinstance(value, str):
                seen.setdefault((name, value), Counter())[" ".join(raw.raw.split())] += 1
    return {key: min(counts, key=lambda raw: (-counts[raw], raw)) for key, counts in seen.items()}


def write_starter(
    tree: Node, name: str, spellings: Mapping[tuple[str, str], str], fields: Mapping[str, FieldType]
) -> Starter:
    """The pack of a tree."""
    writer = _Writer(spellings, fields)
    writer.level(tree, 1, "", top=True)
    head = [
        "# Inferred by `syncd audit --starter-pack` from the owners of that day: a draft, to be read before use.",
        "# A note says how many accounts led to a rule, and how many of them its owners have.",
        "format: 1",
        "pack:",
        f"  name: {name}",
        "  time_zone: UTC",
        "",
        "# Tried from top to bottom: the first that fits is entered, the deepest entered takes the account.",
        "territories:",
    ]
    pools = [line for pool, members in writer.pools.items() for line in _pool(pool, members)]
    tail = ["", "# Over a limit a plan stands, but its approval must name the limit."]
    tail.append("guard: {changes: {max: 200, share: 10%}}")
    lines = [*head, *writer.lines, *(["", "pools:", *pools] if pools else []), *tail]
    return Starter("\n".join(lines) + "\n", len(writer.names), writer.leaves)


@dataclass
class _Writer:
    """Writes territories; every name is used once in the whole pack."""

    spellings: Mapping[tuple[str, str], str]
    fields: Mapping[str, FieldType]
    lines: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    leaves: dict[str, Leaf] = field(default_factory=dict)
    pools: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def level(self, node: Node, depth: int, above: str, *, top: bool = False) -> Leaf:
        """The siblings of one list; returns whose the rest is, which the territory above takes."""
        while isinstance(node, Split):
            for test, branch in node.branches:
                self._territory(test, branch, depth, above)
            node = node.rest
        if top:
            path = self._name("everyone-else")
            self._put(depth, f"- name: {path}", "when: always", *self._owners(node, path))
            self.leaves[path] = node
        return node

    def _territory(self, test: Test, branch: Node, depth: int, above: str) -> None:
        name = self._name(_slug(test, self.spellings))
        path = f"{above}/{name}" if above else name
        head = (f"- name: {name}", f"when: {{{test.field}: {self._condition(test)}}}")
        if isinstance(branch, Leaf):
            self._put(depth, *head, *self._owners(branch, name))
            self.leaves[path] = branch
            return
        rest = _rest_of(branch)
        own = rest if rest.owners else Leaf((), rest.held)
        self._put(depth, *head, *self._owners(own, name), "territories:")
        self.leaves[path] = own
        self.level(branch, depth + 2, path)

    def _owners(self, leaf: Leaf, name: str) -> Iterator[str]:
        if not leaf.owners:
            yield "owners: unassigned"
            return
        if len(leaf.owners) > _TEAM_IN_LINE:
            pool = f"team-{name}"
            self.pools[pool] = leaf.owners
            yield f"owners: {{pool: {pool}}}"
        else:
            yield f"owners: [{', '.join(map(_quoted, leaf.owners))}]"
        total, own = leaf.held.total(), sum(leaf.held[owner] for owner in leaf.owners)
        who = "them" if len(leaf.owners) > 1 else "this owner"
        yield f"note: {own} of {total} accounts that led here are with {who}"

    def _condition(self, test: Test) -> str:
        if test.least is not None:
            return f'">= {test.least:f}"'
        if self.fields[test.field] is _T.BOOLEAN:
            return test.values[0]
        texts = [self._value(test.field, value) for value in test.values]
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"

    def _value(self, name: str, value: str) -> str:
        """A value as a matcher that is nothing but this text: what an operator could hide in is written as `is`."""
        raw = self.spellings.get((name, value), value)
        if _PLAIN.fullmatch(raw) and raw.casefold() not in _RESERVED:
            return _quoted(raw)
        return f"{{is: {json.dumps(raw, ensure_ascii=False)}}}"

    def _put(self, depth: int, *lines: str) -> None:
        space = "  " * depth
        first, *others = lines
        self.lines.append(space + first)
        self.lines += [f"{space}  {line}" for line in others]

    def _name(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self.names:
            name, number = f"{wanted}-{number}", number + 1
        self.names.add(name)
        return name


def _pool(name: str, members: tuple[str, ...]) -> Iterator[str]:
    yield f"  {name}:"
    yield "    assign: balanced"
    yield "    members:"
    for member in members:
        yield f"      - {_quoted(member)}"


def _rest_of(node: Node) -> Leaf:
    while isinstance(node, Split):
        node = node.rest
    return node


def _word(facts: Facts, name: str, type_: FieldType) -> str | None:
    """A value that a rule could name; texts that are no code of a country or state are none."""
    value = facts.values.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return None
    if type_ is _T.COUNTRY:
        return value if _COUNTRY.fullmatch(value) else None
    if type_ is _T.STATE:
        return value if _FULL_STATE.fullmatch(value) else None
    return value


def _slug(test: Test, spellings: Mapping[tuple[str, str], str]) -> str:
    """A name that says what the test asks: `de-at-ch`, `employees-1000-up`."""
    if test.least is not None:
        said = f"{test.field} {test.least:f} up"
    else:
        words = [spellings.get((test.field, value), value) for value in test.values]
        said = " ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")
        if test.values in (("true",), ("false",)):
            said = f"{'' if test.values == ('true',) else 'not '}{test.field}"
    cleaned = re.sub(r"[^a-z0-9]+", "-", said.casefold()).strip("-")[:_LONGEST].strip("-")
    return cleaned or test.field.replace("_", "-")


def _quoted(text: str) -> str:
    """A text as YAML: as it is where nothing in it could mean anything else."""
    bare = re.fullmatch(r"[A-Za-z][A-Za-z0-9.@_+-]*", text) and text.casefold() not in _RESERVED
    return text if bare else json.dumps(text, ensure_ascii=False)
