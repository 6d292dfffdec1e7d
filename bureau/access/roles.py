"""The roles of the bureau: the permissions of each on every table, and its row scopes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from bureau.access.row_scopes import (
    assigned_communities,
    colleagues,
    community_cases,
    officer_cases,
    officers_in_touch,
    own_community,
    squad_cases,
    squad_communities,
    squad_ledgers,
    squad_officers,
)
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
from panel.base import Base
from panel.exports.records import ExportLog
from panel.i18n import Message, _
from panel.imports.records import ImportBatch, ImportRow, ImportUndo
from panel.notify.records import Webhook, WebhookDelivery
from panel.security.accounts import LoginLog, User, UserRole
from panel.security.policy import MANAGE, READ, WRITE, Role
from panel.security.policy import Permission as Act
from panel.security.records import AuditEntry
from panel.store.records import Setting

OFFICE, LEADER, OFFICER, LIAISON, VIEWER = "office", "leader", "officer", "liaison", "viewer"
ADMINISTRATOR, SECURITY, AUDITOR = "administrator", "security", "auditor"

#: 等保 2.0 requires three people for these roles, without access to business data.
ADMINISTRATIVE = frozenset({ADMINISTRATOR, SECURITY, AUDITOR})

REFERENCE = (Street, Squad, Department, ChecklistItem, Phrase, CalendarDay)
ROSTER = (Community, Liaison, Officer, Assignment, Volunteer)
CASEWORK = (Case, CaseParty, Action, Referral, Feedback)
#: Measurements and mediations. Steps begin and end a mediation.
DISPUTES = (Measurement, Mediation, MediationSession, MediationMember)
#: People who have accounts, and the tables that tell people of one name apart.
PEOPLE = (Liaison, Officer, Community, Squad, Street)
#: Visits and surveys.
DUTY = (Visit, SurveyEntry)
LEDGERS = (Ledger, LedgerLine)
BUSINESS: tuple[type[Base], ...] = (*REFERENCE, *ROSTER, *DUTY, *CASEWORK, *DISPUTES, DeadlineChange, CaseEvent)

#: For tables whose rows are added by steps: reading and correcting.
CORRECT = frozenset({Act.READ, Act.EDIT})
#: Names alone: to link accounts and people.
CHOOSE = frozenset({Act.CHOOSE})
EXPORT = frozenset({Act.EXPORT})
REVEAL = frozenset({Act.REVEAL})
Grants = Mapping[type[Base], frozenset[Act]]


def _reading(*models: type[Base]) -> dict[type[Base], frozenset[Act]]:
    return dict.fromkeys(models, READ)


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
            User: CHOOSE,
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
            Community: squad_communities,
            Officer: squad_officers,
            Case: squad_cases,
            Ledger: squad_ledgers,
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
        rows={Community: assigned_communities, Officer: colleagues, Case: officer_cases},
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
        rows={Community: own_community, Officer: officers_in_touch, Case: community_cases},
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
        description=_(
            "Accounts without roles, whose they are, settings and jobs; no business data but names of people."
        ),
        grants={
            **dict.fromkeys(PEOPLE, CHOOSE),
            User: WRITE,
            UserRole: READ,
            Setting: WRITE,
            Webhook: WRITE,
            WebhookDelivery: READ,
        },
        everything=True,
        administrative=True,
    ),
    Role(
        name=SECURITY,
        label=_("Security administrator"),
        description=_("Roles, log-ins and unlocking; no business data but names of people."),
        grants={
            **dict.fromkeys(PEOPLE, CHOOSE),
            User: READ,
            UserRole: WRITE | {Act.DELETE},
            LoginLog: READ | EXPORT,
        },
        everything=True,
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


def conflict(session: Session, held: frozenset[str]) -> Message | None:
    """The reason why one account may not hold these roles, or None; None too if the setting "separate_admins" is
    off."""
    problem = mixed_roles(held)
    return problem if problem and settings.get(session, "separate_admins") else None


def mixed_roles(held: frozenset[str]) -> Message | None:
    """The reason why one account may not hold these roles with separate administrators (等保 2.0), or None."""
    if len(held & ADMINISTRATIVE) > 1:
        return _("System, security and audit administrator must be three different accounts.")
    if held & ADMINISTRATIVE and held - ADMINISTRATIVE:
        return _("An account that administers the system may not see business data as well.")
    return None
