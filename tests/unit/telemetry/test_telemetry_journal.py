"""journald's protocol against a socket of our own, the log's reference, and canaries over the ways into a line."""

from __future__ import annotations

import array
import io
import json
import logging
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from syncd.clock import ManualClock
from syncd.telemetry import configure, get_log, redacted
from syncd.telemetry.events import EVENTS
from syncd.telemetry.journal import Journal, is_journal, message_id
from syncd.telemetry.reference import reference

ROOT = Path(__file__).parents[3]
CLOCK = ManualClock(datetime(2026, 11, 20, tzinfo=UTC))


def fields(entry: bytes) -> dict[str, str]:
    """The fields of an entry, as journald reads them."""
    found: dict[str, str] = {}
    while entry:
        line, _, entry = entry.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(entry[:8], "little")
            value, entry = entry[8 : 8 + size], entry[8 + size + 1 :]
        found[name.decode()] = value.decode()
    return found


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "journal"))
        server.settimeout(5)
        yield server
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = []


def test_an_event_is_an_entry_with_fields_and_its_line_as_the_message(journald: socket.socket, tmp_path: Path) -> None:
    stream, journal = io.StringIO(), Journal(str(tmp_path / "journal"))
    configure(level="info", stream=stream, clock=CLOCK, journal=journal)
    get_log(run_id="r1").event("write.conflicted", system="salesforce", record="001", token="canary", rows=[1, 2])
    told = fields(journald.recv(65536))
    journal.close()
    assert (told["PRIORITY"], told["SYSLOG_IDENTIFIER"], told["SYNCD_EVENT"]) == ("4", "syncd", "write.conflicted")
    assert (told["SYNCD_RUN_ID"], told["SYNCD_SYSTEM"], told["SYNCD_RECORD"]) == ("r1", "salesforce", "001")
    assert told["MESSAGE_ID"] == message_id("write.conflicted")
    assert json.loads(told["MESSAGE"])["rows"] == [1, 2]
    assert "canary" not in str(told)
    assert stream.getvalue() == ""


def test_a_value_of_several_lines_cannot_forge_a_field(journald: socket.socket, tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "journal"))
    journal.send("info", "job.started", "x\nPRIORITY=0", {"job": "a\nSYNCD_ALERT=9"})
    told = fields(journald.recv(65536))
    journal.close()
    assert told["PRIORITY"] == "6"
    assert told["MESSAGE"] == "x\nPRIORITY=0"
    assert "SYNCD_ALERT" not in told


def test_an_entry_too_large_for_a_datagram_comes_as_a_sealed_file(journald: socket.socket, tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "journal"))
    journal.send("info", "job.started", "y" * 4_000_000, {})
    rights = array.array("i")
    data, found, _, _ = journald.recvmsg(10, socket.CMSG_SPACE(4))
    journal.close()
    rights.frombytes(found[0][2])
    with os.fdopen(rights[0], "rb") as file:
        file.seek(0)
        told = fields(file.read())
    assert data == b""
    assert len(told["MESSAGE"]) == 4_000_000


def test_without_journald_the_line_goes_to_stderr(tmp_path: Path) -> None:
    stream, journal = io.StringIO(), Journal(str(tmp_path / "nobody"))
    configure(level="info", stream=stream, clock=CLOCK, journal=journal)
    get_log().event("job.started", job="pull")
    journal.close()
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = []
    assert json.loads(stream.getvalue())["event"] == "job.started"


def test_only_the_stream_that_journal_stream_names_is_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "stream"
    with path.open("w") as file:
        known = os.fstat(file.fileno())
        named = {"JOURNAL_STREAM": f"{known.st_dev}:{known.st_ino}"}
        assert is_journal(named, stderr=file.fileno())
        assert not is_journal({}, stderr=file.fileno())
        assert not is_journal({"JOURNAL_STREAM": "1:2"}, stderr=file.fileno())
        assert not is_journal(named, stderr=0, parent=None)
        assert is_journal(named, stderr=file.fileno(), parent=os.getpid())


def test_the_reference_is_current_and_names_every_event_once() -> None:
    assert (ROOT / "docs" / "logs.md").read_text(encoding="utf-8") == reference(), "run `make logs`"
    assert all(reference().count(f"| `{name}` |") == 1 for name in EVENTS)
    assert len({message_id(name) for name in EVENTS}) == len(EVENTS)


SECRETS = [
    "https://hooks.slack.com/services/T0/B0/canary",
    "https://hc-ping.com/canary-0000",
    "https://acme.webhook.office.com/webhookb2/canary",
    "grant_type=refresh_token&client_secret=canary&x=1",
    '{"access_token": "canary", "id": 1}',
    "{'password': 'canary'}",
    "5Aep861canarycanarycanarycanary",
    "smtp://syncd:canary@mail.example:587",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_survives_any_way_into_a_line(secret: str) -> None:
    stream = io.StringIO()
    configure(level="debug", stream=stream, clock=CLOCK)
    try:
        log = get_log(bound=secret)
        log.event("job.failed", detail=secret)
        log.event("job.failed", error=RuntimeError(secret), deep={"a": [{"b": (secret,)}]})
        log.event("job.failed", data=secret.encode(), keyed={secret: 1})
        log.event("job.failed", token={"value": "canary"}, api_key=b"canary", secrets=["canary"])
        logging.getLogger("urllib3").warning("Retrying %s", secret)
        try:
            raise ValueError(secret)
        except ValueError:
            logging.getLogger("apscheduler").exception("job failed")
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers[:] = []
    told = stream.getvalue()
    assert told.count("\n") == 6
    assert "canary" not in told


def test_words_that_only_look_like_secrets_stay() -> None:
    text = "the password of the app has expired; token refreshed; signature is missing"
    assert redacted(text) == text
