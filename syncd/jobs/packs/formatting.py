"""Putting a pack's YAML files into the one layout, and never a byte of their meaning. CSV files are not touched."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from syncd.errors import Finding, InputError, Place, Severity
from syncd.jobs.files import replace_file
from syncd.jobs.packs.packs import inspect_pack
from syncd.rules.findings import Findings
from syncd.rules.formatting.layout import formatted, unchanged
from syncd.rules.formatting.pieces import NotPlainError
from syncd.rules.formatting.sameness import same_pack
from syncd.rules.pack import Pack
from syncd.rules.reading.pack_files import PackFiles
from syncd.rules.reading.yaml_reader import read_yaml
from syncd.settings import Settings


@dataclass(frozen=True, slots=True)
class Formatting:
    """What became of a pack's files: the names of those in another layout, how many were looked at, and findings.

    A file with an error among the findings is left as it is.
    """

    reformatted: tuple[str, ...]
    files: int
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether a file could not be formatted."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def format_pack(settings: Settings, root: Path, *, now: datetime, write: bool) -> Formatting:
    """Format every YAML file of a pack (or the one file that `root` is); without `write` only say which would change.

    A file is replaced in one step, after its values and comments, and the whole pack where it is valid, were read back
    and are the same. Raises InputError SYN381 where they are not: nothing is written then.
    """
    folder, names, findings = _files(root)
    files = PackFiles(folder, findings)
    found = {name: data for name in names if (data := files.read(name)) is not None}
    changed = {name: new for name, data in found.items() if (new := _new(name, data, findings)) is not None}
    if changed and not root.is_file():
        _prove(settings, folder, changed, now)
    if write:
        for name, data in changed.items():
            replace_file(folder / name, data)
    return Formatting(tuple(changed), len(names), findings.items)


def _files(root: Path) -> tuple[Path, tuple[str, ...], Findings]:
    findings = Findings()
    if root.is_file():
        return root.parent, (root.name,), findings
    return root, PackFiles(root, findings).yaml_names(), findings


def _new(name: str, data: bytes, findings: Findings) -> bytes | None:
    """The file's bytes in the layout; None where it has them already or cannot be formatted, with a finding then."""
    before = findings.error_count
    read_yaml(data, name, findings)
    if findings.error_count > before:
        return None
    text = data.decode("utf-8")
    try:
        new = formatted(text)
    except NotPlainError as error:
        place, hint = Place(name, error.line), "take it out: rule files are plain YAML"
        findings.error("SYN380", f"{error.what} cannot be formatted", place, hint)
        return None
    if not unchanged(text, new):
        raise _different(name)
    return new.encode("utf-8") if new.encode("utf-8") != data else None


def _prove(settings: Settings, folder: Path, changed: Mapping[str, bytes], now: datetime) -> None:
    """Load the pack as it is and as it would be; InputError SYN381 where the two differ."""
    before, _ = inspect_pack(settings, folder, now=now)
    if before is None:
        return  # an invalid pack means nothing yet: that each file says the same was checked
    after = _loaded_with(settings, folder, before, changed, now)
    if after is None or not same_pack(replace(before, name=""), replace(after, name="")):
        raise _different(str(folder))


def _loaded_with(
    settings: Settings, folder: Path, before: Pack, changed: Mapping[str, bytes], now: datetime
) -> Pack | None:
    with tempfile.TemporaryDirectory(prefix="syncd-fmt-") as scratch:
        for name in before.files:
            copy = Path(scratch) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(changed.get(name) or (folder / name).read_bytes())
        return inspect_pack(settings, Path(scratch), now=now)[0]


def _different(where: str) -> InputError:
    hint = "nothing was written; please report this with the file"
    return InputError("SYN381", "formatting would change what it means", where=where, hint=hint)
