"""How long the stages of one piece of work took: what `--timings` prints. Knows no work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stages:
    """Stages in the order they ended, in seconds of the wall; `monotonic` is the clock that they are taken from.

    `notes` say in words how the work was done.
    """

    monotonic: Callable[[], float]
    taken: list[tuple[str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Take the time of what is done inside."""
        started = self.monotonic()
        try:
            yield
        finally:
            self.taken.append((name, self.monotonic() - started))

    def lines(self) -> Iterator[str]:
        """The stages as lines of text, their sum and the notes."""
        width = max([len(name) for name, _ in self.taken], default=0)
        for name, seconds in self.taken:
            yield f"{name.ljust(width)}  {seconds:8.3f} s"
        yield f"{'in all'.ljust(width)}  {sum(seconds for _, seconds in self.taken):8.3f} s"
        yield from self.notes
