"""Who may do what, declared once: the roles of the bureau, what each may do to which table, which rows it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from bureau.settings import settings
from models import (
    Action,
    Assignment,
    Attachment,
    CalendarDay,
    Case,
    CaseEvent,
    CaseParty,
    ChecklistItem,
    Community,
    DeadlineChange,
    Department,
    Feedback,
    Ledger,
    LedgerDraft,
    LedgerLine,
    Liaison,
    Measurement,
    Mediation,
    MediationMember,
    MediationSession,
    Officer,
    Phrase,
    Referral,
    Squad,
    Street,
    SurveyEntry,
    Visit,
    Volunteer,
)
from panel.base import UNSCOPED, Base
from panel.exports.records import ExportLog
from panel.i18n import Message, _
from panel.imports.records import ImportBatch, ImportRow, ImportUndo
from panel.kinds import today
from panel.notify.records import Webhook, WebhookDelivery
from panel.security.accounts import LoginLog, User, UserRole
from panel.security.policy import MANAGE, READ, WRITE, Actor, Role
from panel.security.policy import Permission as Act
from panel.security.records import AuditEntry
from panel.store.records import Setting

OFFICE, LEADER, OFFICER, LIAISON, VIEWER = "office", "leader", "officer", "liaison", "viewer"
ADMINISTRATOR, SECURITY, AUDITOR = "administrator", "security", "auditor"

#: 等保 2.0: these are three people, and none of them sees business data.
ADMINISTRATIVE = frozenset({ADMINISTRATOR, SECURITY, AUDITOR})

REFERENCE = (Street, Squad, Department, ChecklistItem, Phrase, CalendarDay)
ROSTER = (Community, Liaison, Officer, Assignment, Volunteer)
CASEWORK = (Case, CaseParty, Action, Referral, Feedback)
#: What neither list settles. A mediation begins and ends by steps.
DISPUTES = (Measurement, Mediation, MediationSession, MediationMember)
#: Every Monday.
DUTY = (Visit, SurveyEntry)
LEDGERS = (Ledger, LedgerLine)
BUSINESS: tuple[type[Base], ...] = (*REFERENCE, *ROSTER, *DUTY, *CASEWORK, *DISPUTES, DeadlineChange, CaseEvent)

#: Cases are reported and referrals made by steps; what is written of them can be corrected.
CORRECT = frozenset({Act.READ, Act.EDIT})
EXPORT = frozenset({Act.EXPORT})
REVEAL = frozenset({Act.REVEAL})
Grants = Mapping[type[Base], frozenset[Act]]


def _reading(*models: type[Base]) -> dict[type[Base], frozenset[Act]]:
    return dict.fromkeys(models, READ)


def _squad_communities(actor: Actor, community: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = community.squad_id.in_(actor.ids("squads"))
    return found


def _squad_officers(actor: Actor, officer: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = officer.squad_id.in_(actor.ids("squads"))
    return found


def _squad_cases(actor: Actor, case: Any) -> ColumnElement[bool]:
    """Cases of the squad's communities, and those its people handle elsewhere."""
    officers = select(Officer.__table__.c.id).where(Officer.__table__.c.squad_id.in_(actor.ids("squads")))
    communities = select(Community.__table__.c.id).where(Community.__table__.c.squad_id.in_(actor.ids("squads")))
    return or_(case.community_id.in_(communities), case.handler_id.in_(officers), case.lead_officer_id.in_(officers))


