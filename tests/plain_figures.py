"""A made-up year for the tests of the figures, and the figures once more: slow, obvious, in plain Python."""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models
from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar, office_calendar
from bureau.calendar.periods import Span
from bureau.cases import events
from bureau.figures.groups import Grouping
from bureau.settings import settings
from models import (
    CaseStatus,
    FeedbackTarget,
    LimitUnit,
    ListKind,
    MediationStatus,
    PartyRole,
    Performance,
    ReferralStatus,
    Satisfaction,
    Source,
    VisitStatus,
)
from panel.kinds import ZONE, now, today

#: Days around which everything happens, and how far from it.
MIDDLE = datetime(2026, 6, 10, 4, 0, tzinfo=ZONE)
SPREAD = 70
#: Kinds of referrals; few are notices in copy, which ask for no reply.
KINDS = ("transfer", "transfer", "joint", "joint", "notice")
CLOSED, HANDLING = CaseStatus.CLOSED, CaseStatus.HANDLING
OVER = (CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED)


def add(session: Session, model: Any, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows past the steps, so that any state is to be had."""
    table = cast(sa.Table, model.__table__)
    names = {name for row in rows for name in row}
    full = [{name: row.get(name) for name in names} for row in rows]
    if not full:
        return []
    statement = sa.insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(session.connection().execute(statement, full).scalars())


def fill(session: Session, inside: dict[str, int], outside: dict[str, int], seed: int, count: int = 160) -> None:
    """So many cases in eight communities with all that hangs on them, among them reopened, historic and voided ones."""
    World(session, inside, outside, random.Random(seed)).fill(count)  # noqa: S311 - made-up data


@dataclass
class World:
    session: Session
    inside: dict[str, int]
    outside: dict[str, int]
    rng: random.Random
    communities: list[int] = field(default_factory=list)
    items: list[tuple[int, ListKind]] = field(default_factory=list)
    officers: list[int] = field(default_factory=list)

    def fill(self, count: int) -> None:
        self._places()
        cases = [self._case(number) for number in range(count)]
        for row, id_ in zip(cases, add(self.session, models.Case, [row["case"] for row in cases]), strict=True):
            row["id"] = id_
        self._below(cases)
        self._visits()

    def _places(self) -> None:
        session, inside, outside = self.session, self.inside, self.outside
        third = models.Squad(name="新城分队", is_pilot=True)
        street = models.Street(name="新城街道")
        session.add_all([third, street])
        session.flush()
        for number, (road, squad) in enumerate(
            [
                (inside["street"], inside["squad"]),
                (inside["street"], outside["squad"]),
                (outside["street"], outside["squad"]),
                (street.id, third.id),
                (street.id, inside["squad"]),
                (street.id, None),
            ]
        ):
            made = models.Community(name=f"第{number}社区", street_id=road, squad_id=squad)
            session.add(made)
            session.flush()
            self.communities.append(made.id)
        self.communities += [inside["community"], outside["community"]]
        for code, version, kind in (
            ("FW03", 1, ListKind.SERVICE),
            ("FW03", 2, ListKind.SERVICE),
            ("ZF09", 1, ListKind.ENFORCEMENT),
        ):
            item = models.ChecklistItem(
                code=code, version_no=version, name=f"{code}第{version}版", list_kind=kind, limit_value=3
            )
            session.add(item)
            session.flush()
            self.items.append((item.id, kind))
        self.items.append((inside["checklistitem"], ListKind.ENFORCEMENT))
        self.officers = [side[name] for side in (inside, outside) for name in ("officer", "second_officer")]

    def _moment(self) -> datetime:
        return MIDDLE + timedelta(seconds=self.rng.randint(-SPREAD * 86_400, SPREAD // 2 * 86_400))

    def _later(self, moment: datetime, days: float = 6) -> datetime:
        hurry = self.rng.random() < 0.4
        return moment + timedelta(minutes=self.rng.randint(0, int((0.5 if hurry else days) * 1440)))

    def _case(self, number: int) -> dict[str, Any]:
        rng = self.rng
        at = self._moment()
        item, kind = rng.choice(self.items)
        case: dict[str, Any] = {
            "case_no": f"T-2026-{number:06}",
            "status": rng.choice(
                [CaseStatus.REPORTED, CaseStatus.ACCEPTED, HANDLING, CaseStatus.SUSPENDED, CaseStatus.HANDLED]
                + [CLOSED] * 9
                + list(OVER)
            ),
            "reported_at": at,
            "source": rng.choice(list(Source)),
            "community_id": rng.choice(self.communities),
            "place": rng.choice(["东塔路 1 号", "东塔路 2 号", "", None]),
            "description": "楼下养鸡",
            "urgency": "normal",
            "handler_id": rng.choice(self.officers),
            "lead_officer_id": rng.choice([*self.officers, None]),
            "historic": rng.random() < 0.12,
        }
        status, told = case["status"], []
        if status not in (CaseStatus.REPORTED, CaseStatus.REJECTED):
            case["accepted_at"] = at = self._later(at, 2)
            case["item_id"], case["list_kind"] = item, kind
            if case["historic"] and rng.random() < 0.3:
                case["item_id"] = case["list_kind"] = None
            case["due_at"] = at + timedelta(minutes=rng.randint(60, 9 * 1440))
        if status in (CLOSED, CaseStatus.HANDLED) or (status == CaseStatus.VOIDED and rng.random() < 0.5):
            if rng.random() < 0.3:
                told.append(("rework", CaseStatus.HANDLED, HANDLING, at))
            if rng.random() < 0.2:
                told.append(("unsolved", CaseStatus.VERIFIED, HANDLING, at))
            if rng.random() < 0.25 and not case["historic"]:
                at = self._later(at)
                told.append(("close", CaseStatus.VERIFIED, CLOSED, at))
                told.append(("reopen", CLOSED, HANDLING, at := self._later(at, 20)))
            case["handled_at"] = at = self._later(at)
        if status in (CLOSED, *OVER):
            case["closed_at"] = at = self._later(at)
            step = {CLOSED: "close", CaseStatus.VOIDED: "void", CaseStatus.MERGED: "merge"}.get(status, "reject")
            if not case["historic"]:
                told.append((step, CaseStatus.VERIFIED, status, at))
        elif status is HANDLING and rng.random() < 0.5:
            told += [
                ("close", CaseStatus.VERIFIED, CLOSED, self._later(at)),
                ("reopen", CLOSED, HANDLING, self._later(at, 30)),
            ]
        if status is CaseStatus.MERGED:
            case["master_id"] = self.inside["case"]
        if rng.random() < 0.3:
            case["raised_to"], case["raised_at"] = "12345", self._later(case["reported_at"], 150)
        return {"case": case, "told": told}

    def _below(self, cases: list[dict[str, Any]]) -> None:
        """All that hangs on the cases."""
        rng, session = self.rng, self.session
        rows: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for number, row in enumerate(cases):
            case, id_ = row["case"], row["id"]
            about = {"case_id": id_}
            events_ = [
                {"at": at, "step": step, "from_status": before, "to_status": after, "actor_id": None}
                | {"actor_name": "测试", "opinion": None, "payload": {}}
                for step, before, after, at in row["told"]
            ]
            rows[models.CaseEvent] += events.chain(id_, events_)
            at = case.get("handled_at") or case["reported_at"]
            for _n in range(rng.choice([0, 1, 1, 2])):
                rows[models.Feedback].append(
                    {
                        **about,
                        "target": rng.choice(list(FeedbackTarget)),
                        "channel": "phone",
                        "content": "已告知",
                        "at": rng.choice(
                            [self._later(at, 4), at.replace(second=0, microsecond=0), case["reported_at"]]
                        ),
                        "satisfaction": rng.choice([*Satisfaction, None]),
                    }
                )
            if rng.random() < 0.7:
                rows[models.CaseParty].append(
                    {
                        **about,
                        "role": rng.choice([PartyRole.COMPLAINANT, PartyRole.COMPLAINANT, PartyRole.RESPONDENT]),
                        "anonymous": False,
                        "name": "张三",
                        "phone_hash": rng.choice([None, *(f"h{n}" for n in range(8))]),
                    }
                )
            if rng.random() < 0.4:
                rows[models.Action].append(
                    {**about, "at": at, "kind": "persuasion", "officer_id": rng.choice([None, self.officers[0]])}
                )
            if rng.random() < 0.3:
                rows[models.DeadlineChange].append(self._change(about, at))
            if rng.random() < 0.8:
                rows[models.Referral].append(self._referral(about, at))
            if rng.random() < 0.6:
                rows[models.Mediation].append(self._mediation(about, at, number))
            if rng.random() < 0.5:
                rows[models.HotlineOrder].append(self._order(about, case, at, number))
        for model, some in rows.items():
            ids = add(session, model, some)
            if model is models.Mediation:
                self._sessions(ids)

    def _change(self, about: dict[str, Any], at: datetime) -> dict[str, Any]:
        return {
            **about,
            "kind": self.rng.choice(["extension", "extension", "suspension", "performance"]),
            "status": self.rng.choice(["asked", "approved", "approved", "refused", "over"]),
            "reason": "等待",
            "asked_at": at,
            "asked_by": "甲",
            "for_office": False,
        }

    def _referral(self, about: dict[str, Any], at: datetime) -> dict[str, Any]:
        rng = self.rng
        status = rng.choice(list(ReferralStatus))
        sent = self._later(at, 3)
        made = {
            **about,
            "department_id": self.inside["department"],
            "kind": "notice" if status is ReferralStatus.INFORMED else rng.choice(KINDS),
            "status": status,
            "sent_at": sent,
            "sign_due_at": rng.choice([sent + timedelta(days=2), sent + timedelta(days=60), None]),
            "urged_count": 0,
        }
        if status is not ReferralStatus.SENT and rng.random() < 0.7:
            made["signed_at"] = self._later(sent, 4)
        if status is ReferralStatus.REPLIED or (status is ReferralStatus.RETURNED and rng.random() < 0.7):
            made["replied_at"], made["reply"] = self._later(sent, 9), "已清拖"
        if status is ReferralStatus.RETURNED:
            made["return_reason"] = "不属本部门职责"
        return made

    def _order(self, about: dict[str, Any], case: dict[str, Any], at: datetime, number: int) -> dict[str, Any]:
        rng = self.rng
        return {
            **about,
            "community_id": case["community_id"],
            "order_no": f"T{number:06}",
            "content": "来电",
            "sent_at": at,
            "sign_by": rng.choice([at + timedelta(hours=2), at + timedelta(days=60), None]),
            "signed_at": rng.choice([self._later(at, 1), None]),
            "replied_at": rng.choice([self._later(at, 9), None]),
            "returns": rng.choice([0, 0, 0, 1, 2]),
            "made_case": True,
        }

    def _mediation(self, about: dict[str, Any], at: datetime, number: int) -> dict[str, Any]:
        rng = self.rng
        status = rng.choice([*MediationStatus, MediationStatus.AGREED])
        made = {
            **about,
            "mediation_no": f"TJ-2018-{number:06}",
            "party_a": "张三",
            "party_b": "李四",
            "kind": "noise",
            "dispute": "噪声",
            "status": status,
            "started_at": at,
        }
        if status is not MediationStatus.RUNNING:
            made["ended_at"] = rng.choice([self._later(at, 20), None])
        if status is MediationStatus.FAILED:
            made["remedies"] = "可起诉"
        if status is MediationStatus.AGREED:
            made |= {"agreement": "移机", "perform_by": self._later(at, 40).date()}
            made["performance"] = rng.choice([*Performance, None])
        return made

    def _sessions(self, mediations: list[int]) -> None:
        rng = self.rng
        rows = [
            {"mediation_id": id_, "session_no": n, "held_at": MIDDLE, "attending": "both", "minutes": "各自陈述"}
            for id_ in mediations
            for n in range(1, rng.randint(0, 3) + 1)
        ]
        members = [
            {"session_id": id_, "force": force, "name": force.value}
            for id_ in add(self.session, models.MediationSession, rows)
            for force in models.Force
            if rng.random() < 0.6
        ]
        add(self.session, models.MediationMember, members)

    def _visits(self) -> None:
        rng = self.rng
        first = date(2026, 4, 6)
        rows = []
        for week in range(20):
            monday = first + timedelta(weeks=week)
            for community in self.communities[:6]:
                status = rng.choice(list(VisitStatus)) if monday <= date(2026, 7, 20) else VisitStatus.PLANNED
                rows.append({"planned_on": monday, "community_id": community, "status": status})
                if status in (VisitStatus.DONE, VisitStatus.MADE_UP):
                    rows[-1]["arrived_at"] = MIDDLE
                if status is VisitStatus.EXEMPT:
                    rows[-1]["reason"] = "封控"
        add(self.session, models.Visit, rows)


# The figures once more.

Pair = tuple[list[Any], list[Any]]


class Plain:
    """Every figure by looking at one record after the other. Reads what its session's actor reaches."""

    def __init__(self, session: Session) -> None:
        def every(model: Any) -> list[Any]:
            return list(session.execute(sa.select(model)).scalars())

        self.cases = {case.id: case for case in every(models.Case)}
        self.communities = {one.id: one for one in every(models.Community)}
        self.squads = {one.id: one for one in every(models.Squad)}
        self.codes = {one.id: one.code for one in every(models.ChecklistItem)}
        self.visits, self.referrals, self.feedback = (
            every(m) for m in (models.Visit, models.Referral, models.Feedback)
        )
        self.mediations, self.sessions = every(models.Mediation), every(models.MediationSession)
        self.orders = every(models.HotlineOrder)
        self.events: dict[int, list[Any]] = defaultdict(list)
        for event in every(models.CaseEvent):
            self.events[event.case_id].append(event)
        self.extended = {
            change.case_id
            for change in every(models.DeadlineChange)
            if (change.kind.value, change.status.value) == ("extension", "approved")
        }
        self.acted = {act.case_id for act in every(models.Action) if act.officer_id is not None}
        self.callers: dict[int, set[str]] = defaultdict(set)
        for party in every(models.CaseParty):
            if party.role is PartyRole.COMPLAINANT and party.phone_hash:
                self.callers[party.case_id].add(party.phone_hash)
        mediated = {one.id: one.case_id for one in self.mediations}
        held = {one.id: mediated[one.mediation_id] for one in self.sessions}
        self.forces: dict[int, set[str]] = defaultdict(set)
        for member in every(models.MediationMember):
            self.forces[held[member.session_id]].add(member.force.value)
        self.calendar: Calendar = office_calendar(session)
        self.window = timedelta(days=settings.get(session, "repeat_days"))
        self.feedback_days = settings.get(session, "feedback_days")
        self._known: dict[Span, dict[str, Pair]] = {}

    def figures(self, span: Span) -> dict[str, Pair]:
        """By figure the records of its part and of its whole."""
        if span not in self._known:
            self._known[span] = self._figures(span)
        return self._known[span]

    def _figures(self, span: Span) -> dict[str, Pair]:

        def within(moment: datetime | None) -> bool:
            return moment is not None and span.first <= moment.astimezone(ZONE).date() <= span.last

        cases = list(self.cases.values())
        due = [c for c in cases if within(c.due_at) and c.status not in (*OVER, CaseStatus.SUSPENDED)]
        closed = [c for c in due if c.status is CLOSED]
        handled = [c for c in cases if within(c.handled_at) and c.status is not CaseStatus.VOIDED]
        ended = [c for c in cases if c.status is not CaseStatus.VOIDED and any(map(within, self.closures(c)))]
        reported = [
            c
            for c in cases
            if within(c.reported_at) and not c.historic and c.status not in (CaseStatus.VOIDED, CaseStatus.REJECTED)
        ]
        visits = [v for v in self.visits if span.first <= v.planned_on <= min(span.last, today())]
        sent = [
            r
            for r in self.referrals
            if within(r.sent_at) and r.kind.value != "notice" and r.status is not ReferralStatus.WITHDRAWN
        ]
        to_sign = [r for r in sent if r.sign_due_at and (r.signed_at or r.replied_at or r.sign_due_at < now())]
        orders = [o for o in self.orders if within(o.sent_at)]
        to_be_signed = [o for o in orders if o.sign_by and (o.signed_at or o.sign_by < now())]
        answered = [o for o in orders if o.replied_at or o.returns]
        asked = [
            f
            for f in self.feedback
            if within(f.at)
            and not self.cases[f.case_id].historic
            and f.satisfaction not in (None, Satisfaction.UNREACHED)
        ]
        over = [m for m in self.mediations if within(m.ended_at) and m.status is not MediationStatus.RUNNING]
        promised = [
            m
            for m in self.mediations
            if m.status is MediationStatus.AGREED
            and span.first <= m.perform_by <= span.last
            and (m.performance in (Performance.PERFORMED, Performance.BREACHED) or m.perform_by < today())
        ]
        ids = {m.id for m in over}
        accepted = [c for c in handled if c.accepted_at]
        to_tell = [c for c in handled if not c.historic and (self.told(c) or self.tell_by(c) < now())]
        return {
            "closing": (closed, due),
            "closing_in_time": ([c for c in closed if c.closed_at <= c.due_at], due),
            "hotline_signing": ([o for o in to_be_signed if o.signed_at and o.signed_at <= o.sign_by], to_be_signed),
            "hotline_returns": ([o for o in answered if o.returns], answered),
            "rework": ([c for c in due if any(e.step in ("rework", "unsolved") for e in self.events[c.id])], due),
            "extension": ([c for c in due if c.id in self.extended], due),
            "duration": (accepted, accepted),
            "next_day": ([c for c in handled if (day(c.handled_at) - day(c.reported_at)).days <= 1], handled),
            "three_forces": ([c for c in handled if self.all_forces(c)], handled),
            "feedback": ([c for c in to_tell if any(at <= self.tell_by(c) for at in self.told(c))], to_tell),
            "satisfaction": ([f for f in asked if f.satisfaction is not Satisfaction.UNSATISFIED], asked),
            "repeats": ([c for c in reported if any(self.repeats(c, other) for other in cases)], reported),
            "not_raised": ([c for c in ended if not self.raised(c, list(filter(within, self.closures(c))))], ended),
            "visits": (
                [v for v in visits if v.status in (VisitStatus.DONE, VisitStatus.MADE_UP)],
                [v for v in visits if v.status is not VisitStatus.EXEMPT],
            ),
            "punctual": ([v for v in visits if v.status is VisitStatus.DONE], visits),
            "signing": (
                [
                    r
                    for r in to_sign
                    if (r.signed_at or r.replied_at or now()) <= r.sign_due_at and (r.signed_at or r.replied_at)
                ],
                to_sign,
            ),
            "replies": ([r for r in sent if r.status is ReferralStatus.REPLIED], sent),
            "returns": ([r for r in sent if r.status is ReferralStatus.RETURNED], sent),
            "agreement": ([m for m in over if m.status is MediationStatus.AGREED], over),
            "performance": ([m for m in promised if m.performance is Performance.PERFORMED], promised),
            "sessions": ([s for s in self.sessions if s.mediation_id in ids], over),
        }

    def closures(self, case: Any) -> list[datetime]:
        """All closures of a case: as it stands, and those of its events if it was reopened."""
        found = [case.closed_at] if case.status is CLOSED and case.closed_at else []
        if any(event.step == "reopen" for event in self.events[case.id]):
            found += [event.at for event in self.events[case.id] if event.step == "close"]
        return found

    def told(self, case: Any) -> list[datetime]:
        """When the liaison was told since the case was handled."""
        since = case.handled_at.replace(second=0, microsecond=0)
        return [
            one.at
            for one in self.feedback
            if one.case_id == case.id and one.target is FeedbackTarget.LIAISON and one.at >= since
        ]

    def tell_by(self, case: Any) -> datetime:
        return deadlines.due(case.handled_at, self.feedback_days, LimitUnit.WORKING_DAY, self.calendar)

    def all_forces(self, case: Any) -> bool:
        mediated = self.forces[case.id]
        community = case.source is Source.LIAISON or "community" in mediated
        return (
            (case.id in self.acted or "enforcement" in mediated)
            and community
            and bool(mediated & {"mediator", "volunteer"})
        )

    def repeats(self, case: Any, earlier: Any) -> bool:
        if earlier.id == case.id or earlier.historic or case.item_id is None or earlier.item_id is None:
            return False
        if self.codes[earlier.item_id] != self.codes[case.item_id]:
            return False
        place = case.place is not None and (case.community_id, case.place) == (earlier.community_id, earlier.place)
        if not place and not self.callers[case.id] & self.callers[earlier.id]:
            return False
        return any(
            whole(at) <= whole(case.reported_at) <= whole(at) + self.window and at <= case.reported_at
            for at in self.closures(earlier)
        )

    def raised(self, case: Any, closures: Iterable[datetime]) -> bool:
        if case.raised_at is None:
            return False
        return any(at <= case.raised_at and whole(case.raised_at) - whole(at) <= self.window for at in closures)

    # Groups.

    def key(self, by: Grouping, record: Any) -> Any:
        """The group of a record; "nowhere" for one that can't be told by list."""
        about = self.about(record)
        if by in (Grouping.LIST, Grouping.ITEM):
            if isinstance(record, models.Visit):
                return "nowhere"
            return about.list_kind if by is Grouping.LIST else self.codes.get(about.item_id)
        place = self.communities.get(about.community_id)
        if place is None:
            return "not visible"
        if by is Grouping.PILOT:
            return None if place.squad_id is None else self.squads[place.squad_id].is_pilot
        return {Grouping.COMMUNITY: place.id, Grouping.STREET: place.street_id, Grouping.SQUAD: place.squad_id}[by]

    def about(self, record: Any) -> Any:
        if isinstance(record, models.Case | models.Visit):
            return record
        if isinstance(record, models.MediationSession):
            record = next(m for m in self.mediations if m.id == record.mediation_id)
        return self.cases[record.case_id]

    def days(self, cases: Iterable[Any]) -> list[int]:
        return [deadlines.working_days_between(c.accepted_at, c.handled_at, self.calendar) for c in cases]


def day(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def whole(moment: datetime) -> datetime:
    """Without fractions of a second."""
    return moment.replace(microsecond=0)


Told = dict[str, tuple[int, int, float | None, float | None]]


def told(plain: Plain, pairs: dict[str, Pair], belongs: Callable[[Any], bool]) -> Told:
    """Part, whole, number and median of every figure, of the records that belong to a group."""
    found: Told = {}
    for name, (part, all_) in pairs.items():
        some, of = [r for r in part if belongs(r)], [r for r in all_ if belongs(r)]
        if name == "duration":
            spent = plain.days(of)
            pair = (statistics.mean(spent), statistics.median(spent)) if spent else (None, None)
            found[name] = (len(of), len(of), *pair)
        else:
            found[name] = (len(some), len(of), len(some) / len(of) if of else None, None)
    return found
