"""Saved views of lists, and the views that lists open with

Revision: 0022, after 0021
"""

import sqlalchemy as sa
from alembic import op

import panel.kinds

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "savedview",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("query", sa.String(length=2000), nullable=False),
        sa.Column("created_at", panel.kinds.Moments(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_at", panel.kinds.Moments(), nullable=False),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_savedview_owner_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user.id"], name=op.f("fk_savedview_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["user.id"], name=op.f("fk_savedview_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_savedview")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_savedview_list", "savedview", ["table_name", "owner_id", "role"])
    op.create_table(
        "defaultview",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("view_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_defaultview_owner_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["view_id"], ["savedview.id"], name=op.f("fk_defaultview_view_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_defaultview")),
        sa.UniqueConstraint("table_name", "owner_id", name=op.f("uq_defaultview_table_name_owner_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_defaultview_view_id"), "defaultview", ["view_id"])


def downgrade() -> None:
    op.drop_table("defaultview")
    op.drop_table("savedview")
