from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from syncd.errors import ConfigError, Finding
from syncd.settings import Mode, Secret, SecretReader, load_settings
from syncd.settings.model import Settings

ROOT = Path(__file__).parents[3]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def findings(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[Finding]:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, text), environ or {})
    assert caught.value.code == "SYN100"
    return list(caught.value.findings)


def test_without_a_file_the_defaults_write_nothing() -> None:
    settings = load_settings(None, {})
    assert settings.mode is Mode.OBSERVE
    assert settings.schedule.pull == timedelta(minutes=5)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'mode = "observe"\n[schedule]\npull = "5min"\n')
    settings = load_settings(path, {"SYNCD_MODE": "approve", "SYNCD_SCHEDULE__PULL": "30s"})
    assert (settings.mode, settings.schedule.pull) == (Mode.APPROVE, timedelta(seconds=30))


def test_an_unknown_key_is_refused_with_its_line_and_a_suggestion(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, '[hubspot]\ntokn = "credential:x"\n')
    assert (finding.code, finding.place.line, finding.hint) == ("SYN103", 2, "did you mean 'token'?")  # type: ignore[union-attr]


@pytest.mark.parametrize("variable", ["SYNCD_MOED", "SYNCD_SCHEDULE__PUL"])
def test_an_unknown_variable_is_refused(tmp_path: Path, variable: str) -> None:
    (finding,) = findings(tmp_path, "", {variable: "1min"})
    assert variable in finding.message


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    text = 'mode = "aply"\nmodee = 1\n[schedule]\npull = "5m"\n[limits]\nsalesforce_overlap = "5min"\n'
    assert [finding.place.line for finding in findings(tmp_path, text)] == [1, 2, 4, 6]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        '[hubspot]\ntoken = "hunter2"\n',
        '[hubspot]\nbase_url = "pat-na1-0123456789"\n',
        '[salesforce]\nlogin_url="https://a"\nclient_id="x"\nclient_secret="abc"\n',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    found = findings(tmp_path, text)
    assert [finding.code for finding in found] == ["SYN107"]
    assert not any(word in finding.rendered() for finding in found for word in ("hunter2", "0123456789", '"abc"'))


def test_broken_toml_is_a_finding_with_its_place(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, "mode = observe\n")
    assert (finding.code, str(finding.place)) == ("SYN102", f"{tmp_path / 'config.toml'}:1:8")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_a_config_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="SYN101"):
        load_settings(path, {})


def test_relative_paths_mean_the_files_folder(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, '[pack]\npath = "rules"\n[database]\nurl = "sqlite:///x.db"\n'), {})
    assert settings.pack.path == tmp_path / "rules"
    assert settings.database.url == f"sqlite:///{tmp_path}/x.db"


def test_the_example_is_valid_and_explains_every_key() -> None:
    path = ROOT / "config.example.toml"
    load_settings(path, {})
    text = path.read_text(encoding="utf-8")

    def keys(model: type) -> set[str]:
        from syncd.settings.loading import _model_in

        names: set[str] = set()
        for name, field in model.model_fields.items():  # type: ignore[attr-defined]
            inner = _model_in(field.annotation)
            names |= keys(inner) if inner is not None else {name}
        return names

    assert [key for key in sorted(keys(Settings)) if key not in text] == []


def test_a_secret_is_read_anew_at_each_use_without_its_newline(tmp_path: Path) -> None:
    file = tmp_path / "token"
    reader = SecretReader({"CREDENTIALS_DIRECTORY": str(tmp_path), "TOKEN": "from-env"})
    for value in ("one", "two"):
        file.write_text(value + "\n")
        assert reader.read(Secret("credential:token"), "hubspot.token") == value
    assert reader.read(Secret("env:TOKEN"), "hubspot.token") == "from-env"


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("x")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="SYN106"):
        SecretReader({}).read(Secret(f"file:{file}"), "hubspot.token")
    file.chmod(0o600)
    assert SecretReader({}).read(Secret(f"file:{file}"), "hubspot.token") == "x"


@pytest.mark.parametrize("reference", ["credential:gone", "file:/nowhere/token", "env:GONE"])
def test_a_missing_secret_says_where_it_was_looked_for(reference: str) -> None:
    with pytest.raises(ConfigError, match="SYN105") as caught:
        SecretReader({}).read(Secret(reference), "hubspot.token")
    assert caught.value.where == "hubspot.token"


def test_a_secret_does_not_show_itself() -> None:
    settings = load_settings(None, {"SYNCD_HUBSPOT__TOKEN": "pat-na1-canary"})
    assert "canary" not in repr(settings)
    assert "canary" not in settings.model_dump_json()


FILE = 'name = "a"\ntype = "file"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('name = "a"\ntype = "webhook"\nurl = "https://x"\n', "needs secret"),
        (FILE, "needs path"),
        ('name = "log"\ntype = "file"\npath = "x"\n', "the name 'log'"),
        (f'{FILE}path = "x"\n[[receivers]]\n{FILE}path = "y"\n', "the name 'a'"),
    ],
)
def test_a_receiver_that_cannot_work_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (finding,) = findings(tmp_path, "[[receivers]]\n" + text)
    assert problem in finding.message
