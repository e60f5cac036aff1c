"""Settings: three sources in order, and no mistake in any of them goes unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from admin_app.database.engine import make_engine
from admin_app.errors import SetupError
from admin_app.secret import installation_secret
from admin_app.settings import (
    DatabaseSection,
    SecuritySection,
    Settings,
    load_settings,
    section_models,
)

STRONG = "3f9c1d0a7be24c55a1e0997b6d4c82f3"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the working directory, without variables of ours."""
    monkeypatch.chdir(tmp_path)
    for section, model in section_models().items():
        for key in model.model_fields:
            monkeypatch.delenv(f"ADMIN_APP_{section}__{key}".upper(), raising=False)
    return tmp_path


def toml(project: Path, text: str) -> None:
    (project / "settings.toml").write_text(text, "utf-8")


def env(project: Path, text: str) -> None:
    (project / ".env").write_text(text, "utf-8")


def mistake() -> str:
    with pytest.raises(SetupError) as caught:
        load_settings()
    return str(caught.value)


def test_without_any_source(project: Path) -> None:
    """Nothing need be set: the library on an embedded database, for this machine only."""
    found = load_settings()
    assert found == Settings(root=project)
    assert found.app.models == ("admin_app.models",)
    assert found.embedded
    assert found.database_url.database == str(project / "library.db")
    assert not found.security.production


