"""The console over real HTTP: who comes in, what they may, and that what they do is what the command does."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest

from syncd.clock import ManualClock
from syncd.console.app import make_app
from syncd.console.people import new_line, read_people
from syncd.entropy import SeededEntropy
from syncd.errors import ConfigError, UsageError
from syncd.jobs.daemon.control import ControlServer
from syncd.jobs.people.leaver import leaver
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.watching.watch import watch
from syncd.model.refs import Kind
from syncd.sandbox.dataset import generate
from syncd.store import episodes, ledger, mirror, plans
from syncd.store.engine import Store
from syncd.telemetry import get_log
from tests.browser import CHROMIUM, WHY_NOT, browser
from tests.unit.console.console_site import APPROVER, VIEWER, Console, opened, served
from tests.unit.jobs.jobs_world import NOW, SALESFORCE, World


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with the database of a small company: a plan over its limit that waits, and alerts."""
    folder = tmp_path_factory.mktemp("console")
    url = f"sqlite:///{folder}/syncd.db"
    Store.open(url, clock=ManualClock(NOW), create=True).close()
    world = World.make(folder, url, generate(12, 5, as_of=NOW - timedelta(hours=1)))
    world.pulled()
    world.adopt()
    world.write_pack(most=1)
    document = make_plan(world.context)
    watch(world.context)
    world.context.close()
    return folder, dict(document)


@pytest.fixture
def console(start: tuple[Path, dict[str, Any]], tmp_path: Path) -> Iterator[Console]:
    """The console over a copy of it."""
    shutil.copyfile(start[0] / "syncd.db", tmp_path / "syncd.db")
    world = World.make(tmp_path, f"sqlite:///{tmp_path}/syncd.db", generate(12, 5, as_of=NOW - timedelta(hours=1)))
    world.write_pack(most=1)
    with served(world, tmp_path) as found:
        yield found
    world.context.close()


@pytest.fixture
def plan(start: tuple[Path, dict[str, Any]]) -> dict[str, Any]:
    return start[1]


def form_of(console: Console, who: str, path: str) -> tuple[Any, dict[str, str]]:
    visitor = console.visitor(who)
    text = visitor.get(path).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))
    return visitor, fields


def test_without_a_token_no_page_is_shown_and_a_link_leads_on_after_signing_in(console: Console, plan: Any) -> None:
    visitor, path = console.visitor(), f"/plans/{plan['plan_id']}"
    for each in ("/", "/plans", path, "/explain?what=acme", "/alerts", "/alerts/1"):
        found = visitor.get(each)
        assert "/sign-in?next=" in found.url
        assert plan["plan_id"] not in found.text.replace(f'value="{path}"', "").replace(f'href="{path}"', "")
    wrong = visitor.enter("f" * 64)
    assert (wrong.status, "Nobody has this token" in wrong.text) == (403, True)
    assert visitor.enter(console.tokens[VIEWER], onward=path).url.endswith(path)


