"""Telephones and addresses of parties, names in the survey and values of imports are stored encrypted; archives of logs

Telephones are hashed by a key of their own from here on. What stood in clear is overwritten: setup rewrites the file of
SQLite afterwards.

Revision: 0020, after 0019
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from panel.kinds.encrypted import EncryptedData, ring_of
from panel.security.keys import keys_of
from panel.security.session import keyed_hash

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ROWS = 1000
PARTY = sa.table("caseparty", *map(sa.column, ("id", "phone", "address", "phone_hash")))
ENTRY = sa.table("surveyentry", *map(sa.column, ("id", "subject")))
#: As they were and as they are: the columns hold JSON both times.
VALUES = ("cells", "before", "besides")
PLAIN = sa.table("importrow", sa.column("id"), *(sa.column(name, sa.JSON(none_as_null=True)) for name in VALUES))
SEALED = sa.table("importrow", sa.column("id"), *(sa.column(name, EncryptedData()) for name in VALUES))


def upgrade() -> None:
    op.create_table(
        "logarchive",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logarchive")),
        sa.UniqueConstraint("table_name", "first_id", name=op.f("uq_logarchive_table_name_first_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("caseparty") as batch_op:
        batch_op.alter_column("phone", existing_type=sa.String(length=30), type_=sa.Text(), existing_nullable=True)
        batch_op.alter_column("address", existing_type=sa.String(length=120), type_=sa.Text(), existing_nullable=True)
        batch_op.drop_index("ix_caseparty_phone_tail")
        batch_op.drop_column("phone_tail")
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(), nullable=True))
    with op.batch_alter_table("surveyentry") as batch_op:
        batch_op.alter_column("subject", existing_type=sa.String(length=40), type_=sa.Text(), existing_nullable=True)
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(), nullable=True))
    bind = op.get_bind()
    encrypt, secret = ring_of(bind.dialect).encrypt, keys_of(bind).hash
    for rows in _rows(PARTY, ("phone", "address")):
        _write(
            PARTY,
            [
                {
                    "id_": row.id,
                    "phone": row.phone and encrypt(row.phone),
                    "address": row.address and encrypt(row.address),
                    "phone_hash": row.phone and keyed_hash(row.phone, secret),
                }
                for row in rows
            ],
        )
    for rows in _rows(ENTRY, ("subject",)):
        _write(ENTRY, [{"id_": row.id, "subject": encrypt(row.subject)} for row in rows])
    for rows in _rows(PLAIN, VALUES):
        _write(SEALED, [{"id_": row.id, **{name: getattr(row, name) for name in VALUES}} for row in rows])


def downgrade() -> None:
    op.drop_table("logarchive")
    bind = op.get_bind()
    decrypt = ring_of(bind.dialect).decrypt
    for rows in _rows(SEALED, VALUES):
        _write(PLAIN, [{"id_": row.id, **{name: getattr(row, name) for name in VALUES}} for row in rows])
    for rows in _rows(ENTRY, ("subject",)):
        _write(ENTRY, [{"id_": row.id, "subject": decrypt(row.subject)} for row in rows])
    with op.batch_alter_table("surveyentry") as batch_op:
        batch_op.alter_column("subject", existing_type=sa.Text(), type_=sa.String(length=40), existing_nullable=True)
        batch_op.drop_column("erased_at")
    tail = sa.column("phone_tail")
    with op.batch_alter_table("caseparty") as batch_op:
        batch_op.drop_column("erased_at")
        batch_op.add_column(sa.Column("phone_tail", sa.String(length=4), nullable=True))
        batch_op.create_index("ix_caseparty_phone_tail", ["phone_tail"])
    party = sa.table("caseparty", *PARTY.c, tail)
    for rows in _rows(PARTY, ("phone", "address")):
        _write(
            party,
            [
                {
                    "id_": row.id,
                    "phone": (phone := row.phone and decrypt(row.phone)),
                    "address": row.address and decrypt(row.address),
                    "phone_tail": phone and phone[-4:],
                }
                for row in rows
            ],
        )
    with op.batch_alter_table("caseparty") as batch_op:
        batch_op.alter_column("phone", existing_type=sa.Text(), type_=sa.String(length=30), existing_nullable=True)
        batch_op.alter_column("address", existing_type=sa.Text(), type_=sa.String(length=120), existing_nullable=True)


def _rows(table: Any, names: Sequence[str]) -> Iterator[list[Any]]:
    """The rows of a table in which one of these columns is filled, in batches."""
    last = 0
    filled = sa.or_(*(table.c[name].is_not(None) for name in names))
    columns = [table.c.id, *(table.c[name] for name in names)]
    while True:
        statement = sa.select(*columns).where(table.c.id > last, filled).order_by(table.c.id).limit(ROWS)
        rows = op.get_bind().execute(statement).all()
        if not rows:
            return
        yield list(rows)
        last = rows[-1].id


def _write(table: Any, values: list[dict[str, Any]]) -> None:
    names = [name for name in values[0] if name != "id_"]
    statement = sa.update(table).where(table.c.id == sa.bindparam("id_"))
    op.get_bind().execute(statement.values({name: sa.bindparam(name) for name in names}), values)