def test_the_order_of_sources(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is overridden by .env and that by the environment, key by key."""
    toml(project, '[app]\ntitle = "file"\n[server]\nport = 1\nworkers = 2\nhost = "file"\n')
    env(project, "ADMIN_APP_SERVER__PORT=3\nadmin_app_server__host=dotenv\n")
    monkeypatch.setenv("ADMIN_APP_SERVER__PORT", "4")
    found = load_settings()
    assert (found.app.title, found.server.workers) == ("file", 2)
    assert (found.server.host, found.server.port) == ("dotenv", 4)


def test_it_is_frozen(project: Path) -> None:
    """What has been read cannot be changed."""
    with pytest.raises(ValueError, match="frozen"):
        load_settings().app.title = "x"  # type: ignore[misc]


def test_lists_in_variables(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list in a variable is JSON; anything else is refused by the variable's name."""
    monkeypatch.setenv("ADMIN_APP_APP__MODELS", '["one", "two"]')
    assert load_settings().app.models == ("one", "two")
    monkeypatch.setenv("ADMIN_APP_APP__MODELS", "one,two")
    assert mistake() == (
        'environment: ADMIN_APP_APP__MODELS must be a JSON list, such as ["one", "two"]'
    )
    monkeypatch.delenv("ADMIN_APP_APP__MODELS")
    env(project, "ADMIN_APP_SERVER__ALLOWED_HOSTS=example.org\n")
    assert mistake().startswith(".env: ADMIN_APP_SERVER__ALLOWED_HOSTS must be a JSON list")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[sever]\nport = 1", "unknown section [sever]; did you mean 'server'?"),
        ("[server]\nprot = 1", "unknown key server.prot; did you mean 'port'?"),
        ("port = 1", "unknown section [port]"),
        ("server = 1", "[server] must be a table"),
        ("[server", "settings.toml: "),
        ("[server]\nport = 99999", "server.port: "),
        ('[server]\nport = "x"', "server.port: "),
        ('[database]\nsynchronous = "off"', "database.synchronous: "),
        ('[database]\nurl = "nonsense"', "database.url is not a database URL"),
        ("[database]\npool_size = 0", "database.pool_size: "),
        ("[app]\nmodels = 5", "app.models"),
    ],
)
def test_mistakes_in_the_file(project: Path, text: str, words: str) -> None:
    """A mistake in the file is named, an unknown name with the nearest one."""
    toml(project, text)
    assert words in mistake()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ADMIN_APP_SEVER__PORT", "did you mean 'ADMIN_APP_SERVER__PORT'?"),
        ("ADMIN_APP_SERVER__PROT", "did you mean 'ADMIN_APP_SERVER__PORT'?"),
        ("ADMIN_APP_PORT", "did you mean 'ADMIN_APP_SERVER__PORT'?"),
        ("ADMIN_APP_SERVER_PORT", "did you mean 'ADMIN_APP_SERVER__PORT'?"),
        ("admin_app_server__prot", "did you mean 'ADMIN_APP_SERVER__PORT'?"),
        ("ADMIN_APP_SERVER", "unknown variable ADMIN_APP_SERVER"),
    ],
)
def test_unknown_variables(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    """An unknown variable of ours is named wherever it stands, with the nearest one."""
    env(project, f"{name}=1\n")
    assert mistake().startswith(f".env: unknown variable {name}; ")
    assert words in mistake()
    (project / ".env").unlink()
    monkeypatch.setenv(name, "1")
    assert mistake().startswith(f"environment: unknown variable {name}; ")


def test_all_mistakes_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mistakes in every source are reported together."""
    toml(project, "[server]\nprot = 1\n[nope]\n")
    env(project, "ADMIN_APP_X=1\n")
    monkeypatch.setenv("ADMIN_APP_Y", "1")
    assert len(mistake().splitlines()) == 4


def test_strangers_in_dotenv(project: Path) -> None:
    """Lines of .env that are not ours belong to somebody else."""
    env(project, "POSTGRES_PASSWORD=x\nDATABASE_URL=y\nexport PORT=z\nBARE\n# a comment\n")
    assert load_settings() == Settings(root=project)


def test_a_bad_value_in_a_variable(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad value is named by its key, and the value itself is not repeated."""
    monkeypatch.setenv("ADMIN_APP_SERVER__PORT", "secret-by-mistake")
    assert mistake().startswith("server.port: ")
    assert "secret-by-mistake" not in mistake()


@pytest.mark.parametrize("secret", [None, "", "short", "x" * 64, "ab" * 32])
def test_production_needs_a_secret(project: Path, secret: str | None) -> None:
    """Production does not start with a missing or a weak secret."""
    line = "" if secret is None else f'secret = "{secret}"\n'
    toml(project, f"[security]\nproduction = true\n{line}")
    assert mistake().startswith("security.secret is missing or weak")


def test_production_with_a_secret(project: Path) -> None:
    """Production starts with a strong secret, which no text of the settings shows."""
    toml(project, f'[security]\nproduction = true\nsecret = "{STRONG}"\n')
    found = load_settings()
    assert installation_secret(found) == STRONG.encode()
    assert STRONG not in repr(found)


def test_the_generated_secret(project: Path) -> None:
    """For a try-out a secret is made once, kept beside the settings, and readable by one person."""
    first = installation_secret(load_settings())
    assert installation_secret(load_settings()) == first
    assert len(first) >= 32
    assert (project / ".secret").stat().st_mode & 0o077 == 0
    assert [each.name for each in project.iterdir()] == [".secret"]


@pytest.mark.parametrize(
    "url", ["sqlite:///x.db", "mysql+aiomysql://x/y", "postgresql://x/y", "sqlite+aiosqlite://"]
)
def test_databases_that_are_not_served(tmp_path: Path, url: str) -> None:
    """A database or driver that is not supported is refused in words."""
    with pytest.raises(SetupError, match=r"database\.url must"):
        make_engine(Settings(root=tmp_path, database=DatabaseSection(url=url)))


def test_an_absolute_file_stays_where_it_is(tmp_path: Path) -> None:
    """A relative SQLite file lies in the project's folder, an absolute one where it says."""
    url = f"sqlite+aiosqlite:///{tmp_path}/other.db"
    found = Settings(root=Path("/elsewhere"), database=DatabaseSection(url=url))
    assert found.database_url.database == f"{tmp_path}/other.db"


def test_every_key_is_described() -> None:
    """Every key has a description: the page of settings is made of them."""
    for model in section_models().values():
        assert all(each.description for each in model.model_fields.values())
    assert SecuritySection().secret is None
