"""The report of an apply as plain text: how many rows came to what, those without their owner, what stopped it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncd.report.wording import counted, plain, wrapped

_WORDS = {
    "confirmed": "written and read back",
    "skipped_already": "had the owner already",
    "approved": "not sent, still approved",
    "sending": "in doubt: read first at the next start",
    "stale": "stale: what the plan stood on has changed",
    "conflict": "in conflict: somebody changed the record, or a write would lose something",
    "rejected": "refused by the CRM",
    "blocked": "not sent, for their account was not written",
    "dead": "given up after several attempts",
}
_DONE = ("confirmed", "skipped_already")
_SHOWN = 50


def apply_text(document: Mapping[str, Any]) -> str:
    """The report as text without a newline at its end; `document` is `ApplyReport.to_json()`."""
    rows = document["rows"]
    lines = [
        f"Applied plan {document['plan_id']}: {counted(len(rows), 'row')}, {counted(document['calls'], 'API call')}"
    ]
    if not rows:
        lines.append("  nothing to write: the plan holds no row that syncd sends")
    lines += [
        f"  {document['counts'][state]:>8,}  {words}"
        for state, words in _WORDS.items()
        if document["counts"].get(state)
    ]
    if document["recovered"]:
        lines.append(
            wrapped(
                f"{counted(document['recovered'], 'row')} left in doubt by an earlier process: settled by reading",
                indent=2,
            )
        )
    open_rows = [row for row in rows if row["state"] not in _DONE]
    if open_rows:
        lines += ["", "Not written:", *(line for row in open_rows[:_SHOWN] for line in _row(row))]
    if len(open_rows) > _SHOWN:
        lines.append(f"  … and {len(open_rows) - _SHOWN:,} more; --format json lists them all")
    lines += _teams(document["teams"])
    for stop in document["stops"]:
        where = f"{stop['system']}: " if stop["system"] else ""
        lines += ["", wrapped(f"Stopped: {where}{stop['code']} {plain(stop['text'])}", indent=0, hanging=2)]
    return "\n".join([*lines, "", _closing(document)])


def _teams(teams: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How many teams were put back, and who of them could not be."""
    if not teams:
        return
    back = sum(team["done"] and not team["lost"] for team in teams)
    yield f"  {back:>8,}  of {counted(len(teams), 'team')} that the writes dropped are whole again"
    for team in teams:
        if team["lost"]:
            yield f"  ! {team['ref']}  could not put back {', '.join(team['lost'])}"


def _row(row: Mapping[str, Any]) -> Iterator[str]:
    what = "" if row["field"] == "owner" else f"{plain(row['field'])}: "
    yield f"  ! {row['ref']}  {what}{row['from'] or 'nobody'} -> {row['to'] or 'nobody'}"
    why = ": ".join(plain(part) for part in (row["code"], row["message"]) if part)
    yield wrapped(f"# {row['state']}" + (f": {why}" if why else ""), indent=6, hanging=8)


def _closing(document: Mapping[str, Any]) -> str:
    """`Apply: 10 written, 1 already there, 2 not written.`"""
    counts = document["counts"]
    written, already = counts.get("confirmed", 0), counts.get("skipped_already", 0)
    missing = len(document["rows"]) - written - already
    return f"Apply: {written:,} written, {already:,} already there, {missing:,} not written."
