"""Cases in any state, people of every kind, and what they would fill in: for the tests of steps."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models
from bureau.cases import workflow
from bureau.cases.records import corrections
from bureau.cases.state import stepping
from bureau.checklists import items
from bureau.mediation import agreements, mediation
from bureau.referrals.effects import Answer
from models import PENDING, Case, CaseEvent, CaseStatus, FeedbackTarget, Officer, Referral
from panel.base import UNSCOPED
from panel.kinds import now, today
from panel.notify.records import Notice, WebhookDelivery
from panel.security.accounts import User
from panel.security.session import set_actor
from tests import factories
from tests.factories import Stage

_numbers = itertools.count(1)


@contextmanager
def acting(stage: Stage, username: str) -> Iterator[Session]:
    """A session that acts for an account; committed at the end."""
    with stage.session() as session:
        user = session.execute(sa.select(User).where(User.username == username)).scalar_one()
        roles = frozenset(role.role for role in user.roles)
        facts = stage.panel.facts(session, user.id, roles)
        set_actor(session, stage.panel.policy.actor(user.name, user.id, roles, facts))
        yield session


def colleague(session: Session, stage: Stage) -> int:
    """An officer of the squad inside who has no account."""
    query = sa.select(Officer.id).where(Officer.name == "钱小明")
    found = session.execute(query, execution_options=UNSCOPED).scalar_one_or_none()
    if found is None:
        officer = Officer(name="钱小明", squad_id=stage.inside["squad"])
        session.add(officer)
        session.flush()
        found = officer.id
    return int(found)


def other_handler(session: Session, stage: Stage, case: Case) -> int:
    """An officer who doesn't handle the case."""
    someone = colleague(session, stage)
    return someone if case.handler_id != someone else stage.inside["officer"]


def open_referral(session: Session, case: Case) -> int | None:
    """A referral of the case that waits for its reply."""
    waiting = sa.select(Referral.id).where(Referral.case_id == case.id, Referral.status.in_(PENDING)).limit(1)
    found: int | None = session.execute(waiting, execution_options=UNSCOPED).scalar()
    return found


def other_department(session: Session) -> int:
    query = sa.select(models.Department.id).where(models.Department.name == "市场监管局")
    found = session.execute(query, execution_options=UNSCOPED).scalar_one_or_none()
    if found is None:
        department = models.Department(name="市场监管局", sign_limit=1, reply_limit=5)
        session.add(department)
        session.flush()
        found = department.id
    return int(found)


def in_force(session: Session, stage: Stage) -> int:
    """The version in force of the item of the district."""
    item = session.get_one(models.ChecklistItem, stage.inside["checklistitem"])
    return next(one.id for one in items.current(session, today()) if one.code == item.code)


def other_item(session: Session, case: Case) -> int:
    """An item of the service list that the case doesn't stand on."""
    found: list[int] = []
    for code, name, limit in (("FW98", "邻里纠纷", 7), ("FW99", "公共设施", 2)):
        query = sa.select(models.ChecklistItem.id).where(models.ChecklistItem.code == code)
        id_ = session.execute(query, execution_options=UNSCOPED).scalar_one_or_none()
        if id_ is None:
            service = models.ListKind.SERVICE
            item = models.ChecklistItem(code=code, name=name, list_kind=service, limit_value=limit, mediable=True)
            session.add(item)
            session.flush()
            id_ = item.id
        found.append(id_)
    return next(id_ for id_ in found if id_ != case.item_id)


def other_community(session: Session, stage: Stage, case: Case) -> int:
    """A community of the same squad that the case doesn't belong to."""
    found: list[int] = []
    for name in ("新桥社区", "古桥社区"):
        query = sa.select(models.Community.id).where(models.Community.name == name)
        id_ = session.execute(query, execution_options=UNSCOPED).scalar_one_or_none()
        if id_ is None:
            placed = {"street_id": stage.inside["street"], "squad_id": stage.inside["squad"]}
            community = models.Community(name=name, **placed)
            session.add(community)
            session.flush()
            id_ = community.id
        found.append(id_)
    return next(id_ for id_ in found if id_ != case.community_id)


def other_case(session: Session, stage: Stage, case: Case) -> int:
    """An open case that this one may be merged into."""
    query = sa.select(Case.id).where(Case.id != case.id, Case.status.not_in(models.ENDED), Case.master_id.is_(None))
    found = session.execute(query.order_by(Case.id.desc()).limit(1), execution_options=UNSCOPED).scalar()
    return int(found or stage.inside["case"])


def officer_of(session: Session, stage: Stage, who: str) -> int | None:
    """An officer by the account they have: "officer" and "leader" are officers, "nobody" has none, "" is no one.
    "deputy" is an officer of the squad outside, made when first asked for."""
    if not who:
        return None
    if who == "deputy":
        return _deputy(session, stage)
    return {"officer": stage.inside["officer"], "leader": stage.inside["second_officer"]}.get(
        who, colleague(session, stage)
    )


