"""What the doctor found, on a page of plain text: the worst first within each subject, each with how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.report.wording import counted, plain, wrapped

_MARKS = {"fail": "FAIL", "warn": "warn", "ok": "ok", "skip": "-"}
_ORDER = tuple(_MARKS)


def doctor_text(document: Mapping[str, Any]) -> str:
    """The page; `document` is that of `doctor --format json`."""
    subjects = dict.fromkeys(each["subject"] for each in document["checks"])
    sections = ["\n".join(_subject(document, subject)) for subject in subjects]
    return "\n\n".join([*sections, _summary(document["summary"])])


def _subject(document: Mapping[str, Any], subject: str) -> Iterator[str]:
    yield plain(subject)
    found = [each for each in document["checks"] if each["subject"] == subject]
    for each in sorted(found, key=lambda each: _ORDER.index(each["verdict"])):
        head = f"{_MARKS[each['verdict']]:<5}{each['check']:<12}"
        code = f" [{each['code']}]" if each["code"] else ""
        yield wrapped(f"{head}{plain(each['text'])}{code}", indent=2, hanging=19)
        if each["fix"]:
            yield wrapped(f"mend: {plain(each['fix'])}", indent=19, hanging=25)


def _summary(summary: Mapping[str, int]) -> str:
    if not summary["fail"] and not summary["warn"]:
        return f"all is well: {counted(summary['ok'], 'check')}"
    words = [counted(summary["fail"], "failure"), counted(summary["warn"], "warning"), f"{summary['ok']:,} ok"]
    if summary["skip"]:
        words.append(f"{summary['skip']:,} not made")
    return ", ".join(words)
