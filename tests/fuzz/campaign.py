"""The coverage-guided fuzzer over one reader: `python -m tests.fuzz.campaign TARGET SECONDS`, once for each target.

atheris drives it: libFuzzer mutates the corpus and keeps what reaches new branches of syncd. An input that crashes a
reader, takes more than a second of processor time or lets memory grow past the limit is written to `build/fuzz/` and
ends the run with a code; put it into `corpus/` once it is mended, and the replay keeps it mended.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
from pathlib import Path
from time import process_time

import atheris

with atheris.instrument_imports(include=["syncd"], enable_loader_override=False):
    from tests.fuzz.targets import TARGETS, BrokenPromiseError

SECONDS = 1.0
"""Of processor time that one input may take."""
MEGABYTES = 200
"""By which reading may make the process grow over what it has when everything is imported."""
HERE = Path(__file__).parent
KEPT = Path("build/fuzz")


def main() -> None:
    """Fuzz one target for so many seconds."""
    name, seconds = sys.argv[1], int(sys.argv[2])
    target = TARGETS[name]
    found, crashes = KEPT / name, KEPT / f"{name}-found-"
    found.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (found / f"seed-{number}").write_bytes(seed)
    for kept in (HERE / "corpus" / name).glob("*"):
        shutil.copy(kept, found / kept.name)
        target.read(kept.read_bytes())

    def one(data: bytes) -> None:
        started = process_time()
        target.read(data)
        took = process_time() - started
        if took > SECONDS:
            raise BrokenPromiseError(f"{took:.1f} s of processor time")

    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stderr.write(f"{name}: {base} MB before the first input; at most {MEGABYTES} more\n")
    options = [f"-max_total_time={seconds}", "-timeout=20", "-max_len=8192", f"-artifact_prefix={crashes}"]
    options += [f"-rss_limit_mb={base + MEGABYTES}", "-print_final_stats=1", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, os.fspath(found)], one)
    atheris.Fuzz()


main()