def _deputy(session: Session, stage: Stage) -> int:
    found = session.execute(
        sa.select(Officer.id).join(User, User.id == Officer.user_id).where(User.username == "deputy"),
        execution_options=UNSCOPED,
    ).scalar_one_or_none()
    if found is None:
        user = factories.account(session, stage.panel, "deputy", "officer")
        made = Officer(name="顾代理", squad_id=stage.outside["squad"], user_id=user.id)
        session.add(made)
        session.flush()
        found = made.id
    return int(found)


def new_case(stage: Stage, status: CaseStatus = CaseStatus.REPORTED, handler: str = "", **given: Any) -> int:
    """The id of another case inside everybody's scope, in a state, with a named complainant."""
    with stage.session() as session:
        community = session.get_one(models.Community, stage.inside["community"])
        item = session.get_one(models.ChecklistItem, stage.inside["checklistitem"])
        made: Case = factories.case(session, community, item=None if status is CaseStatus.REPORTED else item)
        session.add(models.CaseParty(case_id=made.id, name="李四", phone="13712340000"))
        made.lead_officer_id = stage.inside["officer"]
        for name, value in given.items():
            setattr(made, name, value)
        session.flush()
        place(session, stage, made, status, handler)
        # Tests of steps count the notices of steps.
        session.execute(sa.delete(Notice).where(Notice.record_id == made.id))
        session.execute(sa.delete(WebhookDelivery).where(WebhookDelivery.kind == "reported"))
        return made.id


def place(session: Session, stage: Stage, case: Case, status: CaseStatus, handler: str = "") -> None:
    """Put a case into a state as if its steps had been taken; a handled one after a mediation with an agreement."""
    for model in (Referral, models.DeadlineChange):
        session.execute(sa.delete(model).where(model.case_id == case.id))
    case.handler_id = officer_of(session, stage, handler)
    case.closed_at = now() if status is CaseStatus.CLOSED else None
    case.handled_at = now() if status in (CaseStatus.HANDLED, CaseStatus.VERIFIED, CaseStatus.CLOSED) else None
    case.master_id = stage.inside["case"] if status is CaseStatus.MERGED else None
    with stepping():
        case.status = status
    if status in (CaseStatus.REFERRED, CaseStatus.SUSPENDED):
        session.add(
            Referral(case_id=case.id, department_id=stage.inside["department"], document_no=f"移-{next(_numbers)}")
        )
    about = {"case_id": case.id, "party_a": "张三", "party_b": "李四", "dispute": "冷库外机噪声"}
    begun = models.Mediation.status != models.MediationStatus.FAILED
    gone = sa.select(models.Mediation.id).where(models.Mediation.case_id == case.id, begun)
    held = sa.select(models.MediationSession.id).where(models.MediationSession.mediation_id.in_(gone))
    session.execute(sa.delete(models.MediationMember).where(models.MediationMember.session_id.in_(held)))
    session.execute(sa.delete(models.MediationSession).where(models.MediationSession.mediation_id.in_(gone)))
    for old in session.scalars(sa.select(models.Mediation).where(models.Mediation.id.in_(gone))):
        session.delete(old)
    session.flush()
    if status is CaseStatus.MEDIATING:
        session.add(models.Mediation(mediation_no=f"TJ-{next(_numbers)}", **about))
    elif status in workflow.STEPS["perform"].sources:
        due = today() + timedelta(days=400)
        agreed = {"status": models.MediationStatus.AGREED, "agreement": "外机移至南侧", "perform_by": due}
        session.add(models.Mediation(mediation_no=f"TJ-{next(_numbers)}", **about, **agreed))
    if status is CaseStatus.SUSPENDED:
        session.add(asked(case, status=models.ChangeStatus.APPROVED, decided_at=now(), came_from="handling"))
    session.flush()


def sat(session: Session, case: Case) -> None:
    """The parties have met, unless they had before."""
    running = models.Mediation.status == models.MediationStatus.RUNNING
    one = session.scalars(sa.select(models.Mediation).where(models.Mediation.case_id == case.id, running)).first()
    held = models.MediationSession
    if one is not None and not session.scalars(sa.select(held.id).where(held.mediation_id == one.id)).first():
        session.add(held(mediation_id=one.id, minutes="双方各自陈述"))
        session.flush()


def asked(case: Case, **given: Any) -> models.DeadlineChange:
    """A request to suspend a case, by somebody who can't decide it."""
    kind = models.ChangeKind.SUSPENSION
    values = {"case_id": case.id, "kind": kind, "reason": "需鉴定", "asked_by": "测试", "asked_by_id": 0}
    return models.DeadlineChange(**{**values, **given})


def complainant_of(session: Session, case: Case) -> int:
    """A complainant of a case with a name, added if there is none."""
    named = sa.select(models.CaseParty.id).where(
        models.CaseParty.case_id == case.id, models.CaseParty.role == models.PartyRole.COMPLAINANT
    )
    found = session.scalars(named.order_by(models.CaseParty.id)).first()
    if found is None:
        party = models.CaseParty(case_id=case.id, name="李四", phone="13712340000")
        session.add(party)
        session.flush()
        found = party.id
    return found


