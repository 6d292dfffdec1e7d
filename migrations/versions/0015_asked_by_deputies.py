"""The officer in whose name a deputy asked for a change of a deadline

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deadlinechange", sa.Column("asked_for_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("deadlinechange", "asked_for_id")
