"""Receivers that people use, each against a fake of its service over real HTTP or SMTP, and what goes to which."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alerts_world import PACK, World, account, user
from receiving import mail, web
from test_alerts_receivers import authority

from syncd.alerts.receivers import receivers_of
from syncd.alerts.receivers.delivery import REASONS, DeliveryError, Receiver
from syncd.alerts.receivers.outside import Outside
from syncd.alerts.receivers.posting import Reply
from syncd.alerts.receivers.routing import Route
from syncd.alerts.receivers.slack import message
from syncd.alerts.receivers.webhook import WebhookReceiver
from syncd.clock import ManualClock
from syncd.errors import ConfigError
from syncd.jobs.plans.plan import save
from syncd.jobs.telling import next_opening
from syncd.jobs.watching.alerting import acknowledge, send_test
from syncd.model.plans import PlanStatus, SavedPlan, document_hash
from syncd.settings import ReceiverSettings, SecretReader, load_settings
from syncd.store.engine import Store
from tests.databases import NOW

BODY: dict[str, Any] = {
    "kind": "alert",
    "event_id": "syncd:f:1:fired",
    "dedup_key": "syncd:f:1",
    "reason": "fired",
    "at": "2026-11-20T10:00:00.000Z",
    "id": 1,
    "monitor": "RepLeft",
    "severity": "page",
    "subject": "anna@example.com",
    "labels": {"rep": "anna@example.com", "system": "salesforce"},
    "summary": "Anna left <!channel> with `240` accounts",
    "since": "2026-11-20T09:00:00.000Z",
    "money": None,
    "who": ["anna@example.com"],
    "evidence": [],
    "accounts": [f"Company {number}" for number in range(240)],
    "accounts_total": 240,
    "first_command": "syncd explain anna@example.com",
    "runbook": "docs/runbooks/rep-left.md",
    "flapping": False,
    "text": "[page] RepLeft\r\nAnna left <!channel> *now*\nfirst: syncd explain anna@example.com",
}


def open_one(settings: Mapping[str, Any], **secrets: str) -> Receiver:
    found = ReceiverSettings.model_validate({"name": "it", **settings})
    outside = Outside(ManualClock(NOW), SecretReader(secrets).read)
    return receivers_of((found,), log=None, outside=outside)["it"]  # type: ignore[arg-type]


def reason_of(receiver: Receiver, body: Mapping[str, Any] = BODY) -> str:
    with pytest.raises(DeliveryError) as caught:
        receiver.deliver(body)
    assert caught.value.reason in REASONS
    assert "k3y" not in str(caught.value)
    return caught.value.reason


def test_slack_gets_blocks_in_which_no_mention_can_be_forged() -> None:
    with web() as slack:
        open_one({"type": "slack", "secret": "env:URL"}, URL=f"{slack.url}/services/T/B/k3y").deliver(BODY)
    ((path, sent),) = slack.calls
    document = json.loads(sent)
    assert path == "/services/T/B/k3y"
    assert document["blocks"][0]["text"]["text"] == "[page] RepLeft anna@example.com: fired"
    section = document["blocks"][1]["text"]["text"]
    assert "&lt;!channel&gt;" in section
    assert "first: `syncd explain anna@example.com`" in section
    assert "<" not in section
    assert "*" not in section


def test_slack_messages_keep_within_slacks_limits_whatever_the_alert() -> None:
    found = message({**BODY, "subject": "x" * 900, "text": "\n".join(["&" * 3000] * 400)})
    assert len(found["blocks"][0]["text"]["text"]) <= 150
    assert len(found["blocks"]) <= 50
    assert all(len(block["text"]["text"]) <= 3000 for block in found["blocks"])


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "client_error"), (403, "auth_error"), (429, "rate_limited"), (500, "server_error")]
)
@pytest.mark.parametrize("kind", ["slack", "pagerduty", "heartbeat"])
def test_a_service_that_refuses_has_a_bounded_reason(kind: str, status: int, reason: str) -> None:
    with web() as server:
        server.status = status
        url = {"url": server.url} if kind == "pagerduty" else {}
        receiver = open_one({"type": kind, "secret": "env:URL", **url}, URL=f"{server.url}/k3y")
        assert reason_of(receiver) == reason


def test_pagerduty_opens_takes_and_ends_one_incident_by_its_key() -> None:
    with web() as pager:
        receiver = open_one({"type": "pagerduty", "secret": "env:KEY", "url": f"{pager.url}/v2/enqueue"}, KEY="r0ute")
        for reason in ("fired", "acknowledged", "resolved"):
            receiver.deliver({**BODY, "reason": reason})
    sent = [json.loads(body) for _, body in pager.calls]
    assert [each["event_action"] for each in sent] == ["trigger", "acknowledge", "resolve"]
    assert {(each["routing_key"], each["dedup_key"]) for each in sent} == {("r0ute", "syncd:f:1")}
    payload = sent[0]["payload"]
    assert (payload["severity"], payload["source"], payload["component"]) == ("critical", "salesforce", "RepLeft")
    assert len(payload["custom_details"]["accounts"]) == 50
    assert "payload" not in sent[1]


def test_a_digest_ends_the_incidents_whose_end_it_tells() -> None:
    with web() as pager:
        receiver = open_one({"type": "pagerduty", "secret": "env:KEY", "url": f"{pager.url}/v2/enqueue"}, KEY="r0ute")
        receiver.deliver({**BODY, "monitor": "BaselineFindings", "ended": ["syncd:a:1", "syncd:b:2"]})
    sent = [json.loads(body) for _, body in pager.calls]
    assert [(each["event_action"], each["dedup_key"]) for each in sent] == [
        ("trigger", "syncd:f:1"),
        ("resolve", "syncd:a:1"),
        ("resolve", "syncd:b:2"),
    ]


def test_pagerduty_takes_keys_and_texts_of_any_length() -> None:
    with web() as pager:
        receiver = open_one({"type": "pagerduty", "secret": "env:KEY", "url": pager.url}, KEY="r0ute")
        receiver.deliver({**BODY, "dedup_key": "x" * 300, "summary": "y" * 5000, "subject": "z" * 5000})
    document = json.loads(pager.calls[0][1])
    assert len(document["dedup_key"]) <= 255
    assert len(document["payload"]["summary"]) <= 1024


def email_settings(port: int, **more: Any) -> dict[str, Any]:
    told = {"host": "localhost", "port": port, "sender": "syncd@acme.example", "recipients": ["ops@acme.example"]}
    return {"type": "email", **told, **more}


def server_context(folder: Path) -> tuple[ssl.SSLContext, str]:
    pem, key = authority(folder, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return context, str(pem)


def test_mail_goes_over_starttls_with_a_login_and_one_thread_an_alert(tmp_path: Path) -> None:
    context, bundle = server_context(tmp_path)
    with mail(context) as server:
        settings = email_settings(server.port, username="syncd", secret="env:PASSWORD")
        found = ReceiverSettings.model_validate({"name": "it", **settings})
        outside = Outside(ManualClock(NOW), SecretReader({"PASSWORD": "pw"}).read, bundle)
        receiver = receivers_of((found,), log=None, outside=outside)["it"]  # type: ignore[arg-type]
        receiver.deliver(BODY)
        receiver.deliver(BODY)
        receiver.deliver({**BODY, "reason": "resolved", "event_id": "syncd:f:1:resolved"})
    assert server.logins == ["\0syncd\0pw"] * 3
    first, again, over = server.messages
    assert first["Subject"] == "[page] RepLeft anna@example.com: fired"
    assert first["Message-ID"] == again["Message-ID"] != over["Message-ID"]
    assert first["References"] == over["References"]
    assert first["Auto-Submitted"] == "auto-generated"
    text, attached = first.get_payload()
    assert b"Anna left" in text.get_payload(decode=True)
    assert attached.get_filename() == "accounts.txt"
    assert attached.get_payload(decode=True).count(b"Company") == 240
    assert server.recipients == ["ops@acme.example"] * 3


def test_a_mail_server_without_tls_never_sees_the_password() -> None:
    with mail() as server:
        settings = email_settings(server.port, username="syncd", secret="env:PASSWORD")
        assert reason_of(open_one(settings, PASSWORD="k3y")) == "misconfigured"
    assert "AUTH" not in server.commands


def test_a_mail_server_whose_certificate_is_not_trusted_gets_nothing(tmp_path: Path) -> None:
    context, _ = server_context(tmp_path)
    with mail(context) as server:
        assert reason_of(open_one(email_settings(server.port))) == "unreachable"
    assert "MAIL" not in server.commands


@pytest.mark.parametrize(
    ("command", "answer", "reason"),
    [
        ("MAIL", "451 later", "server_error"),
        ("MAIL", "550 never", "client_error"),
        ("RCPT", "550 nobody", "client_error"),
        ("RCPT", "450 greylisted", "server_error"),
        ("DATA", "554 spam", "client_error"),
    ],
)
def test_a_mail_that_is_refused_has_a_bounded_reason(command: str, answer: str, reason: str) -> None:
    with mail() as server:
        server.refuses[command] = answer
        assert reason_of(open_one(email_settings(server.port, security="none"))) == reason


def test_mail_in_the_clear_is_for_this_machine_alone() -> None:
    assert reason_of(open_one({**email_settings(25, security="none"), "host": "mail.example"})) == "misconfigured"


def test_a_name_from_a_crm_cannot_add_a_header() -> None:
    with mail() as server:
        receiver = open_one(email_settings(server.port, security="none"))
        receiver.deliver({**BODY, "subject": "x\r\nBcc: evil@example.com"})
    assert server.messages[0]["Bcc"] is None
    assert server.recipients == ["ops@acme.example"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # apprise itself imports what Python will drop
def test_apprise_hands_on_title_and_text_and_says_when_nobody_took_it() -> None:
    pytest.importorskip("apprise", reason="the extra `receivers` is not installed")
    with web() as server:
        receiver = open_one({"type": "apprise", "secret": "env:URL"}, URL=f"json://127.0.0.1:{server.port}/k3y")
        receiver.deliver(BODY)
        server.status = 500
        assert reason_of(receiver) == "not_taken"
    sent = json.loads(server.calls[0][1])
    assert (sent["title"], sent["type"]) == ("[page] RepLeft anna@example.com: fired", "failure")
    assert "Anna left" in sent["message"]
    assert reason_of(open_one({"type": "apprise", "secret": "env:URL"}, URL="nonsense://k3y")) == "misconfigured"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_message_by_apprise_names_syncd_and_calls_for_no_picture_from_elsewhere() -> None:
    pytest.importorskip("apprise", reason="the extra `receivers` is not installed")
    with web() as server:
        open_one({"type": "apprise", "secret": "env:URL"}, URL=f"ntfy://127.0.0.1:{server.port}/oncall").deliver(BODY)
    headers, body = server.calls[0]
    told = f"{headers}{body!r}"
    assert "RepLeft" in told
    assert "github" not in told.lower()


def test_the_pages_example_verifies_a_notice_by_either_key_while_they_are_rotated() -> None:
    page = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text(encoding="utf-8")
    told: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], told)
    genuine = told["is_genuine"]
    sent: list[tuple[dict[str, str], bytes]] = []

    def keep(_: str, headers: dict[str, str], body: bytes, **__: Any) -> Reply:
        sent.append((headers, body))
        return Reply(204, {})

    settings = {"name": "it", "type": "webhook", "url": "https://hooks.example/x"}
    settings |= {"secret": "env:NEW", "secret_before": "env:OLD"}
    outside = Outside(ManualClock(NOW), SecretReader({"NEW": "new", "OLD": "old"}).read)
    WebhookReceiver(ReceiverSettings.model_validate(settings), outside, send=keep).deliver(BODY)
    ((headers, body),) = sent
    now = NOW.timestamp()
    assert genuine(headers, body, b"new", now)
    assert genuine(headers, body, b"old", now + 299)
    assert not genuine(headers, body, b"other", now)
    assert not genuine(headers, body + b" ", b"new", now)
    assert not genuine(headers, body, b"new", now + 301)
    assert not genuine({**headers, "X-Syncd-Timestamp": str(int(now) + 1)}, body, b"new", now)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('type = "slack"', "needs secret"),
        ('type = "email"\nhost = "mail"', "needs sender and recipients"),
        ('type = "file"\npath = "x"\nhost = "mail"', "has no host"),
        ('type = "pagerduty"\nsecret = "env:K"\ntells = ["changes"]', "alerts alone"),
        ('type = "heartbeat"\nsecret = "env:K"\ndigest = "5min"', "alerts alone"),
        ('type = "email"\nhost = "m"\nsender = "a@b"\nrecipients = ["c@d"]\nusername = "u"', "needs secret"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[[receivers]]\nname = "it"\n{text}\n')
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {})
    assert problem in str([str(finding) for finding in caught.value.findings] or caught.value)


ROUTE = Route()


@pytest.mark.parametrize(
    ("route", "told"),
    [
        (ROUTE, True),
        (replace(ROUTE, severities=frozenset({"info"})), False),
        (replace(ROUTE, monitors=("Rep*", "Drift")), True),
        (replace(ROUTE, monitors=("Drift",)), False),
        (replace(ROUTE, labels={"rep": "*@example.com"}), True),
        (replace(ROUTE, labels={"team": "emea"}), False),
        (replace(ROUTE, kinds=frozenset({"changes"})), False),
    ],
)
def test_a_route_goes_by_severity_monitor_and_labels(route: Route, told: bool) -> None:
    assert route.takes(BODY) is told


def test_tickets_wait_for_working_hours_and_digests_and_pages_never_do() -> None:
    opening = NOW + timedelta(hours=9)
    hours, collected = replace(ROUTE, working_hours=True), replace(ROUTE, digest=timedelta(hours=1))
    ticket = {**BODY, "severity": "ticket"}
    assert hours.due(ticket, NOW, opening) == opening
    assert hours.due(ticket, NOW, None) == NOW
    assert collected.due(ticket, NOW + timedelta(minutes=10), None) == NOW + timedelta(hours=1)
    assert hours.due(BODY, NOW, opening) == collected.due(BODY, NOW, opening) == NOW


def test_working_hours_begin_next_at_their_local_start_over_a_clock_change() -> None:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    berlin, friday = ZoneInfo("Europe/Berlin"), datetime(2026, 10, 23, 20, 0, tzinfo=UTC)
    assert next_opening(["Mon-Fri 09:00-17:00"], friday, berlin) == datetime(2026, 10, 26, 8, 0, tzinfo=UTC)
    assert next_opening(["Mon-Fri 09:00-17:00"], friday - timedelta(hours=9), berlin) is None
    assert next_opening([], friday, berlin) is None


def begun(tmp_path: Path, store: Store, clock: ManualClock, config: str) -> World:
    world = World.make(tmp_path, store, clock, config=config)
    world.users(user("anna"))
    world.put(*(account(number) for number in range(5)))
    world.pulled()
    world.watch()
    return world


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_digest_tells_all_of_an_hour_in_one_notice(tmp_path: Path, store: Store, clock: ManualClock) -> None:
    path = tmp_path / "digest.jsonl"
    world = begun(tmp_path, store, clock, f'[[receivers]]\nname = "d"\ntype = "file"\npath = "{path}"\ndigest = "1h"\n')
    for number in range(3):
        world.put(account(number, type="Former Customer"))
        world.later(5)
        world.watch()
    assert lines_of(path) == []
    world.later(50)
    world.watch()
    (told,) = lines_of(path)
    assert (told["kind"], told["summary"]) == ("digest", "3 notices: 3 fired")
    assert [each["monitor"] for each in told["notices"]] == ["AccountChurned"] * 3


def test_pagerduty_hears_when_somebody_takes_an_alert(tmp_path: Path, store: Store, clock: ManualClock) -> None:
    with web() as pager:
        config = f'[[receivers]]\nname = "p"\ntype = "pagerduty"\nsecret = "env:HOOK_SECRET"\nurl = "{pager.url}"\n'
        world = begun(tmp_path, store, clock, config)
        world.pack("format: 9\n")
        world.watch()
        (alert,) = world.episodes("PackInvalid", states=["firing"])
        acknowledge(world.context, alert.id or 0)
        world.watch()
        world.pack(PACK)
        for _ in range(3):
            world.later(5)
            world.watch()
    actions = [json.loads(body) for _, body in pager.calls]
    assert [each["event_action"] for each in actions] == ["trigger", "acknowledge", "resolve"]
    assert len({each["dedup_key"] for each in actions}) == 1


def test_a_heartbeat_goes_out_after_each_watch_and_gets_no_alerts(
    tmp_path: Path, store: Store, clock: ManualClock
) -> None:
    with web() as pings:
        config = '[[receivers]]\nname = "beat"\ntype = "heartbeat"\nsecret = "env:BEAT"\n'
        world = World.make(tmp_path, store, clock, config=config)
        world.context.environ = {"BEAT": f"{pings.url}/ping/k3y"}
        world.watch()
        world.watch()
        assert [path for path, _ in pings.calls] == ["/ping/k3y"] * 2
        assert pings.calls[0][1].startswith(b"alerts: ")
        pings.status = 500
        world.watch()
        assert [event["reason"] for event in world.log.named("heartbeat.failed")] == ["server_error"]
        assert "k3y" not in str(world.log.events)
        pings.status = 200
        assert send_test(world.context, "beat")[0]["delivered"]


def test_a_watch_that_fails_says_so_by_heartbeat(
    tmp_path: Path, store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from syncd.errors import StorageError
    from syncd.jobs.watching import watch as job

    def broken(*_: object) -> None:
        raise StorageError("SYN605", "the disk is full")

    with web() as pings:
        config = '[[receivers]]\nname = "beat"\ntype = "heartbeat"\nsecret = "env:BEAT"\n'
        world = World.make(tmp_path, store, clock, config=config)
        world.context.environ = {"BEAT": f"{pings.url}/ping/k3y"}
        monkeypatch.setattr(job, "look", broken)
        with pytest.raises(StorageError):
            world.watch()
    assert pings.calls == [("/ping/k3y/fail", b"the watch failed: SYN605")]


def offered(world: World) -> SavedPlan:
    document = {
        "format": 1,
        "plan_id": "a1b2c3",
        "pack_revision": "rev",
        "summary": {"changes": 2, "held": 1, "blocked": 0, "money_moved": {"amount": "120000", "currency": "USD"}},
        "changes": [{"ref": "salesforce:account:1"}, {"ref": "salesforce:account:2"}],
        "decisions": [],
        "guard": {
            "tripped": [
                {"limit": "changes.max", "allowed": "1", "found": "2", "text": "2 changes, 1 allowed", "rules": []}
            ]
        },
    }
    now = world.clock.now()
    return SavedPlan(
        "a1b2c3", document_hash(document), "plan", PlanStatus.OFFERED, "rev", now, now + timedelta(days=1), document
    )


def test_a_plan_that_the_daemon_offers_asks_for_its_approval_with_the_command_to_type(
    tmp_path: Path, store: Store, clock: ManualClock
) -> None:
    path = tmp_path / "approvals.jsonl"
    config = f'mode = "approve"\n[[receivers]]\nname = "f"\ntype = "file"\npath = "{path}"\ntells = ["approvals"]\n'
    world = World.make(tmp_path, store, clock, config=config)
    world.context.environ = {"SYNCD_LEASE_EPOCH": "1"}
    save(world.context, offered(world))
    world.watch()
    world.watch()
    (told,) = lines_of(path)
    assert (told["kind"], told["severity"]) == ("approval", "ticket")
    assert told["first_command"] == 'syncd approve a1b2c3 --why "…" --limit changes.max'
    assert "over a limit: 2 changes, 1 allowed" in told["text"]
    assert [event["plan_id"] for event in world.log.named("approval.asked")] == ["a1b2c3"]


def test_a_plan_that_a_person_made_asks_nobody(tmp_path: Path, store: Store, clock: ManualClock) -> None:
    world = World.make(tmp_path, store, clock, config='mode = "approve"\n')
    world.context.environ = {"SYNCD_LEASE_EPOCH": "1", "SYNCD_ACTOR": "uid:7"}
    save(world.context, offered(world))
    world.watch()
    assert world.log.named("approval.asked") == []


def applied(world: World) -> None:
    """A plan that moved one account from Anna to Ben, through the store as an apply leaves it."""
    from syncd.model.plans import Change, RowState
    from syncd.model.refs import Ref
    from syncd.store import outbox, plans

    ref = Ref.parse("salesforce:account:1")
    decision = {"company": "c1", "accounts": [str(ref)], "name": "Acme", "territory": "emea", "outcome": "change"}
    decision |= {"owner": {"email": "ben@example.com"}, "current_owner": {"email": "anna@example.com"}}
    decision |= {"role": "owner", "reason": "territory", "text": "DE is emea's", "rule": None}
    plan = offered(world)
    change = {"ref": str(ref), "field": "owner", "because": "c1"}
    document = {**plan.document, "decisions": [decision], "changes": [change]}
    document["guard"] = {"tripped": []}
    plan = replace(plan, document=document, hash=document_hash(document))
    now = world.clock.now()
    with world.store.write() as conn:
        plans.save_plan(conn, plan)
        plans.approve(conn, plan.plan_id, plan_hash=plan.hash, who="mei", why="ok", limits=(), now=now)
        outbox.enqueue(conn, plan.plan_id, [Change(ref, "a", "b", "c1", "f")])
        (row,) = outbox.rows(conn, plan.plan_id)
        ending = outbox.Ending(row.id, RowState.SKIPPED_ALREADY)
        outbox.finish(conn, [ending], now=now)
        plans.set_status(conn, plan.plan_id, PlanStatus.APPLIED)


def test_what_a_plan_changed_is_told_once_to_who_asks_for_it_and_to_each_rep(
    tmp_path: Path, store: Store, clock: ManualClock
) -> None:
    path = tmp_path / "changes.jsonl"
    with mail() as server:
        config = f"""
