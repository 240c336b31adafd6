"""Prometheus' text format, version 0.0.4: families of samples, escaped, each with its help and type. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Family:
    """One metric with its samples, by labels. `type` is `gauge`, `counter` or `histogram`."""

    name: str
    help: str
    type: str = "gauge"
    samples: list[tuple[str, Mapping[str, str], float]] = field(default_factory=list)

    def put(self, value: float | None, suffix: str = "", /, **labels: str) -> None:
        """One sample; None, for what is not known, is none. `suffix`: `_bucket`, `_sum` or `_count` of a histogram."""
        if value is not None:
            self.samples.append((suffix, labels, float(value)))


def exposition(families: Iterable[Family]) -> str:
    """The families as text; those without a sample are left out."""
    lines: list[str] = []
    for family in families:
        if family.samples:
            lines += [f"# HELP {family.name} {_help(family.help)}", f"# TYPE {family.name} {family.type}"]
            lines += [
                f"{family.name}{suffix}{_labels(labels)} {_number(value)}" for suffix, labels, value in family.samples
            ]
    return "\n".join(lines) + "\n" if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_value(text)}"' for name, text in labels.items())
    return f"{{{inner}}}" if inner else ""


def _value(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
