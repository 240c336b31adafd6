"""What is shipped is locked, looked up and listed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.supply_chain.audit import ACCEPTED, accepted, audit
from tests.supply_chain.lock import LOCK, Locked, read_lock
from tests.supply_chain.sbom import bill

ROOT = Path(__file__).resolve().parents[2]
TWO = (Locked("left-pad", "1.0", ("0" * 64,), ("syncd",)), Locked("tar", "2.0", ("1" * 64,), ("left-pad",)))


def osv(**found: str) -> Any:
    """An OSV that knows one advisory of each of these packages."""

    def ask(questions: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        names = [each["package"]["name"] for each in questions]
        return [{"vulns": [{"id": found[name]}]} if name in found else {} for name in names]

    return ask


def test_every_locked_package_has_hashes() -> None:
    packages = read_lock()
    assert len(packages) > 20
    assert [each.name for each in packages if not each.hashes] == []
    assert [each.name for each in packages if not each.needed_by] == []
    text = LOCK.read_text()
    assert len(packages) == len(re.findall(r"^[a-z0-9][^ ]*==", text, re.MULTILINE))
    assert sum(len(each.hashes) for each in packages) == text.count("--hash=sha256:")


def test_every_dependency_of_the_project_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[\[<>=!~ ]", each)[0] for each in project["dependencies"]}
    assert wanted <= {each.name for each in read_lock()}


def test_a_known_advisory_fails_the_audit() -> None:
    code, lines = audit(TWO, {}, osv(tar="GHSA-1"))
    assert code == 1
    assert lines == ["tar 2.0: GHSA-1 (NEW)", "2 packages: 1 advisories, 1 of them new"]


def test_an_accepted_advisory_passes_with_its_reason_until_it_is_gone() -> None:
    code, lines = audit(TWO, {"GHSA-1": "not reached"}, osv(tar="GHSA-1"))
    assert code == 0
    assert lines[0] == "tar 2.0: GHSA-1 (not reached)"
    assert audit(TWO, {"GHSA-1": "not reached"}, osv())[0] == 1


@pytest.mark.parametrize("answer", [OSError("no route"), ValueError("no JSON"), KeyError("results")])
def test_without_a_network_the_audit_says_that_it_was_skipped(answer: Exception) -> None:
    def ask(questions: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        raise answer

    code, (line,) = audit(TWO, {}, ask)
    assert code == 0
    assert line.startswith("SKIPPED")


def test_an_accepted_advisory_without_a_reason_is_refused(tmp_path: Path) -> None:
    assert accepted(ACCEPTED) is not None
    (tmp_path / "accepted.txt").write_text("GHSA-1\n")
    with pytest.raises(ValueError, match="no reason"):
        accepted(tmp_path / "accepted.txt")


def test_the_bill_of_materials_holds_every_locked_package() -> None:
    packages = read_lock()
    document = bill(packages)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", document["serialNumber"]
    )
    listed = {(each["name"], each["version"]) for each in document["components"]}
    assert listed == {(each.name, each.version) for each in packages}
    refs = [each["ref"] for each in document["dependencies"]]
    assert len(refs) == len(set(refs)) == len(packages) + 1
    assert {ref for each in document["dependencies"] for ref in each["dependsOn"]} <= set(refs)
    (root,) = [each for each in document["dependencies"] if each["ref"] == document["metadata"]["component"]["bom-ref"]]
    assert any(ref.startswith("pkg:pypi/sqlalchemy@") for ref in root["dependsOn"])


def test_equal_locks_give_equal_bills_and_another_lock_another_number() -> None:
    assert json.dumps(bill(TWO)) == json.dumps(bill(TWO))
    assert bill(TWO)["serialNumber"] != bill(TWO[:1])["serialNumber"]
