from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from syncd.clock import ManualClock
from syncd.telemetry import configure, get_log, redacted, redacted_text
from syncd.telemetry.events import EVENTS

ROOT = Path(__file__).parents[3]
CANARIES = [
    "00D000000000001!AQEAQ.canary",
    "pat-na1-canary-0123",
    "Bearer canary.canary",
    "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOjF9.c2lnY2FuYXJ5",
    "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----",
    "postgresql://syncd:canary@host/db",
    "https://host/services/data/query?q=SELECT+canary",
]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure(level="debug", stream=stream, clock=ManualClock(datetime(2026, 11, 20, tzinfo=UTC)))
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = []


@pytest.mark.parametrize("canary", CANARIES)
def test_no_secret_survives_in_text_lists_mappings_or_exceptions(canary: str) -> None:
    for value in (canary, [canary], {"x": {"y": (canary,)}}, ValueError(canary)):
        assert "canary" not in json.dumps(redacted(value))


def test_values_under_secret_keys_are_masked() -> None:
    assert redacted({"access_token": "abc", "name": "Acme"}) == {"access_token": "[secret]", "name": "Acme"}


def test_control_characters_and_great_length_do_not_reach_the_log() -> None:
    text = redacted_text("a\x1b[31m\r" + "x" * 5000)
    assert "\x1b" not in text
    assert len(text) == 2000


class Writes(io.StringIO):
    """A stream that keeps what each call wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def write(self, text: str) -> int:
        self.calls.append(text)
        return super().write(text)


def test_a_line_is_written_with_its_end_so_that_no_other_comes_between() -> None:
    stream = Writes()
    configure(level="debug", stream=stream, clock=ManualClock(datetime(2026, 11, 20, tzinfo=UTC)))
    get_log(run_id="r1").event("pull.started")
    logging.getLogger("elsewhere").warning("of another library")
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = []
    assert [call.count("\n") for call in stream.calls] == [1, 1]
    assert all(call.endswith("}\n") for call in stream.calls)


def test_an_event_is_one_json_line_with_time_level_and_facts(stream: io.StringIO) -> None:
    get_log(run_id="r1").event("call.retried", error=ValueError("pat-na1-canary-0123"), text="two\nlines")
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert (event["ts"], event["level"], event["event"], event["run_id"]) == (
        "2026-11-20T00:00:00.000Z",
        "warning",
        "call.retried",
        "r1",
    )
    assert "canary" not in line


def test_the_standard_librarys_loggers_are_redacted_too(stream: io.StringIO) -> None:
    logging.getLogger("urllib3").warning("sent %s", CANARIES[0])
    assert "canary" not in stream.getvalue()
    assert json.loads(stream.getvalue())["level"] == "warning"


def test_a_name_that_is_not_registered_is_refused() -> None:
    with pytest.raises(ValueError, match="registry"):
        get_log().event("page.sotred")


def test_every_event_told_in_the_source_is_registered_and_told_somewhere() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "syncd").rglob("*.py"))
    told = set(re.findall(r"\.event\(\s*f?\"([a-z_.]+)\"", source))
    assert told <= set(EVENTS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("salesforce.client_secret: /etc/syncd/my_client_secret: No such file or directory", None),
        ("/etc/syncd/my_client_secret: Permission denied", None),
        ("client_secret: hunter2", "client_secret: [secret]"),
        ("client_secret: /ab/cdEF+gh", "client_secret: [secret]"),
        ("client_secret=/ab/cd: x", "client_secret=[secret] x"),
        ("of /etc/syncd the client_secret: hunter2", "of /etc/syncd the client_secret: [secret]"),
    ],
)
def test_a_files_path_is_no_secret_whatever_the_file_is_called(text: str, shown: str | None) -> None:
    assert redacted_text(text) == (shown or text)