def _squad_ledgers(actor: Actor, ledger: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = ledger.squad_id.in_(actor.ids("squads"))
    return found


def _assigned_communities(actor: Actor, community: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = community.id.in_(actor.ids("assigned"))
    return found


def _colleagues(actor: Actor, officer: Any) -> ColumnElement[bool]:
    """Oneself and one's squad: a case may be handed on to any of them."""
    return or_(officer.id.in_(actor.ids("officer")), officer.squad_id.in_(actor.ids("officer_squad")))


def _officer_cases(actor: Actor, case: Any) -> ColumnElement[bool]:
    me = actor.ids("officer")
    return or_(case.community_id.in_(actor.ids("assigned")), case.handler_id.in_(me), case.lead_officer_id.in_(me))


def _own_community(actor: Actor, community: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = community.id.in_(actor.ids("liaison_community"))
    return found


def _community_cases(actor: Actor, case: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = case.community_id.in_(actor.ids("liaison_community"))
    return found


def _officers_in_touch(actor: Actor, officer: Any) -> ColumnElement[bool]:
    """The officer assigned to the liaison's community today, those who come next, and those who work on its cases."""
    own = actor.ids("liaison_community")
    cases = Case.__table__.c
    day = today()
    assigned, visits = Assignment.__table__.c, Visit.__table__.c
    return or_(
        officer.id.in_(
            select(assigned.officer_id).where(
                assigned.community_id.in_(own),
                assigned.start_on <= day,
                or_(assigned.end_on.is_(None), assigned.end_on >= day),
            )
        ),
        officer.id.in_(
            select(visits.officer_id).where(
                visits.community_id.in_(own), visits.planned_on >= day, visits.officer_id.is_not(None)
            )
        ),
        officer.id.in_(select(cases.handler_id).where(cases.community_id.in_(own), cases.handler_id.is_not(None))),
        officer.id.in_(
            select(cases.lead_officer_id).where(cases.community_id.in_(own), cases.lead_officer_id.is_not(None))
        ),
    )


ROLES: tuple[Role, ...] = (
    Role(
        name=OFFICE,
        label=_("Office staff"),
        description=_("All business data of the bureau; edits, imports, exports, ledgers."),
        grants={
            **dict.fromkeys((*REFERENCE, *ROSTER, *CASEWORK), MANAGE),
            **_reading(ImportBatch, ImportRow, ImportUndo),
            **dict.fromkeys(DUTY, MANAGE),
            **dict.fromkeys(DISPUTES, MANAGE - {Act.IMPORT}),
            CaseParty: MANAGE | REVEAL | {Act.EXPORT_CLEAR},
            Mediation: CORRECT | EXPORT | REVEAL,
            SurveyEntry: MANAGE | REVEAL,
            DeadlineChange: READ | EXPORT,
            Referral: CORRECT | EXPORT | {Act.IMPORT},
            CaseEvent: READ | EXPORT,
            **dict.fromkeys(LEDGERS, READ | EXPORT),
            Ledger: READ | EXPORT | {Act.CREATE},
            LedgerDraft: WRITE | EXPORT,
            Attachment: WRITE,
            Setting: WRITE,
        },
        everything=True,
    ),
    Role(
        name=LEADER,
        label=_("Squad leader"),
        description=_("The squad's communities and cases; approves, dispatches, reassigns; exports."),
        grants={
            **_reading(*REFERENCE),
            **dict.fromkeys((*ROSTER, *DUTY, *CASEWORK, *DISPUTES, DeadlineChange, CaseEvent, *LEDGERS), READ | EXPORT),
            Assignment: WRITE | EXPORT,
            Case: CORRECT | EXPORT,
            Action: WRITE | EXPORT,
            Referral: CORRECT | EXPORT,
            Feedback: WRITE | EXPORT,
            CaseParty: READ | REVEAL,
            Mediation: READ | EXPORT | REVEAL,
            SurveyEntry: READ | EXPORT | REVEAL,
            Visit: WRITE | EXPORT,
            Attachment: WRITE,
        },
        rows={
            Community: _squad_communities,
            Officer: _squad_officers,
            Case: _squad_cases,
            Ledger: _squad_ledgers,
        },
    ),
    Role(
        name=OFFICER,
        label=_("Officer"),
        description=_("Communities assigned today and the cases handled or led."),
        grants={
            **_reading(*REFERENCE, *ROSTER, DeadlineChange, CaseEvent),
            **dict.fromkeys((*CASEWORK, *DISPUTES), WRITE),
            Referral: CORRECT,
            CaseParty: WRITE | REVEAL,
            Mediation: CORRECT | REVEAL,
            Visit: CORRECT,
            SurveyEntry: WRITE | REVEAL,
            Attachment: WRITE,
        },
        rows={Community: _assigned_communities, Officer: _colleagues, Case: _officer_cases},
    ),
    Role(
        name=LIAISON,
        label=_("Liaison"),
        description=_("The own community; reports cases and sees what becomes of them."),
        grants={
            **_reading(ChecklistItem, Department, Street, CalendarDay),
            **_reading(Community, Liaison, Officer, Assignment, Volunteer, Visit),
            **_reading(CaseEvent, Referral, Feedback, Mediation, MediationSession),
            Case: READ | {Act.CREATE},
            CaseParty: READ | {Act.CREATE},
            Attachment: READ | {Act.CREATE},
        },
        rows={Community: _own_community, Officer: _officers_in_touch, Case: _community_cases},
    ),
    Role(
        name=VIEWER,
        label=_("Head"),
        description=_("Everything, read-only, personal data masked."),
        grants=_reading(*BUSINESS, *LEDGERS, LedgerDraft, Attachment),
        everything=True,
        masked=True,
    ),
    Role(
        name=ADMINISTRATOR,
        label=_("System administrator"),
        description=_("Accounts, settings and jobs; no business data."),
        grants={User: WRITE, UserRole: WRITE | {Act.DELETE}, Setting: WRITE, Webhook: WRITE, WebhookDelivery: READ},
        administrative=True,
    ),
    Role(
        name=SECURITY,
        label=_("Security administrator"),
        description=_("Roles, log-ins and unlocking; no business data."),
        grants={User: READ, UserRole: WRITE | {Act.DELETE}, LoginLog: READ | EXPORT},
        administrative=True,
    ),
    Role(
        name=AUDITOR,
        label=_("Audit administrator"),
        description=_("Logs, read-only; no business data."),
        grants={AuditEntry: READ | EXPORT, LoginLog: READ | EXPORT, ExportLog: READ | EXPORT},
        administrative=True,
    ),
)


def facts(session: Session, user_id: int, roles: frozenset[str]) -> dict[str, frozenset[int]]:
    """The ids that a person's scopes are made of, as of today. One statement for each role that has a scope."""
    found: dict[str, frozenset[int]] = {}
    day = today()
    if LEADER in roles or OFFICER in roles:
        current = Assignment.__table__.c
        statement = (
            select(Officer.__table__.c.id, Officer.__table__.c.squad_id, current.community_id)
            .select_from(Officer.__table__)
            .outerjoin(
                Assignment.__table__,
                (current.officer_id == Officer.__table__.c.id)
                & (current.start_on <= day)
                & (current.end_on.is_(None) | (current.end_on >= day)),
            )
            .where(Officer.__table__.c.user_id == user_id, Officer.__table__.c.active)
        )
        rows = session.execute(statement, execution_options=UNSCOPED).all()
        officers = frozenset(row[0] for row in rows)
        squads = frozenset(row[1] for row in rows if row[1] is not None)
        if LEADER in roles:
            found["squads"] = squads
        if OFFICER in roles:
            found |= {
                "officer": officers,
                "officer_squad": squads,
                "assigned": frozenset(row[2] for row in rows if row[2] is not None),
            }
    if LIAISON in roles:
        liaison = Liaison.__table__.c
        own = session.execute(
            select(liaison.id, liaison.community_id).where(
                liaison.user_id == user_id,
                liaison.start_on <= day,
                or_(liaison.end_on.is_(None), liaison.end_on >= day),
            ),
            execution_options=UNSCOPED,
        ).all()
        found |= {
            "liaison": frozenset(row[0] for row in own),
            "liaison_community": frozenset(row[1] for row in own),
        }
    return found


def conflict(session: Session, held: frozenset[str]) -> Message | None:
    """Why roles may not be held by one account, or None; the office may say that administration is not kept apart."""
    problem = mixed_roles(held)
    return problem if problem and settings.get(session, "separate_admins") else None


def mixed_roles(held: frozenset[str]) -> Message | None:
    """Why roles may not be held by one account while administration is kept apart (等保 2.0), or None."""
    if len(held & ADMINISTRATIVE) > 1:
        return _("System, security and audit administrator must be three different accounts.")
    if held & ADMINISTRATIVE and held - ADMINISTRATIVE:
        return _("An account that administers the system may not see business data as well.")
    return None
