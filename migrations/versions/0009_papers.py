"""Papers by kind: agreements of a people's mediation committee with a number, what is enclosed with a referral, printed
pages in the export log; and who verified an entry of the survey

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

AGREEMENTS = ("written", "oral")
FORMATS = ("xlsx", "csv")


def upgrade() -> None:
    op.create_table(
        "referral_enclosures",
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["referral.id"], name=op.f("fk_referral_enclosures_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["target_id"], ["attachment.id"], name=op.f("fk_referral_enclosures_target_id")),
        sa.PrimaryKeyConstraint("owner_id", "target_id", name=op.f("pk_referral_enclosures")),
    )
    op.create_index(op.f("ix_referral_enclosures_target_id"), "referral_enclosures", ["target_id"])
    op.add_column("referral", sa.Column("other_enclosures", sa.String(length=500), nullable=True))
    op.add_column("surveyentry", sa.Column("verified_by", sa.String(length=80), nullable=True))
    with op.batch_alter_table("mediation") as batch_op:
        batch_op.add_column(sa.Column("agreement_no", sa.String(length=40), nullable=True))
        batch_op.create_unique_constraint(op.f("uq_mediation_agreement_no"), ["agreement_no"])
    _allow("mediation", "agreement_form", ("committee", *AGREEMENTS))
    _allow("exportlog", "export_format", (*FORMATS, "print"), column="format")


def downgrade() -> None:
    _allow("exportlog", "export_format", FORMATS, column="format")
    _allow("mediation", "agreement_form", AGREEMENTS)
    with op.batch_alter_table("mediation") as batch_op:
        batch_op.drop_constraint(op.f("uq_mediation_agreement_no"), type_="unique")
        batch_op.drop_column("agreement_no")
    op.drop_column("surveyentry", "verified_by")
    op.drop_column("referral", "other_enclosures")
    op.drop_table("referral_enclosures")


def _allow(table: str, name: str, values: tuple[str, ...], column: str = "") -> None:
    """Replace the CHECK constraint of a choice by one of these values."""
    allowed = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table(table) as batch_op:
        batch_op.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        batch_op.create_check_constraint(op.f(f"ck_{table}_{name}"), f"{column or name} IN ({allowed})")
