from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fields_world import fields_world
from jobs_world import HUBSPOT, NOW, SALESFORCE, World

from syncd.clock import ManualClock, SystemClock
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.entropy import SeededEntropy
from syncd.errors import ExitCode
from syncd.jobs.doctor import examine, machine
from syncd.jobs.doctor.patients import Installation
from syncd.jobs.doctor.verdicts import Reporter
from syncd.report.doctor_text import doctor_text
from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.hubspot.tokens import SCOPES
from syncd.sandbox.server import serve
from syncd.settings import Secret, Settings
from syncd.store.engine import Store
from tests.inprocess import InProcessWire, Trouble, always, path_has

Make = Callable[..., World]
Found = dict[tuple[str, str], dict[str, Any]]


class Doctor:
    """The doctor in a world of sandboxes, and what it found by check."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wires = {
            system: InProcessWire({"": face})
            for system, face in ((SALESFORCE, world.salesforce), (HUBSPOT, world.hubspot))
        }
        self.code = ExitCode.OK
        self.document: dict[str, Any] = {}

    def examine(self, settings: Settings | None = None, **options: Any) -> Found:
        given = {"clock": self.world.clock, "entropy": SeededEntropy(1), "wire_of": self.wires.__getitem__, **options}
        self.document, self.code = examine(settings or self.world.settings(), self.world.environ, **given)
        return {(each["subject"], each["check"]): each for each in reversed(self.document["checks"])}

    def verdicts(self, **options: Any) -> dict[tuple[str, str], str]:
        return {key: each["verdict"] for key, each in self.examine(**options).items()}

    def texts(self, check: str, subject: str = "installation") -> list[str]:
        return [
            str(each["text"])
            for each in self.document["checks"]
            if (each["subject"], each["check"]) == (subject, check)
        ]


@pytest.fixture
def doctor(world: World) -> Doctor:
    return Doctor(world)


def test_a_sound_installation_has_no_failure(doctor: Doctor) -> None:
    doctor.world.pulled()
    found = doctor.examine()
    assert [each for each in found.values() if each["verdict"] == "fail"] == []
    assert doctor.code is ExitCode.OK
    for system in ("salesforce", "hubspot"):
        for check in ("access", "clock", "rights", "fields", "freshness", "rows", "quota"):
            assert found[system, check]["verdict"] == "ok", found[system, check]
    assert found["installation", "daemon"]["code"] == "SYN716"
    assert {each["fix"] is None for each in found.values() if each["verdict"] == "ok"} == {True}


def test_every_finding_that_is_not_well_says_how_to_mend_it_and_has_a_page(doctor: Doctor) -> None:
    doctor.world.hubspot.edit({"scopes": []})
    doctor.wires[SALESFORCE].add(Trouble(always, before=WireError("connect", False), times=None))
    for each in doctor.examine().values():
        if each["verdict"] in ("warn", "fail"):
            assert each["fix"]
            assert each["code"].startswith("SYN")


def test_the_doctor_changes_nothing(doctor: Doctor) -> None:
    world = doctor.world
    world.pulled()
    with world.context.store.read() as conn:
        before = [tuple(row) for row in conn.exec_driver_sql("SELECT * FROM runs ORDER BY run_id")]
    doctor.examine()
    with world.context.store.read() as conn:
        assert [tuple(row) for row in conn.exec_driver_sql("SELECT * FROM runs ORDER BY run_id")] == before
    for face in (world.salesforce, world.hubspot):
        assert {entry.effect for entry in face.journal.entries if entry.method in ("PATCH", "PUT", "DELETE")} == set()
    posts = {request.url.split("?")[0].rpartition("/")[2] for request in doctor.wires[HUBSPOT].requests(method="POST")}
    assert posts == {"search", "access-token-info"}


def test_it_costs_each_crm_about_a_dozen_calls(doctor: Doctor) -> None:
    doctor.examine()
    assert all(len(wire.sent) <= 15 for wire in doctor.wires.values()), {
        system: len(wire.sent) for system, wire in doctor.wires.items()
    }


@pytest.mark.parametrize("kind", ["connect", "timeout"])
def test_with_both_crms_down_everything_else_is_still_told(doctor: Doctor, kind: str) -> None:
    for wire in doctor.wires.values():
        wire.add(Trouble(always, before=WireError(kind, kind == "timeout"), times=None))
    before = doctor.world.clock.monotonic()
    found = doctor.examine()
    assert doctor.code is ExitCode.CRM
    for system in ("salesforce", "hubspot"):
        assert found[system, "access"]["verdict"] == "fail"
        assert "curl -sv https://" in found[system, "access"]["fix"]
        assert found[system, "rows"]["verdict"] == "skip"
    assert found["installation", "database"]["verdict"] == "ok"
    assert doctor.world.clock.monotonic() == before, "it waits for nothing"
    assert {len(wire.sent) for wire in doctor.wires.values()} == {1}


def test_a_server_that_accepts_and_says_nothing_does_not_hold_it_up(world: World) -> None:
    never = threading.Event()

    class Silent:
        def send(self, request: HttpRequest) -> HttpResponse:
            never.wait(30)
            raise WireError("timeout", True)

    document, code = examine(
        world.settings(), world.environ, clock=SystemClock(), wire_of=lambda _: Silent(), patience=0.5
    )
    never.set()
    late = [each for each in document["checks"] if each["code"] == "SYN705"]
    assert {each["subject"] for each in late} == {"salesforce", "hubspot"}
    assert code is ExitCode.CRM


@pytest.mark.parametrize("right", ["crm.objects.deals.read", "crm.schemas.companies.read"])
def test_a_missing_scope_is_named_with_where_to_grant_it(doctor: Doctor, right: str) -> None:
    granted = [each for each in SCOPES if each != right]
    doctor.world.hubspot.edit({"scopes": granted})
    found = doctor.examine()
    assert right in found["hubspot", "rights"]["text"]
    assert "Scopes: add" in found["hubspot", "rights"]["fix"]
    assert doctor.code in (ExitCode.CRM, ExitCode.INVALID)


def test_a_missing_scope_to_write_is_a_warning_where_nothing_is_written(doctor: Doctor) -> None:
    scopes = [each for each in SCOPES if each != "crm.objects.companies.write"]
    doctor.world.hubspot.edit({"scopes": scopes})
    assert doctor.verdicts()["hubspot", "rights"] == "fail"
    doctor.world.start(mode="observe")
    assert doctor.verdicts()["hubspot", "rights"] == "warn"


def test_scopes_that_hubspot_does_not_tell_are_tried_by_reading(doctor: Doctor) -> None:
    gone = HttpResponse(404, {}, b"{}")
    doctor.wires[HUBSPOT].add(Trouble(path_has("access-token-info"), before=gone, times=None))
    doctor.world.hubspot.quirks.missing_scopes = {"crm.objects.deals.read"}
    doctor.examine()
    told = doctor.texts("rights", "hubspot")
    assert any("not granted: crm.objects.deals.read" in text for text in told)
    assert any("not told for this kind of token: crm.objects.companies.write" in text for text in told)


POWERS = {"PermissionsModifyAllData": True, "PermissionsManageUsers": True, "PermissionsAuthorApex": False}


def test_rights_beyond_need_are_named_in_both_crms(doctor: Doctor) -> None:
    told = {"totalSize": 1, "done": True, "records": [{"attributes": {"type": "UserPermissionAccess"}, **POWERS}]}
    answer = HttpResponse(200, {"content-type": "application/json"}, json.dumps(told).encode())
    doctor.wires[SALESFORCE].add(Trouble(path_has("UserPermissionAccess"), before=answer, times=None))
    doctor.examine()
    (hubspot,) = [text for text in doctor.texts("rights", "hubspot") if "never used" in text]
    assert "crm.objects.tickets.write" in hubspot
    assert "settings.users.read" in hubspot
    assert "crm.objects.deals" not in hubspot
    (salesforce,) = [text for text in doctor.texts("rights", "salesforce") if "never used" in text]
    assert "Account: Delete" in salesforce
    assert "Modify All Data, Manage Users" in salesforce
    assert "Author Apex" not in salesforce
    assert doctor.code is ExitCode.OK


def test_a_field_that_syncd_is_to_write_and_may_not_is_named_in_both_crms(make_world: Make) -> None:
    world = fields_world(make_world)
    doctor = Doctor(world)
    assert doctor.verdicts()["salesforce", "rights"] in ("ok", "warn")
    assert not [text for system in ("salesforce", "hubspot") for text in refused(doctor, system)]
    world.salesforce.edit({"object": "Account", "field": {"name": "Band__c", "type": "string", "calculated": True}})
    world.hubspot.edit({"object": "companies", "define": {"name": "csm_owner", "type": "string", "readOnly": True}})
    found = doctor.examine()
    assert refused(doctor, "salesforce") == ["not granted: Account.Band__c: Edit, needed to write band"]
    assert refused(doctor, "hubspot") == ["not granted: companies.csm_owner: edit, needed to write csm"]
    assert found["hubspot", "rights"]["verdict"] == "fail"
    assert "Properties" in found["hubspot", "rights"]["fix"]


def refused(doctor: Doctor, system: str) -> list[str]:
    return [text for text in doctor.texts("rights", system) if text.startswith("not granted")]


def test_credentials_without_excess_are_not_warned_of(doctor: Doctor) -> None:
    names = ("companies", "deals")
    needed = [f"crm.{what}.{name}.read" for what in ("objects", "schemas") for name in names]
    writes = [f"crm.objects.{name}.write" for name in names]
    doctor.world.hubspot.edit({"scopes": ["oauth", "crm.objects.owners.read", *needed, *writes]})
    found = doctor.examine()
    assert found["hubspot", "rights"]["verdict"] == "ok"
    assert not [text for text in doctor.texts("rights", "hubspot") if "never used" in text]


def test_rows_that_the_users_sharing_hides_are_a_failure(doctor: Doctor) -> None:
    doctor.world.pulled()
    doctor.wires[SALESFORCE].add(
        Trouble(
            path_has("recordCount"),
            before=HttpResponse(200, {}, b'{"sObjects":[{"count":48000,"name":"Account"}]}'),
            times=None,
        )
    )
    found = doctor.examine()
    assert found["salesforce", "rows"]["code"] == "SYN706"
    assert "of 48,000 rows are shown" in found["salesforce", "rows"]["text"]
    assert "View All" in found["salesforce", "rows"]["fix"]
    assert doctor.code is ExitCode.CRM


def test_a_mirror_that_differs_from_the_crm_is_named(doctor: Doctor) -> None:
    doctor.world.pulled()
    doctor.world.hubspot.load("companies", [{"name": f"New {number}"} for number in range(40)])
    doctor.examine()
    assert any("the mirror holds" in text for text in doctor.texts("rows", "hubspot"))


def test_a_field_that_is_gone_is_a_failure_of_fields_alone(doctor: Doctor) -> None:
    doctor.world.hubspot.edit({"object": "companies", "undefine": "industry"})
    found = doctor.examine()
    assert "companies.industry" in found["hubspot", "fields"]["text"]
    assert found["hubspot", "rows"]["verdict"] == "ok"


def test_fields_that_change_without_a_stamp_are_named(doctor: Doctor) -> None:
    doctor.world.hubspot.edit(
        {"object": "companies", "define": {"name": "industry", "type": "string", "calculated": True}}
    )
    found = doctor.examine()
    assert "account: industry; opportunity: account" in found["hubspot", "freshness"]["text"]
    assert found["hubspot", "fields"]["code"] == "SYN717"


def test_a_wrong_clock_is_told(make_world: Callable[..., World]) -> None:
    doctor = Doctor(make_world())
    ahead = ManualClock(NOW + timedelta(hours=1))
    found = doctor.examine(clock=ahead)
    assert found["hubspot", "clock"]["code"] == "SYN708"
    assert "3600 s ahead of" in found["hubspot", "clock"]["text"]


def test_a_quota_that_is_nearly_used_up_is_told(doctor: Doctor) -> None:
    doctor.world.hubspot.limits.day = 1000
    doctor.world.hubspot.limits.used_today = 800
    doctor.world.hubspot.limits._day = "2026-11-20"
    assert doctor.examine()["hubspot", "quota"]["verdict"] == "warn"


def test_an_organization_that_is_nearly_out_of_calls_is_still_examined(doctor: Doctor) -> None:
    doctor.world.salesforce.edit({"limits": {"by_others": 110_000}})
    found = doctor.examine()
    failed = {key: each["code"] for key, each in found.items() if each["verdict"] == "fail"}
    assert failed == {("salesforce", "quota"): "SYN709"}


def test_an_error_that_ends_several_checks_is_told_once(doctor: Doctor) -> None:
    page = HttpResponse(200, {"content-type": "text/html"}, b"<html><title>Sign in\n to the proxy</title></html>")
    doctor.wires[HUBSPOT].add(Trouble(path_has("/properties/"), before=page, times=None))
    found = doctor.examine()
    ended = {key[1]: each for key, each in found.items() if "failed as" in each["text"]}
    told = [each for each in found.values() if each["verdict"] == "fail"]
    assert [each["code"] for each in told] == ["SYN421"]
    assert "'Sign in to the proxy'" in told[0]["text"]
    assert "hubspot GET /crm/v3/properties/companies" in told[0]["text"]
    assert len(ended) >= 1
    assert {each["verdict"] for each in ended.values()} == {"skip"}


def test_credentials_of_another_organization_are_refused(doctor: Doctor) -> None:
    doctor.world.pulled()
    other = HubspotPortal(clock=doctor.world.clock, portal_id=4242)
    doctor.world.hubspot = other
    doctor.wires[HUBSPOT] = InProcessWire({"": other})
    assert doctor.examine()["hubspot", "access"]["code"] == "SYN403"


def test_the_vendors_own_sync_without_a_decision_is_a_failure(make_world: Callable[..., World]) -> None:
    doctor = Doctor(make_world(owner_writer=None))
    doctor.world.hubspot.install_salesforce()
    found = doctor.examine()
    assert found["hubspot", "native-sync"]["code"] == "SYN715"
    assert ("salesforce", "native-sync") not in found


def test_a_database_that_does_not_open_is_one_failure_and_the_crms_are_still_asked(
    doctor: Doctor, tmp_path: Path
) -> None:
    settings = doctor.world.settings()
    database = settings.database.model_copy(update={"url": f"sqlite:///{tmp_path}/missing.db"})
    found = doctor.examine(settings.model_copy(update={"database": database}))
    assert found["installation", "database"]["code"] == "SYN601"
    assert found["hubspot", "access"]["verdict"] == "ok"
    assert doctor.code is ExitCode.INVALID


def test_secrets_that_others_can_read_are_refused_and_never_shown(doctor: Doctor, tmp_path: Path) -> None:
    settings = doctor.world.settings()
    path = tmp_path / "token"
    path.write_text("pat-na1-verysecret")
    path.chmod(0o644)
    assert settings.hubspot is not None
    hubspot = settings.hubspot.model_copy(update={"token": Secret(f"file:{path}")})
    found = doctor.examine(settings.model_copy(update={"hubspot": hubspot}))
    assert found["installation", "secrets"]["code"] == "SYN106"
    assert "verysecret" not in str(doctor.document)
    assert found["hubspot", "access"]["code"] == "SYN106"


def test_frozen_writes_a_broken_pack_and_a_stale_mirror_are_told(doctor: Doctor) -> None:
    world = doctor.world
    world.pulled()
    world.wait(60)
    world.settings().control.freeze_file.write_text("quarter close")
    (world.folder / "pack" / "pack.yaml").write_text("format: 1\npak: x\n")
    found = doctor.examine()
    assert "quarter close" in found["installation", "freeze"]["text"]
    assert found["installation", "pack"]["fix"].startswith("syncd check")
    assert found["installation", "mirror"]["code"] == "SYN712"
    assert doctor.code is ExitCode.INVALID


def test_a_proxy_that_is_not_there_and_unreadable_certificates_are_told(doctor: Doctor, tmp_path: Path) -> None:
    settings = doctor.world.settings()
    http = settings.http.model_copy(
        update={"proxy": "http://user:hidden@127.0.0.1:9", "ca_bundle": tmp_path / "no.pem"}
    )
    found = list(machine.network(_home(doctor, settings, http), Reporter("network", "installation")))
    assert [each.code for each in found] == ["SYN714", "SYN714"]
    assert "hidden" not in str(found)


@pytest.mark.parametrize(
    ("says", "verdict"), [(b"", "fail"), (b"HTTP/1.1 2", "fail"), (b"HTTP/1.1 407 Who are you\r\n", "ok")]
)
def test_a_proxy_that_takes_connections_and_does_not_answer_is_named(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, says: bytes, verdict: str
) -> None:
    monkeypatch.setattr(machine, "_PROXY_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines: list[socket.socket] = []

        def answer() -> None:
            lines.append(server.accept()[0])
            lines[0].sendall(says)

        threading.Thread(target=answer, daemon=True).start()
        port = server.getsockname()[1]
        settings = doctor.world.settings()
        http = settings.http.model_copy(update={"proxy": f"http://user:hidden@127.0.0.1:{port}"})
        (found,) = machine.network(_home(doctor, settings, http), Reporter("network", "installation"))
        for line in lines:
            line.close()
    assert found.verdict == verdict
    assert f"127.0.0.1:{port}" in found.text
    assert (found.code == "SYN714") is (verdict == "fail")
    assert "hidden" not in found.text


def test_a_proxy_of_the_environment_that_is_not_used_is_told(doctor: Doctor) -> None:
    settings = doctor.world.settings()
    home = replace(_home(doctor, settings, settings.http), environ={"HTTPS_PROXY": "http://proxy:3128"})
    (found,) = machine.network(home, Reporter("network", "installation"))
    assert "HTTPS_PROXY is set" in found.text


@pytest.mark.parametrize(("free", "verdict"), [(50 * 1024**2, "fail"), (900 * 1024**2, "warn"), (9 * 1024**3, "ok")])
def test_free_space_is_compared_with_what_is_needed(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, free: int, verdict: str
) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: type("U", (), {"free": free, "total": 40 * 1024**3})())
    home = _home(doctor, doctor.world.settings(), doctor.world.settings().http)
    assert {each.verdict.value for each in machine.disk(home, Reporter("disk", "installation"))} == {verdict}


def test_a_pooler_in_transaction_mode_is_noticed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if store.dialect != "postgresql":
        return
    assert store.shares_sessions() is False
    monkeypatch.setattr("syncd.store.health.session_of", lambda _: 4711)
    assert store.shares_sessions() is True


def test_the_page_has_the_worst_first_fits_the_screen_and_names_the_mending(doctor: Doctor) -> None:
    doctor.world.hubspot.edit({"scopes": []})
    doctor.examine()
    text = doctor_text(doctor.document)
    assert "FAIL" in text
    assert "mend:" in text
    lines = text.splitlines()
    assert [line for line in lines if len(line) > 80 and " " in line.strip()[:60]] == []
    hubspot = text.split("\n\n")[2].splitlines()[1:]
    marks = [line[2:6].strip() for line in hubspot if line[2:6].strip() in ("FAIL", "warn", "ok", "-")]
    assert marks == sorted(marks, key=["FAIL", "warn", "ok", "-"].index)
    assert lines[-1].endswith("not made") or "failure" in lines[-1]


def test_over_real_http_it_says_the_same(world: World) -> None:
    world.pulled()
    with serve(world.salesforce) as one, serve(world.hubspot) as two:
        world.salesforce.base_url, world.hubspot.base_url = one.url, two.url
        document, code = examine(world.settings(), world.environ, clock=world.clock)
    failures = [each for each in document["checks"] if each["verdict"] == "fail"]
    assert (failures, code) == ([], ExitCode.OK)


def _home(doctor: Doctor, settings: Settings, http: Any) -> Any:
    changed = settings.model_copy(update={"http": http})
    return Installation(changed, doctor.world.environ, doctor.world.clock, None, None)


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    yield
    assert [each.name for each in threading.enumerate() if each.name.startswith("doctor-") and not each.daemon] == []
