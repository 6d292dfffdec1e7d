"""Measurements are judged by the zone and the hour, whoever writes them down; what can't be judged says why."""

from __future__ import annotations

import html
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.settings import settings
from bureau.settings.noise_limits import Limits, Night, NightHours, NoiseLimits
from models import Conclusion, Measurement, Period
from panel.kinds import ZONE, Invalid, now
from panel.security.records import AuditEntry
from tests import steps
from tests.factories import Stage

DAY, NIGHT = Period.DAY, Period.NIGHT
WITHIN, OVER = Conclusion.WITHIN, Conclusion.OVER


def measure(stage: Stage, zone: int | None, clock: str, value: str, **given: Any) -> Measurement:
    """A measurement yesterday at that time of ours, as it stands in the database."""
    at = datetime.combine(now().astimezone(ZONE).date() - timedelta(1), time.fromisoformat(clock), ZONE)
    with stage.session() as session:
        session.get_one(models.Community, stage.inside["community"]).noise_zone = zone
    id_ = stage.add("measurement", **{"at": at, "value": Decimal(value), "instrument_until": date(2099, 1, 1)} | given)
    found = stage.get("measurement", id_)
    assert isinstance(found, Measurement)
    return found


def test_the_limits_of_zone_and_hour(growing: Stage) -> None:
    limits = {0: (50, 40), 1: (55, 45), 2: (60, 50), 3: (65, 55), 4: (70, 55)}
    table = [
        (zone, clock, str(limit + more), period, limit, WITHIN if more <= 0 else OVER)
        for zone, by_period in limits.items()
        for clock, period in (("06:00", DAY), ("21:59", DAY), ("22:00", NIGHT), ("05:59", NIGHT))
        for limit in [by_period[period is NIGHT]]
        for more in (Decimal(0), Decimal("0.1"))
    ]
    for zone, clock, value, period, limit, conclusion in table:
        made = measure(growing, zone, clock, value)
        assert (made.period, made.limit_value, made.conclusion) == (period, limit, conclusion), (zone, clock, value)


def test_the_office_keeps_limits_and_night(stage: Stage) -> None:
    with stage.session() as session:
        settings.put(session, "noise_limits", "50/40,55/45，60/48、65/55;70/55")
        settings.put(session, "night_hours", "21:30-06:30")
        assert settings.get(session, "noise_limits").limit(2, NIGHT) == 48
        for key, wrong in (
            ("noise_limits", "50/40"),
            ("noise_limits", "50/40,55/45,60/50,65/55,70/0"),
            ("noise_limits", "a/b,55/45,60/50,65/55,70/55"),
            ("night_hours", "06:00-22:00"),
            ("night_hours", "25:00-6:00"),
        ):
            with pytest.raises(Invalid):
                settings.put(session, key, wrong)
    made = measure(stage, 2, "21:40", "48.1")
    assert (made.period, made.limit_value, made.conclusion) == (NIGHT, 48, OVER)


@pytest.mark.parametrize(("days", "conclusion"), [(0, WITHIN), (-1, None)])
def test_an_instrument_is_valid_on_the_day_of_measuring(stage: Stage, days: int, conclusion: Conclusion | None) -> None:
    yesterday = now().astimezone(ZONE).date() - timedelta(1)
    made = measure(stage, 1, "23:30", "44", instrument_until=yesterday + timedelta(days), case_id=steps.new_case(stage))
    assert made.conclusion is conclusion
    page = html.unescape(stage.browse("officer").get(f"/admin/measurement/details/?id={made.id}").text)
    assert ("检测时已过期" in page) is (conclusion is None)
    case = html.unescape(stage.browse("officer").get(f"/admin/case/details/?id={made.case_id}").text)
    assert ("检测时已过期" in case) is (conclusion is None)


def test_without_a_zone_it_says_what_to_enter_and_is_judged_later(stage: Stage) -> None:
    made = measure(stage, None, "10:00", "54")
    assert (made.period, made.limit_value, made.conclusion) == (DAY, None, None)
    office, page = stage.browse("office"), f"/admin/measurement/details/?id={made.id}"
    assert "东栅社区尚未填写声功能区" in html.unescape(office.get(page).text)
    answer = office.post("/admin/measurement/judge/", {"id": str(made.id)}, follow_redirects=True)
    assert "尚未填写声功能区" in html.unescape(answer.text)
    with stage.session() as session:
        session.get_one(models.Community, stage.inside["community"]).noise_zone = 1
    assert stage.browse("viewer").post("/admin/measurement/judge/", {"id": str(made.id)}).status_code == 403
    office.post("/admin/measurement/judge/", {"id": str(made.id)})
    found = stage.get("measurement", made.id)
    assert (found.limit_value, found.conclusion) == (55, WITHIN)


def test_nobody_types_a_conclusion(stage: Stage) -> None:
    """Neither through the form, nor below it."""
    case = stage.inside["case"]
    form = f"/admin/measurement/new/?case={case}"
    typed = stage.browse("officer").form(form)
    assert not {"period", "limit_value", "conclusion"} & set(typed)
    typed |= {
        "at": "2026-01-05T10:00",
        "point": "东门厂界",
        "value": "70.5",
        "instrument_no": "AWA-1",
        "instrument_until": "2099-01-01",
        "officer": str(stage.inside["officer"]),
        "second_officer": str(stage.inside["second_officer"]),
        "conclusion": "within",
        "limit_value": "99",
        "period": "night",
    }
    assert stage.browse("officer").post(form, typed).status_code == 302
    with stage.session() as session:
        made = session.scalars(sa.select(Measurement).order_by(Measurement.id.desc())).first()
        assert made is not None
        assert (made.period, made.limit_value, made.conclusion) == (DAY, 55, OVER)
        told = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.table_name == "measurement", AuditEntry.record_id == made.id)
        ).one()
        assert told.changes["conclusion"] == [None, "over"]
        made.conclusion, made.limit_value = WITHIN, Decimal(99)
        session.flush()
        assert (made.limit_value, made.conclusion) == (55, OVER)
        made.value = Decimal(55)
        session.flush()
        assert made.conclusion is WITHIN
    typed.pop("form_token")
    same = typed | {"second_officer": str(stage.inside["officer"])}
    answer = stage.browse("officer").post(form, same)
    assert answer.status_code == 422
    assert "两名队员不能是同一人" in html.unescape(answer.text)
    future = typed | {"at": "2099-01-01T10:00"}
    assert "时间不能晚于现在" in html.unescape(stage.browse("officer").post(form, future).text)


def test_a_later_change_of_the_limits_leaves_what_was_judged(stage: Stage) -> None:
    made = measure(stage, 1, "10:00", "54")
    with stage.session() as session:
        settings.put(session, "noise_limits", "40/30,41/31,42/32,43/33,44/34")
        record = session.get_one(Measurement, made.id)
        record.note = "附照片"
        session.flush()
        assert (record.limit_value, record.conclusion) == (55, WITHIN)


def test_a_kind_reads_what_it_writes() -> None:
    for kind, value in ((Limits(), NoiseLimits()), (Night(), NightHours())):
        assert kind.parse(kind.format(value)) == value  # type: ignore[arg-type]
    assert NightHours().period(datetime(2026, 5, 6, 14, 0, tzinfo=UTC)) is NIGHT