[[receivers]]
name = "f"
type = "file"
path = "{path}"
tells = ["changes"]
[[receivers]]
name = "m"
type = "email"
host = "localhost"
port = {server.port}
security = "none"
sender = "syncd@acme.example"
recipients = ["ops@acme.example"]
tells = ["changes"]
reps = true
"""
        world = World.make(tmp_path, store, clock, config=config)
        applied(world)
        world.watch()
        world.watch()
    (told,) = lines_of(path)
    assert (told["kind"], told["summary"]) == ("changes", "plan a1b2c3 is applied: 1 account moved")
    assert sorted(server.recipients) == ["anna@example.com", "ben@example.com", "ops@acme.example"]
    letters = {letter["To"]: letter.get_payload(decode=True).decode() for letter in server.messages}
    assert "Acme, to ben@example.com: territory: DE is emea's" in letters["anna@example.com"]
    assert "Acme, from anna@example.com" in letters["ben@example.com"]
    assert len({letter["Message-ID"] for letter in server.messages}) == 3


def test_a_plan_of_last_week_is_no_news_to_a_receiver_that_is_new(
    tmp_path: Path, store: Store, clock: ManualClock
) -> None:
    path = tmp_path / "changes.jsonl"
    config = f'[[receivers]]\nname = "f"\ntype = "file"\npath = "{path}"\ntells = ["changes"]\n'
    world = World.make(tmp_path, store, clock, config=config)
    applied(world)
    world.clock.advance(timedelta(days=3))
    world.watch()
    assert lines_of(path) == []
