"""Proposals of administrators; the last day of a role; comparisons of private values

Revision: 0019, after 0018
"""

import sqlalchemy as sa
from alembic import op
import panel.kinds

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('comparison',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', panel.kinds.Moments(), nullable=False),
    sa.Column('owner_id', sa.Integer(), nullable=False),
    sa.Column('table_name', sa.String(length=40), nullable=False),
    sa.Column('record_id', sa.Integer(), nullable=False),
    sa.Column('answered', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['owner_id'], ['user.id'], name=op.f('fk_comparison_owner_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_comparison')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('comparison', schema=None) as batch_op:
        batch_op.create_index('ix_comparison_owner', ['owner_id', 'at'], unique=False)
        batch_op.create_index('ix_comparison_record', ['table_name', 'record_id'], unique=False)

    op.create_table('proposal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('grant', 'revoke', 'reset', 'deactivate', 'activate', 'setting', name='proposal_kind', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('role', sa.String(length=20), nullable=True),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('status', sa.Enum('waiting', 'confirmed', 'refused', 'withdrawn', name='proposal_status', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('asked_by', sa.String(length=80), nullable=False),
    sa.Column('asked_at', panel.kinds.Moments(), nullable=False),
    sa.Column('decided_by', sa.String(length=80), nullable=True),
    sa.Column('decided_at', panel.kinds.Moments(), nullable=True),
    sa.Column('setting', sa.String(length=40), nullable=True),
    sa.Column('value', sa.String(length=500), nullable=True),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_proposal_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_proposal_updated_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_proposal_user_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_proposal')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('proposal', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_proposal_user_id'), ['user_id'], unique=False)

    with op.batch_alter_table('userrole', schema=None) as batch_op:
        batch_op.add_column(sa.Column('until', sa.Date(), nullable=True))



def downgrade() -> None:
    with op.batch_alter_table('userrole', schema=None) as batch_op:
        batch_op.drop_column('until')

    with op.batch_alter_table('proposal', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_proposal_user_id'))

    op.drop_table('proposal')
    with op.batch_alter_table('comparison', schema=None) as batch_op:
        batch_op.drop_index('ix_comparison_record')
        batch_op.drop_index('ix_comparison_owner')

    op.drop_table('comparison')
