"""What holds for the whole source: TLS is always verified, files are private, exceptions are explained."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from syncd.alerts.receivers import file as file_receiver
from syncd.errors import UsageError
from syncd.jobs.files import replace_file
from syncd.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "syncd").rglob("*.py"))
UNVERIFIED = {"CERT_NONE", "CERT_OPTIONAL", "_create_unverified_context", "disable_warnings", "InsecureRequestWarning"}
OPTIONS = {"verify", "check_hostname", "verify_ssl", "assert_hostname"}


def nodes(*words: str) -> Iterator[tuple[str, ast.AST]]:
    """The syntax of every file that has one of these words."""
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if any(word in text for word in words) else ():
            yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def settings_keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from settings_keys(part)


def test_nothing_turns_the_verification_of_tls_off() -> None:
    found = []
    for place, node in nodes(*UNVERIFIED, *OPTIONS):
        if isinstance(node, ast.keyword) and node.arg in OPTIONS:
            found += [place] if isinstance(node.value, ast.Constant) and not node.value.value else []
        if isinstance(node, ast.Attribute) and node.attr in UNVERIFIED:
            found.append(place)
        if isinstance(node, ast.Assign):
            names = [each.attr for each in node.targets if isinstance(each, ast.Attribute)]
            off = isinstance(node.value, ast.Constant) and node.value.value is False
            found += [place] if off and OPTIONS & set(names) else []
    assert found == []
    keys = set(settings_keys(Settings))
    assert "ca_bundle" in keys
    assert not {key for key in keys if re.search(r"insecure|verify|unsafe|skip_tls|no_ssl", key)}


def test_every_file_that_is_made_by_hand_is_its_owners_alone() -> None:
    made = []
    for place, node in nodes("os.open"):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "os.open" and "sandbox" not in place:
            flags = ast.unparse(node.args[1])
            if "O_CREAT" in flags or "_FLAGS" in flags:
                made.append(place)
                assert len(node.args) == 3, place
                assert ast.unparse(node.args[2]) in ("384", "0o600"), place
    assert len(made) >= 4


def test_a_link_planted_beside_a_file_is_not_written_through(tmp_path: Path) -> None:
    """Whoever may write to the folder plants links under the names that a careless program would use."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    target = tmp_path / "pack.yaml"
    for name in (".pack.yaml.tmp", "pack.yaml.tmp", "pack.yaml~", ".pack.yaml.new"):
        (tmp_path / name).symlink_to(victim)
    replace_file(target, b"new")
    assert target.read_bytes() == b"new"
    assert victim.read_text() == "mine"
    assert file_receiver._FLAGS & os.O_NOFOLLOW
    with pytest.raises(UsageError, match="SYN004"):
        replace_file(tmp_path / "nowhere" / "pack.yaml", b"new")


def test_every_exception_from_the_security_rules_has_its_reason() -> None:
    bare = []
    for path in SOURCES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(r"# noqa:[^#]*\bS\d{3}\b(?! - \S)(?!, )", line):
                bare.append(f"{path.relative_to(ROOT)}:{number}")
    assert bare == []
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lint = tomllib.loads(text)["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    ignored = [rule for rule in lint["ignore"] if re.fullmatch(r"S\d*", rule)]
    ignored += [
        path for path, rules in lint["per-file-ignores"].items() if any(re.fullmatch(r"S\d*", r) for r in rules)
    ]
    for entry in ignored:
        (line,) = [line for line in text.splitlines() if line.strip().startswith(f'"{entry}"')]
        assert re.search(r"#\s*\S+", line), f"{entry} has no reason beside it"
