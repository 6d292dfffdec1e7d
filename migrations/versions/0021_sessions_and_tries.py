"""Sessions, counted tries and second factors of accounts; passwords before

Revision: 0021, after 0020
"""

import sqlalchemy as sa
from alembic import op

import panel.kinds

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BEFORE = ("ok", "wrong", "locked", "inactive", "logout", "idle", "password")
OUTCOMES = (*BEFORE, "ended", "code")
ENDS = ("logout", "idle", "limit", "password", "self", "keeper", "account")


def one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def outcomes(values: tuple[str, ...]) -> None:
    with op.batch_alter_table("loginlog") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_loginlog_login_outcome"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_loginlog_login_outcome"), one_of("outcome", values))


def upgrade() -> None:
    op.create_table(
        "loginsession",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("began_at", panel.kinds.Moments(), nullable=False),
        sa.Column("used_at", panel.kinds.Moments(), nullable=False),
        sa.Column("ended_at", panel.kinds.Moments(), nullable=True),
        sa.Column("ended", sa.String(length=20), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("stamp", sa.String(length=32), nullable=False),
        sa.Column("factor_due", sa.Boolean(), nullable=False),
        sa.CheckConstraint(one_of("ended", ENDS), name=op.f("ck_loginsession_session_end")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_loginsession_user_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loginsession")),
        sa.UniqueConstraint("digest", name=op.f("uq_loginsession_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_loginsession_user_id"), "loginsession", ["user_id"])
    op.create_index(op.f("ix_loginsession_used_at"), "loginsession", ["used_at"])
    op.create_table(
        "trycount",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("until", panel.kinds.Moments(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_trycount_user_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trycount")),
        sa.UniqueConstraint("key", name=op.f("uq_trycount_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_trycount_until"), "trycount", ["until"])
    op.create_index(op.f("ix_trycount_user_id"), "trycount", ["user_id"])
    op.create_table(
        "secondfactor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(length=300), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("used_step", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", panel.kinds.Moments(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_secondfactor_user_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secondfactor")),
        sa.UniqueConstraint("user_id", name=op.f("uq_secondfactor_user_id")),
        sqlite_autoincrement=True,
    )
    op.add_column("user", sa.Column("password_at", panel.kinds.Moments(), nullable=True))
    op.add_column("user", sa.Column("earlier_hashes", sa.JSON(), nullable=True))
    outcomes(OUTCOMES)


def downgrade() -> None:
    op.execute(sa.text("UPDATE loginlog SET outcome = 'logout' WHERE outcome = 'ended'"))
    op.execute(sa.text("UPDATE loginlog SET outcome = 'wrong' WHERE outcome = 'code'"))
    outcomes(BEFORE)
    op.drop_column("user", "earlier_hashes")
    op.drop_column("user", "password_at")
    op.drop_table("secondfactor")
    op.drop_table("trycount")
    op.drop_table("loginsession")
