"""What an installation may set: ``settings.toml``, then ``.env``, then the environment.

A later source overrides an earlier one, key by key. An environment variable is named
``ADMIN_APP_<SECTION>__<KEY>``. Unknown keys are refused wherever they stand, with the nearest known
name; lines of ``.env`` that do not begin with ``ADMIN_APP_`` belong to somebody else. The result is
frozen and passed down: nothing in this package reads the environment again.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self, get_origin

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from admin_app.errors import SetupError
from admin_app.suggestions import did_you_mean

PREFIX = "ADMIN_APP_"
SETTINGS_FILE = "settings.toml"
SHORTEST_SECRET = 32
"""The shortest secret that production takes, in characters; generated ones are longer."""
OUR_PATHS = frozenset({"admin", "api", "errors", "healthz", "readyz"})
"""What addresses of the application begin with."""


class Section(BaseModel):
    """A table of ``settings.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AppSection(Section):
    """What is served."""

    title: str = Field("Library", description="The name shown in the panel and the API document.")
    models: tuple[str, ...] = Field(
        ("admin_app.models",), description="Importable modules whose declarations become resources."
    )
    demo: bool = Field(
        default=False, description="Load the shipped demo records into an empty embedded database."
    )


class DatabaseSection(Section):
    """Where the records are, and how long anything may take there."""

    url: str = Field(
        "sqlite+aiosqlite:///library.db",
        description="SQLAlchemy URL: sqlite+aiosqlite:///FILE or postgresql+asyncpg://…",
    )
    migrations: Path = Field(Path("migrations"), description="The project's Alembic folder.")
    pool_size: int = Field(10, ge=1, le=200, description="Connections a worker keeps.")
    pool_timeout: float = Field(2.0, gt=0, description="Seconds to wait for a connection.")
    statement_timeout: float = Field(
        10.0, gt=0, description="Seconds a statement may run (SQLite: one that reads)."
    )
    statement_ceiling: float = Field(
        60.0, gt=0, description="Seconds a role may at most let its holders' statements run."
    )
    lock_timeout: float = Field(
        2.0, gt=0, description="Seconds a statement waits for a lock (PostgreSQL)."
    )
    write_timeout: float = Field(
        15.0, gt=0, description="Seconds a write waits for its turn and the file lock (SQLite)."
    )
    synchronous: Literal["full", "normal"] = Field(
        "full", description="SQLite: normal is faster and may lose the last commits at power loss."
    )


class ServerSection(Section):
    """Where it listens, and for which names."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="Server processes.")
    allowed_hosts: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Host headers that are answered; every other one is refused.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Addresses whose X-Forwarded-* headers are believed."
    )
    root_path: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="Where a proxy serves it, such as /library; the proxy may take it off or not.",
    )
    environment: str = Field(
        "",
        max_length=40,
        description="Shown as a badge on every page of the panel, such as staging or production.",
    )
    notice: str = Field(
        "", max_length=500, description="Shown above every page of the panel, such as a warning."
    )
    read_only: bool = Field(
        default=False,
        description="Whether REST and the panel refuse to change records; the commands still do.",
    )
    timing: bool = Field(
        default=False,
        description="Answer Server-Timing (statements) and Query-Hint (indexes); for development.",
    )
    log: Literal["all", "notable"] = Field(
        "notable",
        description="Requests that have a line in the log: all, or those refused, failed or slow.",
    )
    drain: float = Field(30.0, gt=0, description="Seconds that requests get to finish at a stop.")

    @field_validator("root_path")
    @classmethod
    def _not_one_of_ours(cls, value: str) -> str:
        # A proxy that takes it off and one that does not could not be told apart.
        if value.split("/")[1:2] and value.split("/")[1] in OUR_PATHS:
            msg = f"begins as an address of ours does ({', '.join(sorted(OUR_PATHS))})"
            raise ValueError(msg)
        return value


class SecuritySection(Section):
    """Keys and how long a sign-in lasts."""

    production: bool = Field(
        default=False, description="Refuse anything that is only good for a try-out."
    )
    secret: SecretStr | None = Field(
        None,
        description="Signs cursors, seals second factors; at least 32 characters in production.",
    )
    session_idle: int = Field(8 * 3600, ge=60, description="Seconds of rest that end a session.")
    session_absolute: int = Field(
        14 * 24 * 3600, ge=60, description="Seconds after which a session ends anyway."
    )
    requests_per_minute: int = Field(
        1200, ge=0, description="Requests a minute of one token or session; 0: no limit."
    )
    cors_origins: tuple[str, ...] = Field(
        (),
        description="Origins whose pages may use the API with a token: https://app.example.org",
    )

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?", each):
                msg = f"{each!r} is no origin, such as https://app.example.org or http://[::1]:5173"
                raise ValueError(msg)
        return value


class Settings(BaseModel):
    """Everything an installation has set, frozen. Build it with ``load_settings``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    app: AppSection = AppSection()
    database: DatabaseSection = DatabaseSection()
    server: ServerSection = ServerSection()
    security: SecuritySection = SecuritySection()
    root: Path = Path()
    """The project's folder: relative paths of the settings start here."""

    @model_validator(mode="after")
    def _refuse_weak_production(self) -> Self:
        if not self.security.production:
            return self
        secret = self.security.secret.get_secret_value() if self.security.secret else ""
        if len(secret) < SHORTEST_SECRET or len(set(secret)) < SHORTEST_SECRET // 4:
            msg = (
                "security.secret is missing or weak: production needs one of at least "
                f"{SHORTEST_SECRET} random characters"
            )
            raise ValueError(msg)
        if "*" in self.server.allowed_hosts:
            msg = "server.allowed_hosts: production names its hosts, * is every one"
            raise ValueError(msg)
        return self

    @property
    def database_url(self) -> URL:
        """The database's URL, a relative SQLite file resolved against the project's folder."""
        url = make_url(self.database.url)
        if url.get_backend_name() == "sqlite" and url.database:
            return url.set(database=str(self.root / url.database))
        return url

    @property
    def embedded(self) -> bool:
        """Whether the database is the embedded default, which looks after itself."""
        return self.database_url.get_backend_name() == "sqlite"

    @property
    def migrations(self) -> Path:
        """The project's Alembic folder."""
        return self.root / self.database.migrations


