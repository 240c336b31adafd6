"""`syncd sandbox --into`: a folder that leads to running sandboxes, and finds them again; nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.cli.northwind import settle, strangers
from syncd.cli.sandboxes import RunningSandboxes, open_sandboxes
from syncd.errors import UsageError
from syncd.settings import Mode, load_settings


@pytest.fixture
def sandboxes() -> Iterator[RunningSandboxes]:
    running = open_sandboxes(companies=3)
    yield running
    running.close()


def test_a_new_folder_leads_to_the_sandboxes_and_an_old_one_is_led_there_again(
    tmp_path: Path, sandboxes: RunningSandboxes
) -> None:
    folder = tmp_path / "northwind"
    assert settle(folder, sandboxes)
    config = folder / "config.toml"
    settings = load_settings(config, {})
    assert settings.mode is Mode.APPROVE
    assert settings.salesforce is not None
    assert settings.salesforce.login_url == sandboxes.salesforce.credentials()["url"]
    assert (folder / "pack" / "pack.yaml").is_file()
    assert {path.stat().st_mode & 0o777 for path in (folder / "secrets").iterdir()} == {0o600}
    config.write_text(config.read_text().replace('owner_writer = "both"', 'owner_writer = "salesforce"'))
    (folder / "pack" / "pack.yaml").write_text("mine")
    others = open_sandboxes(companies=3)
    try:
        assert not settle(folder, others)
        settings = load_settings(config, {})
        assert settings.hubspot is not None
        assert settings.hubspot.base_url == others.hubspot.base_url
        assert settings.owner_writer == "salesforce"
        assert (folder / "pack" / "pack.yaml").read_text() == "mine"
    finally:
        others.close()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, sandboxes: RunningSandboxes) -> None:
    (tmp_path / "config.toml").write_text('[salesforce]\nlogin_url = "https://acme.my.salesforce.com"\n')
    with pytest.raises(UsageError, match="SYN004"):
        settle(tmp_path, sandboxes)
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(("seed", "fits"), [(7, True), (11, False)])
def test_a_pack_that_names_people_of_another_company_is_noticed(tmp_path: Path, seed: int, *, fits: bool) -> None:
    sandboxes = open_sandboxes(companies=600, seed=seed)
    try:
        settle(tmp_path / "northwind", sandboxes)
        assert (strangers(tmp_path / "northwind", sandboxes) == 0) is fits
    finally:
        sandboxes.close()
