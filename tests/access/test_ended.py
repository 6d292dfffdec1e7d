"""Nothing new refers to people who left, places that closed and versions that are over, whichever way it is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

import models
from panel.base import Base
from panel.kinds import today
from panel.security import ended
from panel.security.locks import EVERYTHING, Unmet, unlocked
from panel.security.session import elevated
from panel.store import bulk
from tests import factories
from tests.factories import MODELS, Stage
from tests.factories.clocks import MOMENT
from tests.workbooks import Office, errors, outcomes, table

REFERENCES = sorted((name, attr) for name, model in MODELS.items() for attr in ended.references(model))
YESTERDAY, LATER = date(2026, 7, 14), date(2026, 12, 7)
#: What makes a row of the district one of today or later, and one of the past.
OF_TODAY: dict[str, dict[str, Any]] = {
    "visit": {"planned_on": LATER},
    "deputy": {"end_on": LATER},
    "action": {"at": MOMENT},
}
OF_PAST: dict[str, dict[str, Any]] = {
    "visit": {"planned_on": YESTERDAY},
    "deputy": {"end_on": YESTERDAY},
    "action": {"at": MOMENT - timedelta(3)},
    "assignment": {"end_on": YESTERDAY},
    "liaison": {"end_on": YESTERDAY},
    "case": {"historic": True},
}


@pytest.fixture
def gone(growing: Stage) -> dict[type[Base], int]:
    """A record that has ended, of each table in which one can."""
    with growing.session() as session:
        name = f"旧人{models.Officer.__name__}"
        found = session.scalar(sa.select(models.Officer.id).where(models.Officer.name == name))
        place = session.scalar(sa.select(models.Community.id).where(models.Community.name == "旧社区"))
        if found is None:
            closed = models.CommunityStatus.CLOSED
            over = {"start_on": today() - timedelta(900), "end_on": today() - timedelta(800)}
            community = models.Community(name="旧社区", street_id=growing.inside["street"], status=closed)
            session.add_all([models.Officer(name=name, squad_id=growing.inside["squad"], active=False), community])
            session.flush()
            session.add(models.Liaison(name=name, community_id=growing.inside["community"], **over))
            old = {"list_kind": models.ListKind.SERVICE, "limit_value": 1, "valid_until": today() - timedelta(1)}
            session.add(models.ChecklistItem(code="JJ01", name="旧事项", **old))
            session.flush()
            place = community.id

        def one(model: Any) -> int:
            return session.scalars(sa.select(model.id).where(model.name.in_((name, "旧事项")))).one()

        people: list[type[Base]] = [models.Officer, models.Liaison, models.ChecklistItem]
        return {models.Community: place or 0, **{model: one(model) for model in people}}


@contextmanager
def writing(stage: Stage, name: str, **given: Any) -> Iterator[tuple[Session, Any]]:
    """A session of the office past its permissions and locks, and the row of the district as it would be then."""
    with stage.acting("office") as session, elevated(session), unlocked(session, *MODELS):
        record = session.get_one(MODELS[name], stage.inside[name])
        if given:
            session.execute(sa.update(MODELS[name].__table__).where(MODELS[name].id == record.id).values(**given))
            session.expire(record)
        yield session, record


def test_every_reference_to_what_ends_is_known() -> None:
    known = {name for name, _attr in REFERENCES}
    assert {"case", "assignment", "deputy", "visit", "liaison", "action", "volunteer", "surveyentry"} <= known


@pytest.mark.parametrize(("name", "attr"), REFERENCES)
def test_no_row_begins_to_refer_to_what_has_ended(
    growing: Stage, gone: dict[type[Base], int], name: str, attr: str
) -> None:
    field, target = ended.references(MODELS[name])[attr]
    with writing(growing, name, **OF_TODAY.get(name, {})) as (session, record):
        before = getattr(record, attr)
        setattr(record, attr, gone[target])
        with pytest.raises(Unmet) as refused:
            session.flush()
        assert refused.value.field == field.name
    with writing(growing, name, **OF_TODAY.get(name, {})) as (session, record):
        edit = bulk.Edit(record.id, record.version, {attr: gone[target]}, {attr: before})
        with pytest.raises(Unmet):
            bulk.edit(session, MODELS[name], [edit])
    with writing(growing, name, **OF_TODAY.get(name, {}), **{attr: gone[target]}) as (session, record):
        kept = bulk.Edit(record.id, record.version, {attr: gone[target]}, {attr: gone[target]})
        bulk.edit(session, MODELS[name], [kept])  # an old row keeps its reference
    if name in OF_PAST:
        with writing(growing, name, **OF_PAST[name]) as (session, record):
            setattr(record, attr, gone[target])
            session.flush()
    with writing(growing, name) as (session, record), unlocked(session, EVERYTHING):
        setattr(record, attr, gone[target])
        session.flush()  # an import is taken back


def test_a_new_row_is_refused_by_form_bulk_writer_and_import(growing: Stage, gone: dict[type[Base], int]) -> None:
    community = gone[models.Community]
    volunteer = {"name": "周阿姨", "community_id": community}
    with growing.acting("office") as session, pytest.raises(Unmet):
        bulk.add(session, models.Volunteer, [volunteer])
    with growing.acting("office") as session:
        session.add(models.Volunteer(**volunteer))
        with pytest.raises(Unmet):
            session.flush()
    typed = factories.typed("volunteer", growing.inside) | {"community": str(community)}
    assert growing.browse("office").post("/admin/volunteer/new/", typed).status_code == 422
    for person in ("", "office"):
        plan = Office(growing, person).plan("volunteer", table(("姓名", "社区"), ("周阿姨", "旧社区")))
        assert outcomes(plan) == {2: "failed"}
        assert [place for _row, place, _why in errors(plan)] == ["社区"]


def test_an_import_of_the_past_names_the_people_of_its_day(growing: Stage, gone: dict[type[Base], int]) -> None:
    day = today()
    with growing.session() as session:
        name = session.get_one(models.Officer, gone[models.Officer]).name
        place = session.get_one(models.Community, growing.inside["community"]).name
    header = ("社区", "联居队员", "起始时间", "结束时间")
    rows = [(place, name, day - timedelta(900), day - timedelta(850)), (place, name, day + timedelta(300), None)]
    plan = Office(growing).plan("assignment", table(header, *rows))
    assert outcomes(plan)[2] == "new"
    assert outcomes(plan)[3] == "failed"
    header = ("受理时间", "社区", "地点", "问题描述", "主办队员", "处置方式", "处理结果", "办结时间")
    ledger = ("2025-05-04 09:00", "旧社区", "东塔路 9 号", "占道", name, "劝导", "已整改", "2025-05-06 10:00")
    plan = Office(growing).run("case", table(header, ledger))
    assert outcomes(plan) == {2: "new"}


def test_links_of_many_fields_are_held_too(growing: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """An added link alone is looked at."""
    monkeypatch.setattr(models.Attachment, "is_ended", classmethod(lambda _cls, columns: columns.id > 0))
    ended.references.cache_clear()
    try:
        with growing.session() as session:
            about = {
                "file_name": "现场.jpg",
                "media_type": "image/jpeg",
                "size": 1,
                "sha256": "0" * 64,
                "added_by": "测试",
            }
            photo = models.Attachment(case_id=growing.inside["case"], phase=models.AttachmentPhase.BEFORE, **about)
            session.add(photo)
            session.flush()
            id_ = photo.id
        with writing(growing, "referral") as (session, record):
            record.enclosures = [session.get_one(models.Attachment, id_)]
            with pytest.raises(Unmet) as refused:
                session.flush()
            assert refused.value.field == "enclosures"
        with writing(growing, "referral") as (session, record):
            version = record.version
            with pytest.raises(Unmet):
                bulk.edit(session, models.Referral, [bulk.Edit(record.id, version, {"enclosures": (id_,)}, {})])
            kept = {"enclosures": (id_,)}
            bulk.edit(session, models.Referral, [bulk.Edit(record.id, version + 1, kept, kept)])
    finally:
        monkeypatch.undo()
        ended.references.cache_clear()
