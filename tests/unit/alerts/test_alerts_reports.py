"""Notices about reports and approvals: who gets them, what a mail carries, and the page that they lead to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from syncd.alerts.notices import approval_body, report_body
from syncd.alerts.receivers.email import EmailReceiver
from syncd.alerts.receivers.outside import Outside
from syncd.alerts.receivers.routing import route_of
from syncd.clock import ManualClock
from syncd.settings import ReceiverSettings, SecretReader

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def mail_settings(**more: Any) -> ReceiverSettings:
    told = {"host": "localhost", "sender": "syncd@acme.example", "recipients": ["lead@acme.example"]}
    return ReceiverSettings.model_validate({"name": "mail", "type": "email", **told, **more})


def edition(path: Path) -> dict[str, Any]:
    return report_body("Territory report, week to 2026-11-23", ["companies: 12"], "weekly-2026-11-23", str(path), NOW)


def attachments(body: dict[str, Any]) -> list[str | None]:
    receiver = EmailReceiver(mail_settings(), Outside(ManualClock(NOW), SecretReader({}).read))
    return [part.get_filename() for part in receiver.message(body).iter_attachments()]


def test_a_mail_about_a_report_carries_its_page(tmp_path: Path) -> None:
    page = tmp_path / "syncd-weekly-2026-11-23.html"
    page.write_text("<!DOCTYPE html>")
    assert attachments(edition(page)) == [page.name]


def test_a_page_that_is_gone_or_too_large_is_named_in_the_text_alone(tmp_path: Path) -> None:
    assert attachments(edition(tmp_path / "gone.html")) == []
    large = tmp_path / "large.html"
    large.write_bytes(b" " * 8_000_001)
    assert attachments(edition(large)) == []
    assert str(large) in edition(large)["text"]


def test_only_a_notice_about_a_report_carries_a_file(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("x")
    assert attachments({**edition(page), "kind": "changes"}) == []


def test_reports_are_for_those_who_ask_for_them(tmp_path: Path) -> None:
    body = edition(tmp_path / "page.html")
    assert not route_of(mail_settings()).takes(body)
    assert route_of(mail_settings(tells=["reports"])).takes(body)
    assert edition(tmp_path / "page.html")["event_id"] == "syncd:report:weekly-2026-11-23"


def test_a_request_for_approval_leads_to_the_console_where_there_is_one() -> None:
    summary = {"changes": 2, "held": 0, "blocked": 0, "money_moved": {"amount": "5", "currency": "USD"}}
    document = {"plan_id": "3f9a", "pack_revision": "f00d", "summary": summary, "guard": {"tripped": []}}
    plain = approval_body(document, NOW, NOW)
    linked = approval_body(document, NOW, NOW, "https://syncd.acme.example/")
    assert "page" not in plain["plan"]
    assert "https://" not in plain["text"]
    assert linked["plan"]["page"] == "https://syncd.acme.example/plans/3f9a"
    assert linked["plan"]["page"] in linked["text"]
    assert linked["event_id"] == plain["event_id"]
