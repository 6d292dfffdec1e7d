"""Deputies of officers and leaders; the community that another was merged into

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op

import panel.kinds

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deputy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("officer_id", sa.Integer(), nullable=False),
        sa.Column("deputy_id", sa.Integer(), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("end_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("created_at", panel.kinds.Moments(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_at", panel.kinds.Moments(), nullable=False),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("end_on >= start_on", name=op.f("ck_deputy_term_in_order")),
        sa.CheckConstraint("officer_id <> deputy_id", name=op.f("ck_deputy_two_people")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user.id"], name=op.f("fk_deputy_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["deputy_id"], ["officer.id"], name=op.f("fk_deputy_deputy_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_deputy_officer_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["user.id"], name=op.f("fk_deputy_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deputy")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("deputy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deputy_deputy_id"), ["deputy_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deputy_officer_id"), ["officer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deputy_start_on"), ["start_on"], unique=False)

    with op.batch_alter_table("community", schema=None) as batch_op:
        batch_op.add_column(sa.Column("merged_into_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("merged_on", sa.Date(), nullable=True))
        batch_op.create_index(batch_op.f("ix_community_merged_into_id"), ["merged_into_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_community_merged_into_id"), "community", ["merged_into_id"], ["id"], ondelete="RESTRICT"
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_community_not_into_itself"), "merged_into_id IS NULL OR merged_into_id <> id"
        )


def downgrade() -> None:
    with op.batch_alter_table("community", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_community_not_into_itself"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_community_merged_into_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_community_merged_into_id"))
        batch_op.drop_column("merged_on")
        batch_op.drop_column("merged_into_id")

    with op.batch_alter_table("deputy", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deputy_start_on"))
        batch_op.drop_index(batch_op.f("ix_deputy_officer_id"))
        batch_op.drop_index(batch_op.f("ix_deputy_deputy_id"))

    op.drop_table("deputy")
