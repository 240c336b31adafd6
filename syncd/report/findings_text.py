"""Findings as plain text: each with its place, source line, caret and hint, then one line of counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from syncd.errors import Finding, Severity, sort_key
from syncd.report.wording import counted


def render_findings(findings: Sequence[Finding], *, what: str = "pack") -> str:
    """All findings in the order of the files, ending with a newline; without any, that there are none."""
    lines = [finding.rendered() for finding in sorted(findings, key=sort_key)]
    return "\n".join([*lines, summary_line(findings, what=what)]) + "\n"


def summary_line(findings: Sequence[Finding], *, what: str = "pack") -> str:
    """`2 errors, 1 warning: the pack is invalid`, or `the pack is valid`."""
    counts = Counter(finding.severity for finding in findings)
    told = ", ".join(counted(counts[severity], severity.value) for severity in Severity if counts[severity])
    verdict = f"the {what} is {'invalid' if counts[Severity.ERROR] else 'valid'}"
    return f"{told}: {verdict}" if told else verdict
