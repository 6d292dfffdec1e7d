"""Receipts of forms, and notices about many records

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

import panel.kinds

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "formreceipt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", panel.kinds.Moments(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_formreceipt")),
        sa.UniqueConstraint("owner_id", "token", name=op.f("uq_formreceipt_owner_id_token")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_formreceipt_at"), "formreceipt", ["at"], unique=False)
    op.add_column("notice", sa.Column("numbers", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("notice", "numbers")
    op.drop_index(op.f("ix_formreceipt_at"), table_name="formreceipt")
    op.drop_table("formreceipt")
