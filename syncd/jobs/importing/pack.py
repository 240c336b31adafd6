"""From a territory model to a pack's files, and the check that they are one.

Salesforce puts an account into the lowest territory of a branch all of whose rules (inherited and local) match. So the
territories below another one stay below it where they inherit all of its rules; else they stand before it.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syncd.errors import Finding, InputError, Severity, UsageError
from syncd.jobs.files import replace_file
from syncd.jobs.importing.clauses import FieldNames, default_fields
from syncd.jobs.importing.exports import Model, Node, read_model
from syncd.jobs.importing.logic import Reading, read_rule, together
from syncd.jobs.mapping import field_catalogue, system_mapping
from syncd.jobs.packs.packs import inspect_pack
from syncd.model.normalisation import country
from syncd.model.refs import Kind, System
from syncd.rules.findings import Findings
from syncd.rules.formatting.yaml_text import Value, entry
from syncd.settings import Settings

DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the model: territories in the pack, those that are not exact, those left out, and findings."""

    territories: int
    inexact: int
    left_out: int
    findings: tuple[Finding, ...]


def import_territories(
    settings: Settings,
    paths: Iterable[Path],
    folder: Path,
    *,
    now: datetime,
    home: str | None = None,
    model: str | None = None,
) -> Imported:
    """Write a pack from the exported files into a new folder; `home` is the country of states that name none.

    What could not be carried over is in the findings (SYN384), each at its row. A territory that is not exact is wider
    than it was and gives nobody anything: its accounts stay with their owners. Raises UsageError SYN004 where the
    folder exists, InputError SYN385 where the files hold no model, SYN386 where the pack would not be valid.
    """
    if folder.exists():
        raise UsageError("SYN004", f"{folder} exists already", hint="choose another folder; nothing is overwritten")
    code = country(home) if home else None
    if home and code is None:
        raise UsageError("SYN005", f"--country {home!r} is no country", hint="such as US or Germany")
    findings = Findings()
    found = read_model(paths, findings, model=model)
    if findings.has_errors:
        raise InputError("SYN385", "the export cannot be read", findings=findings.items)
    mapped = system_mapping(settings, System.SALESFORCE).kinds[Kind.ACCOUNT].fields if settings.salesforce else None
    names = FieldNames.of(mapped or default_fields(), field_catalogue(settings).account)
    writer = _Writer(found, names, code, findings)
    files = {"pack.yaml": _pack_yaml(folder, code), "territories.yaml": writer.text()}
    _check(settings, files, now)
    folder.mkdir(parents=True)
    for name, text in files.items():
        replace_file(folder / name, text.encode("utf-8"))
    return Imported(writer.written, writer.inexact, writer.left_out, findings.items)


def _pack_yaml(folder: Path, home: str | None) -> str:
    defaults = f"\n  defaults: {{country: {home}}}" if home else ""
    name = _slug(folder.resolve().name) or "imported"
    return f"# Imported from Salesforce territories by `syncd import`.\nformat: 1\npack:\n  name: {name}{defaults}\n"


def _check(settings: Settings, files: dict[str, str], now: datetime) -> None:
    with tempfile.TemporaryDirectory(prefix="syncd-import-") as scratch:
        for name, text in files.items():
            (Path(scratch) / name).write_text(text, encoding="utf-8")
        pack, findings = inspect_pack(settings, Path(scratch), now=now)
    if pack is None:
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        hint = "please report this with the rows that the findings name"
        raise InputError("SYN386", "the pack made of this export would not be valid", hint=hint, findings=errors)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")


