"""A party's telephone may be a landline, which is longer than a mobile number

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("caseparty") as batch_op:
        batch_op.alter_column(
            "phone", existing_type=sa.String(length=11), type_=sa.String(length=30), existing_nullable=True
        )


def downgrade() -> None:
    with op.batch_alter_table("caseparty") as batch_op:
        batch_op.alter_column(
            "phone", existing_type=sa.String(length=30), type_=sa.String(length=11), existing_nullable=True
        )
