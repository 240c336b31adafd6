"""The word that was probably meant, for every finding about an unknown name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MOST_SHOWN = 12
_MOST_COMPARED = 5000


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint: the nearest known word, else the words there are, else that there are none."""
    names = sorted(set(known))
    close = get_close_matches(word[:80].lower(), [name.lower() for name in names[:_MOST_COMPARED]], n=1, cutoff=0.6)
    if close:
        return f"did you mean `{next(name for name in names if name.lower() == close[0])}`?"
    if not names:
        return "there is none of that kind in the pack"
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return "known are " + ", ".join(f"`{name}`" for name in names[:_MOST_SHOWN]) + more
