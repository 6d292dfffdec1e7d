"""Made-up measurements and mediations as rows, from a generator of their own, so that other draws don't change."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bureau.calendar import deadlines
from bureau.settings import noise_limits
from models import (
    NOISE,
    NOISE_STANDARD,
    AgreementForm,
    Attending,
    DisputeKind,
    EndedBy,
    Force,
    MediationStatus,
    PartyRole,
    Performance,
)
from seed import district
from seed.case_rows import CaseRows

LIMITS, NIGHT = noise_limits.NoiseLimits(), noise_limits.NightHours()
KINDS = {"外机": DisputeKind.NOISE, "漏水": DisputeKind.LEAK, "音响": DisputeKind.NOISE, "跑跳": DisputeKind.NOISE}
#: Texts of agreements by a word of the dispute.
AGREED = {
    "冷柜": "乙方将冷柜外机移至楼北侧，加装减振垫和隔声罩，费用由乙方承担；甲方提供施工方便。",
    "跑跳": "乙方在客厅、卧室铺设地垫，桌椅加脚套，晚22时至次日6时不跑跳、不拖拽家具。",
    "音响": "乙方降低音响音量，每日活动不早于7时、不晚于20时30分，考试期间暂停。",
    "漏水": "乙方维修卫生间防水，并修复甲方受损的天花板；维修期间双方互相配合。",
    "空调": "外机由北侧移至南侧，移机费用双方各承担一半，由甲方联系安装。",
}
MEDIATION_REASON = "实测未超限值或属相邻关系，执法难以处理，转调解。"
MINUTES = {
    Attending.ONE: "单独听取投诉人意见，了解影响的时段和程度，说明检测结果和相关规定。",
    Attending.OTHER: "单独与对方沟通，讲清影响邻里休息的情况，对方表示愿意协商。",
    Attending.BOTH: "双方到场，就整改方式、费用和期限逐项协商，调解员提出折中方案。",
}
REMEDIES = "已告知双方可向人民法院提起诉讼，或向街道人民调解委员会再次申请调解。"
UNSETTLED = "经调解双方未达成一致，已书面告知可通过诉讼解决，社区继续关注。"
KEPT = "到现场回访，已按协议完成，双方无异议。"
BROKEN = "到期回访仍未按协议整改，已督促并告知权利人可申请司法确认或起诉。"


class DisputeDraws:
    """Draws measurements and mediations and adds them to the rows of a case."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - made-up data, nothing to keep secret

    def measure(self, rows: CaseRows, at: datetime, *, within: bool) -> None:
        """Add a measurement by two officers, within the limit of the zone or over it."""
        rng, zone = self.rng, rows.staff.noise_zone
        period = NIGHT.period(at)
        limit = None if zone is None else LIMITS.limit(zone, period)
        offset = Decimal(rng.randint(5, 60)) / 10
        value = (limit or Decimal(50)) + (-offset if within else offset)
        second = rng.choice([person for person in rows.staff.squad if person.decides and person.id != rows.handler.id])
        rows.measurements.append(
            {
                "at": at,
                "subject": NOISE,
                "point": f"{rows.case['place']}边界外1米",
                "period": period,
                "value": value,
                "background": value - Decimal(rng.randint(100, 140)) / 10,
                "limit_value": limit,
                "conclusion": None if limit is None else noise_limits.judge(value, limit),
                "standard": NOISE_STANDARD,
                "instrument_no": f"AWA5688-{rows.staff.squad[0].id or 0:03d}",
                "instrument_until": date(deadlines.local_day(at).year, 12, 31),
                "officer_id": rows.handler.id,
                "second_officer_id": second.id,
                "created_at": at,
                "updated_at": at,
            }
        )

    def begin(self, rows: CaseRows, at: datetime) -> None:
        complainant = next((p["name"] for p in rows.parties if p["role"] == PartyRole.COMPLAINANT and p["name"]), None)
        first = complainant or self._name()
        kind = next((kind for word, kind in KINDS.items() if word in rows.case["description"]), DisputeKind.OTHER)
        rows.mediations.append(
            {
                "mediation_no": "",
                "party_a": first,
                "party_b": next(name for name in iter(self._name, None) if name != first),
                "kind": kind,
                "dispute": rows.case["description"],
                "status": MediationStatus.RUNNING,
                "started_at": at,
                "ended_at": None,
                "ended_by": None,
                "agreement": None,
                "agreement_form": None,
                "agreement_no": None,
                "perform_by": None,
                "performance": None,
                "followed_on": None,
                "follow_up": None,
                "remedies": None,
                "created_at": at,
                "updated_at": at,
                "sessions": [],
            }
        )

    def add_session(self, rows: CaseRows, at: datetime, attending: Attending, *, everybody: bool = False) -> None:
        """Add a session with officer, liaison and volunteers, some of them or all."""
        staff, rng = rows.staff, self.rng
        sessions = rows.mediations[-1]["sessions"]
        liaison = next((t.person for t in staff.liaisons if t.covers(deadlines.local_day(at))), None)
        members: list[dict[str, Any]] = [_member(Force.ENFORCEMENT, rows.handler.name, officer_id=rows.handler.id)]
        if liaison:
            members.append(_member(Force.COMMUNITY, liaison.name))
        for force, person in staff.volunteers:
            if everybody or rng.random() < (0.85 if force is Force.MEDIATOR else 0.4):
                members.append(_member(force, person.name, volunteer_id=person.id))
        sessions.append(
            {
                "session_no": len(sessions) + 1,
                "held_at": at,
                "place": f"{staff.stem}社区调解室",
                "chair": next((m["name"] for m in members if m["force"] is Force.MEDIATOR), rows.handler.name),
                "attending": attending,
                "minutes": MINUTES[attending],
                "created_at": at,
                "updated_at": at,
                "members": members,
            }
        )

    def agree(self, rows: CaseRows, at: datetime) -> None:
        drawn = self.rng.random()
        form = AgreementForm.ORAL if drawn >= 0.8 else AgreementForm.COMMITTEE if drawn < 0.3 else AgreementForm.WRITTEN
        rows.mediations[-1].update(
            status=MediationStatus.AGREED,
            ended_at=at,
            agreement=next(
                (words for word, words in AGREED.items() if word in rows.case["description"]),
                "双方互谅互让，不再就此事发生争执。",
            ),
            agreement_form=form,
            perform_by=deadlines.local_day(at) + timedelta(days=self.rng.choice((7, 10, 15))),
            performance=Performance.PENDING,
            updated_at=at,
        )

    def fail(self, rows: CaseRows, at: datetime) -> None:
        by = self.rng.choice((EndedBy.MEDIATORS, EndedBy.PARTY_A, EndedBy.PARTY_B))
        rows.mediations[-1].update(
            status=MediationStatus.FAILED, ended_at=at, ended_by=by, remedies=REMEDIES, updated_at=at
        )

    def follow_up(self, rows: CaseRows, at: datetime) -> Performance:
        performance = Performance.BREACHED if self.rng.random() < 0.1 else Performance.PERFORMED
        words = KEPT if performance is Performance.PERFORMED else BROKEN
        if performance is Performance.BREACHED:
            rows.mediations[-1]["perform_by"] = deadlines.local_day(at)
        rows.mediations[-1].update(
            performance=performance, followed_on=deadlines.local_day(at), follow_up=words, updated_at=at
        )
        return performance

    def _name(self) -> str:
        return self.rng.choice(district.SURNAMES) + self.rng.choice(district.GIVEN.split())


def _member(force: Force, name: str, **ids: int | None) -> dict[str, Any]:
    return {"force": force, "name": name, "officer_id": None, "volunteer_id": None, **ids}
