"""Files of which one item was edited: the very document that reading the whole file gives, from less reading."""

from __future__ import annotations

from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

import pytest

from syncd.rules.findings import Findings
from syncd.rules.reading.yaml_edits import reread_yaml
from syncd.rules.reading.yaml_reader import DEEPEST, read_yaml

TEXT = """format: 1  # the first
reps:
- {email: a@example.com}
- email: b@example.com
territories:
  # strategic ones first
  - name: one
    when: {country: [DE,
                     AT]}
    note: |
      a text: with

      - lines
  -   name: two
      when:
        all:
        - country: DE
        - {industry: "Bank: ing"}
      owners: [a@example.com]   # remark
  -
    name: three
    note: plain text
      that goes on
  - {name: four, when: always}
pools:
  triage: {members: [a@example.com]}
tests:
  - name: last
"""
PIECES = (
    "- ",
    "  ",
    "'",
    '"',
    "[",
    "]",
    "{",
    "}",
    ": ",
    "#",
    "|",
    ">-",
    "x",
    "---",
    "...",
    "&a ",
    "*a",
    "!t ",
    "DE",
    ",",
)


def both(old: str, new: str):
    """What the short way gives, what reading the whole file gives, and what is found in that."""
    said = Findings()
    before = read_yaml(old.encode(), "f.yaml", said)
    if len(said):
        return None
    findings = Findings()
    whole = read_yaml(new.encode(), "f.yaml", findings)
    again = reread_yaml(before, old.encode(), new.encode(), Findings())
    return again.document if again is not None else None, whole, findings


def edited(dice: Random, text: str) -> str:
    """A text with a few characters of one or two neighbouring lines put in or taken away, or with lines moved about."""
    lines = text.split("\n")
    at = dice.randrange(len(lines))
    if dice.random() < 0.4:
        run = lines[at : at + dice.choice((1, 1, 2, 3, 6))]
        if dice.random() < 0.5:
            del lines[at : at + len(run)]
        to = dice.randrange(len(lines) + 1)
        new = ["  - name: new"], ["  # new"], ["- x"], [dice.choice(PIECES)]
        lines[to:to] = dice.choice((run, run[::-1], ["", *run], *new))
        return "\n".join(lines)
    for number in range(at, min(len(lines), at + dice.choice((1, 1, 2)))):
        line = lines[number]
        place = dice.randrange(len(line) + 1)
        if dice.random() < 0.4:
            lines[number] = line[:place] + line[place + dice.randrange(1, 4) :]
        else:
            lines[number] = line[:place] + dice.choice(PIECES) + line[place:]
    return "\n".join(lines)


@pytest.mark.parametrize("lane", range(4))
def test_an_edited_item_comes_out_as_in_the_whole_file(lane):
    taken = 0
    for seed in range(lane, 2_400, 4):
        dice = Random(seed)
        old = TEXT if seed % 3 else TEXT.removesuffix("\n")
        new = edited(dice, old)
        short, whole, findings = both(old, new)
        if short is not None and new != old:
            taken += 1
            assert not len(findings), (seed, new)
            assert short == whole, (seed, new)
            assert short.files_named() == whole.files_named()
    assert taken > 80


def test_items_that_were_not_edited_are_the_very_objects():
    said = Findings()
    before = read_yaml(TEXT.encode(), "f.yaml", said)
    found = reread_yaml(before, TEXT.encode(), TEXT.replace("name: one", "name: uno").encode(), said).document
    old, new = before.root.get("territories").items, found.root.get("territories").items
    assert [one is other for one, other in zip(old, new, strict=True)] == [False, True, True, True]
    assert new[0].get("name").text == "uno"
    assert found.root.get("pools") is before.root.get("pools")
    assert said.text_of("f.yaml").count("uno") == 1


@pytest.mark.parametrize(
    "new",
    [
        TEXT.replace("format: 1", "format: 2"),
        TEXT.replace("name: one", "name: &a one"),
        TEXT.replace("country: [DE,", "country: [\tDE,"),
        TEXT.replace("country: [DE,", "country: [[DE,"),
        TEXT.replace("  -   name: two", "...\n  -   name: two"),
        TEXT.replace("  - {name: four", "---\n  - {name: four"),
        TEXT.replace("- {email: a@example.com}\n- email: b@example.com\n", ""),
        TEXT.replace("reps:\n", "reps: []\n"),
    ],
    ids=["no item", "a remark", "a tab", "no YAML", "an end", "a start", "none is left", "two lists"],
)
def test_other_edits_are_left_to_the_reader(new):
    short, _, _ = both(TEXT, new)
    assert short is None


def test_an_item_is_no_deeper_in_a_part_than_in_the_file():
    def nested(levels):
        return f"territories:\n  - {{a: {'[' * levels}1{']' * levels}}}\n  - {{b: 1}}\n"

    room = DEEPEST - 3  # the file's mapping, the list, the item
    whole = Findings()
    read_yaml(nested(room).encode(), "f.yaml", whole)
    assert not len(whole)
    assert both(nested(room), nested(room).replace("1]", "2]"))[0] is not None
    deeper = nested(room).replace("[1]", "[[1]]")
    assert both(nested(room), deeper)[0] is None
