"""Orders of the 12345 hotline

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

import panel.kinds

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hotlineorder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_no", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=True),
        sa.Column("title", sa.String(length=80), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=True),
        sa.Column("called_at", panel.kinds.Moments(), nullable=True),
        sa.Column("sent_at", panel.kinds.Moments(), nullable=False),
        sa.Column("sign_by", panel.kinds.Moments(), nullable=True),
        sa.Column("reply_by", panel.kinds.Moments(), nullable=True),
        sa.Column("signed_at", panel.kinds.Moments(), nullable=True),
        sa.Column("replied_at", panel.kinds.Moments(), nullable=True),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("return_reason", sa.String(length=500), nullable=True),
        sa.Column("made_case", sa.Boolean(), nullable=False),
        sa.Column("created_at", panel.kinds.Moments(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_at", panel.kinds.Moments(), nullable=False),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_hotlineorder_case_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_hotlineorder_community_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user.id"], name=op.f("fk_hotlineorder_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["user.id"], name=op.f("fk_hotlineorder_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotlineorder")),
        sa.UniqueConstraint("order_no", name=op.f("uq_hotlineorder_order_no")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("hotlineorder") as batch_op:
        batch_op.create_index(batch_op.f("ix_hotlineorder_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_hotlineorder_community_id"), ["community_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_hotlineorder_reply_by"), ["reply_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_hotlineorder_sent_at"), ["sent_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("hotlineorder") as batch_op:
        batch_op.drop_index(batch_op.f("ix_hotlineorder_sent_at"))
        batch_op.drop_index(batch_op.f("ix_hotlineorder_reply_by"))
        batch_op.drop_index(batch_op.f("ix_hotlineorder_community_id"))
        batch_op.drop_index(batch_op.f("ix_hotlineorder_case_id"))

    op.drop_table("hotlineorder")
