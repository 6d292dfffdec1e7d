"""Referrals that wait for nothing, numbers of a series, planned joint actions; deadlines by the day of performance

Revision: 0013, after 0012
"""

from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KINDS = ("extension", "suspension", "resumption")
STATES = ("sent", "signed", "replied", "returned")


def one_of(column, values):
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def upgrade() -> None:
    with op.batch_alter_table("deadlinechange") as batch_op:
        batch_op.add_column(sa.Column("perform_by", sa.Date(), nullable=True))
        batch_op.drop_constraint(batch_op.f("ck_deadlinechange_change_kind"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_deadlinechange_change_kind"), one_of("kind", (*KINDS, "performance"))
        )
    with op.batch_alter_table("referral") as batch_op:
        batch_op.add_column(sa.Column("joint_state", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("in_series", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.drop_constraint(batch_op.f("ck_referral_referral_status"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_referral_referral_status"), one_of("status", (*STATES, "informed", "withdrawn"))
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_referral_joint_state"), one_of("joint_state", ("planned", "done"))
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_referral_joint_state_has_day"), "joint_state IS NULL OR joint_on IS NOT NULL"
        )
    referral = sa.table("referral", sa.column("joint_on", sa.Date()), sa.column("joint_state", sa.String()))
    to_come = referral.c.joint_on > date.today()
    op.execute(
        sa.update(referral)
        .where(referral.c.joint_on.is_not(None))
        .values(joint_state=sa.case((to_come, "planned"), else_="done"))
    )


def downgrade() -> None:
    op.execute(
        "UPDATE referral SET status = 'returned', return_reason = COALESCE(return_reason, '—') "
        "WHERE status IN ('informed', 'withdrawn')"
    )
    op.execute("UPDATE deadlinechange SET kind = 'extension' WHERE kind = 'performance'")
    with op.batch_alter_table("referral") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_referral_joint_state_has_day"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_referral_joint_state"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_referral_referral_status"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_referral_referral_status"), one_of("status", STATES))
        batch_op.drop_column("in_series")
        batch_op.drop_column("joint_state")
    with op.batch_alter_table("deadlinechange") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_deadlinechange_change_kind"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_deadlinechange_change_kind"), one_of("kind", KINDS))
        batch_op.drop_column("perform_by")
