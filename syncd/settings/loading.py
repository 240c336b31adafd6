"""Reading settings: TOML under the environment, every problem found in one pass, with its place in the file."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from syncd.errors import ConfigError, Finding, Place, Severity, sort_key
from syncd.settings.model import PREFIX, Settings
from syncd.settings.secrets import SCHEMES

_SECRET_SHAPES = re.compile(r"(pat-[a-z]{2}\d-|-----BEGIN |^00D\w{12,15}!|^eyJ[\w-]{10,}\.|^xox[abp]-)")
_RESERVED_VARIABLES = frozenset({"SYNCD_CONFIG", "SYNCD_CONFIG_FOLDER", "SYNCD_LEASE_EPOCH", "SYNCD_ACTOR"})
"""What the daemon tells its child processes; no settings."""


def load_settings(path: Path | None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of `path` (TOML; None for none) under the SYNCD_* variables of `environ`.

    Relative paths in the file are relative to the file's folder, or to SYNCD_CONFIG_FOLDER where a copy is read.
    Raises ConfigError SYN100 with all findings: a file that cannot be read or parsed, unknown keys (with a suggestion),
    values of the wrong kind, secrets written out.
    """
    environ = os.environ if environ is None else environ
    text, document, findings = _read_document(path)
    locate = _Locator(str(path) if path else "settings", text)
    findings += _secrets_written_out(document, locate)
    findings += _unknown_variables(environ)
    settings: Settings | None = None
    try:
        settings = _validated(document, environ)
    except ValidationError as error:
        findings += [_finding_of(dict(problem), locate, environ) for problem in error.errors()]
    if findings or settings is None:
        count = f"{len(findings)} problem{'s' if len(findings) != 1 else ''}"
        raise ConfigError(
            "SYN100",
            f"the settings have {count}",
            where=str(path) if path else None,
            findings=sorted(findings, key=sort_key),
        )
    if settings.pack.git is not None and "path" not in settings.pack.model_fields_set:
        fetched = settings.pack.model_copy(update={"path": settings.state_dir / "pack"})
        settings = settings.model_copy(update={"pack": fetched})
    folder = environ.get("SYNCD_CONFIG_FOLDER") or (path.resolve().parent if path else None)
    return _anchored(settings, Path(folder)) if folder else settings


def _validated(document: dict[str, Any], environ: Mapping[str, str]) -> Settings:
    told = {name: value for name, value in environ.items() if name.upper().startswith(PREFIX)}
    if not told.keys() - _RESERVED_VARIABLES:
        return Settings.model_validate(document)
    from syncd.settings.environment import settings_under

    return settings_under(document, {name: told[name] for name in told.keys() - _RESERVED_VARIABLES})


def _read_document(path: Path | None) -> tuple[str, dict[str, Any], list[Finding]]:
    if path is None:
        return "", {}, []
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        hint = "name the file with --config or SYNCD_CONFIG; `syncd init` writes one"
        raise ConfigError(
            "SYN101", f"the settings file cannot be read: {os.strerror(error.errno or 0)}", where=str(path), hint=hint
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            "SYN101", "the settings file is not UTF-8 text", where=str(path), hint="save it as UTF-8"
        ) from error
    try:
        return text, tomllib.loads(text), []
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(match[1]), int(match[2])) if match else (max(1, text.count("\n")), 1)
        message = re.sub(r" \(at .*\)$", "", str(error))
        source = text.splitlines()[line - 1] if line <= len(text.splitlines()) else ""
        finding = Finding(
            "SYN102", Severity.ERROR, f"not TOML: {message}", Place(str(path), line, column), source=source
        )
        raise ConfigError("SYN100", "the settings have 1 problem", where=str(path), findings=[finding]) from error


def _anchored(settings: Settings, folder: Path) -> Settings:
    """The settings with relative paths made absolute, so that they mean the same from every working directory."""

    def anchor(model: BaseModel) -> BaseModel:
        updates: dict[str, Any] = {}
        for name in type(model).model_fields:
            value = getattr(model, name)
            if isinstance(value, Path) and not value.is_absolute():
                updates[name] = folder / value
            elif isinstance(value, BaseModel):
                updates[name] = anchor(value)
            elif isinstance(value, tuple) and value and all(isinstance(item, BaseModel) for item in value):
                updates[name] = tuple(anchor(item) for item in value)
            elif name == "url" and isinstance(value, str) and re.match(r"sqlite:///(?!/)", value):
                updates[name] = f"sqlite:///{folder / value.removeprefix('sqlite:///')}"
        return model.model_copy(update=updates) if updates else model

    return typing.cast(Settings, anchor(settings))