def told(session: Session, case: Case) -> int:
    """Feedback of a case that isn't corrected, added."""
    feedback = models.Feedback(case_id=case.id, target=models.FeedbackTarget.COMPLAINANT, content="已告知", at=now())
    session.add(feedback)
    session.flush()
    return feedback.id


def filled_in(session: Session, stage: Stage, case: Case, name: str) -> dict[str, Any]:
    """What somebody would fill in for a step, all of it good; what has to be there before is put there."""
    asked_for = {field.name for field in workflow.STEPS[name].asks}
    if name == "end_mediation":
        sat(session, case)
    everything: dict[str, Any] = {
        "urgency": models.Urgency.NORMAL,
        "reason": "情况如此",
        "told": "电话告知",
        "responsible": "物业服务企业",
        "kind": models.ReferralKind.TRANSFER,
        "document_no": f"移-{next(_numbers)}",
        "request": "请依职责处理",
        "answer": Answer.REPLIED,
        "reply": "已处理完毕",
        "outcome": models.Outcome.PERSUASION,
        "result": "当事人自行处理",
        "unmeasured": "设备已停用",
        "finding": "情况属实",
        "liaison_content": "已告知联络员",
        "complainant_content": "已告知投诉人",
        "text": "请抓紧办理",
        "party_a": "张三",
        "party_b": "李四",
        "dispute": "冷库外机噪声",
        "held_at": now(),
        "attending": models.Attending.BOTH,
        "minutes": "双方各自陈述",
        "community_names": "吴敏",
        "ending": mediation.Ending.AGREED,
        "agreement": "外机移至南侧",
        "agreement_form": models.AgreementForm.WRITTEN,
        "perform_by": today(),
        "performance": agreements.FollowUpResult.PERFORMED,
        "followed_on": today(),
        "follow_up": "外机已移位",
        "review_on": today() + timedelta(days=14),
        "days": 1,
        "opinion": "按程序办理",
        "joint_on": today(),
        "joint_state": models.JointState.DONE,
        "said_by": FeedbackTarget.COMPLAINANT,
        "channel": models.FeedbackChannel.PHONE,
        "satisfaction": models.Satisfaction.SATISFIED,
        "joint_members": "交警大队、社区",
        "raised_to": models.RaisedTo.HOTLINE,
        "reported_at": (case.reported_at - timedelta(hours=1)).replace(second=0, microsecond=0),
        "source": models.Source.PATROL,
        "known": corrections.Known.NAMED,
        "party_name": "王小五",
        "content": "更正：已告知处置结果",
    }
    looked_up: dict[str, Callable[[], int | None]] = {
        "item": lambda: in_force(session, stage) if name != "change_list" else other_item(session, case),
        "handler": lambda: other_handler(session, stage, case),
        "department": lambda: other_department(session),
        "referral": lambda: open_referral(session, case),
        "master": lambda: other_case(session, stage, case),
        "community": lambda: other_community(session, stage, case),
    }
    everything |= {field: look_up() for field, look_up in looked_up.items() if field in asked_for}
    if name == "change_community" and case.handler_id is None:
        everything["handler"] = None
    if name == "ask_performance":
        agreed = sa.update(models.Mediation).where(models.Mediation.case_id == case.id)
        session.execute(
            agreed.where(models.Mediation.status == models.MediationStatus.AGREED).values(
                performance=models.Performance.PENDING
            )
        )
    if name == "refer" and case.handler_id is not None:
        everything["handler"] = None
    if name == "mediate":
        everything["kind"] = models.DisputeKind.NOISE
    if name == "change_urgency":
        urgent = case.urgency is models.Urgency.URGENT
        everything["urgency"] = models.Urgency.NORMAL if urgent else models.Urgency.URGENT
    if name == "correct_party":
        everything["party"] = complainant_of(session, case)
    if name == "correct_feedback":
        everything["feedback"] = told(session, case)
    step = workflow.STEPS[name]
    more = step.more(session, case) if step.more else ()
    usual = {"channel": models.FeedbackChannel.VISIT, "satisfaction": models.Satisfaction.SATISFIED}
    usual |= {"content": "已告知并案的投诉人"}
    answers = {field.name: usual.get(field.name.rpartition("_")[2]) for field in more}
    return {field.name: everything.get(field.name) for field in step.asks} | answers


def take(stage: Stage, username: str, id_: int, name: str, **changed: Any) -> Case:
    """Take a step as an account, filled in well but for what is changed; gives the case as it then stands."""
    with stage.session() as session:
        case = session.get_one(Case, id_)
        values = {**filled_in(session, stage, case, name), **changed}
    with acting(stage, username) as session:
        case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
        workflow.take(session, case, name, values)
    with stage.session() as session:
        return session.get_one(Case, id_)


def history(session: Session, id_: int) -> list[CaseEvent]:
    return list(session.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == id_).order_by(CaseEvent.seq)))
