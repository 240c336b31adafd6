"""Named points at which a test may kill the process: around each commit, each send and each file rename.

In production a crashpoint is one dictionary look-up on None. The simulation installs a hook that raises.
"""

from __future__ import annotations

from collections.abc import Callable

_hook: Callable[[str], None] | None = None


def crashpoint(name: str) -> None:
    """Say that execution is at the point `name`; a literal, unique in the source, such as `"apply.sent"`."""
    if _hook is not None:
        _hook(name)


def install(hook: Callable[[str], None] | None) -> None:
    """Call `hook` at every crashpoint from now on; None takes it away."""
    global _hook
    _hook = hook
