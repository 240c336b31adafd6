"""A mapping of options, read one by one: each value by its kind, each problem a finding at its place.

Reports unknown options with the one that was probably meant, wrong kinds of values, and required options left out.
Knows values, not what the options are for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from syncd.errors import Place
from syncd.rules.nodes import Mapping, Node, Scalar, Sequence
from syncd.rules.pack import Duration
from syncd.rules.reading import plain_values
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.suggestion import did_you_mean

T = TypeVar("T")


def described(node: Node) -> str:
    """A node as findings call it."""
    if isinstance(node, Scalar):
        return f"`{node.text[:60]}`"
    return "a list" if isinstance(node, Sequence) else "a mapping"


class Options:
    """One mapping. `what` is how findings call it; `known` are the options it may hold.

    A node that is no mapping is reported (SYN241) and read as an empty one; `broken` then says so.
    """

    def __init__(self, node: Node, what: str, known: Collection[str], reading: Reading, *, quiet: bool = False) -> None:
        self.what = what
        self.place = node.place
        self.broken = not isinstance(node, Mapping)
        self._reading = reading
        self._findings = reading.findings
        self._values = {entry.key.text: entry.value for entry in node.entries} if isinstance(node, Mapping) else {}
        if not isinstance(node, Mapping):
            self._findings.error("SYN241", f"{what} is written as a mapping, not as {described(node)}", node.place)
        elif not quiet:
            for entry in node.entries:
                if entry.key.text not in known:
                    message = f"{what} has no option `{entry.key.text}`"
                    self._findings.error("SYN240", message, entry.key.place, did_you_mean(entry.key.text, known))

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def node(self, key: str) -> Node | None:
        """The value as written, or None."""
        return self._values.get(key)

    def place_of(self, key: str) -> Place:
        """Where the value stands; the mapping's place if there is none."""
        value = self._values.get(key)
        return value.place if value is not None else self.place

    def require(self, key: str, hint: str) -> bool:
        """Whether the option is there; if not, and not reported already, an error (SYN243)."""
        if key in self._values:
            return True
        if (self.place, key) not in self._reading.emptied and not self.broken:
            self._findings.error("SYN243", f"{self.what} has no `{key}`", self.place, hint)
        return False

    def scalar(self, key: str) -> Scalar | None:
        """A value that must not be a list or mapping (else SYN241)."""
        value = self._values.get(key)
        if value is None or isinstance(value, Scalar):
            return value
        self._findings.error("SYN241", f"`{key}` is one value, not {described(value)}", value.place)
        return None

    def read(self, key: str, parse: Callable[[str], T | None], expected: str) -> T | None:
        """A value of one kind; None if left out or after an error (SYN242) that says what is expected."""
        value = self.scalar(key)
        return self.parsed(key, value, parse, expected) if value is not None else None

    def parsed(self, key: str, value: Scalar, parse: Callable[[str], T | None], expected: str) -> T | None:
        """One text by its kind; None after an error (SYN242)."""
        found = parse(value.text.strip())
        if found is None:
            self._findings.error("SYN242", f"`{key}: {value.text[:60]}` is {expected}", value.place)
        return found

    def text(self, key: str) -> str | None:
        """A text, trimmed; an empty one counts as left out."""
        value = self.scalar(key)
        return (value.text.strip() or None) if value is not None else None

    def name(self, key: str = "name") -> str | None:
        """A name of the pack's own (SYN244 if it is not formed like one)."""
        value = self.scalar(key)
        return read_name(value, self._reading) if value is not None else None

    def rep(self, key: str) -> str | None:
        """An e-mail in lower case or `seat:name` (SYN251 if it is neither)."""
        value = self.scalar(key)
        return read_rep(value, self._reading) if value is not None else None

    def email(self, key: str) -> str | None:
        """An e-mail in lower case (SYN251 if it is not formed like one)."""
        value = self.scalar(key)
        return read_email(value, self._reading) if value is not None else None

    def number(self, key: str, *, least: int = 0, above: bool = False) -> Decimal | None:
        """A number that is at least `least`, or above it."""
        found = self.read(key, plain_values.number, "no number: write digits, as in 120 or 1.5")
        if found is not None and (found < least or (above and found == least)):
            limit = f"above {least}" if above else f"at least {least}"
            self._findings.error("SYN242", f"`{key}` must be {limit}", self.place_of(key))
            return None
        return found

    def whole(self, key: str, *, least: int = 0, most: int | None = None) -> int | None:
        """A whole number in its limits."""
        found = self.read(key, plain_values.whole, "no whole number")
        if found is not None and (found < least or (most is not None and found > most)):
            limit = f"from {least} to {most}" if most is not None else f"at least {least}"
            self._findings.error("SYN242", f"`{key}` must be {limit}", self.place_of(key))
            return None
        return found

    def flag(self, key: str) -> bool | None:
        """`true` or `false`."""
        return self.read(key, plain_values.flag, "neither true nor false")

    def day(self, key: str) -> date | None:
        """A day."""
        return self.read(key, plain_values.day, "no day: write it as 2026-12-31")

    def days(self, first: str, last: str) -> tuple[date | None, date | None]:
        """Two days, both included; if they are swapped a warning (SYN273), never an error."""
        start, end = self.day(first), self.day(last)
        if start is not None and end is not None and end < start:
            message = f"`{last}` lies before `{first}`, so {self.what} never applies"
            self._findings.warning("SYN273", message, self.place_of(last), "swap them")
        return start, end

    def instant(self, key: str) -> datetime | None:
        """An instant in UTC."""
        zone = self._reading.zone
        return self.read(key, lambda text: plain_values.instant(text, zone), "no instant: write 2026-12-01T10:00:00Z")

    def span(self, key: str) -> Duration | None:
        """A span of time."""
        expected = "no span of time: write 90d; the units are min, h, d, w, mo and y"
        return self.read(key, plain_values.span, expected)

    def choice(self, key: str, choices: Collection[str]) -> str | None:
        """One of a few words."""
        value = self.scalar(key)
        if value is None or value.text in choices:
            return value.text if value is not None else None
        self._findings.error(
            "SYN242",
            f"`{key}: {value.text[:60]}` is not one of its words",
            value.place,
            did_you_mean(value.text, choices),
        )
        return None

    def items(self, key: str) -> tuple[Node, ...]:
        """The items of a list; a value alone counts as a list of one."""
        value = self._values.get(key)
        if value is None:
            return ()
        if isinstance(value, Sequence) and not value.items:
            self._findings.error("SYN241", f"`{key}` is an empty list", value.place, "name what it holds, or remove it")
        return value.items if isinstance(value, Sequence) else (value,)

    def scalars(self, key: str) -> tuple[Scalar, ...]:
        """The items of a list of plain values (SYN241 for any other item)."""
        found = []
        for item in self.items(key):
            if isinstance(item, Scalar):
                found.append(item)
            else:
                self._findings.error(
                    "SYN241", f"`{key}` is a list of plain values, not of {described(item)}s", item.place
                )
        return tuple(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list of plain values."""
        return tuple(item.text for item in self.scalars(key))

    def each(self, key: str, parse: Callable[[str], T | None], expected: str) -> tuple[T, ...]:
        """The items of a list by their kind, those that are not left out after an error."""
        found = (self.parsed(key, item, parse, expected) for item in self.scalars(key))
        return tuple(value for value in found if value is not None)

    def entries(self, key: str) -> tuple[tuple[Scalar, Node], ...]:
        """The entries of a mapping (SYN241 if it is none)."""
        value = self._values.get(key)
        if value is None:
            return ()
        if not isinstance(value, Mapping):
            self._findings.error("SYN241", f"`{key}` is a mapping, not {described(value)}", value.place)
            return ()
        return tuple((entry.key, entry.value) for entry in value.entries)


def read_name(value: Scalar, reading: Reading) -> str | None:
    """A name of the pack's own; None after an error (SYN244)."""
    found = plain_values.name(value.text)
    if found is None:
        message = f"`{value.text[:60]}` is no name: names are lower-case letters, digits and hyphens"
        reading.findings.error("SYN244", message, value.place, _as_name(value.text))
    return found


def read_email(value: Scalar, reading: Reading) -> str | None:
    """An e-mail in lower case; None after an error (SYN251)."""
    found = plain_values.email(value.text.strip())
    if found is None:
        reading.findings.error(
            "SYN251", f"`{value.text[:80]}` is no e-mail", value.place, "write it as anna@example.com"
        )
    return found


def read_rep(value: Scalar, reading: Reading) -> str | None:
    """An e-mail in lower case or `seat:name`, noted as named here; None after an error (SYN251)."""
    found = plain_values.rep(value.text.strip())
    if found is None:
        message = f"`{value.text[:80]}` is neither an e-mail nor a seat"
        reading.findings.error("SYN251", message, value.place, "write anna@example.com, or seat:west-4")
        return None
    reading.refer_rep(found, value.place)
    return found


def read_role(value: Scalar, reading: Reading) -> str | None:
    """The name of a role, noted as named here; None after an error (SYN244)."""
    found = read_name(value, reading)
    if found is not None:
        reading.refer("role", found, value.place)
    return found


def _as_name(text: str) -> str | None:
    shown = "-".join("".join(char if char.isascii() and char.isalnum() else " " for char in text.lower()).split())
    return f"write `{shown}`" if plain_values.name(shown) else None
