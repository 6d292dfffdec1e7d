"""Earlier personal values and deleted records, encrypted, so that changes and deletions can be taken back

Revision: 0025, after 0024
"""

import sqlalchemy as sa
from alembic import op

import panel.kinds

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "earliervalues",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", panel.kinds.Moments(), nullable=False),
        sa.Column("actor_name", sa.String(length=80), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("kept", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earliervalues")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_earliervalues_at"), "earliervalues", ["at"])
    op.create_index("ix_earliervalues_deleted", "earliervalues", ["table_name", "deleted", "id"])
    op.create_index("ix_earliervalues_record", "earliervalues", ["table_name", "record_id", "version"])


def downgrade() -> None:
    op.drop_table("earliervalues")
