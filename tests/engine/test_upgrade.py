"""A database as an earlier version made and filled it is brought to the newest schema with all that it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask

from bureau.upkeep.web.commands import MIGRATIONS, migrate, schema_problem
from panel import migrations
from panel.base import Base
from panel.kinds.encrypted import MARK, ring_of
from seed import demo
from tests.factories import PASSWORD, Browser, clock

pytestmark = pytest.mark.database

#: What 0001 and 0002 once made less than they make now: tables, columns, indexes, checks.
LACKING = {
    "0001": ((), (), (), ()),
    "0001 of the first day": (
        ("ledgerline", "ledger", "importrow", "importbatch"),
        (("case", "lead_name"),),
        (("case", "ix_case_status_reported_at"),),
        (("caseevent", "from_state"),),
    ),
    "0002 without mediation's end": (
        ("attachment", "exportlog", "headermap", "importundo", "job", "notice", "webhook", "webhookdelivery"),
        (
            ("deadlinechange", "for_office"),
            ("deadlinechange", "unit"),
            ("importrow", "besides"),
            ("importrow", "version"),
            ("mediation", "ended_by"),
        ),
        (("case", "ix_case_handled_at"), ("case", "ix_case_repeats")),
        (("deadlinechange", "change_kind"), ("deadlinechange", "limit_unit"), ("mediation", "ended_by")),
    ),
    "0003 of the export log": (
        ("attachment", "mediationmember", "mediationsession", "mediation", "surveyentry", "deadlinechange", "phrase"),
        (("assignment", "substitute"), ("referral", "urged_count")),
        (),
        (("assignment", "substitute_ends"),),
    ),
}
#: Choices that the old forms didn't know yet, and what stood in their place.
LATER = {("mediation", "agreement_form", "committee"): "written"}
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
    """What stands in the columns of these tables, decrypted."""
    there = reflected(engine)
    rows: Rows = {}
    with engine.connect() as connection:
        for name, table in like.tables.items():
            if name in there.tables and "id" in table.c:
                now = there.tables[name].c
                columns = [now[column.name] for column in table.c if column.name in now]
                stored = connection.execute(sa.select(*columns).order_by(now.id)).mappings()
                rows[name] = [{column: _plain(engine, value) for column, value in row.items()} for row in stored]
    return rows


def _plain(engine: sa.Engine, value: Any) -> Any:
    is_encrypted = isinstance(value, str) and value.startswith(MARK)
    return ring_of(engine.dialect).decrypt(value) if is_encrypted else value


def take_away(engine: sa.Engine, form: str) -> None:
    """Make a new, empty database what an earlier text of its migrations made."""
    tables, columns, indexes, checks = LACKING[form]
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        operations = Operations(MigrationContext.configure(connection, opts={"target_metadata": Base.metadata}))
        for table in tables:
            operations.drop_table(table)
        for table, name in indexes:
            operations.drop_index(name, table)
        for table, name in checks:
            with operations.batch_alter_table(table) as batch:
                batch.drop_constraint(name, type_="check")
        for table, name in columns:
            with operations.batch_alter_table(table) as batch:
                batch.drop_column(name)
        connection.commit()
    engine.dispose()


@pytest.fixture(scope="module")
def filled(empty_app: Flask) -> Rows:
    """What stands in a database of the newest version."""
    panel = empty_app.extensions["panel"]
    with clock(), empty_app.app_context():
        with panel.system_session() as session:
            hashed = panel.passwords.hash(PASSWORD)
            demo.build(session, cases=120, password_hash=hashed, secret=empty_app.config["SECRET_KEY"])
        return read(panel.db.engine, reflected(panel.db.engine))


@pytest.fixture(params=sorted(LACKING))
def first(app: Flask, filled: Rows, request: pytest.FixtureRequest) -> Rows:
    """The panel's database as an earlier version left it, and what it holds."""
    with app.app_context():
        engine = app.extensions["panel"].db.engine
        newest = reflected(engine)
        engine.dispose()
        if engine.dialect.name == "sqlite":
            Path(str(engine.url.database)).unlink()
        else:
            newest.drop_all(engine)
        migrations.upgrade(MIGRATIONS, request.param[:4])
        take_away(engine, request.param)
        old = reflected(engine)
        with engine.begin() as connection:
            for table in old.sorted_tables:
                if rows := filled.get(table.name):
                    known = [
                        {
                            name: LATER.get((table.name, name, str(row[name])), row[name])
                            for name in row
                            if name in table.c
                        }
                        for row in rows
                    ]
                    connection.execute(sa.insert(table), known)
        return read(engine, old)


def test_all_is_kept_and_the_panel_opens(app: Flask, first: Rows) -> None:
    assert len(first["case"]) == 120
    assert {"user", "liaison", "caseevent", "caseparty", "feedback", "auditentry"} <= first.keys()
    panel = app.extensions["panel"]
    with app.app_context():
        engine = panel.db.engine
        old = reflected(engine)
        assert schema_problem(panel, quick=True) is not None
        migrate(panel)
        assert schema_problem(panel) is None
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
