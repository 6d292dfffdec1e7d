"""Duty, disputes and long work

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op
import panel.kinds
from migrations import forms

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The first form of 0001 lacked tables that are changed below.
    forms.drawn('0001_first_schema.py').create_all(op.get_bind())

    op.create_table('exportlog',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('at', panel.kinds.Moments(), nullable=False),
    sa.Column('actor_name', sa.String(length=80), nullable=False),
    sa.Column('table_name', sa.String(length=40), nullable=False),
    sa.Column('row_count', sa.Integer(), nullable=False),
    sa.Column('clear', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=True),
    sa.Column('filter', sa.Text(), nullable=True),
    sa.Column('columns', sa.Text(), nullable=False),
    sa.Column('format', sa.Enum('xlsx', 'csv', name='export_format', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_exportlog')),
    sa.UniqueConstraint('number', name=op.f('uq_exportlog_number'))
    )
    with op.batch_alter_table('exportlog', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_exportlog_at'), ['at'], unique=False)

    op.create_table('headermap',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', panel.kinds.Moments(), nullable=False),
    sa.Column('table_name', sa.String(length=40), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('actor_name', sa.String(length=80), nullable=False),
    sa.Column('meanings', sa.JSON(none_as_null=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_headermap')),
    sa.UniqueConstraint('table_name', 'fingerprint', name=op.f('uq_headermap_table_name_fingerprint'))
    )
    op.create_table('job',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('state', sa.Enum('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted', name='job_state', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('started_at', panel.kinds.Moments(), nullable=True),
    sa.Column('ended_at', panel.kinds.Moments(), nullable=True),
    sa.Column('seen_at', panel.kinds.Moments(), nullable=True),
    sa.Column('owner_id', sa.Integer(), nullable=False),
    sa.Column('owner_name', sa.String(length=80), nullable=False),
    sa.Column('locale', sa.String(length=20), nullable=False),
    sa.Column('mark', sa.String(length=80), nullable=False),
    sa.Column('message', sa.String(length=1000), nullable=False),
    sa.Column('params', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('result', sa.JSON(none_as_null=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job'))
    )
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.create_index('ix_job_owner', ['owner_id', 'id'], unique=False)
        batch_op.create_index('ix_job_state', ['state'], unique=False)

    op.create_table('notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', panel.kinds.Moments(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('table_name', sa.String(length=40), nullable=False),
    sa.Column('record_id', sa.Integer(), nullable=True),
    sa.Column('actor_name', sa.String(length=80), nullable=False),
    sa.Column('mark', sa.String(length=120), nullable=False),
    sa.Column('read_at', panel.kinds.Moments(), nullable=True),
    sa.Column('owner_id', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice')),
    sa.UniqueConstraint('owner_id', 'mark', name=op.f('uq_notice_owner_id_mark'))
    )
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notice_at'), ['at'], unique=False)
        batch_op.create_index('ix_notice_unread', ['owner_id', 'read_at', 'id'], unique=False)

    op.create_table('periodicrun',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('ran_at', panel.kinds.Moments(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_periodicrun')),
    sa.UniqueConstraint('name', name=op.f('uq_periodicrun_name'))
    )
    op.create_table('webhookdelivery',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', panel.kinds.Moments(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'sent', 'given_up', name='delivery_state', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('ended_at', panel.kinds.Moments(), nullable=True),
    sa.Column('problem', sa.String(length=200), nullable=True),
    sa.Column('mark', sa.String(length=120), nullable=False),
    sa.Column('payload', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('next_at', panel.kinds.Moments(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhookdelivery')),
    sa.UniqueConstraint('mark', name=op.f('uq_webhookdelivery_mark'))
    )
    with op.batch_alter_table('webhookdelivery', schema=None) as batch_op:
        batch_op.create_index('ix_webhookdelivery_due', ['state', 'next_at'], unique=False)

    op.create_table('importundo',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=False),
    sa.Column('at', panel.kinds.Moments(), nullable=False),
    sa.Column('actor_name', sa.String(length=80), nullable=False),
    sa.Column('row_count', sa.Integer(), nullable=False),
    sa.Column('left_count', sa.Integer(), nullable=False),
    sa.Column('restored', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('stayed', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['importbatch.id'], name=op.f('fk_importundo_batch_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_importundo')),
    sa.UniqueConstraint('batch_id', name=op.f('uq_importundo_batch_id'))
    )
    op.create_table('ledgerdraft',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('basis', sa.Enum('accepted', 'closed', name='basis', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('made_at', panel.kinds.Moments(), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('file', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_ledgerdraft_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_ledgerdraft_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledgerdraft')),
    sa.UniqueConstraint('month', 'basis', name=op.f('uq_ledgerdraft_month_basis'))
    )
    op.create_table('phrase',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('use', sa.Enum('feedback', 'result', 'reason', name='phrase_use', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('words', sa.String(length=500), nullable=False),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('name_key', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_phrase_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_phrase_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_phrase')),
    sa.UniqueConstraint('name', name=op.f('uq_phrase_name'))
    )
    with op.batch_alter_table('phrase', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_phrase_name_key'), ['name_key'], unique=False)

    op.create_table('webhook',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('url', sa.String(length=300), nullable=True),
    sa.Column('base', sa.String(length=200), nullable=True),
    sa.Column('kinds', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('secret', sa.String(length=200), nullable=False),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_webhook_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_webhook_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook'))
    )
    op.create_table('volunteer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('community_id', sa.Integer(), nullable=False),
    sa.Column('is_mediator', sa.Boolean(), nullable=False),
    sa.Column('mobile', sa.String(length=11), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('name_key', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_volunteer_community_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_volunteer_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_volunteer_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_volunteer'))
    )
    with op.batch_alter_table('volunteer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_volunteer_community_id'), ['community_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_volunteer_name_key'), ['name_key'], unique=False)

    op.create_table('visit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('planned_on', sa.Date(), nullable=False),
    sa.Column('community_id', sa.Integer(), nullable=False),
    sa.Column('officer_id', sa.Integer(), nullable=True),
    sa.Column('liaison_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.Enum('planned', 'done', 'made_up', 'missed', 'exempt', name='visit_status', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('arrived_at', panel.kinds.Moments(), nullable=True),
    sa.Column('left_at', panel.kinds.Moments(), nullable=True),
    sa.Column('content', sa.Text(), nullable=True),
    sa.Column('findings', sa.Text(), nullable=True),
    sa.Column('on_the_spot', sa.String(length=500), nullable=True),
    sa.Column('reason', sa.String(length=300), nullable=True),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("status <> 'exempt' OR reason IS NOT NULL", name=op.f('ck_visit_excuse_has_reason')),
    sa.CheckConstraint("status NOT IN ('done', 'made_up') OR arrived_at IS NOT NULL", name=op.f('ck_visit_done_has_arrival')),
    sa.CheckConstraint('left_at IS NULL OR left_at >= arrived_at', name=op.f('ck_visit_left_after_arrival')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_visit_community_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_visit_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['liaison_id'], ['liaison.id'], name=op.f('fk_visit_liaison_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_visit_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_visit_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit')),
    sa.UniqueConstraint('community_id', 'planned_on', name=op.f('uq_visit_community_id_planned_on'))
    )
    with op.batch_alter_table('visit', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_visit_community_id'), ['community_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_visit_liaison_id'), ['liaison_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_visit_officer_id'), ['officer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_visit_planned_on'), ['planned_on'], unique=False)

    op.create_table('attachment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('phase', sa.Enum('before', 'after', 'document', name='attachment_phase', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('file_name', sa.String(length=120), nullable=False),
    sa.Column('media_type', sa.String(length=40), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('added_by', sa.String(length=80), nullable=False),
    sa.Column('removed_at', panel.kinds.Moments(), nullable=True),
    sa.Column('removed_by', sa.String(length=80), nullable=True),
    sa.Column('removed_reason', sa.String(length=200), nullable=True),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(removed_at IS NULL) = (removed_reason IS NULL)', name=op.f('ck_attachment_removed_with_reason')),
    sa.CheckConstraint('size > 0', name=op.f('ck_attachment_size_positive')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_attachment_case_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_attachment_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_attachment_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attachment'))
    )
    with op.batch_alter_table('attachment', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_attachment_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_attachment_sha256'), ['sha256'], unique=False)

    op.create_table('deadlinechange',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('extension', 'suspension', 'resumption', name='change_kind', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('status', sa.Enum('asked', 'approved', 'refused', 'over', name='change_status', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('days', sa.Integer(), nullable=True),
    sa.Column('unit', sa.Enum('d', 'h', 'eh', name='limit_unit', native_enum=False, create_constraint=True, length=20), nullable=True),
    sa.Column('review_on', sa.Date(), nullable=True),
    sa.Column('asked_at', panel.kinds.Moments(), nullable=False),
    sa.Column('asked_by', sa.String(length=80), nullable=False),
    sa.Column('decided_at', panel.kinds.Moments(), nullable=True),
    sa.Column('decided_by', sa.String(length=80), nullable=True),
    sa.Column('opinion', sa.String(length=500), nullable=True),
    sa.Column('old_due_at', panel.kinds.Moments(), nullable=True),
    sa.Column('new_due_at', panel.kinds.Moments(), nullable=True),
    sa.Column('resumed_at', panel.kinds.Moments(), nullable=True),
    sa.Column('came_from', sa.String(length=20), nullable=True),
    sa.Column('asked_by_id', sa.Integer(), nullable=True),
    sa.Column('for_office', sa.Boolean(), nullable=False),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('days > 0', name=op.f('ck_deadlinechange_days_positive')),
    sa.CheckConstraint('decided_by_id IS NULL OR decided_by_id <> asked_by_id', name=op.f('ck_deadlinechange_decided_by_another')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_deadlinechange_case_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_deadlinechange_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_deadlinechange_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deadlinechange'))
    )
    with op.batch_alter_table('deadlinechange', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_deadlinechange_asked_at'), ['asked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_deadlinechange_case_id'), ['case_id'], unique=False)
        batch_op.create_index('uq_deadlinechange_asked', ['case_id'], unique=True, sqlite_where=sa.text("status = 'asked'"), postgresql_where=sa.text("status = 'asked'"))

    op.create_table('measurement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('at', panel.kinds.Moments(), nullable=False),
    sa.Column('subject', sa.String(length=40), nullable=False),
    sa.Column('point', sa.String(length=120), nullable=False),
    sa.Column('period', sa.Enum('day', 'night', name='period', native_enum=False, create_constraint=True, length=20), nullable=True),
    sa.Column('value', sa.Numeric(precision=14, scale=1), nullable=False),
    sa.Column('background', sa.Numeric(precision=14, scale=1), nullable=True),
    sa.Column('limit_value', sa.Numeric(precision=14, scale=1), nullable=True),
    sa.Column('conclusion', sa.Enum('within', 'over', name='conclusion', native_enum=False, create_constraint=True, length=20), nullable=True),
    sa.Column('standard', sa.String(length=40), nullable=False),
    sa.Column('instrument_no', sa.String(length=40), nullable=False),
    sa.Column('instrument_until', sa.Date(), nullable=False),
    sa.Column('officer_id', sa.Integer(), nullable=False),
    sa.Column('second_officer_id', sa.Integer(), nullable=False),
    sa.Column('note', sa.String(length=300), nullable=True),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('limit_value > 0', name=op.f('ck_measurement_limit_positive')),
    sa.CheckConstraint('officer_id <> second_officer_id', name=op.f('ck_measurement_officers_differ')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_measurement_case_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_measurement_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_measurement_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['second_officer_id'], ['officer.id'], name=op.f('fk_measurement_second_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_measurement_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_measurement'))
    )
    with op.batch_alter_table('measurement', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_measurement_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_measurement_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_measurement_officer_id'), ['officer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_measurement_second_officer_id'), ['second_officer_id'], unique=False)

    op.create_table('mediation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('mediation_no', sa.String(length=20), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('party_a', sa.String(length=40), nullable=False),
    sa.Column('party_b', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.Enum('noise', 'smoke', 'leak', 'space', 'animal', 'building', 'other', name='dispute_kind', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('dispute', sa.Text(), nullable=False),
    sa.Column('status', sa.Enum('running', 'agreed', 'failed', name='mediation_status', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('started_at', panel.kinds.Moments(), nullable=False),
    sa.Column('ended_at', panel.kinds.Moments(), nullable=True),
    sa.Column('ended_by', sa.Enum('mediators', 'party_a', 'party_b', name='ended_by', native_enum=False, create_constraint=True, length=20), nullable=True),
    sa.Column('agreement', sa.Text(), nullable=True),
    sa.Column('agreement_form', sa.Enum('written', 'oral', name='agreement_form', native_enum=False, create_constraint=True, length=20), nullable=True),
    sa.Column('perform_by', sa.Date(), nullable=True),
    sa.Column('performance', sa.Enum('pending', 'performed', 'breached', name='performance', native_enum=False, create_constraint=True, length=20), nullable=True),
    sa.Column('followed_on', sa.Date(), nullable=True),
    sa.Column('follow_up', sa.String(length=500), nullable=True),
    sa.Column('remedies', sa.String(length=500), nullable=True),
    sa.Column('breach_case_id', sa.Integer(), nullable=True),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("status <> 'agreed' OR (agreement IS NOT NULL AND perform_by IS NOT NULL)", name=op.f('ck_mediation_agreement_is_told')),
    sa.CheckConstraint("status <> 'failed' OR remedies IS NOT NULL", name=op.f('ck_mediation_failure_is_told')),
    sa.ForeignKeyConstraint(['breach_case_id'], ['case.id'], name=op.f('fk_mediation_breach_case_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_mediation_case_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_mediation_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_mediation_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mediation')),
    sa.UniqueConstraint('mediation_no', name=op.f('uq_mediation_mediation_no'))
    )
    with op.batch_alter_table('mediation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mediation_breach_case_id'), ['breach_case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_mediation_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_mediation_perform_by'), ['perform_by'], unique=False)
        batch_op.create_index(batch_op.f('ix_mediation_started_at'), ['started_at'], unique=False)
        batch_op.create_index('uq_mediation_running', ['case_id'], unique=True, sqlite_where=sa.text("status = 'running'"), postgresql_where=sa.text("status = 'running'"))

    op.create_table('surveyentry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('community_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('shop', 'dog', 'poultry', 'building', 'other', name='survey_kind', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('address', sa.String(length=120), nullable=False),
    sa.Column('subject', sa.String(length=40), nullable=True),
    sa.Column('quantity', sa.Integer(), nullable=True),
    sa.Column('first_on', sa.Date(), nullable=False),
    sa.Column('verified_on', sa.Date(), nullable=False),
    sa.Column('visit_id', sa.Integer(), nullable=True),
    sa.Column('case_id', sa.Integer(), nullable=True),
    sa.Column('note', sa.String(length=300), nullable=True),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('quantity >= 0', name=op.f('ck_surveyentry_quantity_not_negative')),
    sa.CheckConstraint('verified_on >= first_on', name=op.f('ck_surveyentry_verified_after_first')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_surveyentry_case_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_surveyentry_community_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_surveyentry_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_surveyentry_updated_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_surveyentry_visit_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_surveyentry')),
    sa.UniqueConstraint('community_id', 'kind', 'address', name=op.f('uq_surveyentry_community_id_kind_address'))
    )
    with op.batch_alter_table('surveyentry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_surveyentry_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_surveyentry_community_id'), ['community_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_surveyentry_verified_on'), ['verified_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_surveyentry_visit_id'), ['visit_id'], unique=False)

    op.create_table('mediationsession',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('mediation_id', sa.Integer(), nullable=False),
    sa.Column('session_no', sa.Integer(), nullable=False),
    sa.Column('held_at', panel.kinds.Moments(), nullable=False),
    sa.Column('place', sa.String(length=120), nullable=True),
    sa.Column('chair', sa.String(length=40), nullable=True),
    sa.Column('attending', sa.Enum('both', 'one', 'other', name='attending', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('minutes', sa.Text(), nullable=False),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('session_no > 0', name=op.f('ck_mediationsession_session_no_positive')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_mediationsession_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['mediation_id'], ['mediation.id'], name=op.f('fk_mediationsession_mediation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_mediationsession_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mediationsession')),
    sa.UniqueConstraint('mediation_id', 'session_no', name=op.f('uq_mediationsession_mediation_id_session_no'))
    )
    with op.batch_alter_table('mediationsession', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mediationsession_held_at'), ['held_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_mediationsession_mediation_id'), ['mediation_id'], unique=False)

    op.create_table('mediationmember',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('force', sa.Enum('enforcement', 'community', 'mediator', 'volunteer', name='force', native_enum=False, create_constraint=True, length=20), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('officer_id', sa.Integer(), nullable=True),
    sa.Column('volunteer_id', sa.Integer(), nullable=True),
    sa.Column('created_at', panel.kinds.Moments(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', panel.kinds.Moments(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_mediationmember_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_mediationmember_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['session_id'], ['mediationsession.id'], name=op.f('fk_mediationmember_session_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user.id'], name=op.f('fk_mediationmember_updated_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['volunteer_id'], ['volunteer.id'], name=op.f('fk_mediationmember_volunteer_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mediationmember')),
    sa.UniqueConstraint('session_id', 'force', 'name', name=op.f('uq_mediationmember_session_id_force_name'))
    )
    with op.batch_alter_table('mediationmember', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mediationmember_officer_id'), ['officer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_mediationmember_session_id'), ['session_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_mediationmember_volunteer_id'), ['volunteer_id'], unique=False)

    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.add_column(sa.Column('substitute', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_check_constraint('substitute_ends', 'NOT substitute OR end_on IS NOT NULL')

    with op.batch_alter_table('case', schema=None) as batch_op:
        batch_op.add_column(sa.Column('quantity_unit', sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column('raised_to', sa.Enum('12345', 'petition', 'superior', name='raised_to', native_enum=False, create_constraint=True, length=20), nullable=True))
        batch_op.add_column(sa.Column('raised_at', panel.kinds.Moments(), nullable=True))
        batch_op.add_column(sa.Column('visit_id', sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f('ix_case_visit_id'), ['visit_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_case_handled_at'), ['handled_at'], unique=False)
        batch_op.create_index('ix_case_repeats', ['community_id', 'item_id', 'place'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_case_visit_id'), 'visit', ['visit_id'], ['id'], ondelete='RESTRICT')

    with op.batch_alter_table('importrow', schema=None) as batch_op:
        batch_op.add_column(sa.Column('version', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('besides', sa.JSON(none_as_null=True), nullable=True))

    with op.batch_alter_table('referral', schema=None) as batch_op:
        batch_op.add_column(sa.Column('joint_members', sa.String(length=300), nullable=True))
        batch_op.add_column(sa.Column('quantity', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('quantity_unit', sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column('urged_count', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('urged_at', panel.kinds.Moments(), nullable=True))



def downgrade() -> None:
    with op.batch_alter_table('referral', schema=None) as batch_op:
        batch_op.drop_column('urged_at')
        batch_op.drop_column('urged_count')
        batch_op.drop_column('quantity_unit')
        batch_op.drop_column('quantity')
        batch_op.drop_column('joint_members')

    with op.batch_alter_table('importrow', schema=None) as batch_op:
        batch_op.drop_column('besides')
        batch_op.drop_column('version')

    with op.batch_alter_table('case', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_case_visit_id'), type_='foreignkey')
        batch_op.drop_index('ix_case_repeats')
        batch_op.drop_index(batch_op.f('ix_case_handled_at'))
        batch_op.drop_index(batch_op.f('ix_case_visit_id'))
        batch_op.drop_column('visit_id')
        batch_op.drop_column('raised_at')
        batch_op.drop_column('raised_to')
        batch_op.drop_column('quantity_unit')

    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_assignment_substitute_ends'), type_='check')
        batch_op.drop_column('substitute')

    with op.batch_alter_table('mediationmember', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_mediationmember_volunteer_id'))
        batch_op.drop_index(batch_op.f('ix_mediationmember_session_id'))
        batch_op.drop_index(batch_op.f('ix_mediationmember_officer_id'))

    op.drop_table('mediationmember')
    with op.batch_alter_table('mediationsession', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_mediationsession_mediation_id'))
        batch_op.drop_index(batch_op.f('ix_mediationsession_held_at'))

    op.drop_table('mediationsession')
    with op.batch_alter_table('surveyentry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_surveyentry_visit_id'))
        batch_op.drop_index(batch_op.f('ix_surveyentry_verified_on'))
        batch_op.drop_index(batch_op.f('ix_surveyentry_community_id'))
        batch_op.drop_index(batch_op.f('ix_surveyentry_case_id'))

    op.drop_table('surveyentry')
    with op.batch_alter_table('mediation', schema=None) as batch_op:
        batch_op.drop_index('uq_mediation_running', sqlite_where=sa.text("status = 'running'"), postgresql_where=sa.text("status = 'running'"))
        batch_op.drop_index(batch_op.f('ix_mediation_started_at'))
        batch_op.drop_index(batch_op.f('ix_mediation_perform_by'))
        batch_op.drop_index(batch_op.f('ix_mediation_case_id'))
        batch_op.drop_index(batch_op.f('ix_mediation_breach_case_id'))

    op.drop_table('mediation')
    with op.batch_alter_table('measurement', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_measurement_second_officer_id'))
        batch_op.drop_index(batch_op.f('ix_measurement_officer_id'))
        batch_op.drop_index(batch_op.f('ix_measurement_case_id'))
        batch_op.drop_index(batch_op.f('ix_measurement_at'))

    op.drop_table('measurement')
    with op.batch_alter_table('deadlinechange', schema=None) as batch_op:
        batch_op.drop_index('uq_deadlinechange_asked', sqlite_where=sa.text("status = 'asked'"), postgresql_where=sa.text("status = 'asked'"))
        batch_op.drop_index(batch_op.f('ix_deadlinechange_case_id'))
        batch_op.drop_index(batch_op.f('ix_deadlinechange_asked_at'))

    op.drop_table('deadlinechange')
    with op.batch_alter_table('attachment', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_attachment_sha256'))
        batch_op.drop_index(batch_op.f('ix_attachment_case_id'))

    op.drop_table('attachment')
    with op.batch_alter_table('visit', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_visit_planned_on'))
        batch_op.drop_index(batch_op.f('ix_visit_officer_id'))
        batch_op.drop_index(batch_op.f('ix_visit_liaison_id'))
        batch_op.drop_index(batch_op.f('ix_visit_community_id'))

    op.drop_table('visit')
    with op.batch_alter_table('volunteer', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_volunteer_name_key'))
        batch_op.drop_index(batch_op.f('ix_volunteer_community_id'))

    op.drop_table('volunteer')
    op.drop_table('webhook')
    with op.batch_alter_table('phrase', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_phrase_name_key'))

    op.drop_table('phrase')
    op.drop_table('ledgerdraft')
    op.drop_table('importundo')
    with op.batch_alter_table('webhookdelivery', schema=None) as batch_op:
        batch_op.drop_index('ix_webhookdelivery_due')

    op.drop_table('webhookdelivery')
    op.drop_table('periodicrun')
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.drop_index('ix_notice_unread')
        batch_op.drop_index(batch_op.f('ix_notice_at'))

    op.drop_table('notice')
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.drop_index('ix_job_state')
        batch_op.drop_index('ix_job_owner')

    op.drop_table('job')
    op.drop_table('headermap')
    with op.batch_alter_table('exportlog', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_exportlog_at'))

    op.drop_table('exportlog')
