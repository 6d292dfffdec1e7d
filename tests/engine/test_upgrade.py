"""A database that was filled by the first release is brought to the newest schema with all that it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade

from bureau.upkeep.web.commands import MIGRATIONS, migrate
from seed import demo
from tests.factories import PASSWORD, Browser

FIRST = "0001"
Rows = dict[str, list[dict[str, Any]]]


def reflected(engine: sa.Engine) -> sa.MetaData:
    """The tables as they stand in the database."""
    found = sa.MetaData()
    found.reflect(engine)
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, sa.JSON):
                column.type.none_as_null = True
    return found


def read(engine: sa.Engine, like: sa.MetaData) -> Rows:
    """What stands in the columns of these tables."""
    there = reflected(engine)
    rows: Rows = {}
    with engine.connect() as connection:
        for name, table in like.tables.items():
            if name in there.tables and "id" in table.c:
                now = there.tables[name].c
                columns = [now[column.name] for column in table.c if column.name in now]
                rows[name] = [dict(row._mapping) for row in connection.execute(sa.select(*columns).order_by(now.id))]
    return rows


@pytest.fixture
def first(app: Flask) -> Rows:
    """The panel's database as the first release left it, and what it holds."""
    panel = app.extensions["panel"]
    with app.app_context():
        with panel.system_session() as session:
            hashed = panel.passwords.hash(PASSWORD)
            demo.build(session, cases=120, password_hash=hashed, secret=app.config["SECRET_KEY"])
        engine = panel.db.engine
        newest = reflected(engine)
        filled = read(engine, newest)
        engine.dispose()
        if engine.dialect.name == "sqlite":
            Path(str(engine.url.database)).unlink()
        else:
            newest.drop_all(engine)
        upgrade(directory=MIGRATIONS, revision=FIRST)
        old = reflected(engine)
        with engine.begin() as connection:
            for table in old.sorted_tables:
                if rows := filled.get(table.name):
                    known = [{name: row[name] for name in row if name in table.c} for row in rows]
                    connection.execute(sa.insert(table), known)
        return read(engine, old)


def test_all_is_kept_and_the_panel_opens(app: Flask, first: Rows) -> None:
    assert len(first["case"]) == 120
    assert {"user", "liaison", "caseevent", "caseparty", "feedback", "auditentry"} <= first.keys()
    panel = app.extensions["panel"]
    with app.app_context():
        engine = panel.db.engine
        old = reflected(engine)
        migrate(panel)
        after = read(engine, old)
        for table, rows in first.items():
            known = [
                {name: row[name] for name in row if name in now} for row, now in zip(rows, after[table], strict=True)
            ]
            assert known == after[table], table
    browser = Browser(app)
    assert browser.log_in("office").status_code == 302
    newest = first["case"][-1]["id"]
    for address in ("/", "/admin/case/", f"/admin/case/details/?id={newest}", "/admin/liaison/", "/report"):
        assert browser.get(address).status_code == 200, address
