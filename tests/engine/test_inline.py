"""Edits on the row of a list: with the rights, the version, the locks and the checks of the form."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest

import models
from panel import schema_check
from panel.fields import all_fields
from tests.factories import MODELS, Stage

URL = "/admin/liaison/row/"


def controls(text: str) -> dict[str, Any]:
    """The inputs of a fragment."""
    named = re.findall(r'<input[^>]*? name="([^"]+)" value="([^"]*)"', text)
    inputs = re.findall(r'<input[^>]*? id="[^"]+" name="([^"]+)" value="([^"]*)"', text)
    return {name: html.unescape(value) for name, value in [*named, *inputs]}


def opened(browser: Any, id_: int, *names: str) -> dict[str, Any]:
    answer = browser.get(URL, query_string={"id": id_, "field": names})
    assert answer.status_code == 200, answer.text
    return {**controls(answer.text), "field": list(names)}


def test_a_phone_is_changed_on_the_row_and_put_back(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.inside["liaison"]
    before = growing.get("liaison", id_).mobile
    page = office.get("/admin/liaison/").text
    assert 'data-edit="mobile telephone"' in page
    assert 'data-edit="post"' in page
    answer = office.post(URL, {**opened(office, id_, "mobile"), "mobile": "139 0013 9001"})
    assert answer.status_code == 200
    assert growing.get("liaison", id_).mobile == "13900139001"
    back = controls(answer.text.partition("row-back")[2])
    answer = office.post(URL, {**back, "field": ["mobile"]})
    assert growing.get("liaison", id_).mobile == before
    assert "已撤销" in answer.text


def test_who_comes_second_is_told_and_can_settle_it(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.inside["liaison"]
    form = opened(office, id_, "post")
    office.post(URL, {**opened(office, id_, "post"), "post": "书记"})
    answer = office.post(URL, {**form, "post": "主任"})
    assert answer.status_code == 409
    assert "系统当前值" in answer.text or "当前系统值" in answer.text
    assert "书记" in answer.text
    assert growing.get("liaison", id_).post == "书记"
    again = {**controls(answer.text), "field": ["post"], "post": "主任"}
    assert office.post(URL, again).status_code == 200
    assert growing.get("liaison", id_).post == "主任"


def test_a_wrong_value_is_refused_as_in_the_form(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.inside["liaison"]
    before = growing.get("liaison", id_).mobile
    answer = office.post(URL, {**opened(office, id_, "mobile"), "mobile": "123"})
    assert answer.status_code == 422
    assert 'class="error"' in answer.text
    assert growing.get("liaison", id_).mobile == before


def test_only_what_is_declared_harmless_is_edited(growing: Stage) -> None:
    """Not by naming another column, nor by posting one beside."""
    office, id_ = growing.browse("office"), growing.inside["liaison"]
    stored = growing.get("liaison", id_)
    for names in (["end_on"], ["mobile", "end_on"], ["community"], [], ["none"]):
        assert office.get(URL, query_string={"id": id_, "field": names}).status_code == 404
    office.post(URL, {**opened(office, id_, "post"), "post": "组长", "name": "别人", "end_on": "2026-01-01"})
    after = growing.get("liaison", id_)
    assert (after.post, after.name, after.end_on) == ("组长", stored.name, stored.end_on)


def test_nobody_edits_what_they_may_not(growing: Stage) -> None:
    """Denied without the right, 404 outside the scope, masked columns offered to nobody."""
    id_ = growing.inside["liaison"]
    for role in ("viewer", "leader"):
        assert growing.browse(role).get(URL, query_string={"id": id_, "field": "mobile"}).status_code == 403
        assert "data-edit" not in growing.browse(role).get("/admin/liaison/").text
    assert growing.browse("office").get(URL, query_string={"id": 10**6, "field": "mobile"}).status_code == 404


@pytest.mark.parametrize("table", MODELS)
def test_what_is_harmless_hangs_on_no_rule(table: str) -> None:
    for f in all_fields(MODELS[table]):
        assert not (f.inline and (f.readonly or f.key or f.locked)), f.name


def test_a_key_is_never_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = [replace(f, inline=True) if f.name == "name" else f for f in schema_check.fields(models.Liaison)]
    monkeypatch.setattr(schema_check, "fields", lambda _model: tuple(declared))
    assert [fault for fault in schema_check._columns(models.Liaison) if "on the row of a list" in fault]
