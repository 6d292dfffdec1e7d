"""The server that runs a job, and its last sign of life

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op

import panel.kinds

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("server", sa.String(length=32), nullable=False, server_default=""))
    op.add_column("job", sa.Column("beat_at", panel.kinds.Moments(), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "beat_at")
    op.drop_column("job", "server")
