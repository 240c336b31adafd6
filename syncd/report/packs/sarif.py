"""Findings as SARIF 2.1.0, the form in which code hosts show them beside the lines of a change.

One rule a code, with the text of the code's page as its help. Equal findings give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from syncd.errors import Finding, Severity, page_of, sort_key

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render_sarif(
    findings: Sequence[Finding], *, root: Path, version: str, properties: Mapping[Finding, Mapping[str, Any]]
) -> str:
    """The findings as one SARIF run, with a newline at the end.

    `root` is the pack's folder as the user named it: a relative one gives locations relative to where the command runs,
    as code hosts want them. `properties` are added to single results.
    """
    ordered = sorted(findings, key=sort_key)
    codes = sorted({finding.code for finding in ordered})
    positions = {code: position for position, code in enumerate(codes)}
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "syncd", "semanticVersion": version, "rules": [_rule(code) for code in codes]}
                },
                "columnKind": "unicodeCodePoints",
                "results": [
                    _result(finding, positions[finding.code], root, properties.get(finding)) for finding in ordered
                ],
            }
        ],
    }
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    page = page_of(code) or f"# {code}: unknown\n"
    title, _, body = page.partition("\n")
    name = title.removeprefix(f"# {code}: ").strip()
    text = body.strip() or name
    return {
        "id": code,
        "shortDescription": {"text": name},
        "fullDescription": {"text": _first_paragraph(text) or name},
        "help": {"text": text, "markdown": page.strip()},
    }


def _first_paragraph(text: str) -> str:
    paragraphs = (part.strip() for part in text.split("\n\n"))
    return " ".join(next((part for part in paragraphs if part and not part.startswith("#")), "").split())


def _result(finding: Finding, rule: int, root: Path, properties: Mapping[str, Any] | None) -> dict[str, Any]:
    said = f"{finding.message}\n{finding.hint}" if finding.hint else finding.message
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": said},
        "partialFingerprints": {"finding/v1": _fingerprint(finding)},
    }
    place = finding.place
    if place is not None:
        region: dict[str, Any] = {"startLine": place.line, "startColumn": place.column}
        if finding.source is not None:
            region["snippet"] = {"text": finding.source}
        location = {"artifactLocation": {"uri": _uri(root, place.path)}, "region": region}
        result["locations"] = [{"physicalLocation": location}]
    if properties:
        result["properties"] = dict(properties)
    return result


def _uri(root: Path, path: str) -> str:
    """The file's place: relative where the root is, percent-encoded as URIs are."""
    if root.is_absolute():
        return (root / path).as_uri()
    parts: Iterable[str] = PurePosixPath(root.as_posix(), path).parts
    return quote("/".join(parts))


def _fingerprint(finding: Finding) -> str:
    """The same finding after lines moved: its code, file and words."""
    path = finding.place.path if finding.place else ""
    return hashlib.sha256("\n".join((finding.code, path, finding.message)).encode()).hexdigest()[:32]
