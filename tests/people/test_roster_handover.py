"""A roster hands over what hangs on whoever leaves, in the act of its import, and its undo gives it back."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import models
from bureau.people import roster_diff
from models import Case, CaseEvent, Liaison
from panel.errors import UserError
from panel.imports.records import ImportBatch
from panel.imports.undo import import_undo
from panel.imports.undo.undo_plan import UndoPlan
from panel.kinds import today
from panel.store import bulk
from tests import factories
from tests.factories import Stage
from tests.workbooks import Office, counts, errors, sentences, table

LABELS = ("街道", "社区", "姓名", "手机")
NEW = table(LABELS, ("城东街道", "东栅社区", "李敏", "13611112222"))
LEAVING = table(("社区", "姓名", "离任时间"), ("东栅社区", "胡秀珍", "2026-07-10"))


@pytest.fixture
def office(stage: Stage) -> Office:
    stage.put("visit", stage.inside["visit"], planned_on=date(2026, 7, 20))
    return Office(stage, "office")


def liaison_of(office: Office, case: int | None = None) -> str | None:
    """The name of the liaison of a case."""
    found = office.stage.get("case", case or office.stage.inside["case"]).liaison_id
    return None if found is None else str(office.stage.get("liaison", found).name)


def undo(office: Office) -> UndoPlan:
    """Take back the last import as far as possible; the plan."""
    with office.session() as session:
        batch = session.get_one(ImportBatch, office.ran[-1])
        registry = office.stage.panel.registry
        made = import_undo.plan(session, batch, registry)
        if made.going:
            import_undo.run(session, made, registry)
        return made


@pytest.mark.database
def test_a_succession_hands_over_says_so_and_is_taken_back(office: Office) -> None:
    old, case = office.stage.inside["liaison"], office.stage.inside["case"]
    made = office.plan("liaison", NEW)
    assert made.questions == []
    assert "李敏接手：未结案件 1、待访走访 1。" in [str(note) for note in made.rows[0].notes]
    office.run("liaison", NEW)
    assert liaison_of(office) == "李敏"
    visit = office.stage.get("visit", office.stage.inside["visit"])
    assert office.stage.get("liaison", visit.liaison_id).name == "李敏"
    result = office.stage.browse("office").get(f"/admin/importbatch/details/?id={office.ran[-1]}").text
    assert "李敏接手：未结案件 1、待访走访 1。" in result
    with office.stage.session() as session:
        newest = sa.select(CaseEvent).where(CaseEvent.case_id == case).order_by(CaseEvent.seq.desc()).limit(1)
        event = session.execute(newest).scalar_one()
        assert (event.step, event.opinion) == ("handover", f"社区联络员：胡秀珍 → 李敏；导入批次 {office.ran[-1]}")
    assert undo(office).staying == []
    assert liaison_of(office) == "胡秀珍"
    assert office.stage.get("liaison", old).end_on is None
    assert office.stage.get("visit", office.stage.inside["visit"]).liaison_id == old
    with office.stage.session() as session:
        assert session.execute(sa.select(Liaison).where(Liaison.name == "李敏")).first() is None


def test_what_went_on_since_prevents_the_undo_only_where_it_must(office: Office) -> None:
    office.run("liaison", NEW)
    with office.stage.session() as session:
        session.get_one(Case, office.stage.inside["case"]).title = "改过"
    assert undo(office).staying == []
    assert liaison_of(office) == "胡秀珍"
    office.run("liaison", NEW)
    office.stage.add("case", liaison_id=office.stage.get("case", office.stage.inside["case"]).liaison_id)
    (unit,) = undo(office).staying
    assert sentences([reason.message for reason in unit.reasons]) == ["1 case or visit is this liaison's by now."]
    assert liaison_of(office) == "李敏"


def test_whoever_leaves_without_a_successor_is_asked_about(office: Office) -> None:
    made = office.plan("liaison", LEAVING)
    (question,) = made.questions
    assert str(question.text) == "胡秀珍离任而没有接任人，名下还有：未结案件 1、待访走访 1。"
    assert [str(offer.label) for offer in question.offers] == [
        "岗位空缺：未结案件暂无联络员，由下一任接收",
        "不导入此行",
    ]
    with pytest.raises(UserError):
        office.run("liaison", LEAVING)
    office.run("liaison", LEAVING, confirmed=frozenset({question.key}))
    assert liaison_of(office) is None
    # The next one gets what waits.
    made = office.plan("liaison", NEW)
    assert "李敏接收待联络员的事项：未结案件 1。" in [str(note) for note in made.rows[0].notes]
    office.run("liaison", NEW)
    assert liaison_of(office) == "李敏"
    assert undo(office).staying == []
    assert liaison_of(office) is None
    office.ran.pop()
    assert undo(office).staying == []
    assert liaison_of(office) == "胡秀珍"


def test_a_last_day_and_a_successor_in_one_file_are_one_handover(office: Office) -> None:
    labels = ("街道", "社区", "姓名", "起始时间", "离任时间")
    rows = (
        ("城东街道", "东栅社区", "胡秀珍", None, "2026-07-10"),
        ("城东街道", "东栅社区", "李敏", "2026-07-11", None),
    )
    made = office.plan("liaison", table(labels, *rows))
    assert made.questions == []
    office.run("liaison", table(labels, *rows))
    assert liaison_of(office) == "李敏"
    assert office.stage.get("liaison", office.stage.inside["liaison"]).end_on == date(2026, 7, 10)


def test_whoever_left_long_ago_with_nothing_open_is_imported(office: Office) -> None:
    labels = ("街道", "社区", "姓名", "起始时间", "离任时间")
    data = table(labels, ("城东街道", "东栅社区", "周旧", "2019-01-01", "2021-12-31"))
    assert counts(office.run("liaison", data)) == {"new": 1}
    ended = table(labels, ("城东街道", "东栅社区", "周旧", "2019-01-01", "2022-01-31"))
    assert counts(office.run("liaison", ended)) == {"changed": 1}
    assert liaison_of(office) == "胡秀珍"


def test_a_file_does_not_retire_an_officer_on_whom_something_hangs(office: Office) -> None:
    officer = office.stage.get("officer", office.stage.inside["officer"])
    data = table(("姓名", "执法证号", "在岗"), (officer.name, officer.badge_no, "否"))
    made = office.plan("officer", data)
    (error,) = errors(made)
    held = "Open cases as lead officer 1, Assignments to communities 1, Planned visits 1"
    assert error[2] == f"沈建平 still holds: {held}. Hand over first."
    assert office.stage.get("officer", officer.id).active is True
    office.stage.put("case", office.stage.inside["case"], lead_officer_id=office.stage.inside["second_officer"])
    office.stage.put("visit", office.stage.inside["visit"], officer_id=None)
    with office.stage.session() as session:
        session.delete(session.get_one(models.Assignment, office.stage.inside["assignment"]))
    assert counts(office.run("officer", data)) == {"changed": 1}


def test_no_bulk_write_and_no_command_leads_round_the_rule(office: Office, tmp_path: Path) -> None:
    old = office.stage.inside["liaison"]
    with office.stage.acting("office") as session:
        version = session.get_one(Liaison, old).version
        bulk.edit(session, Liaison, [bulk.Edit(old, version, {"end_on": today()}, {"end_on": None})])
        with pytest.raises(UserError):
            session.commit()
        session.rollback()
    with office.stage.acting("office") as session, pytest.raises(UserError):
        roster_diff.end(session, {old: version}, today())
    file = tmp_path / "离任.xlsx"
    file.write_bytes(LEAVING)
    runner = office.stage.app.test_cli_runner()
    refused = runner.invoke(args=["import", "liaison", str(file)])
    assert refused.exit_code != 0
    assert office.stage.get("liaison", old).end_on is None


def test_the_statements_do_not_grow_with_the_successions(office: Office) -> None:
    with office.stage.app.app_context():
        engine = office.stage.panel.db.engine

    def cost(mark: str, n: int) -> int:
        rows = []
        with office.stage.session() as session:
            street = office.stage.inside["street"]
            for i in range(n):
                community = models.Community(name=f"{mark}{i:02}社区", street_id=street)
                session.add(Liaison(name="赵" + chr(ord("明") + i), community=community, start_on=date(2020, 1, 1)))
                session.flush()
                factories.another(session, "case", office.stage.inside, community_id=community.id)
                rows.append(("城东街道", f"{mark}{i:02}社区", "李" + chr(ord("明") + i), None))
        data = table(LABELS, *rows)
        with factories.counted(engine) as sent:
            office.run("liaison", data, confirmed=frozenset({"all", "endings"}))
        return len(sent)

    assert cost("甲", 3) == cost("乙", 9)


def test_the_day_of_the_handover_is_that_of_the_successor(office: Office) -> None:
    data = table((*LABELS, "起始时间"), ("城东街道", "东栅社区", "李敏", None, "2026-07-10"))
    office.run("liaison", data)
    old = office.stage.get("liaison", office.stage.inside["liaison"])
    assert old.end_on == date(2026, 7, 10) - timedelta(days=1)


def test_what_stays_with_an_officer_who_is_replaced_on_the_roster_is_said(office: Office) -> None:
    office.stage.add("officer", name="顾新")
    data = table((*LABELS, "联居队员"), ("城东街道", "东栅社区", "胡秀珍", None, "顾新"))
    (row,) = office.plan("liaison", data).rows
    assert "沈建平 keeps what is open here: Open cases as lead officer 1. Hand over to pass it on." in sentences(
        row.notes
    )
