"""Acts of all kinds, sent twice: carried out once, and the second answer leads to where the first one led."""

from __future__ import annotations

import io
import re
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from models import Case, CaseStatus
from panel.security.accounts import User
from panel.security.records import AuditEntry
from panel.store.records import FormReceipt
from tests import factories, steps
from tests.factories import Browser, Stage
from tests.workbooks import Page, workbook

ROWS = Page([["街道", "社区", "姓名", "手机"], ["城东街道", "东栅社区", "李新", "13805730001"]])


def traces(stage: Stage) -> tuple[Any, ...]:
    """What acts leave behind."""
    with stage.session() as session:
        counts = [session.scalar(sa.select(sa.func.max(model.id))) for model in (AuditEntry, FormReceipt)]
        hashes = session.scalars(sa.select(User.password_hash).order_by(User.id)).all()
    return (*counts, hashes)


def _edit(stage: Stage) -> tuple[str, str, dict[str, Any]]:
    address = f"/admin/street/edit/?id={stage.inside['street']}"
    return "office", address, stage.browse("office").form(address) | {"name": "改名街道"}


def _step(stage: Stage) -> tuple[str, str, dict[str, Any]]:
    case = steps.new_case(stage, CaseStatus.ACCEPTED)
    address = f"/admin/case/step/?id={case}&step=dispatch"
    return "office", address, stage.browse("office").form(address) | {"handler": str(stage.inside["officer"])}


def _bulk(stage: Stage) -> tuple[str, str, dict[str, Any]]:
    cases = [steps.new_case(stage, CaseStatus.ACCEPTED) for _n in range(2)]
    page = stage.browse("office").post("/admin/case/action/", {"action": "dispatch", "rowid": [*map(str, cases)]})
    rows = re.findall(r'name="row" value="([\d.]+)"', page.text)
    form = factories.form_values(page.text) | {"row": rows, "handler": str(stage.inside["officer"])}
    return "office", "/admin/case/bulk/", form


def _reset(stage: Stage) -> tuple[str, str, dict[str, Any]]:
    token = stage.browse("administrator").form("/admin/user/")["form_token"]
    rows = [str(stage.district.users["viewer"])]
    return "administrator", "/admin/user/action/", {"form_token": token, "action": "reset", "rowid": rows}


def _settings(stage: Stage) -> tuple[str, str, dict[str, Any]]:
    return "office", "/settings", stage.browse("office").form("/settings") | {"unit_name": "某某局"}


def _import(stage: Stage) -> tuple[str, str, dict[str, Any]]:
    office = stage.browse("office")
    file = io.BytesIO(workbook({"花名册": ROWS}))
    preview = office.get(office.post("/admin/liaison/import/", {"file": (file, "来件.xlsx")}).location).text
    return "office", "/admin/liaison/import/apply/", factories.form_values(preview)


def _role(stage: Stage) -> tuple[str, str, dict[str, Any]]:
    values = {"user": str(stage.district.users["viewer"]), "role": "leader"}
    return "security", "/admin/userrole/new/", stage.browse("security").form("/admin/userrole/new/") | values


@pytest.mark.parametrize("act", [_edit, _step, _bulk, _reset, _settings, _import, _role])
def test_an_act_sent_twice_is_done_once(stage: Stage, act: Any) -> None:
    role, address, form = act(stage)
    browser = stage.browse(role)
    before = traces(stage)
    first = browser.post(address, form)
    done = traces(stage)
    assert first.status_code in (200, 302), factories.Browser.complaints(first.text)
    assert done != before
    again = browser.post(address, form)
    assert again.status_code == 302
    assert first.status_code == 200 or again.location == first.location
    assert traces(stage) == done
    assert "这份表单已提交过" in browser.get(again.location).text


def test_what_failed_and_what_was_downloaded_can_be_sent_again(stage: Stage) -> None:
    office = stage.browse("office")
    form = office.form("/settings")
    for _n in range(2):
        assert office.post("/settings", form | {"accept_days": "0"}).status_code == 422
    export = office.form("/admin/street/export/")
    files = [office.post("/admin/street/export/", export) for _n in range(2)]
    assert {answer.headers["Content-Disposition"] for answer in files} == {files[0].headers["Content-Disposition"]}


@pytest.mark.database
def test_a_double_click_takes_a_step_once(stage: Stage) -> None:
    case = steps.new_case(stage, CaseStatus.ACCEPTED)
    office, address = stage.browse("office"), f"/admin/case/step/?id={case}&step=dispatch"
    form, token = office.form(address) | {"handler": str(stage.inside["officer"])}, office.token()
    others = [Browser(stage.app) for _n in range(3)]
    for other in others:
        other.take((office.seat()[0], token))
    ready, answers = threading.Barrier(len(others)), list[Any]()

    def send(other: Browser) -> None:
        ready.wait()
        answers.append(other.post(address, form))

    threads = [threading.Thread(target=send, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.location for answer in answers}) == 1
    with stage.session() as session:
        assert session.get_one(Case, case).status is CaseStatus.DISPATCHED
        assert [event.step for event in steps.history(session, case)].count("dispatch") == 1
