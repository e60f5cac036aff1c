"""A project of one's own: from ``admin-app init`` to a working panel and API, by commands alone."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from commands import Commands, serving, start

MODELS = """
import enum

from sqlalchemy import Column, ForeignKey, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import Base, Record

plant_tag = Table(
    "plant_tag",
    Base.metadata,
    Column("plant_id", ForeignKey("plant.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_code", ForeignKey("tag.code", ondelete="CASCADE"), primary_key=True),
)


class Light(enum.Enum):
    SHADE = "shade"
    SUN = "sun"


class Tag(Base):
    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    plants: Mapped[list["Plant"]] = relationship(secondary=plant_tag, back_populates="tags")


class Plant(Record):
    name: Mapped[str] = mapped_column(String(100), unique=True)
    light: Mapped[Light | None]
    tags: Mapped[list[Tag]] = relationship(secondary=plant_tag, back_populates="plants")
    beds: Mapped[list["Bed"]] = relationship(back_populates="plant")


class Bed(Record):
    plant_id: Mapped[int] = mapped_column(ForeignKey("plant.id"))
    plant: Mapped[Plant] = relationship(back_populates="beds")
"""


@pytest.fixture
def here(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Commands:
    """Commands given in an empty folder, which take in no models."""
    monkeypatch.chdir(tmp_path)
    return Commands(tmp_path, capfd, monkeypatch)


def test_where_there_is_no_project(tmp_path: Path, here: Commands) -> None:
    """Whoever misses the folder of a project is told that this is the example; no file is made."""
    done = start(tmp_path, "check")
    assert (done.code, "this is the example library" in done.err) == (0, True)
    assert list(tmp_path.iterdir()) == []
    assert f"Made {tmp_path.name}. Declare" in here("init", ".").err
    assert "example library" not in start(tmp_path, "check").err


@pytest.mark.slow
def test_a_project_by_commands_alone(tmp_path: Path) -> None:
    """Init, three models, revision, upgrade, user, serve: panel and API work, nothing copied."""
    assert start(tmp_path, "init", "garden").code == 0
    root = tmp_path / "garden"
    (root / "garden" / "__init__.py").write_text(MODELS, "utf-8")
    for command in (
        ["check"],
        ["db", "revision", "-m", "First tables"],
        ["db", "upgrade"],
        ["db", "check"],
        ["user", "create", "ann", "--role", "administrator", "--no-password"],
    ):
        done = start(root, *command)
        assert (done.code, "Traceback" in done.err) == (0, False), done
    token = start(root, "token", "create", "ann", "--expires", "1d").out.strip()
    with serving(root) as server, httpx.Client(base_url=server.address) as client:
        page = client.get("/admin/", follow_redirects=True)
        assert page.status_code == 200
        assert 'type="password"' in page.text
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.post("/api/v1/tags", json={"code": "herb/wild"}).status_code == 201
        sage = {"name": "Sage", "light": "sun", "tags": ["herb/wild"]}
        made = client.post("/api/v1/plants", json=sage)
        assert made.status_code == 201
        bed = client.post("/api/v1/beds", json={"plant_id": made.json()["id"]})
        assert bed.status_code == 201
        found = client.get("/api/v1/plants?light=sun&tags=herb~1wild").json()["data"]
        assert [each["tags"] for each in found] == [["herb/wild"]]
    csv = start(root, "export", "plant").out
    assert csv == "id,version,name,light,tags\r\n1,1,Sage,sun,herb~1wild\r\n".replace("\r\n", "\n")
    assert start(root, "import", "plant", "-", stdin=csv).out.startswith("0 created, 0 changed, 1")


@pytest.mark.slow
def test_the_example_of_a_new_project_works(tmp_path: Path) -> None:
    """What ``init`` writes is sound as it stands, and can be served after one revision."""
    assert start(tmp_path, "init", "email").code == 0
    root = tmp_path / "email"
    # Python has a module of the directory's name, which the models must not hide.
    assert (root / "email_models" / "__init__.py").exists()
    assert (root / "migrations" / "env.py").read_text("utf-8").count("\n") == 3
    assert start(root, "check").code == 0
    written = start(root, "db", "revision", "-m", "First tables")
    assert written.code == 0
    assert Path(written.out.strip()).parent == root / "migrations" / "versions"
    assert start(root, "db", "upgrade").code == 0
    with serving(root) as server:
        assert httpx.get(f"{server.address}/readyz").status_code == 200


@pytest.mark.parametrize("there", ["file", "folder"])
def test_init_refuses_what_is_there(tmp_path: Path, here: Commands, there: str) -> None:
    """A folder that is not empty, or a file, is refused and left as it was."""
    if there == "file":
        (tmp_path / "mine").write_text("x", "utf-8")
    else:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "note").write_text("x", "utf-8")
    done = here("init", "mine")
    assert (done.code, "nothing was written" in done.err) == (1, True)
    assert sorted(each.name for each in tmp_path.rglob("*")) in (["mine"], ["mine", "note"])
