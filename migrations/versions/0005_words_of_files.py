"""What the words of files mean, and the words of old ledgers that name no source and no item

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

import panel.kinds

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wordmap",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", panel.kinds.Moments(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("column_name", sa.String(length=40), nullable=False),
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("meaning", sa.String(length=200), nullable=False),
        sa.Column("actor_name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wordmap")),
        sa.UniqueConstraint("table_name", "column_name", "word", name=op.f("uq_wordmap_table_name_column_name_word")),
        sqlite_autoincrement=True,
    )
    op.add_column("case", sa.Column("source_name", sa.String(length=40), nullable=True))
    op.add_column("case", sa.Column("item_name", sa.String(length=80), nullable=True))


def downgrade() -> None:
    op.drop_column("case", "item_name")
    op.drop_column("case", "source_name")
    op.drop_table("wordmap")
