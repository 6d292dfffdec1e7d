"""A column of many records changed at once: previewed, done row by row, put back; within the rules of the form."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

import models
from panel.web.rows import many_rows
from tests.factories import Stage

ACTION, CHANGE = "/admin/officer/action/", "/admin/officer/change/"


def hidden(page: str) -> dict[str, Any]:
    """What the form of a page posts, without tokens."""
    found: dict[str, Any] = {}
    form = page.partition('action="/admin/officer/change/"')[2].partition("</form>")[0]
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form):
        if name not in ("csrf_token", "form_token"):
            found.setdefault(name, []).append(html.unescape(value))
    return found


def officers(stage: Stage, n: int) -> list[int]:
    with stage.session() as session:
        rows = [models.Officer(name=f"批量{i}", mobile="13800138000") for i in range(n)]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def phones(stage: Stage, ids: list[int]) -> list[str | None]:
    return [stage.get("officer", id_).mobile for id_ in ids]


def test_a_column_is_previewed_changed_and_put_back(growing: Stage) -> None:
    office, ids = growing.browse("office"), officers(growing, 3)
    asked = office.post(ACTION, {"action": "change", "rowid": ids}).text
    rows = hidden(asked)["row"]
    assert len(rows) == 3
    preview = office.post(CHANGE, {"row": rows, "column": "mobile", "mobile": "13900139001"})
    assert "将修改 3 条" in preview.text
    assert phones(growing, ids) == ["13800138000"] * 3, "a preview writes nothing"
    done = office.post(CHANGE, hidden(preview.text))
    assert phones(growing, ids) == ["13900139001"] * 3
    office.post(CHANGE, hidden(done.text))
    assert phones(growing, ids) == ["13800138000"] * 3


def test_a_row_that_somebody_changed_meanwhile_stays_alone(growing: Stage) -> None:
    office, ids = growing.browse("office"), officers(growing, 2)
    rows = hidden(office.post(ACTION, {"action": "change", "rowid": ids}).text)["row"]
    with growing.session() as session:
        session.get_one(models.Officer, ids[0]).mobile = "13700137000"
    answer = office.post(CHANGE, {"row": rows, "column": "mobile", "mobile": "13900139001", "mode": "do"})
    assert "已被他人修改" in answer.text
    assert phones(growing, ids) == ["13700137000", "13900139001"]


def test_all_that_is_filtered_is_taken_up_to_the_cap(growing: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    office, ids = growing.browse("office"), officers(growing, 4)
    url = "/admin/officer/?q=批量"
    form = {"action": "change", "all": "1", "url": url, "rowid": ids[:1]}
    assert len(hidden(office.post(ACTION, form).text)["row"]) >= 4
    monkeypatch.setattr(many_rows, "MOST", 2)
    answer = office.post(ACTION, form)
    assert answer.status_code == 302
    assert "一次最多 2 条" in office.get("/admin/officer/").text
    assert office.post(CHANGE, {"row": ["1.1", "2.1", "3.1"], "column": "mobile"}).status_code == 404


def test_a_rule_of_one_row_keeps_that_row(growing: Stage) -> None:
    """Whoever still holds something doesn't leave, in a preview neither; nobody's unique value is given to many."""
    office = growing.browse("office")
    free = officers(growing, 1)
    held = growing.inside["officer"]
    rows = hidden(office.post(ACTION, {"action": "change", "rowid": [held, *free]}).text)["row"]
    preview = office.post(CHANGE, {"row": rows, "column": "active", "active": "0"})
    assert "交接" in preview.text
    office.post(CHANGE, hidden(preview.text))
    assert [growing.get("officer", id_).active for id_ in (held, *free)] == [True, False]
    wrong = office.post(CHANGE, {"row": rows, "column": "mobile", "mobile": "1"})
    assert wrong.status_code == 422
    unique = office.post(CHANGE, {"row": rows, "column": "badge_no", "badge_no": "X", "mode": "do"})
    assert 'name="column"' in unique.text, "asked again"
    assert growing.get("officer", free[0]).badge_no is None


def test_who_may_not_edit_changes_nothing(growing: Stage) -> None:
    id_ = growing.inside["officer"]
    for role in ("viewer", "leader"):
        browser = growing.browse(role)
        assert browser.post(ACTION, {"action": "change", "rowid": [id_]}).status_code == 403
        assert browser.post(CHANGE, {"row": f"{id_}.1", "column": "mobile", "mode": "do"}).status_code == 403


def test_terms_of_liaisons_are_ended_together(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.inside["liaison"]
    page = office.post("/admin/liaison/action/", {"action": "end", "rowid": [id_]}).text
    assert 'value="end_on" selected' in page
    assert 'value="end"' in office.get("/admin/liaison/").text
    assert 'value="end"' not in growing.browse("viewer").get("/admin/liaison/").text
