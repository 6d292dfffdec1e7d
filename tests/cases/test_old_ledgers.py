"""Cases kept by hand come in: the sample of a month through the command line, and what else such ledgers hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import models
from bureau.cases import events
from models import Case, CaseEvent, CaseParty, CaseStatus
from panel.kinds import ZONE, narrow
from panel.security.records import AuditEntry
from tests import factories
from tests.people.test_import_samples import COMMUNITIES, command, numbers, told
from tests.workbooks import SAMPLES, cells

LEDGER = SAMPLES / "ledger-2026-05.xlsx"
S = CaseStatus


@pytest.fixture
def settled(app: Flask) -> Flask:
    """A panel with the two lists and the sample's communities."""
    assert command(app, "setup").exit_code == 0
    assert command(app, "import", "community", COMMUNITIES, "--create-missing").exit_code == 0
    return app


@pytest.fixture
def brought(settled: Flask) -> Any:
    """The sample's cases in, and a session to look at them."""
    report = told(settled, "import", "case", LEDGER)
    assert numbers(report) == (160, 160, 0, 0, 0)
    with settled.app_context(), settled.extensions["panel"].system_session() as session:
        yield session


def lines() -> list[list[Any]]:
    """The ledger's rows of data as they were written."""
    return [row for row in cells(LEDGER) if isinstance(row[0], int)]


def moment(cell: Any) -> datetime | None:
    text = cell.strftime("%Y-%m-%d %H:%M") if isinstance(cell, datetime) else cell
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE) if text else None


def test_what_the_command_says(settled: Flask) -> None:
    report = told(settled, "import", "case", LEDGER)
    assert numbers(report) == (160, 160, 0, 0, 0)
    assert report["ignored_columns"] == ["序号"]
    (warning,) = report["warnings"]
    assert {row[11] for row in lines()} == set(warning.split(": ")[-1].split("：")[-1].rstrip(".。").split("、"))


def test_the_same_again_changes_nothing(settled: Flask) -> None:
    told(settled, "import", "case", LEDGER)
    again = told(settled, "import", "case", LEDGER)
    assert numbers(again) == (160, 0, 0, 160, 0)
    with settled.app_context(), settled.extensions["panel"].system_session() as session:
        for model, least in ((Case, 160), (CaseEvent, 160)):
            assert session.scalar(sa.select(sa.func.count()).select_from(model)) == least
        assert session.scalar(sa.select(sa.func.max(Case.version))) == 1


def test_numbers_follow_acceptance_without_a_gap(brought: Any) -> None:
    found = brought.execute(sa.select(Case.case_no, Case.accepted_at).order_by(Case.case_no)).all()
    assert [number for number, _at in found] == [f"NH-2026-{n:06d}" for n in range(1, 161)]
    assert [at for _no, at in found] == sorted(at for _no, at in found)
    assert brought.scalar(sa.select(models.Counter.last)) == 160


@pytest.mark.database
def test_every_cell_has_arrived(brought: Any) -> None:
    by_place = {(case.accepted_at, case.community.name, case.place): case for case in brought.scalars(sa.select(Case))}
    for row in lines():
        case = by_place[moment(row[1]), row[4], row[5]]
        closed, outcome = moment(row[14]), row[12]
        assert (case.reported_at, case.historic, case.closed_at) == (case.accepted_at, True, closed)
        assert (str(case.source.label), str(case.list_kind.label), narrow(case.item.name)) == (row[2], row[6], row[7])
        assert (case.description, case.result, case.lead_name) == (row[8], row[13], row[11])
        assert outcome in ({str(case.outcome.label), *case.outcome.aliases} if case.outcome else {None})
        assert case.status is (S.CLOSED if closed else S.HANDLED if outcome else S.ACCEPTED)
        assert case.item_snapshot["code"] == case.item.code
        assert case.due_at > case.accepted_at
        assert case.title
        parties = brought.scalars(sa.select(CaseParty).where(CaseParty.case_id == case.id)).all()
        phone = str(row[10]) if row[10] else None
        name = row[9] if row[9] != "匿名" else None
        assert [(p.anonymous, p.name, p.phone) for p in parties] == (
            [(name is None, name, phone)] if row[9] or phone else []
        )


@pytest.mark.database
def test_each_history_begins_with_the_import(brought: Any) -> None:
    for case in brought.scalars(sa.select(Case)):
        (event,) = brought.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == case.id))
        assert (event.step, event.from_status, event.to_status) == ("import", None, case.status)
        assert events.verify([event]) is None


def test_phones_are_kept_as_private(brought: Any) -> None:
    (party,) = (party for party in brought.scalars(sa.select(CaseParty)) if party.phone == "13819867990")
    assert party.phone_hash
    written = brought.scalars(sa.select(AuditEntry.changes).where(AuditEntry.table_name == "caseparty")).all()
    assert "13819867990" not in str(written)
    assert "138****7990" in str(written)


def test_a_page_shows_what_came_in(settled: Flask) -> None:
    told(settled, "import", "case", LEDGER)
    panel = settled.extensions["panel"]
    # Closed before anybody browses: requests would share the context, and who has logged in with it.
    with settled.app_context(), panel.system_session() as session:
        case = session.scalars(sa.select(Case).where(Case.case_no == "NH-2026-000001")).one()
        factories.account(session, panel, "office", "office")
        id_, lead = case.id, case.lead_name
    browser = factories.Browser(settled)
    browser.log_in("office")
    page = browser.get(f"/admin/case/details/?id={id_}")
    assert page.status_code == 200
    assert lead in page.text
    assert "郭*" in page.text
    assert "郭建平" not in page.text
    assert "13819867990" not in page.text
