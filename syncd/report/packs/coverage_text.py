"""What a pack's tests cover, for people and as a document: territories first, then what no case has seen."""

from __future__ import annotations

from typing import Any

from syncd.report.table import render_table
from syncd.report.wording import counted
from syncd.rules.coverage import ClauseCoverage, Coverage, RuleCoverage


def render_coverage(coverage: Coverage) -> str:
    """A table of the rules and, below each, the clauses that no case has seen both ways. Ends with a newline."""
    ended, needed = coverage.reached
    seen, clauses = coverage.clauses
    lines = [
        f"Coverage: {_share(ended, needed)} rules take a case,"
        f" {_share(seen, clauses)} clauses are seen true and false.",
        "",
        render_table(
            ("rule", "cases", "clauses", "where"),
            [
                (_name(rule), _cases(rule), _clauses(rule), f"{rule.place.path}:{rule.place.line}")
                for rule in coverage.rules
            ],
            right={1, 2},
            width=None,
            empty="there are no rules to cover",
        ),
    ]
    gaps = [line for rule in coverage.rules for line in _gaps(rule)]
    lines += ["", "Not covered:", *gaps] if gaps else ["", "Everything is covered."]
    return "\n".join(lines) + "\n"


def coverage_document(coverage: Coverage) -> dict[str, Any]:
    """The same as a document; keys may be added."""
    ended, needed = coverage.reached
    seen, clauses = coverage.clauses
    return {
        "rules": {"covered": ended, "of": needed},
        "clauses": {"covered": seen, "of": clauses},
        "by_rule": [_rule_entry(rule) for rule in coverage.rules],
    }


def _rule_entry(rule: RuleCoverage) -> dict[str, Any]:
    return {
        "kind": "protect" if rule.role is None else "territory",
        "name": rule.name,
        "role": rule.role,
        "file": rule.place.path,
        "line": rule.place.line,
        "cases": rule.cases,
        "covered": rule.cases > 0 or not rule.needed,
        "clauses": [_clause_entry(clause) for clause in rule.clauses],
    }


def _clause_entry(clause: ClauseCoverage) -> dict[str, Any]:
    return {
        "text": clause.text,
        "file": clause.place.path,
        "line": clause.place.line,
        "column": clause.place.column,
        "seen_true": clause.seen_true,
        "seen_false": clause.seen_false,
    }


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}" + (f" ({part * 100 // whole} %)" if whole else "")


def _name(rule: RuleCoverage) -> str:
    if rule.role is None:
        return f"protect {rule.name}"
    return rule.name if rule.role == "owner" else f"{rule.name} ({rule.role})"


def _cases(rule: RuleCoverage) -> str:
    return f"{rule.cases:,}" if rule.cases or rule.needed else "-"


def _clauses(rule: RuleCoverage) -> str:
    if not rule.clauses:
        return "-"
    return f"{sum(clause.missing is None for clause in rule.clauses)} of {len(rule.clauses)}"


def _gaps(rule: RuleCoverage) -> list[str]:
    """What is missing, one line each with its place."""
    verb = "is held by" if rule.role is None else "ends in"
    lines = []
    if rule.needed and not rule.cases:
        lines.append(f"  {rule.place}: no case {verb} {_name(rule)}")
    missing = [clause for clause in rule.clauses if clause.missing]
    lines += [f"  {clause.place}: {clause.missing}: {clause.text}" for clause in missing[:_SHOWN]]
    if len(missing) > _SHOWN:
        lines.append(f"  {rule.place}: and {counted(len(missing) - _SHOWN, 'more clause')} of {_name(rule)}")
    return lines


_SHOWN = 20