def load_settings(root: Path | None = None) -> Settings:
    """Read the settings of the project in ``root`` (default: the working directory).

    Raises ``SetupError`` naming every unknown key with the nearest known one, and every bad value.
    """
    folder = (root or Path.cwd()).resolve()
    file = folder / SETTINGS_FILE
    try:
        declared = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{SETTINGS_FILE}: {error}"
        raise SetupError(msg) from error
    unknown = [
        *_unknown_in_file(declared),
        *_unknown_in_variables(_dotenv(folder), ".env"),
        *_unknown_in_variables(os.environ, "environment"),
    ]
    if unknown:
        raise SetupError("\n".join(unknown))
    return _read(folder, declared)


def _read(folder: Path, declared: Mapping[str, Any]) -> Settings:
    class Sources(BaseSettings):
        model_config = SettingsConfigDict(
            env_prefix=PREFIX,
            env_nested_delimiter="__",
            env_file=folder / ".env",
            extra="ignore",
            frozen=True,
        )
        app: AppSection = AppSection()
        database: DatabaseSection = DatabaseSection()
        server: ServerSection = ServerSection()
        security: SecuritySection = SecuritySection()

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],  # noqa: ARG003 - the hook's signature
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, dotenv_settings, init_settings

    try:
        sources = Sources(**declared)
        settings = Settings(
            app=sources.app,
            database=sources.database,
            server=sources.server,
            security=sources.security,
            root=folder,
        )
        _ = settings.database_url
    except ValidationError as error:
        raise SetupError("\n".join(_sentences(error))) from error
    except SettingsError as error:
        raise SetupError("\n".join(_not_json(folder)) or str(error)) from error
    except ArgumentError as error:
        msg = "database.url is not a database URL"
        raise SetupError(msg) from error
    return settings


def _sentences(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in each["loc"])
        words = str(each["msg"]).removeprefix("Value error, ")
        yield f"{place}: {words}" if place else words


def _not_json(folder: Path) -> Iterator[str]:
    """The variables whose value must be JSON, because it is a list, and is not."""
    for place, variables in (("environment", os.environ), (".env", _dotenv(folder))):
        for name, value in variables.items():
            section, _, key = name.upper().removeprefix(PREFIX).lower().partition("__")
            model = section_models().get(section)
            field = model.model_fields.get(key) if model else None
            if field is not None and get_origin(field.annotation) is tuple:
                try:
                    json.loads(value or "")
                except ValueError:
                    yield f'{place}: {name} must be a JSON list, such as ["one", "two"]'


def _dotenv(folder: Path) -> Mapping[str, str | None]:
    return dotenv_values(folder / ".env") if (folder / ".env").exists() else {}


def section_models() -> dict[str, type[Section]]:
    """The tables of ``settings.toml``, by name."""
    return {
        "app": AppSection,
        "database": DatabaseSection,
        "server": ServerSection,
        "security": SecuritySection,
    }


def _unknown_in_file(declared: Mapping[str, Any]) -> Iterator[str]:
    sections = section_models()
    for section, keys in declared.items():
        if section not in sections:
            yield f"{SETTINGS_FILE}: unknown section [{section}]{did_you_mean(section, sections)}"
        elif not isinstance(keys, Mapping):
            yield f"{SETTINGS_FILE}: [{section}] must be a table"
        else:
            known = sections[section].model_fields
            for key in keys:
                if key not in known:
                    yield f"{SETTINGS_FILE}: unknown key {section}.{key}{did_you_mean(key, known)}"


def _unknown_in_variables(variables: Mapping[str, Any], place: str) -> Iterator[str]:
    known = {
        f"{PREFIX}{section}__{key}".upper(): None
        for section, model in section_models().items()
        for key in model.model_fields
    }
    for name in variables:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            yield f"{place}: unknown variable {name}{did_you_mean(name.upper(), known)}"
