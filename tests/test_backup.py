"""A backup is whole, taken while the panel runs, and goes back into an empty place only."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from admin_app import create_app
from models import Case, Street
from panel.config import Config
from panel.session import may_write
from tests import factories


@pytest.fixture(autouse=True)
def tools(app: Flask, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client programs that belong to the running PostgreSQL."""
    if backend == "postgresql":
        with app.app_context(), app.extensions["panel"].db.engine.connect() as connection:
            folder = connection.execute(sa.text("SELECT setting FROM pg_config WHERE name = 'BINDIR'")).scalar_one()
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def empty(config: Config, backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """An installation without a database, or with an empty one."""
    if backend == "sqlite":
        return create_app(replace(config, database_url=f"sqlite:///{tmp_path / 'elsewhere.db'}"))
    url = sa.make_url(config.database_url)
    name = f"{url.database}_back"
    server = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    server.dispose()
    return create_app(replace(config, database_url=url.set(database=name).render_as_string(hide_password=False)))


def run(app: Flask, *arguments: object) -> Result:
    return app.test_cli_runner().invoke(args=[str(one) for one in arguments])


def names(app: Flask) -> list[str]:
    with app.app_context(), app.extensions["panel"].system_session() as session:
        return sorted(session.execute(sa.select(Street.name)).scalars())


def test_what_was_backed_up_comes_back(app: Flask, empty: Flask, district: factories.District, tmp_path: Path) -> None:
    file = tmp_path / "backup.file"
    done = run(app, "backup", file)
    assert (done.exit_code, file.exists()) == (0, True), done.output
    back = run(empty, "restore", file)
    assert back.exit_code == 0, back.output
    assert names(empty) == names(app) == ["城东街道", "城西街道"]
    with empty.app_context(), empty.extensions["panel"].system_session() as session:
        assert session.execute(sa.select(sa.func.count()).select_from(Case)).scalar_one() == 2
        with pytest.raises(sa.exc.DatabaseError, match="append-only"):
            session.connection().execute(sa.text("DELETE FROM caseevent"))
        session.rollback()


def test_a_backup_is_taken_while_somebody_writes(app: Flask, district: factories.District, tmp_path: Path) -> None:
    file = tmp_path / "backup.file"
    with app.app_context(), may_write(), app.extensions["panel"].db.engine.connect() as connection:
        connection.execute(sa.insert(Street.__table__).values(name="未提交街道"))  # type: ignore[arg-type]
        assert run(app, "backup", file).exit_code == 0
        connection.rollback()
    assert file.stat().st_size > 1000


def test_a_database_that_holds_anything_is_not_overwritten(
    app: Flask, district: factories.District, tmp_path: Path
) -> None:
    file = tmp_path / "backup.file"
    assert run(app, "backup", file).exit_code == 0
    refused = run(app, "restore", file)
    assert refused.exit_code == 1
    assert "不是空的" in refused.output
    assert names(app) == ["城东街道", "城西街道"]


def test_a_failure_is_one_sentence(app: Flask, empty: Flask, tmp_path: Path) -> None:
    nowhere = run(app, "backup", tmp_path / "no" / "folder" / "file")
    missing = run(empty, "restore", tmp_path / "none.file")
    for refused in (nowhere, missing):
        assert refused.exit_code == 1
        assert len(refused.output.strip().splitlines()) == 1
        assert "Traceback" not in refused.output