class _Locator:
    """Finds a key's line in TOML text: tomllib tells no places, so the text is searched by table and key."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def place(self, keys: tuple[str | int, ...]) -> tuple[Place | None, str | None]:
        """The place of the key path and its line of source; of the nearest table around it where it is not found."""
        names = [str(key) for key in keys if isinstance(key, str)]
        for depth in range(len(names), 0, -1):
            number = self._line_of(names[:depth])
            if number is not None:
                line = self._lines[number - 1]
                return Place(self._path, number, len(line) - len(line.lstrip()) + 1), line
        return None, None

    def _line_of(self, names: list[str]) -> int | None:
        table = ""
        for number, line in enumerate(self._lines, 1):
            header = re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?", line)
            if header:
                table = header[1].replace('"', "")
                if table == ".".join(names):
                    return number
                continue
            key = re.match(r"\s*([\w.\"-]+)\s*=", line)
            full = ".".join(filter(None, (table, key[1].replace('"', "")))) if key else None
            if full == ".".join(names):
                return number
        return None


def _finding_of(problem: dict[str, Any], locate: _Locator, environ: Mapping[str, str]) -> Finding:
    keys = tuple(problem["loc"])
    dotted = ".".join(str(key) for key in keys)
    variable = "SYNCD_" + "__".join(str(key).upper() for key in keys)
    if variable in environ:
        place, source, dotted = None, None, variable
    else:
        place, source = locate.place(keys)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(keys[:-1])
        close = difflib.get_close_matches(str(keys[-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(sorted(known))}" if known else None
        return Finding("SYN103", Severity.ERROR, f"unknown key {dotted!r}", place, hint, source)
    message = str(problem["msg"]).removeprefix("Value error, ")
    hint = "add it" if problem["type"] == "missing" else None
    return Finding("SYN104", Severity.ERROR, f"{dotted}: {message}", place, hint, source)


def _known_keys(path: tuple[str | int, ...]) -> list[str]:
    model: Any = Settings
    for key in path:
        if isinstance(key, int):
            continue
        field = model.model_fields.get(key) if _is_model(model) else None
        model = _model_in(field.annotation) if field is not None else None
    return list(model.model_fields) if _is_model(model) else []


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _model_in(annotation: Any) -> Any:
    if _is_model(annotation):
        return annotation
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return next((found for part in typing.get_args(annotation) if (found := _model_in(part)) is not None), None)
    return None


def _walk(value: object, keys: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*keys, index))
    else:
        yield keys, value


def _secrets_written_out(document: dict[str, Any], locate: _Locator) -> list[Finding]:
    findings = []
    for keys, value in _walk(document):
        if not isinstance(value, str) or not keys:
            continue
        names_secret = keys[-1] in _secret_keys()
        refers = value.partition(":")[0] in SCHEMES
        if (names_secret and not refers) or _SECRET_SHAPES.search(value):
            place, _ = locate.place(keys)
            dotted = ".".join(str(key) for key in keys)
            hint = f'write a reference instead, such as {keys[-1]} = "credential:NAME", "file:/path" or "env:NAME"'
            findings.append(
                Finding(
                    "SYN107", Severity.ERROR, f"{dotted} holds a secret; settings hold references only", place, hint
                )
            )
    return findings


@cache
def _secret_keys() -> frozenset[str]:
    names: set[str] = {"password", "access_token", "refresh_token", "api_key"}
    for model in _models(Settings):
        names |= {name for name, field in model.model_fields.items() if "Secret" in str(field.annotation)}
    return frozenset(names)


def _models(model: Any) -> Iterator[Any]:
    yield model
    for field in model.model_fields.values():
        inner = _model_in(field.annotation)
        if inner is not None:
            yield from _models(inner)


def _unknown_variables(environ: Mapping[str, str]) -> list[Finding]:
    """Variables whose first word is no setting, of which the settings know nothing else."""
    findings = []
    known = _known_keys(())
    for name in sorted(environ):
        first = name.removeprefix(PREFIX).lower().partition("__")[0]
        if name.startswith(PREFIX) and name not in _RESERVED_VARIABLES and first not in known:
            close = difflib.get_close_matches(first, known, n=1)
            hint = f"did you mean SYNCD_{close[0].upper()}?" if close else None
            findings.append(Finding("SYN103", Severity.ERROR, f"unknown variable {name}", hint=hint))
    return findings