@pytest.mark.parametrize(
    "onward", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(console: Console, onward: str) -> None:
    found = console.visitor().enter(console.tokens[VIEWER], onward=onward)
    assert found.url == f"{console.base}/"


def test_every_answer_forbids_scripts_frames_and_copies_and_the_cookie_is_kept_from_others(console: Console) -> None:
    found = console.visitor().get("/sign-in")
    policy = found.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert found.headers["Cache-Control"] == "no-store"
    entered = console.visitor(VIEWER)
    (cookie,) = entered.jar
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Strict"
    assert "<script" not in entered.get("/").text


def test_a_name_that_is_not_the_consoles_is_refused(console: Console) -> None:
    assert console.visitor().get("/sign-in", {"Host": "evil.example"}).status == 421


def test_a_form_of_another_site_or_without_its_token_does_nothing(console: Console, plan: Any) -> None:
    visitor, fields = form_of(console, APPROVER, f"/plans/{plan['plan_id']}")
    path, good = f"/plans/{plan['plan_id']}/approve", {**fields, "why": "agreed", "limit": ["changes.max"]}
    assert visitor.post(path, good, {"Origin": "https://evil.example"}).status == 403
    assert visitor.post(path, {**good, "form_token": "0" * 32}).status == 403
    assert visitor.post(path, {key: value for key, value in good.items() if key != "form_token"}).status == 403
    assert approval_of(console, plan) is None


def test_an_approval_is_the_commands_own_in_the_persons_name(console: Console, plan: Any) -> None:
    visitor, fields = form_of(console, APPROVER, f"/plans/{plan['plan_id']}")
    path = f"/plans/{plan['plan_id']}/approve"
    refused = visitor.post(path, {**fields, "why": "agreed with Mei"})
    assert "SYN507" in refused.text
    done = visitor.post(path, {**fields, "why": "agreed with Mei", "limit": ["changes.max"]})
    assert "is approved by uid:" in done.text
    approval = approval_of(console, plan)
    assert approval is not None
    assert approval.who.endswith(f" for {APPROVER}")
    assert (approval.why, approval.limits, approval.plan_hash) == ("agreed with Mei", ("changes.max",), fields["hash"])
    with console.world.context.store.read() as conn:
        (row,) = ledger.entries(conn, event="plan.approved")
        assert ledger.verify(conn).ok
    assert row.actor == approval.who
    assert "cannot be approved" not in done.text
    assert 'name="why"' not in done.text


def test_an_approval_needs_a_reason_and_the_plan_that_was_shown(console: Console, plan: Any) -> None:
    visitor, fields = form_of(console, APPROVER, f"/plans/{plan['plan_id']}")
    path = f"/plans/{plan['plan_id']}/approve"
    assert "write why" in visitor.post(path, {**fields, "why": "  ", "limit": ["changes.max"]}).text
    assert visitor.post(path, {**fields, "hash": "0" * 64, "why": "x"}).status == 400
    assert approval_of(console, plan) is None


def test_who_may_only_look_can_neither_approve_nor_take_an_alert(console: Console, plan: Any) -> None:
    visitor, fields = form_of(console, VIEWER, f"/plans/{plan['plan_id']}")
    assert 'name="why"' not in visitor.get(f"/plans/{plan['plan_id']}").text
    assert visitor.post(f"/plans/{plan['plan_id']}/approve", {**fields, "why": "mine"}).status == 403
    assert visitor.post("/alerts/1/take", fields).status == 403
    assert approval_of(console, plan) is None


def test_a_running_daemon_is_asked_in_the_persons_name(console: Console, plan: Any) -> None:
    asked: list[tuple[list[str], str]] = []

    def perform(argv: Any, who: str, tell: Any) -> int:
        asked.append((list(argv), who))
        tell("stdout", "done by the daemon")
        return 0

    server = ControlServer(console.world.folder / "control.sock", perform)
    server.start()
    try:
        visitor, fields = form_of(console, APPROVER, f"/plans/{plan['plan_id']}")
        form = {**fields, "why": "--limit=all", "limit": ["changes.max", "money.max"]}
        done = visitor.post(f"/plans/{plan['plan_id']}/approve", form)
        taken = visitor.post("/alerts/1/take", fields)
    finally:
        server.close()
    assert "done by the daemon" in done.text
    assert "done by the daemon" in taken.text
    assert asked[0][0] == ["approve", plan["plan_id"], "--why=--limit=all", "--limit=changes.max"]
    assert asked[1][0] == ["alerts", "ack", "1"]
    assert all(who.endswith(f" for {APPROVER}") and who.startswith("uid:") for _, who in asked)
    assert approval_of(console, plan) is None


def test_an_alert_is_taken_in_the_persons_name(console: Console) -> None:
    visitor, fields = form_of(console, APPROVER, "/alerts/1")
    done = visitor.post("/alerts/1/take", fields)
    assert f"for {APPROVER}" in done.text
    with console.world.context.store.read() as conn:
        (row,) = ledger.entries(conn, event="alert.acknowledged")
    assert row.actor is not None
    assert row.actor.endswith(f" for {APPROVER}")
    assert "over already" in visitor.post("/alerts/1/take", fields).text or "taken by" in done.text


def test_a_leavers_plan_says_whose_it_is_and_what_it_hands_over_beside_the_accounts(console: Console) -> None:
    world = console.world
    world.start()  # a process of its own, whose runs have other names than those that made the world
    deals = world.mirrored(SALESFORCE, Kind.OPPORTUNITY).values()
    owner = next(each.owner for each in deals if each.fields.get("is_closed") != "true")
    with world.context.store.read() as conn:
        who = next(user.email for user in mirror.users(conn) if user.ref.id == owner)
    document = leaver(world.context, who)
    text = console.visitor(VIEWER).get(f"/plans/{document['plan_id']}").text
    assert f"Plan for who leaves, {who}: {document['plan_id']}" in text
    for each in document["people"]["opportunities"]:
        assert escape(each["text"]) in text
    assert text.count('<td data-h="Kind">opportunity') == len(document["people"]["opportunities"]) > 0
    start = console.visitor(VIEWER).get("/").text
    assert '<td data-h="Kind">leaver</td>' in start


def test_the_gravest_alerts_stand_first(console: Console) -> None:
    with console.world.context.store.write() as conn:
        (first, *_) = episodes.open_episodes(conn)
        for severity in ("info", "page", "ticket"):
            episodes.save_episode(conn, replace(first, id=None, fingerprint=severity, severity=severity))
    visitor = console.visitor(VIEWER)
    for path in ("/", "/alerts"):
        found = re.findall(r'class="sev (page|ticket|info)"', visitor.get(path).text)
        assert set(found) == {"page", "ticket", "info"}
        assert found == sorted(found, key=("page", "ticket", "info").index)


def test_a_plan_is_filtered_by_words_and_outcome(console: Console, plan: Any) -> None:
    visitor, path = console.visitor(VIEWER), f"/plans/{plan['plan_id']}"
    decision = next(each for each in plan["decisions"] if each["outcome"] == "change")
    whole, one = visitor.get(path).text, visitor.get(f"{path}?words={decision['name'].split()[0]}").text
    assert 1 <= one.count('<td data-h="Account">') < whole.count('<td data-h="Account">')
    assert visitor.get(f"{path}?words=nobody-has-this").text.count('<td data-h="Account">') == 0
    assert visitor.get(f"{path}?outcome=held&page=99").status == 200


def test_an_account_is_explained_and_an_unknown_one_is_said_to_be(console: Console, plan: Any) -> None:
    visitor = console.visitor(VIEWER)
    company = next(each for each in plan["decisions"] if each["outcome"] == "change")["company"]
    assert "everywhere" in visitor.get(f"/explain?what={company}").text
    unknown = visitor.get("/explain?what=<script>alert(1)</script>")
    assert 'role="alert"' in unknown.text
    assert "<script>alert" not in unknown.text


@pytest.mark.parametrize("path", ["/plans/none", "/plans/../etc", "/alerts/999", "/nothing", "/alerts/x"])
def test_what_there_is_not_is_said_in_words(console: Console, path: str) -> None:
    found = console.visitor(VIEWER).get(path)
    assert found.status == 404
    assert "Traceback" not in found.text


def test_a_session_ends_with_its_time_with_its_line_in_the_file_and_by_signing_out(console: Console) -> None:
    long, gone, out = (console.visitor(VIEWER) for _ in range(3))
    fields = out.hidden("/")
    assert "/sign-in" in out.post("/sign-out", fields).url
    assert "/sign-in" in out.get("/plans").url
    console.people.write_text(
        "".join(line for line in console.people.read_text().splitlines(True) if VIEWER not in line)
    )
    assert "/sign-in" in gone.get("/plans").url
    approver = console.visitor(APPROVER)
    assert approver.get("/plans").url.endswith("/plans")
    console.world.clock.advance(timedelta(hours=9))
    assert "/sign-in" in approver.get("/plans").url
    assert "/sign-in" in long.get("/plans").url


def test_the_file_of_people_is_read_whole_or_refused_with_every_line(console: Console) -> None:
    settings, environ = console.world.settings(), console.world.environ
    assert sorted(person.name for person in read_people(settings, environ).values()) == [APPROVER, VIEWER]
    assert console.tokens[VIEWER] not in console.people.read_text()
    console.people.write_text("ruth approve secret\n\nvera admin sha256:" + "0" * 64 + "\n")
    with pytest.raises(ConfigError) as caught:
        read_people(settings, environ)
    assert [finding.place.line for finding in caught.value.findings if finding.place] == [1, 3]
    console.people.chmod(0o644)
    with pytest.raises(ConfigError, match="SYN106"):
        read_people(settings, environ)
    assert console.visitor().enter("x").status == 503


def test_a_name_for_the_file_has_no_spaces() -> None:
    with pytest.raises(UsageError, match="SYN813"):
        new_line("Ruth Adler", "view", SeededEntropy(1))


@pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)
def test_the_pages_can_be_used_and_read_in_a_real_browser(console: Console, plan: Any, tmp_path: Path) -> None:
    with browser(tmp_path / "chromium") as chromium:
        page = chromium.page()
        page.size(1280)
        page.open(f"{console.base}/plans/{plan['plan_id']}")
        page.run(f"document.getElementById('token').value = '{console.tokens[APPROVER]}'")
        page.submit("document.querySelector('form.stack').submit()")
        assert page.run("location.pathname") == f"/plans/{plan['plan_id']}"
        company = plan["decisions"][0]["company"]
        for path in (f"/plans/{plan['plan_id']}", "/", "/plans", "/alerts", "/alerts/1", f"/explain?what={company}"):
            page.open(console.base + path)
            for width, dark in ((1280, False), (390, True)):
                page.size(width, dark=dark)
                assert (path, width, page.overflow()) == (path, width, 0)
                assert (path, width, page.poor_contrast(), page.nameless()) == (path, width, [], [])
        page.open(f"{console.base}/plans/{plan['plan_id']}")
        page.run(
            "document.getElementById('why').value = 'agreed'; document.querySelector('.tick input').checked = true"
        )
        page.submit("document.querySelector('.box form').submit()")
        assert f"for {APPROVER}" in page.run("document.querySelector('.told').textContent")
        assert page.problems == []


def approval_of(console: Console, plan: Any) -> plans.Approval | None:
    with console.world.context.store.read() as conn:
        return plans.approval(conn, plan["plan_id"])


def test_behind_a_proxy_the_cookie_is_for_tls_alone_and_the_proxys_name_is_known(console: Console) -> None:
    console.world.extra += 'url = "https://syncd.acme.example"\n'
    settings, world = console.world.settings(), console.world
    app = make_app(
        settings,
        world.environ,
        lambda asked, environ: opened(world, asked, environ),
        clock=world.clock,
        entropy=SeededEntropy("proxy"),
        log=get_log(),
    )
    form = {"token": console.tokens[VIEWER], "next": "/plans"}
    entered = app.test_client().post("/sign-in", data=form, base_url="https://syncd.acme.example")
    cookie = entered.headers["Set-Cookie"]
    assert cookie.startswith("__Host-syncd=")
    assert all(word in cookie for word in ("; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"))
    assert "Domain" not in cookie
    assert app.test_client().get("/sign-in", base_url="https://other.example").status_code == 421
