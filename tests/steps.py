"""Cases in any state, people of every kind, and what they would fill in: for the tests of steps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models
from bureau.cases import workflow
from bureau.cases.state import stepping
from bureau.mediation import agreements, mediation
from bureau.referrals.effects import Answer
from models import PENDING, Case, CaseEvent, CaseStatus, Officer, Referral
from panel.base import UNSCOPED
from panel.kinds import now, today
from panel.security.accounts import User
from panel.security.policy import Actor
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
        set_actor(session, Actor(user.name, user.id, roles, stage.panel.facts(session, user.id, roles)))
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


def other_department(session: Session) -> int:
    query = sa.select(models.Department.id).where(models.Department.name == "市场监管局")
    found = session.execute(query, execution_options=UNSCOPED).scalar_one_or_none()
    if found is None:
        department = models.Department(name="市场监管局", sign_limit=1, reply_limit=5)
        session.add(department)
        session.flush()
        found = department.id
    return int(found)


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


def other_case(session: Session, stage: Stage, case: Case) -> int:
    """An open case that this one may be merged into."""
    query = sa.select(Case.id).where(Case.id != case.id, Case.status.not_in(models.ENDED), Case.master_id.is_(None))
    found = session.execute(query.order_by(Case.id.desc()).limit(1), execution_options=UNSCOPED).scalar()
    return int(found or stage.inside["case"])


def officer_of(session: Session, stage: Stage, who: str) -> int | None:
    """An officer by the account they have: "officer" and "leader" are officers, "nobody" has none, "" is no one."""
    if not who:
        return None
    return {"officer": stage.inside["officer"], "leader": stage.inside["second_officer"]}.get(
        who, colleague(session, stage)
    )


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
    if status is CaseStatus.REFERRED:
        session.add(
            Referral(case_id=case.id, department_id=stage.inside["department"], document_no=f"移-{next(_numbers)}")
        )
    about = {"case_id": case.id, "party_a": "张三", "party_b": "李四", "dispute": "冷库外机噪声"}
    begun = models.Mediation.status != models.MediationStatus.FAILED
    gone = sa.select(models.Mediation.id).where(models.Mediation.case_id == case.id, begun)
    session.execute(sa.delete(models.MediationSession).where(models.MediationSession.mediation_id.in_(gone)))
    for old in session.scalars(sa.select(models.Mediation).where(models.Mediation.id.in_(gone))):
        session.delete(old)
    session.flush()
    if status is CaseStatus.MEDIATING:
        session.add(models.Mediation(mediation_no=f"TJ-{next(_numbers)}", **about))
    elif status in workflow.STEPS["perform"].sources:
        agreed = {"status": models.MediationStatus.AGREED, "agreement": "外机移至南侧", "perform_by": today()}
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


def filled_in(session: Session, stage: Stage, case: Case, name: str) -> dict[str, Any]:
    """What somebody would fill in for a step, all of it good; what has to be there before is put there."""
    open_one = session.execute(
        sa.select(Referral.id).where(Referral.case_id == case.id, Referral.status.in_(PENDING)).limit(1),
        execution_options=UNSCOPED,
    ).scalar()
    item = stage.inside["checklistitem"] if name != "change_list" else other_item(session, case)
    if name == "end_mediation":
        sat(session, case)
    everything: dict[str, Any] = {
        "item": item,
        "urgency": models.Urgency.NORMAL,
        "reason": "情况如此",
        "told": "电话告知",
        "responsible": "物业服务企业",
        "handler": colleague(session, stage)
        if case.handler_id != colleague(session, stage)
        else stage.inside["officer"],
        "department": other_department(session),
        "kind": models.ReferralKind.TRANSFER,
        "document_no": f"移-{next(_numbers)}",
        "request": "请依职责处理",
        "referral": open_one,
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
        "master": other_case(session, stage, case),
        "review_on": today() + timedelta(days=14),
        "days": 1,
        "opinion": "按程序办理",
        "joint_on": today(),
        "joint_members": "交警大队、社区",
        "raised_to": models.RaisedTo.HOTLINE,
        "merged_content": "已告知并案的投诉人",
    }
    if name == "mediate":
        everything["kind"] = models.DisputeKind.NOISE
    return {field.name: everything.get(field.name) for field in workflow.STEPS[name].asks}


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
