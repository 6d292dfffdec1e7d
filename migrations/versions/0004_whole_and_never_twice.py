"""Every form of 0001 and 0002 becomes the last one; on SQLite no id is given twice

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op
from migrations import forms
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable, DropConstraint

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: What older rows hold in columns that may not be empty.
FILLED = {"for_office": False, "substitute": False, "urged_count": 0, "restored": []}


def upgrade() -> None:
    """Bring along whatever is there, with all that it holds."""
    schema = forms.drawn("0001_first_schema.py", "0002_duty_disputes_and_long_work.py")
    connection = op.get_bind()
    there = sa.inspect(connection)
    known = {name: {c["name"]: c for c in there.get_columns(name)} for name in there.get_table_names()}
    for table in schema.sorted_tables:
        if connection.dialect.name == "sqlite":
            _rebuild(connection, table, known.get(table.name))
        elif table.name not in known:
            table.create(connection)
        else:
            _complete(connection, table, known[table.name])
    if connection.dialect.name == "sqlite":
        _count_on(connection)


def _rebuild(connection, table, known) -> None:
    """Make the table anew as it should be, and copy its rows. A column of somebody's own is kept."""
    quote = connection.dialect.identifier_preparer.quote
    name, new = quote(table.name), quote(f"new_{table.name}")
    for own in (known or {}).keys() - set(table.c.keys()):
        table.append_column(sa.Column(own, known[own]["type"]))
    table.dialect_options["sqlite"]["autoincrement"] = True
    made = str(CreateTable(table).compile(dialect=connection.dialect)).strip()
    connection.exec_driver_sql(made.replace(f"CREATE TABLE {name} (", f"CREATE TABLE {new} (", 1))
    if known:
        filled = [c for c in table.c if c.name not in known and not c.nullable]
        rows = sa.select(
            *sa.table(table.name, *map(sa.column, known)).c, *(sa.literal(FILLED[c.name], c.type) for c in filled)
        )
        target = sa.table(f"new_{table.name}", *map(sa.column, [*known, *(c.name for c in filled)]))
        connection.execute(sa.insert(target).from_select(list(target.c), rows))
        connection.exec_driver_sql(f"DROP TABLE {name}")
    connection.exec_driver_sql(f"ALTER TABLE {new} RENAME TO {name}")
    for index in table.indexes:
        connection.execute(CreateIndex(index))


def _complete(connection, table, known) -> None:
    """Add to a table on PostgreSQL what it lacks."""
    quote = connection.dialect.identifier_preparer.quote
    name = quote(table.name)
    for column in table.c:
        if column.name not in known:
            kind = column.type.compile(connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {quote(column.name)} {kind}")
            if not column.nullable:
                connection.execute(sa.update(table).values({column.name: FILLED[column.name]}))
                connection.exec_driver_sql(f"ALTER TABLE {name} ALTER COLUMN {quote(column.name)} SET NOT NULL")
        elif isinstance(column.type, sa.Text) and not isinstance(known[column.name]["type"], sa.Text):
            connection.exec_driver_sql(f"ALTER TABLE {name} ALTER COLUMN {quote(column.name)} TYPE TEXT")
    there = sa.inspect(connection)
    keys = {key["name"] for key in there.get_foreign_keys(table.name)}
    for constraint in table.constraints:
        if isinstance(constraint, sa.CheckConstraint):
            connection.execute(DropConstraint(constraint, if_exists=True))
            connection.execute(AddConstraint(constraint))
        elif isinstance(constraint, sa.ForeignKeyConstraint) and constraint.name not in keys:
            connection.execute(AddConstraint(constraint))
    for index in table.indexes:
        index.create(connection, checkfirst=True)


def _count_on(connection) -> None:
    """The ids of deleted rows of which something still tells are not given again either."""
    told = (
        "SELECT table_name, max(record_id) FROM ("
        "SELECT table_name, record_id FROM auditentry UNION ALL "
        "SELECT b.table_name, r.record_id FROM importrow r JOIN importbatch b ON b.id = r.batch_id) "
        "WHERE record_id IS NOT NULL GROUP BY table_name"
    )
    there = sa.inspect(connection).get_table_names()
    for name, highest in connection.exec_driver_sql(told).all():
        if name in there:
            forms.count_on(connection, name, highest)


def downgrade() -> None:
    """Nothing to take back: what was added is what 0002 makes."""
