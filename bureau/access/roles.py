"""The roles of the bureau: the permissions of each on every table, and its row scopes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, not_, select
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
    Deputy,
    Feedback,
    HotlineOrder,
    Ledger,
    LedgerDraft,
    LedgerLine,
    Liaison,
    Measurement,
    Mediation,
    MediationMember,
    MediationSession,
    Officer,
    PaperTemplate,
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
from panel.security.login_records import LoginSession
from panel.security.policy import MANAGE, READ, WRITE, Role, table_of
from panel.security.policy import Permission as Act
from panel.security.records import AuditEntry
from panel.security.separation import SEPARATION
from panel.store.proposals import Proposal
from panel.store.records import Setting

OFFICE, LEADER, OFFICER, LIAISON, VIEWER = "office", "leader", "officer", "liaison", "viewer"
ADMINISTRATOR, SECURITY, AUDITOR = "administrator", "security", "auditor"

#: 等保 2.0 requires three people for these roles, without access to business data.
ADMINISTRATIVE = frozenset({ADMINISTRATOR, SECURITY, AUDITOR})

REFERENCE = (Street, Squad, Department, ChecklistItem, Phrase, CalendarDay)
ROSTER = (Community, Liaison, Officer, Assignment, Deputy, Volunteer)
CASEWORK = (Case, CaseParty, Action, Referral, Feedback)
#: Measurements and mediations. Steps begin and end a mediation.
DISPUTES = (Measurement, Mediation, MediationSession, MediationMember)
#: People who have accounts, and the tables that tell people of one name apart.
PEOPLE = (Liaison, Officer, Community, Squad, Street)
#: Visits and surveys.
DUTY = (Visit, SurveyEntry)
LEDGERS = (Ledger, LedgerLine)
BUSINESS: tuple[type[Base], ...] = (
    *REFERENCE,
    *ROSTER,
    *DUTY,
    *CASEWORK,
    *DISPUTES,
    DeadlineChange,
    CaseEvent,
    HotlineOrder,
)

#: For tables whose rows are added by steps: reading and correcting.
CORRECT = frozenset({Act.READ, Act.EDIT})
#: For tables whose rows stay as they were added: a step corrects them by a further one.
ADD = frozenset({Act.READ, Act.CREATE})
#: Names alone: to link accounts and people.
CHOOSE = frozenset({Act.CHOOSE})
EXPORT = frozenset({Act.EXPORT})
REVEAL = frozenset({Act.REVEAL})
Grants = Mapping[type[Base], frozenset[Act]]


def _reading(*models: type[Base]) -> dict[type[Base], frozenset[Act]]:
    return dict.fromkeys(models, READ)


def _sharing(grants: Grants) -> Grants:
    """These grants, and the right to share views of the lists that they open."""
    return {model: acts | {Act.SHARE} if Act.READ in acts else acts for model, acts in grants.items()}


ROLES: tuple[Role, ...] = (
    Role(
        name=OFFICE,
        label=_("Office staff"),
        description=_("All business data of the bureau; edits, imports, exports, ledgers."),
        grants=_sharing(
            {
                **dict.fromkeys((*REFERENCE, *ROSTER, *CASEWORK), MANAGE),
                **_reading(ImportBatch, ImportRow, ImportUndo),
                **dict.fromkeys(DUTY, MANAGE),
                **dict.fromkeys(DISPUTES, MANAGE - {Act.IMPORT}),
                HotlineOrder: MANAGE,
                CaseParty: MANAGE | REVEAL | {Act.EXPORT_CLEAR},
                Mediation: CORRECT | EXPORT | REVEAL,
                SurveyEntry: MANAGE | REVEAL,
                DeadlineChange: READ | EXPORT,
                Referral: CORRECT | EXPORT | {Act.IMPORT},
                Feedback: ADD | EXPORT | {Act.IMPORT},
                CaseEvent: READ | EXPORT,
                **dict.fromkeys(LEDGERS, READ | EXPORT),
                Ledger: READ | EXPORT | {Act.CREATE},
                LedgerDraft: WRITE | EXPORT,
                PaperTemplate: WRITE,
                Attachment: WRITE,
                Setting: WRITE,
                User: CHOOSE,
            }
        ),
        everything=True,
    ),
    Role(
        name=LEADER,
        label=_("Squad leader"),
        description=_("The squad's communities and cases; approves, dispatches, reassigns; exports."),
        lent_by="for_leader",
        grants={
            **_reading(*REFERENCE),
            PaperTemplate: READ,
            **dict.fromkeys((*ROSTER, *DUTY, *CASEWORK, *DISPUTES, DeadlineChange, CaseEvent, *LEDGERS), READ | EXPORT),
            HotlineOrder: READ | EXPORT,
            Assignment: WRITE | EXPORT,
            Case: CORRECT | EXPORT,
            Action: WRITE | EXPORT,
            Referral: CORRECT | EXPORT,
            Feedback: ADD | EXPORT,
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
        lent_by="for_officer",
        grants={
            **_reading(*REFERENCE, *ROSTER, DeadlineChange, CaseEvent, HotlineOrder),
            **dict.fromkeys((*CASEWORK, *DISPUTES), WRITE),
            Referral: CORRECT,
            Feedback: ADD,
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
        description=_("The own community; reports cases and sees what becomes of them, keeps the survey."),
        grants={
            **_reading(ChecklistItem, Department, Street, CalendarDay),
            **_reading(Community, Liaison, Officer, Assignment, Volunteer, Visit),
            **_reading(CaseEvent, Referral, Feedback, Mediation, MediationSession),
            Case: READ | {Act.CREATE},
            CaseParty: READ | {Act.CREATE},
            SurveyEntry: WRITE,
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
            Proposal: ADD,
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
            Proposal: ADD,
            LoginSession: READ | EXPORT,
            LoginLog: READ | EXPORT,
        },
        everything=True,
        administrative=True,
    ),
    Role(
        name=AUDITOR,
        label=_("Audit administrator"),
        description=_("Logs, accounts and their roles, read-only; confirms what another administrator asks for."),
        grants={
            **dict.fromkeys((AuditEntry, LoginLog, ExportLog), READ | EXPORT),
            **_reading(User, UserRole, Proposal),
        },
        administrative=True,
    ),
)


def _is_set(key: str) -> ColumnElement[bool]:
    """The condition that a setting isn't what it is by default."""
    setting = table_of(Setting).c
    stored = settings.text_of(settings.DECLARED[key], value=not settings.DECLARED[key].default)
    return select(setting.id).where(setting.key == key, setting.value == stored).exists()


SEPARATION.on = lambda: not_(_is_set(settings.SEPARATE))
SEPARATION.always = lambda: _is_set(settings.ROLES_BY_TWO)


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
