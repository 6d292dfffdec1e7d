"""Blocks that seal the logs; more formats of files in the export log

Revision: 0018, after 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

FORMATS = ("xlsx", "csv", "print")


def upgrade() -> None:
    op.create_table(
        "logblock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("key_name", sa.String(length=16), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logblock")),
        sa.UniqueConstraint("previous", name=op.f("uq_logblock_previous")),
        sa.UniqueConstraint("seal", name=op.f("uq_logblock_seal")),
        sa.UniqueConstraint("table_name", "first_id", name=op.f("uq_logblock_table_name_first_id")),
        sqlite_autoincrement=True,
    )
    _allow((*FORMATS, "docx", "pdf", "zip", "other"))


def downgrade() -> None:
    _allow(FORMATS)
    op.drop_table("logblock")


def _allow(formats: tuple[str, ...]) -> None:
    allowed = ", ".join(f"'{name}'" for name in formats)
    with op.batch_alter_table("exportlog") as batch_op:
        batch_op.drop_constraint(op.f("ck_exportlog_export_format"), type_="check")
        batch_op.create_check_constraint(op.f("ck_exportlog_export_format"), f"format IN ({allowed})")
