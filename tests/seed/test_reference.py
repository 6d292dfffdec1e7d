"""The reference data: complete, added once, and never put over what the office changed."""

from __future__ import annotations

from collections import Counter
from datetime import date

import sqlalchemy as sa

from models import CalendarDay, ChecklistItem, Department, LimitUnit, ListKind
from seed import reference
from tests.factories import memory_session


def test_the_lists_are_complete() -> None:
    with memory_session() as session:
        added = reference.load(session)
        items = {item.code: item for item in session.scalars(sa.select(ChecklistItem))}
        kinds = Counter(item.list_kind for item in items.values())
        assert added["items"] == len(items) == 38
        assert kinds == {ListKind.ENFORCEMENT: 23, ListKind.SERVICE: 15}
        assert all((item.department is None) == (item.list_kind is ListKind.ENFORCEMENT) for item in items.values())
        assert all(item.category for item in items.values())
        poultry, noise, vehicles = items["ZF03"], items["ZF23"], items["FW03"]
        assert poultry.legal_basis == "《浙江省城市市容和环境卫生管理条例》第三十三条"
        assert (poultry.limit_value, poultry.limit_unit) == (3, LimitUnit.WORKING_DAY)
        assert noise.needs_measurement
        assert noise.mediable
        assert vehicles.department is not None
        assert vehicles.department.name == "公安交警"
        assert (items["FW05"].limit_value, items["FW05"].limit_unit) == (2, LimitUnit.CLOCK_HOUR)


def test_a_second_time_adds_nothing() -> None:
    with memory_session() as session:
        first = reference.load(session)
        session.commit()
        assert all(first.values())
        assert not any(reference.load(session).values())
        assert not session.new
        assert not session.dirty


def test_what_the_office_changed_stays_and_what_is_missing_comes_back() -> None:
    with memory_session() as session:
        reference.load(session)
        item = session.scalars(sa.select(ChecklistItem).where(ChecklistItem.code == "ZF12")).one()
        item.limit_value, item.name = 6, "街面流动设摊"
        day = session.scalars(sa.select(CalendarDay).where(CalendarDay.day == date(2026, 10, 10))).one()
        day.is_work = False
        session.delete(session.scalars(sa.select(ChecklistItem).where(ChecklistItem.code == "FW15")).one())
        session.delete(session.scalars(sa.select(Department).where(Department.name == "街道")).one())
        session.commit()
        assert reference.load(session) == {"departments": 1, "items": 1, "days": 0, "phrases": 0}
        session.commit()
        assert (item.limit_value, item.name) == (6, "街面流动设摊")
        assert not day.is_work


def test_days_have_the_names_people_use() -> None:
    days = {day: (is_work, name) for day, is_work, name in reference.notices()}
    assert days[date(2026, 10, 1)] == (False, "国庆节")
    assert days[date(2026, 10, 10)] == (True, "国庆节调休上班")
    assert days[date(2026, 2, 28)] == (True, "春节调休上班")
    assert days[date(2025, 5, 31)] == (False, "端午节"), "a rest day by itself, but named"
    assert all(name and not name.isascii() for _is_work, name in days.values())
    assert {day.year for day in days} >= {2024, 2025, 2026}
