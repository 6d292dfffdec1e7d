"""Addresses of the survey are stored encrypted, with their keyed hash, which makes them unique

Two entries of one community and kind whose addresses differ in white space, width or case only were two until now. The
later one gets another hash, so that both stay; its next change of address is compared as usual. What stood in clear is
overwritten: setup rewrites the file of SQLite afterwards.

Revision: 0024, after 0023
"""

import logging
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from panel.kinds import key_of
from panel.kinds.encrypted import ring_of
from panel.security.hashes import keyed_hash
from panel.security.keys import keys_of

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ROWS = 1000
ENTRY = sa.table("surveyentry", *map(sa.column, ("id", "community_id", "kind", "address", "address_hash")))


def upgrade() -> None:
    with op.batch_alter_table("surveyentry") as batch_op:
        batch_op.drop_constraint("uq_surveyentry_community_id_kind_address", type_="unique")
        batch_op.alter_column("address", existing_type=sa.String(length=120), type_=sa.Text(), existing_nullable=False)
        batch_op.add_column(sa.Column("address_hash", sa.String(length=64), nullable=True))
    bind = op.get_bind()
    encrypt, secret = ring_of(bind.dialect).encrypt, keys_of(bind).hash
    known: set[tuple[int, str, str]] = set()
    for rows in _rows():
        values = []
        for row in rows:
            key = (row.community_id, row.kind, key_of(row.address))
            text = key[2] if key not in known else f"{key[2]}\n{row.id}"
            if key in known:
                logging.getLogger("alembic").warning("survey entry %s has the address of an earlier one", row.id)
            known.add(key)
            values.append(
                {"id_": row.id, "address": encrypt(row.address), "address_hash": keyed_hash(text, secret)},
            )
        statement = sa.update(ENTRY).where(ENTRY.c.id == sa.bindparam("id_"))
        names = ("address", "address_hash")
        bind.execute(statement.values({name: sa.bindparam(name) for name in names}), values)
    with op.batch_alter_table("surveyentry") as batch_op:
        batch_op.alter_column("address_hash", existing_type=sa.String(length=64), nullable=False)
        batch_op.create_unique_constraint(
            op.f("uq_surveyentry_community_id_kind_address_hash"), ["community_id", "kind", "address_hash"]
        )


def downgrade() -> None:
    bind = op.get_bind()
    decrypt = ring_of(bind.dialect).decrypt
    for rows in _rows():
        statement = sa.update(ENTRY).where(ENTRY.c.id == sa.bindparam("id_"))
        values = [{"id_": row.id, "address": decrypt(row.address)} for row in rows]
        bind.execute(statement.values(address=sa.bindparam("address")), values)
    with op.batch_alter_table("surveyentry") as batch_op:
        batch_op.drop_constraint(op.f("uq_surveyentry_community_id_kind_address_hash"), type_="unique")
        batch_op.drop_column("address_hash")
        batch_op.alter_column("address", existing_type=sa.Text(), type_=sa.String(length=120), existing_nullable=False)
        batch_op.create_unique_constraint(
            op.f("uq_surveyentry_community_id_kind_address"), ["community_id", "kind", "address"]
        )


def _rows() -> Iterator[list[Any]]:
    """The entries in batches, the oldest first."""
    last = 0
    while True:
        statement = sa.select(ENTRY).where(ENTRY.c.id > last).order_by(ENTRY.c.id).limit(ROWS)
        rows = op.get_bind().execute(statement).all()
        if not rows:
            return
        yield list(rows)
        last = rows[-1].id
