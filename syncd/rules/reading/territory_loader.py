"""Territories: the tree of each role, from lists, inserted files and tables, checked as RULES.md 4 says.

Fields, matchers and owners are read by others; this module knows levels, names and catch-alls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from syncd.errors import Place
from syncd.model.fields import SELF_READING_FIELDS
from syncd.rules.conditions import Always, Condition
from syncd.rules.matching.wording import entries_written
from syncd.rules.nodes import Mapping as MappingNode
from syncd.rules.nodes import Node, Scalar, Sequence
from syncd.rules.pack import NoOwners, Territory
from syncd.rules.reading.options import Options, described, read_name
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.reading_memory import is_whole
from syncd.rules.reading.sections import Inserted, Sections
from syncd.rules.reading.tables import read_table
from syncd.rules.reading.territory_options import (
    TERRITORY_OPTIONS,
    Inherited,
    build,
    check_leeway,
    read_territory_options,
)

DEEPEST = 20
OTHERWISE = ("clear", "keep")
_UNWRITTEN = ("territories", "note")
_CATCH_ALL = "end it with a territory that has `when: always` and no `effective`"


class TerritoryLoader:
    """Reads the territories of one pack. `names` are all of them, with the place of each, broken ones included."""

    def __init__(self, sections: Sections, reading: Reading) -> None:
        self.names: dict[str, Place] = {}
        self._sections = sections
        self._reading = reading
        self._findings = reading.findings
        self._claims: list[tuple[str, Place]] = []
        self._unsure: set[Place] = set()
        self._otherwise: dict[str, tuple[bool, Place]] = {}
        self._split: set[str] = set()

    @property
    def cleared_roles(self) -> frozenset[str]:
        """The roles that say `otherwise: clear`."""
        return frozenset(role for role, (clears, _) in self._otherwise.items() if clears)

    def read(self) -> Mapping[str, tuple[Territory, ...]]:
        """The root territories of each role, roles and territories in the order written."""
        roles: dict[str, list[Territory]] = {}
        starts: dict[str, tuple[Sequence, bool]] = {}
        for level in self._sections.territories:
            complete, lost = True, self._sections.lost
            for read in self._items(level.items, Inherited()):
                complete = complete and bool(read)
                for territory in read:
                    roles.setdefault(territory.role, []).append(territory)
                    self._check_one_file(territory, starts.setdefault(territory.role, (level, True))[0], level)
            complete = complete and self._sections.lost == lost
            starts = {role: (start, sure and complete) for role, (start, sure) in starts.items()}
        for role, roots in roles.items():
            start, sure = starts[role]
            if role not in self._split:
                self._check_end(roots, start.place, needed=role == "owner" and sure)
        self._check_owner_role(roles)
        return MappingProxyType({role: tuple(roots) for role, roots in roles.items()})

    def _check_end(self, roots: list[Territory], place: Place, *, needed: bool) -> None:
        """The catch-all of a role's list: where one is needed and stands too early, that is all that is said."""
        if not needed or self._catches_all(roots):
            self._warn_unreachable(roots)
            return
        early = self._early_catch_all(roots)
        message = "the territories of role owner do not end in a catch-all"
        if early is None:
            self._findings.error("SYN253", f"{message}, so an account could match nothing", place, _CATCH_ALL)
            return
        first, following = early
        message += f": {first.name} takes everything, and {following.name} and what follows it can never be entered"
        self._findings.error("SYN253", message, first.place, f"move {first.name} to the end")

    def _check_owner_role(self, roles: Mapping[str, list[Territory]]) -> None:
        if "owner" not in roles and not self._findings.has_errors:
            place = self._sections.territories[0].place if self._sections.territories else None
            hint = "begin with `territories:` and one territory with `when: always`"
            self._findings.error("SYN253", "the pack has no territories of role owner", place, hint)

    def _check_one_file(self, territory: Territory, first: Sequence, level: Sequence) -> None:
        if first is not level and first.place.path != level.place.path:
            message = f"the territories of role {territory.role} stand in two files, first at {first.place}"
            hint = "their order decides: keep one list, and insert the other file with `- file: `"
            self._findings.error("SYN246", message, level.place, hint)
            self._split.add(territory.role)

    def _items(self, items: Iterable[Node], inherited: Inherited) -> Iterator[list[Territory]]:
        """What each item of a level comes to, those of inserted files in their place."""
        for part in self._sections.parts(items):
            if isinstance(part, Inserted):
                yield from self._inserted(part.root, inherited)
            else:
                yield self._item(part, inherited)

    def _inserted(self, root: Sequence, inherited: Inherited) -> Iterator[list[Territory]]:
        run = self._reading.remembered_run(root, inherited)
        if run is None:
            yield from self._items(root.items, inherited)
            if self._reading.memory is not None:
                self._reading.memory.join(root, inherited)
            return
        for name, place in run.said.claims:
            self._claim(name, place)
        for kept in run.parts.values():
            yield kept.result

    def _item(self, item: Node, inherited: Inherited) -> list[Territory]:
        """The territories of one item of a level; none after an error."""
        if not isinstance(item, MappingNode):
            hint = "begin each territory with `- name: `"
            self._findings.error("SYN241", f"a territory is a mapping, not {described(item)}", item.place, hint)
            return []
        if self._reading.memory is None or not is_whole(item) or not (inherited.path or item.get("role") is None):
            return self._read_item(item, inherited)
        kept = self._reading.remembered(item, inherited)
        if kept is not None:
            for name, place in kept.said.claims:
                self._claim(name, place)
            found: list[Territory] = kept.result
            return found
        claims, unsure = len(self._claims), len(self._unsure)
        with self._reading.noted() as said:
            found = self._read_item(item, inherited)
        said.claims = self._claims[claims:]
        if len(self._unsure) == unsure:
            self._reading.keep(item, inherited, found, said)
        return found

    def _read_item(self, item: MappingNode, inherited: Inherited) -> list[Territory]:
        if item.get("table") is not None:
            return self._table(item, inherited)
        if len(inherited.path) >= DEEPEST:
            self._findings.error("SYN208", f"territories are nested deeper than {DEEPEST} levels", item.place)
            return []
        return [self._territory(item, inherited)]

    def _table(self, item: MappingNode, inherited: Inherited) -> list[Territory]:
        options = Options(item, "a table of territories", ("table",), self._reading)
        file = options.scalar("table")
        rows = read_table(file, inherited, self._reading) if file is not None else []
        for name, place in {territory.name: territory.place for territory in reversed(rows)}.items():
            self._claim(name, place)
        return rows

    def _claim(self, name: str, place: Place) -> None:
        self._claims.append((name, place))
        first = self.names.setdefault(name, place)
        if first is not place:
            message = f"the territory `{name}` stands twice, first at {first}"
            self._findings.error("SYN206", message, place, "names are unique in the pack: rename one")

    def _territory(self, node: MappingNode, inherited: Inherited) -> Territory:
        named = node.get("name")
        what = f"the territory `{named.text[:60]}`" if isinstance(named, Scalar) else "this territory"
        options = Options(node, what, TERRITORY_OPTIONS, self._reading)
        name = self._name(options)
        if "role" in options:
            inherited = self._with_role(options, inherited)
        when = self._when(options, inherited)
        own = read_territory_options(options, inherited.role, self._reading)
        below = inherited.below(name, when, own)
        children = self._children(options, below)
        text = entries_written(MappingNode(tuple(e for e in node.entries if e.key.text not in _UNWRITTEN), node.place))
        territory = replace(build(name, when or Always(), own, below, node.place, text), children=children)
        if when is None:
            self._unsure.add(node.place)
        else:
            check_leeway(territory, options.place_of("leeway"), self._reading)
        self._read_otherwise(options, territory, top=not inherited.path)
        before = self._findings.error_count
        self._check_group(territory, options)
        if self._findings.error_count == before:
            self._warn_unreachable(territory.children)
        return territory

    def _read_otherwise(self, options: Options, territory: Territory, *, top: bool) -> None:
        """`otherwise` beside `role`: all top-level territories of a role say the same (SYN276)."""
        said = options.choice("otherwise", OTHERWISE)
        place = options.place_of("otherwise")
        if "otherwise" in options and (not top or territory.role == "owner"):
            where = "on top-level territories" if not top else "beside a `role` that is not `owner`"
            hint = "remove it: an account always has an owner" if top else "remove it here"
            self._findings.error("SYN276", f"`otherwise` stands {where} only", place, hint)
        elif top and territory.role != "owner":
            clears = said == "clear"
            first = self._otherwise.setdefault(territory.role, (clears, place))
            if first[0] is not clears:
                message = f"the top-level territories of role {territory.role} disagree on `otherwise`: see {first[1]}"
                self._findings.error("SYN276", message, place, "write `otherwise: clear` on all of them, or on none")

    def _name(self, options: Options) -> str:
        given = (
            options.scalar("name")
            if options.require("name", "give it a name: lower-case letters, digits, hyphens")
            else None
        )
        name = read_name(given, self._reading) if given is not None else None
        if name is not None and given is not None:
            self._claim(name, given.place)
        return name or "unnamed"

    def _with_role(self, options: Options, inherited: Inherited) -> Inherited:
        if inherited.path:
            message = "`role` stands on top-level territories only; those below have the same role"
            self._findings.error("SYN256", message, options.place_of("role"), "remove it here")
            return inherited
        return replace(inherited, role=options.name("role") or "owner")

    def _when(self, options: Options, inherited: Inherited) -> Condition | None:
        if not options.require("when", "write its condition; `when: always` matches everything"):
            return None
        scope = self._reading.scope(ancestors=inherited.ancestors, forbidden=SELF_READING_FIELDS)
        return self._reading.condition(options.node("when"), scope)

    def _children(self, options: Options, below: Inherited) -> tuple[Territory, ...]:
        node = options.node("territories")
        if node is None:
            return ()
        if isinstance(node, Scalar) or (isinstance(node, Sequence) and not node.items):
            hint = "write a list, or {table: tables/emea.csv}"
            self._findings.error("SYN241", "`territories` is a list of territories or a table", node.place, hint)
            self._unsure.add(options.place)
            return ()
        children: list[Territory] = []
        lost = self._sections.lost
        for read in self._items(node.items if isinstance(node, Sequence) else (node,), below):
            children += read
            if not read:
                self._unsure.add(options.place)
        if self._sections.lost > lost:
            self._unsure.add(options.place)
        return tuple(children)

    def _check_group(self, territory: Territory, options: Options) -> None:
        if not isinstance(territory.owners, NoOwners) or "owners" in options or territory.place in self._unsure:
            return
        if (options.place, "owners") in self._reading.emptied or (
            options.place,
            "territories",
        ) in self._reading.emptied:
            return
        if "territories" not in options:
            message = f"{options.what} has neither `owners` nor `territories`"
            self._findings.error(
                "SYN252", message, territory.place, "add `owners: [anna@example.com]`, or `owners: unassigned`"
            )
        elif territory.children and not self._catches_all(territory.children):
            message = f"{options.what} has no `owners` and does not end in a child that takes the rest"
            early = self._early_catch_all(territory.children)
            hint = f"move {early[0].name} to the end" if early is not None else f"give it `owners`, or {_CATCH_ALL}"
            self._findings.error("SYN252", message, territory.place, hint)

    def _catches_all(self, level: list[Territory] | tuple[Territory, ...]) -> bool:
        last = level[-1]
        return last.place in self._unsure or is_catch_all(last)

    def _warn_unreachable(self, level: Iterable[Territory]) -> None:
        early = self._early_catch_all(level)
        if early is not None:
            first, following = early
            message = f"{following.name} and what follows it can never be entered: {first.name} takes everything"
            self._findings.warning("SYN255", message, following.place, f"move {first.name} to the end")

    def _early_catch_all(self, level: Iterable[Territory]) -> tuple[Territory, Territory] | None:
        """The first catch-all that is not the last of a level, and what stands after it. Tables tell of their rows."""
        first: Territory | None = None
        for territory in level:
            if first is not None and not (first.row is not None and first.place.path == territory.place.path):
                return first, territory
            if first is None and is_catch_all(territory) and territory.place not in self._unsure:
                first = territory
        return None


def is_catch_all(territory: Territory) -> bool:
    """Whether a territory takes everything that reaches it, at all times."""
    return isinstance(territory.when, Always) and territory.effective is None
