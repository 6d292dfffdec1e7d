"""What has changed in the made-up district lately, done by the office under the panel's own rules, today: a liaison
hands over, two communities are merged, an officer on leave has a deputy, the intake of a case is corrected."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.access.roles import OFFICE
from bureau.cases import workflow
from bureau.cases.steps.corrections import CORRECT_INTAKE
from bureau.people import communities, handover
from bureau.people.handover import NewLiaison
from models import Assignment, Case, CaseStatus, Community, Deputy, Officer, Source
from panel.base import UNSCOPED
from panel.kinds import today
from panel.security.accounts import User
from panel.security.policy import Actor
from panel.security.session import actor_of, set_actor

#: The community whose liaison hands over, and who takes over.
HANDED_OVER = "菱塘社区"
SUCCESSOR = NewLiaison("于晓棠", "15400039999", "网格长")
#: A community, and the one that it is merged into.
MERGED = ("丹枫社区", "枫林社区")
#: The account of the officer who stands in for a colleague.
DEPUTY = "officer"


def build(session: Session) -> None:
    """Make the changes. The session is the system's, with the policy of the panel; the office acts in it."""
    system = actor_of(session)
    office = session.scalars(select(User).where(User.username == "office"), execution_options=UNSCOPED).one()
    set_actor(session, Actor(office.name, office.id, frozenset({OFFICE})))
    try:
        _hand_over(session)
        _merge(session)
        _stand_in(session)
        _correct(session)
    finally:
        set_actor(session, system)


def _hand_over(session: Session) -> None:
    place = _community(session, HANDED_OVER)
    liaison = handover.in_office(session, place.id)
    if liaison is not None:
        handover.replace_liaison(
            session, liaison, SUCCESSOR, version=liaison.version, begins=today(), reason="调街道办公室工作"
        )


def _merge(session: Session) -> None:
    """Liaison and officer of the community that is kept stay."""
    old, kept = (_community(session, name) for name in MERGED)
    officer = select(Assignment.id).where(Assignment.community_id == kept.id, Assignment.end_on.is_(None))
    liaison = handover.in_office(session, kept.id)
    communities.merge(
        session,
        old.id,
        kept.id,
        liaison_id=liaison.id if liaison is not None else None,
        assignment_id=session.scalars(officer).first(),
        reason="街道批复，社区规模调整",
    )


def _stand_in(session: Session) -> None:
    account = select(User.id).where(User.username == DEPUTY).scalar_subquery()
    deputy = session.scalars(select(Officer).where(Officer.user_id == account), execution_options=UNSCOPED).first()
    if deputy is None:
        return
    colleagues = select(Officer.id).where(
        Officer.squad_id == deputy.squad_id, Officer.active, Officer.user_id.is_(None), Officer.kind == deputy.kind
    )
    colleague = session.scalars(colleagues.order_by(Officer.id.desc()), execution_options=UNSCOPED).first()
    if colleague is not None:
        first, last = today() - timedelta(days=2), today() + timedelta(days=12)
        session.add(Deputy(officer_id=colleague, deputy_id=deputy.id, start_on=first, end_on=last, reason="年休假"))
        session.flush()


def _correct(session: Session) -> None:
    """The newest open case that its liaison is said to have reported was found on patrol."""
    newest = select(Case).where(Case.source == Source.LIAISON, Case.status == CaseStatus.HANDLING)
    case = session.scalars(newest.order_by(Case.reported_at.desc(), Case.id.desc()).limit(1)).first()
    if case is not None:
        values = {
            "reported_at": case.reported_at,
            "source": Source.PATROL,
            "reason": "队员巡查时发现，登记时选错来源。",
        }
        workflow.take(session, case, CORRECT_INTAKE.name, values)


def _community(session: Session, name: str) -> Community:
    return session.scalars(select(Community).where(Community.name == name)).one()
