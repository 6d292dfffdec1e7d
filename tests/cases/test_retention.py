"""People are anonymised when their time is over: previewed, logged, and nowhere left."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from bureau.settings import settings
from bureau.upkeep import retention
from models import CaseParty, CaseStatus, SurveyEntry, SurveyKind
from panel.imports.records import ImportRow
from panel.kinds import now
from panel.security.records import AuditEntry
from tests.factories import Stage

NAME, PHONE = "王小明", "13912340099"


def ended(stage: Stage) -> int:
    """A party of a case that ended, and a person in the survey."""
    with stage.session() as session:
        party = CaseParty(case_id=stage.inside["case"], name=NAME, phone=PHONE, address="东栅路三十七号")
        session.add(party)
        session.get_one(SurveyEntry, stage.inside["surveyentry"]).subject = NAME
        session.add(ImportRow(batch_id=stage.inside["importbatch"], number=9, outcome="changed", before={"x": PHONE}))
        session.flush()
        id_ = int(party.id)
    stage.put("case", stage.inside["case"], status=CaseStatus.VOIDED)
    return id_


@pytest.mark.database
def test_who_is_due_is_anonymised_and_nothing_is_left(stage: Stage) -> None:
    id_, home = ended(stage), stage.add("surveyentry", kind=SurveyKind.DOG, address="东栅路 40 号", subject=None)
    with stage.session() as session:
        assert retention.run_due(session) == 0, "off by default"
        settings.put(session, "party_keep_months", 1)
        assert id_ not in retention.due(session, retention.cutoff(session) or now()).parties, "it ended just now"
        later = now().replace(year=now().year + 1)
        records = retention.due(session, later)
        assert id_ in records.parties
        assert retention.anonymise(session, records, later) == records.count
        assert retention.due(session, later).count == 0
    party = stage.get("caseparty", id_)
    assert (party.name, party.phone, party.address, party.phone_hash) == ("已匿名", None, None, None)
    assert party.erased_at is not None
    assert [stage.get("surveyentry", entry).address for entry in (stage.inside["surveyentry"], home)] == [
        "东塔路 8 号",
        f"已匿名 {home}",
    ]
    with stage.session() as session:
        assert session.scalar(sa.select(ImportRow.before).where(ImportRow.number == 9)) is None
        noted = session.scalars(
            sa.select(AuditEntry.note).where(AuditEntry.table_name == "caseparty", AuditEntry.record_id == id_)
        ).all()
        assert noted[-1].startswith("个人信息")
    page = stage.browse("office").get(f"/admin/caseparty/details/?id={id_}").text
    assert "已匿名" in page
    assert "王*" not in page


def test_the_page_says_how_many_and_anonymises(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = ended(stage)
    office: Any = stage.browse("office")
    assert "未启用匿名化" in office.get("/retention").text
    assert stage.browse("officer").get("/retention").status_code == 403
    with stage.session() as session:
        settings.put(session, "party_keep_months", 1)
    monkeypatch.setattr(retention, "MONTH", -400)  # what ended just now is due
    page = office.get("/retention").text
    assert "立即匿名化" in page
    assert office.post("/retention", {}).status_code == 302
    assert stage.get("caseparty", id_).name == "已匿名"
    assert stage.browse("administrator").get("/retention").status_code == 200
