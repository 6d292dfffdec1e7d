"""What a submitted form was answered with

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("formreceipt", sa.Column("location", sa.String(length=500), nullable=True))


def downgrade() -> None:
    op.drop_column("formreceipt", "location")
