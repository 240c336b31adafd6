"""A process that ends at a crashpoint, as a kill ends it: no `except Exception` sees it."""

from __future__ import annotations

from syncd import crashpoints


class Crash(BaseException):
    """The end of the process."""


def crash_at(name: str, number: int = 1, crash: type[BaseException] = Crash) -> type[BaseException]:
    """End the process the numberth time that it passes a crashpoint; returns what is raised then, once."""
    left = number

    def hook(at: str) -> None:
        nonlocal left
        left -= at == name
        if left == 0:
            crashpoints.install(None)
            raise crash(name)

    crashpoints.install(hook)
    return crash
