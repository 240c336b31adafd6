"""Findings as SARIF: what code hosts need to show them beside a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from syncd.errors import Finding, Place, Severity, known_codes
from syncd.report.packs.sarif import render_sarif

FINDINGS = (
    Finding("SYN350", Severity.WARNING, "never entered", Place("north & south.yaml", 12, 5), "move it", "  - name: x"),
    Finding("SYN210", Severity.ERROR, "no such field", Place("a.yaml", 1, 1)),
    Finding("SYN253", Severity.ERROR, "no territories"),
    Finding("SYN365", Severity.NOTE, "places alone", Place("a.yaml", 3, 2)),
)


def run_of(root: str = "pack", **properties: Any) -> dict[str, Any]:
    shown = {FINDINGS[0]: properties} if properties else {}
    text = render_sarif(FINDINGS, root=Path(root), version="1.2.3", properties=shown)
    log = json.loads(text)
    assert text.endswith("}\n")
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def test_each_code_is_one_rule_with_its_page_as_help() -> None:
    rules = run_of()["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["SYN210", "SYN253", "SYN350", "SYN365"]
    never = rules[2]
    assert never["shortDescription"]["text"] == "a territory that can never be entered"
    assert never["help"]["markdown"].startswith("# SYN350: ")
    assert "What to do" in never["help"]["text"]
    assert "helpUri" not in never


def test_results_point_at_their_rule_level_and_place() -> None:
    run = run_of()
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [(each["ruleId"], each["level"]) for each in run["results"]] == [
        ("SYN253", "error"),
        ("SYN210", "error"),
        ("SYN365", "note"),
        ("SYN350", "warning"),
    ]
    for each in run["results"]:
        assert rules[each["ruleIndex"]] == each["ruleId"]
    last = run["results"][-1]
    assert last["message"]["text"] == "never entered\nmove it"
    assert last["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "pack/north%20%26%20south.yaml"},
                "region": {"startLine": 12, "startColumn": 5, "snippet": {"text": "  - name: x"}},
            }
        }
    ]
    assert "locations" not in run["results"][0]


def test_an_absolute_pack_gives_file_uris() -> None:
    run = run_of("/srv/pack")
    assert run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///srv/pack/a.yaml"


def test_a_finding_keeps_its_fingerprint_when_lines_move() -> None:
    def fingerprints(*findings: Finding) -> list[str]:
        log = json.loads(render_sarif(findings, root=Path("p"), version="1", properties={}))
        return [each["partialFingerprints"]["finding/v1"] for each in log["runs"][0]["results"]]

    moved = Finding("SYN210", Severity.ERROR, "no such field", Place("a.yaml", 9, 1))
    other = Finding("SYN210", Severity.ERROR, "no such field", Place("b.yaml", 1, 1))
    assert fingerprints(FINDINGS[1]) == fingerprints(moved)
    assert fingerprints(FINDINGS[1]) != fingerprints(other)


def test_an_example_account_travels_as_a_property() -> None:
    run = run_of(example={"account": {"country": "DE"}})
    assert run["results"][-1]["properties"] == {"example": {"account": {"country": "DE"}}}


def test_every_code_has_a_description_that_is_no_heading() -> None:
    every = [Finding(code, Severity.NOTE, code) for code in known_codes()]
    log = json.loads(render_sarif(every, root=Path("p"), version="1", properties={}))
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        assert rule["fullDescription"]["text"]
        assert not rule["fullDescription"]["text"].startswith("#")
