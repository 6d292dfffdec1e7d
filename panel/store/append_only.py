"""Database triggers that protect append-only tables.

On SQLite an INSERT OR REPLACE deletes the row in its way without the triggers of a deletion. So a trigger before each
insertion refuses a row whose id or other unique values stand already, in the words of SQLite's own refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Index, Table, UniqueConstraint, text

from panel.base import Base
from panel.i18n import Message, _

#: The function that PostgreSQL's triggers call.
FUNCTION = "keep_append_only"
BODY = " BEGIN RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME; END "
#: Of pg_trigger.tgtype: before, delete, update, truncate; for each statement.
STATEMENT_TYPE = 2 + 8 + 16 + 32
#: Of an archivable table: the statement's trigger without deletions, and one for each deleted row.
ARCHIVABLE_TYPES = {2 + 16 + 32, 1 + 2 + 8}
#: The table of archives, which says what may be deleted.
ARCHIVES = "logarchive"
ROW_FUNCTION = "keep_unless_archived"
ROW_BODY = (
    " BEGIN IF EXISTS (SELECT 1 FROM logarchive WHERE table_name = TG_TABLE_NAME "
    "AND OLD.id BETWEEN first_id AND last_id) THEN RETURN OLD; END IF; "
    "RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME; END "
)


def append_only_tables() -> list[Table]:
    models = (mapper.class_ for mapper in Base.registry.mappers)
    return [model.__table__ for model in models if model.__append_only__]


def create_append_only_triggers(connection: Connection) -> None:
    """Create triggers that refuse updates, deletions and replacements in append-only tables. Idempotent. Run it after
    every migration, since a table that a migration rebuilds on SQLite loses them."""
    if connection.dialect.name == "sqlite":
        for table in append_only_tables():
            for name, statement in sqlite_triggers(table).items():
                connection.execute(text(f'DROP TRIGGER IF EXISTS "{name}"'))
                connection.exec_driver_sql(statement)
        return
    for name, body in ((FUNCTION, BODY), (ROW_FUNCTION, ROW_BODY)):
        function = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
        connection.exec_driver_sql(function.replace("%", "%%"))
    for table in append_only_tables():
        verbs = "UPDATE OR TRUNCATE" if table.name in archivable_tables() else "UPDATE OR DELETE OR TRUNCATE"
        for name in (f"keep_{table.name}", f"keep_{table.name}_row"):
            connection.execute(text(f'DROP TRIGGER IF EXISTS "{name}" ON "{table.name}"'))
        connection.execute(
            text(
                f'CREATE TRIGGER "keep_{table.name}" BEFORE {verbs} ON "{table.name}" '
                f"FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}()"
            )
        )
        if table.name in archivable_tables():
            connection.execute(
                text(
                    f'CREATE TRIGGER "keep_{table.name}_row" BEFORE DELETE ON "{table.name}" '
                    f"FOR EACH ROW EXECUTE FUNCTION {ROW_FUNCTION}()"
                )
            )


def sqlite_triggers(table: Table) -> Mapping[str, str]:
    """The triggers of a table on SQLite, as statements by name."""
    name = table.name
    triggers = {
        f"keep_{name}_{verb.lower()}": f'CREATE TRIGGER "keep_{name}_{verb.lower()}" BEFORE {verb} ON "{name}" '
        f"{_unless_archived(table) if verb == 'DELETE' else ''}BEGIN SELECT RAISE(ABORT, 'append-only: {name}'); END"
        for verb in ("UPDATE", "DELETE")
    }
    for number, (condition, refusal) in enumerate(_standing(table)):
        trigger = f"keep_{name}_insert{number or ''}"
        triggers[trigger] = (
            f'CREATE TRIGGER "{trigger}" BEFORE INSERT ON "{name}" WHEN {condition} '
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
    return triggers


def _unless_archived(table: Table) -> str:
    """The condition of the trigger that refuses deletions: that no archive has the row."""
    if table.name not in archivable_tables():
        return ""
    archived = _found(ARCHIVES, f"table_name = '{table.name}' AND OLD.id BETWEEN first_id AND last_id")
    return f"WHEN NOT {archived} "


def archivable_tables() -> set[str]:
    return {m.class_.__tablename__ for m in Base.registry.mappers if m.class_.__archivable__}


def _standing(table: Table) -> Iterator[tuple[str, str]]:
    """Conditions that a row stands already which the new one would replace, each with the refusal."""
    name = table.name
    yield _found(name, "id = NEW.id"), f"append-only: {name}"
    unique = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    for constraint in sorted(unique, key=lambda c: [column.name for column in c.columns]):
        columns = [column.name for column in constraint.columns]
        equal = " AND ".join(f'"{column}" = NEW."{column}"' for column in columns)
        refusal = f"UNIQUE constraint failed: {', '.join(f'{name}.{column}' for column in columns)}"
        yield _found(name, equal), refusal
    for index in sorted((i for i in table.indexes if i.unique), key=lambda i: str(i.name)):
        yield _unique_index(table, index)


def _unique_index(table: Table, index: Index) -> tuple[str, str]:
    columns = [column.name for column in index.columns]
    equal = " AND ".join(f'"{column}" = NEW."{column}"' for column in columns)
    where = index.dialect_options["sqlite"]["where"]
    if where is None:
        refusal = f"UNIQUE constraint failed: {', '.join(f'{table.name}.{column}' for column in columns)}"
        return _found(table.name, equal), refusal
    new = ", ".join(f'NEW."{column.name}" AS "{column.name}"' for column in table.columns)
    condition = f"{_found(table.name, f'{equal} AND {where}')} AND {_found(f'(SELECT {new})', str(where))}"
    return condition, f"UNIQUE constraint failed: index ''{index.name}''"


def _found(source: str, condition: str) -> str:
    """Whether a table, or a subquery in brackets, has a row with this condition. Names are declared ones."""
    quoted = source if source.startswith("(") else f'"{source}"'
    return f"EXISTS (SELECT 1 FROM {quoted} WHERE {condition})"  # noqa: S608


def trigger_problems(connection: Connection) -> Iterator[Message]:
    """Append-only tables whose triggers are missing, switched off or of another text."""
    if connection.dialect.name == "sqlite":
        query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        stored: dict[str, str] = {row.name: row.sql for row in connection.execute(query)}
        for table in append_only_tables():
            for name, statement in sqlite_triggers(table).items():
                if stored.get(name) != statement:
                    yield _problem(table.name, name)
        return
    bodies = {
        row.proname: row.prosrc
        for row in connection.execute(
            text("SELECT proname, prosrc FROM pg_proc WHERE proname IN (:one, :other)"),
            {"one": FUNCTION, "other": ROW_FUNCTION},
        )
    }
    query = text(
        "SELECT c.relname, t.tgtype FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgname LIKE 'keep\\_%' AND t.tgenabled IN ('O', 'A') "
        "AND p.proname IN (:one, :other) AND t.tgqual IS NULL"
    )
    types: dict[str, set[int]] = {}
    for row in connection.execute(query, {"one": FUNCTION, "other": ROW_FUNCTION}):
        types.setdefault(row.relname, set()).add(row.tgtype)
    whole = bodies == {FUNCTION: BODY, ROW_FUNCTION: ROW_BODY}
    for table in append_only_tables():
        expected = ARCHIVABLE_TYPES if table.name in archivable_tables() else {STATEMENT_TYPE}
        if not whole or types.get(table.name) != expected:
            yield _problem(table.name, f"keep_{table.name}")


def _problem(table: str, trigger: str) -> Message:
    return _(
        "{table} isn't protected against changes: its trigger {trigger} is missing or altered. "
        "Run: flask --app admin_app setup",
        table=table,
        trigger=trigger,
    )
