"""What would send an account elsewhere, as plain text: each way with its changes, and what would hold it all the same.

The ways were found and checked by the rules; nothing is decided or guessed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.report.wording import moment, plain, wrapped

Entry = Mapping[str, Any]


def render_toward(document: Entry) -> str:
    """The text of `explain --toward`, ending with a newline."""
    name = plain(document.get("name") or document["company"])
    lines = [f"{name}  ({', '.join(plain(account) for account in document['accounts'])})"]
    lines.append(
        f"  now in {plain(document['territory'] or 'no territory')}, {plain(document['current_owner'] or 'nobody')}"
    )
    lines.append(f"  role {document['role']}, as of {moment(document['now'])}")
    lines += ["", *_answer(document)]
    return "\n".join(lines) + "\n"


def _answer(document: Entry) -> Iterator[str]:
    target = plain(document["toward"])
    asleep = document["not_in_effect"]
    if asleep:
        yield wrapped(f"not in effect today: {', '.join(map(plain, asleep))}", indent=0, hanging=2)
    ways = document["ways"]
    if not ways:
        if document["complete"]:
            yield f"No change of its fields leads to {target}."
        else:
            yield f"No change of a few fields was found that leads to {target}."
        return
    count = len(ways[0]["changes"])
    if not count:
        yield f"It is there already: {plain(ways[0]['territory'])}."
    else:
        fields = "one field" if count == 1 else f"{count} fields"
        yield f"The smallest change toward {target} is of {fields}:"
    for number, way in enumerate(ways):
        if number:
            yield "or"
        yield from _way(way)


def _way(way: Entry) -> Iterator[str]:
    for change in way["changes"]:
        before = "missing" if change["from"] is None else plain(change["from"])
        after = "missing" if change["to"] is None else plain(change["to"])
        clauses = f"  [{'; '.join(plain(each) for each in change['clauses'])}]" if change["clauses"] else ""
        yield wrapped(f"{change['field']}: {before} -> {after}{clauses}", indent=2, hanging=6)
    where = plain(f"{way['file']}:{way['line']}") if way.get("file") else ""
    people = ", ".join(plain(each) for each in way["candidates"]) or "nobody"
    yield wrapped(f"then in {plain(way['territory'])} ({where}), which names {people}", indent=4, hanging=6)
    for held in way["held_by"]:
        yield wrapped(f"but {plain(held['reason'])}: {plain(held['text'])}", indent=4, hanging=6)
    for note in way["notes"]:
        yield wrapped(f"but {plain(note)}", indent=4, hanging=6)
