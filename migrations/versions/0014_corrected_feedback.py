"""Feedback that corrects another; what an entry of the audit trail is part of

Revision: 0014, after 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("feedback") as batch_op:
        batch_op.add_column(sa.Column("corrects_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_feedback_corrects_id"), "feedback", ["corrects_id"], ["id"], ondelete="RESTRICT"
        )
        batch_op.create_index(batch_op.f("ix_feedback_corrects_id"), ["corrects_id"])
    op.add_column("auditentry", sa.Column("about", sa.String(length=60), nullable=True))
    op.add_column("auditentry", sa.Column("cause", sa.String(length=40), nullable=True))
    op.create_index("ix_auditentry_about", "auditentry", ["about"])


def downgrade() -> None:
    op.drop_index("ix_auditentry_about", table_name="auditentry")
    op.drop_column("auditentry", "cause")
    op.drop_column("auditentry", "about")
    with op.batch_alter_table("feedback") as batch_op:
        batch_op.drop_index(batch_op.f("ix_feedback_corrects_id"))
        batch_op.drop_constraint(batch_op.f("fk_feedback_corrects_id"), type_="foreignkey")
        batch_op.drop_column("corrects_id")
