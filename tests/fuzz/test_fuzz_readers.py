"""The readers' corpus replayed, and a few seconds of blind mutation of it; `make fuzz-readers` is the guided one.

What is held: no exception but our own, no input over a second of processor time, no memory that grows by 200 MB.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from random import Random  # noqa: TID251 - seeded, and the input that fails is shown
from time import process_time

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
SECONDS, MEGABYTES = 1.0, 200
BLIND_SECONDS = float(os.environ.get("FUZZ", "5")) / len(TARGETS)
"""Of processor time for each target."""
_MARKS = (
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"'",
    b'"',
    b"{",
    b"[",
    b"\n",
    b"\r",
    b"\t",
    b",",
    b"9" * 40,
    b"&a",
    b"*a",
)


def inputs(name: str) -> Iterator[bytes]:
    """What the target's corpus begins with, and what was kept in it since."""
    yield from TARGETS[name].seeds()
    for path in sorted((CORPUS / name).glob("*")):
        yield path.read_bytes()


def mutated(data: bytes, dice: Random) -> bytes:
    """Some places of an input cut out, doubled, put elsewhere, or struck by what readers stumble over."""
    work = bytearray(data)
    for _ in range(dice.randrange(1, 5)):
        first, last = sorted(dice.randrange(len(work) + 1) for _ in range(2))
        match dice.randrange(5):
            case 0:
                del work[first : min(last, first + 40)]
            case 1:
                work[first:first] = work[first : min(last, first + 200)]
            case 2:
                work[first:first] = dice.choice(_MARKS) * dice.choice((1, 1, 1, 50))
            case 3 if work:
                work[dice.randrange(len(work))] = dice.randrange(256)
            case _:
                work[first:first] = work[last : last + 30]
    return bytes(work[:8192])


def read_soon(name: str, data: bytes) -> None:
    started = process_time()
    TARGETS[name].read(data)
    took = process_time() - started
    assert took < SECONDS, f"{took:.1f} s for {data!r}"


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_broke_a_reader_is_read(name: str) -> None:
    found = list(inputs(name))
    assert found
    for data in found:
        read_soon(name, data)


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_seconds_of_mutation_break_no_reader(name: str) -> None:
    dice, kept = Random(os.environ.get("SEED", "1")), list(inputs(name))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    until = process_time() + BLIND_SECONDS
    while process_time() < until:
        data = mutated(dice.choice(kept), dice)
        try:
            read_soon(name, data)
        except Exception as error:
            raise AssertionError(f"keep it in {CORPUS.name}/{name}: {data!r}") from error
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MEGABYTES * 1024


def test_every_folder_of_the_corpus_is_of_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= set(TARGETS)
