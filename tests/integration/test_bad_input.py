"""Bad input gets one screen that says what, where and what to do; the documented exit code; and nothing is written."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.installation import ROOT, Installation


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation.make(tmp_path_factory.mktemp("bad"), companies=40)
    installation.syncd("db", "upgrade")
    yield installation
    installation.close()


def writes(installation: Installation) -> int:
    faces = (installation.sandboxes.salesforce, installation.sandboxes.hubspot)
    changing = ("PATCH", "PUT", "DELETE")
    entries = [entry for face in faces for entry in face.journal.entries]
    return sum(entry.method in changing or entry.path.endswith("/batch/update") for entry in entries)


def test_a_mistyped_setting_is_shown_with_its_line_and_a_suggestion(installation: Installation) -> None:
    config = installation.folder / "config.toml"
    good = config.read_text()
    config.write_text(good.replace("login_url", "login_ulr"))
    done = installation.syncd("pull", code=3)
    config.write_text(good)
    assert "config.toml:5:1: error SYN103 unknown key 'salesforce.login_ulr'" in done.stderr
    assert "did you mean 'login_url'?" in done.stderr
    assert "syncd explain SYN100" in done.stderr


MISTAKES = {
    "pack.yaml": [
        ("format: 1", "format: 7"),
        ("  name: northwind", "  nmae: northwind"),
        ('{employees: ">= 1000"}', '{employes: ">= 1000"}'),
    ],
    "territories.yaml": [
        ("owners: {pool: emea}", "owners: {pool: emae}"),
        ("when: {country: US, state: [CA, OR, WA, NV, AZ]}", "when: {country: US, state: [CA, OR, ZZ]}"),
        ("assign: balanced", "assign: fairly"),
    ],
    "people.yaml": [
        ("      - priya.keller@northwind.example\n", "      - priya.keller.northwind.example\n"),
        ("capacity: 40", "capacity: forty"),
        ("expires: 2027-12-31", "expires: 31.12.2027"),
    ],
    "quotas.csv": [("territory,period", "teritory,period")],
}


def test_ten_mistakes_in_four_files_are_all_reported_at_once(tmp_path: Path, installation: Installation) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(ROOT / "examples" / "demo", pack)
    for name, mistakes in MISTAKES.items():
        text = (pack / name).read_text()
        for good, bad in mistakes:
            assert good in text, f"{name} has no {good!r} any more"
            text = text.replace(good, bad, 1)
        (pack / name).write_text(text)
    done = installation.syncd("check", str(pack), code=3)
    errors = re.findall(r"^(\S+?):(\d+):(\d+): error (SYN\d{3}) ", done.stderr, re.MULTILINE)
    assert {name for name, *_ in errors} == set(MISTAKES)
    assert len(errors) >= 10
    assert done.stderr.count("^") >= 10
    assert "pool" in done.stderr
    assert "did you mean" in done.stderr


def test_a_csv_without_its_key_column_names_the_columns_that_are_there(
    tmp_path: Path, installation: Installation
) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("account,name,country\n1,Acme,DE\n")
    done = installation.syncd("plan", str(ROOT / "examples" / "starter"), "--accounts", str(accounts), code=3)
    assert "accounts.csv:1" in done.stderr
    assert "'id'" in done.stderr or "`id`" in done.stderr
    assert "account" in done.stderr


def test_a_crm_that_answers_401_says_whose_credentials_are_wrong(installation: Installation) -> None:
    secret = installation.folder / "hs"
    good = secret.read_text()
    secret.write_text("pat-na1-00000000-canary")
    done = installation.syncd("pull", "--system", "hubspot", code=6)
    secret.write_text(good)
    assert "hubspot" in done.stderr
    assert "SYN4" in done.stderr
    assert "canary" not in done.stdout + done.stderr
    tries = [entry for entry in installation.sandboxes.hubspot.journal.entries if entry.status == 401]
    assert 1 <= len(tries) <= 4


def test_a_database_that_is_none_is_refused_in_words(tmp_path: Path, installation: Installation) -> None:
    config = installation.folder / "config.toml"
    good = config.read_text()
    (tmp_path / "not-a-database").write_text("hello")
    config.write_text(good + f'[database]\nurl = "sqlite:///{tmp_path}/not-a-database"\n')
    done = installation.syncd("pull", code=3)
    config.write_text(good)
    assert "SYN6" in done.stderr


def test_apply_in_observe_mode_and_approve_before_adoption_are_refused(installation: Installation) -> None:
    installation.syncd("pull")
    installation.syncd("plan")
    plan = re.search(r"Plan (\w{12})", installation.syncd("plan").stdout)
    assert plan
    refused = installation.syncd("approve", plan[1], "--why", "too early", code=4)
    assert "SYN509" in refused.stderr
    assert "syncd adopt" in refused.stderr
    installation.environ["SYNCD_MODE"] = "observe"
    assert "SYN511" in installation.syncd("apply", plan[1], code=4).stderr
    del installation.environ["SYNCD_MODE"]


def test_nothing_of_all_that_wrote_to_a_crm(installation: Installation) -> None:
    assert writes(installation) == 0
