"""The place of a record in its list: back to the row, and to the records before and after, by filters and order."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import pytest
import sqlalchemy as sa

import models
from panel.base import UNSCOPED
from panel.search import listing
from panel.search.neighbours import neighbours
from tests.factories import Stage


def beside(page: str) -> dict[str, int]:
    found = re.findall(r'rel="(prev|next)" href="[^"]*?[?&;]id=(\d+)', page)
    return {rel: int(id_) for rel, id_ in found}


@pytest.mark.database
@pytest.mark.parametrize("sort", ["", "-name", "badge_no", "-badge_no"])
def test_one_walks_through_a_whole_list_forwards_and_backwards(standing: Stage, sort: str) -> None:
    """Whichever way it is sorted, also where the value is empty or the same."""
    with standing.session() as session:
        query = listing.read(models.Officer, {"sort": [sort]})
        badges = (None, "B 2", None, "B 1", "B 3", None)
        session.add_all(models.Officer(name=f"同名{n % 2}", badge_no=badge) for n, badge in enumerate(badges))
        session.flush()
        query.size = 10_000
        listed = listing.page(session, models.Officer, [], query).ids
        walked = [neighbours(session, models.Officer, [], query, id_) for id_ in listed]
        session.rollback()
    assert len(listed) > 6
    assert walked == list(zip([None, *listed[:-1]], [*listed[1:], None], strict=True))


def test_a_row_leads_to_pages_that_know_their_place(standing: Stage) -> None:
    """A record opened from a list leads back to its row, and on by the same filters and order."""
    office = standing.browse("office")
    page = html.unescape(office.get("/admin/liaison/?sort=-start_on").text)
    listed = [int(id_) for id_ in re.findall(r'<tr id="row-(\d+)"', page)]
    within = quote("sort=-start_on", safe="")
    assert f"/admin/liaison/details/?id={listed[0]}&within={within}" in page
    details = html.unescape(office.get(f"/admin/liaison/details/?id={listed[0]}&within={within}").text)
    assert beside(details) == {"next": listed[1]}
    assert f'href="/admin/liaison/?sort=-start_on#row-{listed[0]}" data-back' in details
    form = html.unescape(office.get(f"/admin/liaison/edit/?id={listed[1]}&within={within}").text)
    assert beside(form)["prev"] == listed[0]
    filtered = quote(f"community={standing.outside['community']}", safe="")
    alone = office.get(f"/admin/liaison/details/?id={listed[0]}&within={filtered}").text
    assert listed[0] not in beside(alone).values()


def test_saving_leads_back_to_the_row(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.inside["liaison"]
    address = f"/admin/liaison/edit/?id={id_}&within={quote('sort=-start_on', safe='')}"
    answer = office.post(address, {"post": "书记"})
    assert answer.headers["Location"] == f"/admin/liaison/?sort=-start_on#row-{id_}"
    assert office.post(f"/admin/liaison/edit/?id={id_}", {"post": "主任"}).headers["Location"].endswith(f"?id={id_}")


@pytest.mark.parametrize("within", ["x" * 3000, "sort=%00&q=%ff", "//evil.example", "a" + "&a" * 500])
def test_a_list_that_there_cannot_be_harms_no_page(standing: Stage, within: str) -> None:
    id_ = standing.inside["liaison"]
    answer = standing.browse("office").get(f"/admin/liaison/details/?id={id_}&within={quote(within, safe='')}")
    assert answer.status_code == 200
    assert 'href="//evil' not in answer.text


def test_nobody_walks_out_of_their_area(standing: Stage) -> None:
    """The records beside one are those that the reader may see."""
    liaison = standing.browse("liaison")
    page = liaison.get(f"/admin/case/details/?id={standing.inside['case']}&within=sort%3D-id").text
    with standing.session() as session:
        scope = set(session.execute(sa.select(models.Case.id), execution_options=UNSCOPED).scalars())
    assert standing.outside["case"] in scope
    assert standing.outside["case"] not in beside(page).values()
