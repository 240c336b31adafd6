"""Variables SYNCD_SECTION__KEY over what the file says, by pydantic-settings. Knows no section of ours.

To be imported where such a variable is set, and not before: the library takes 0.1 s to import (asyncio,
importlib.metadata, the sources of three clouds), and every command reads the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from syncd.settings.model import PREFIX, Settings


class _Variables(EnvSettingsSource):
    """The variables; text that is no JSON where JSON is asked for stays text: the model says what is wrong with it."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The table or list that a variable spells."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


_told: ContextVar[tuple[Mapping[str, Any], Mapping[str, str]]] = ContextVar("told")
"""The document and the variables that are being read: the library asks a class for its sources, not an instance."""


class _Sourced(Settings, BaseSettings):
    """The settings with the variables in front of the document; making such a class takes 10 ms."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        document, environ = _told.get()
        variables = _Variables(settings_cls)
        variables.env_vars = {key.lower(): value for key, value in environ.items()}
        return variables, InitSettingsSource(settings_cls, init_kwargs=dict(document))


def settings_under(document: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """The settings that the file's document and the variables come to; pydantic's ValidationError for what cannot be.

    Names are told apart without case, `__` goes one level down, a longer name says more than a shorter one. Tables are
    merged key by key.
    """
    token = _told.set((document, environ))
    try:
        return _Sourced()
    finally:
        _told.reset(token)