class _Writer:
    """Writes the territories, the lowest of a branch first, each once."""

    def __init__(self, model: Model, names: FieldNames, home: str | None, findings: Findings) -> None:
        self._model, self._findings = model, findings
        self._read: dict[str, Reading] = {key: read_rule(rule, names, home) for key, rule in model.rules.items()}
        self._children: dict[str, list[Node]] = defaultdict(list)
        for node in model.nodes.values():
            self._children[node.parent if node.parent in model.nodes else ""].append(node)
        self._taken: set[str] = {"everyone-else"}
        self.written = self.inexact = self.left_out = 0

    def text(self) -> str:
        """The whole file, a catch-all at its end."""
        for key, reading in self._read.items():
            rule = self._model.rules[key]
            for place, why in reading.lost:
                hint = "write it by hand; until then its territories give their accounts to nobody"
                self._findings.warning("SYN384", f"not carried over of the rule {rule.name!r}: {why}", place, hint)
        lines = [line for node in self._ordered("") for line in self._branch(node, 2, frozenset(), 0)]
        self._report_rings()
        rest = ["  - name: everyone-else", "    when: always", "    owners: unassigned"]
        return "\n".join(["territories:", *lines, *rest]) + "\n"

    def _ordered(self, parent: str) -> list[Node]:
        """Siblings by the priority of their types, the highest first, else as exported."""
        return sorted(self._children[parent], key=lambda node: -node.priority)

    def _branch(self, node: Node, indent: int, above: frozenset[str], depth: int) -> list[str]:
        """The lines of a territory and all below it; `above` are the rules that hold here already."""
        own = frozenset(node.rules)
        below = self._ordered(node.id)
        inherits = bool(below) and bool(own) and all(own <= set(each.rules) for each in self._below(node))
        if inherits and depth < DEEPEST:
            lines = self._alone(node, indent, above)
            if lines:
                inside = [line for each in below for line in self._branch(each, indent + 4, above | own, depth + 1)]
                return [*lines, *([f"{' ' * indent}  territories:", *inside] if inside else [])]
            return [line for each in below for line in self._branch(each, indent, above, depth)]
        lifted = [line for each in below for line in self._branch(each, indent, above, depth)]
        return [*lifted, *self._alone(node, indent, above)]

    def _below(self, node: Node) -> list[Node]:
        found: list[Node] = []
        waiting = list(self._children[node.id])
        while waiting:
            each = waiting.pop()
            found.append(each)
            waiting += self._children[each.id]
        return found

    def _alone(self, node: Node, indent: int, above: frozenset[str]) -> list[str]:
        """The lines of one territory without those below; none where nothing can be said of who is in it."""
        condition = together([self._read[key].condition for key in node.rules if key not in above])
        exact = not any(self._read[key].lost for key in node.rules)
        if condition is None:
            self._leave_out(node, exact)
            return []
        self.written += 1
        self.inexact += not exact
        roles = sorted(node.roles - {""})
        if len(roles) > 1:
            message = f"the people of {node.name!r} have the roles {', '.join(roles)}; all of them are its owners here"
            self._findings.warning("SYN384", message, node.place, "leave those in who own accounts")
        space = " " * indent
        lines = [f"{space}- name: {self._named(node.name)}", *entry("when", condition, indent + 2)]
        if not exact:
            lines.append(f"{space}  note: wider than in Salesforce, so it gives its accounts to nobody yet")
        owners: Value = list(node.owners) if node.owners and exact else "unassigned"
        return [*lines, *entry("owners", owners, indent + 2)]

    def _leave_out(self, node: Node, exact: bool) -> None:
        self.left_out += 1
        if not exact:
            why = "nothing of its rules could be carried over"
        elif node.rules:
            why = "it has no rule beside those of its parent"
        else:
            why = "it has no rules: only accounts that people put there by hand"
        message = f"the territory {node.name!r} is left out: {why}"
        self._findings.warning("SYN384", message, node.place, "give single accounts away with overrides")

    def _report_rings(self) -> None:
        """Territories that no root leads to are their own ancestors."""
        reached = {node.id for root in self._children[""] for node in (root, *self._below(root))}
        for node in self._model.nodes.values():
            if node.id not in reached:
                self.left_out += 1
                message = f"the territory {node.name!r} is left out: it is its own ancestor"
                self._findings.warning("SYN384", message, node.place, "mend its parent and export again")

    def _named(self, name: str) -> str:
        """A name of ours that no other territory has."""
        base = _slug(name) or "territory"
        found, number = base, 1
        while found in self._taken:
            number += 1
            found = f"{base}-{number}"
        self._taken.add(found)
        return found
