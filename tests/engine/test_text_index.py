"""A search finds what a list shows: parts of texts, endings of numbers, the names of what a record refers to; and the
index that it looks into says what the rows say, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

import models
from panel.search import grams, text_index
from panel.security.session import may_write
from panel.store import bulk
from tests.conftest import Staged
from tests.engine.test_lists import rows
from tests.factories import Stage
from tests.factories.district import case

runs = st.lists(
    st.one_of(st.text("东栅社区店外经营望河", min_size=1, max_size=6), st.sampled_from(["fw07", "12", "3"]))
)


def begins_a_run(text: str, place: int) -> bool:
    here, before = text[place], text[place - 1] if place else " "
    return not here.isascii() or not before.isascii() or before == " " or here.isdigit() != before.isdigit()


@given(runs, st.data())
def test_any_part_of_a_text_is_found(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    starts = [i for i in range(len(text)) if begins_a_run(text, i)]
    if not starts:
        return
    start = data.draw(st.sampled_from(starts))
    part = text[start : data.draw(st.integers(start + 1, len(text)))]
    stored = grams.stored(text)
    pieces, goes_on = grams.sought(part)
    for place in range(len(stored)):
        found = stored[place : place + len(pieces)]
        if found == pieces or (
            goes_on and found[:-1] == pieces[:-1] and found[-1:] and found[-1].startswith(pieces[-1])
        ):
            return
    pytest.fail(f"{part} isn't found in {text}")


@pytest.mark.parametrize(
    ("number", "said"), [("NH-2026-000123", "0123"), ("NH-2026-000123", "123"), ("202611280047", "280047")]
)
def test_a_number_is_found_by_its_last_digits(number: str, said: str) -> None:
    assert said in grams.endings(number)


@pytest.fixture(scope="module")
def town(staged: Staged) -> Iterator[Stage]:
    with staged() as stage:
        with stage.session() as session:
            community = session.get_one(models.Community, stage.inside["community"])
            community.name, community.street.name = "东栅社区", "城南街道"
            made = case(session, community, officer=session.get_one(models.Officer, stage.inside["officer"]))
            made.place, made.description = "望河花苑3幢楼道", "门口店外经营，占道摆摊"
            made.lead_officer.name = "秦岭"
        yield stage


def found(stage: Stage, words: str, role: str = "office", table: str = "case") -> list[int]:
    page = stage.browse(role).get(f"/admin/{table}/?{urlencode({'q': words})}")
    assert page.status_code == 200
    return rows(page.text)


def the_case(stage: Stage) -> int:
    with stage.session() as session:
        return session.execute(sa.select(models.Case.id).where(models.Case.place == "望河花苑3幢楼道")).scalar_one()


@pytest.mark.database
@pytest.mark.parametrize(
    "words", ["店外", "店外经营", "花苑3幢", "幢楼", "占道 望河", "摆摊。", "东栅", "dzsq", "城南", "秦岭", "ql"]
)
def test_a_case_is_found_by_what_the_list_shows(town: Stage, words: str) -> None:
    assert the_case(town) in found(town, words)


@pytest.mark.database
@pytest.mark.parametrize("words", ["经营店外", "营占", "店外 西栅", "花苑4幢", "？", '"', "店外*", "' OR 1=1"])
def test_what_isn_t_there_isn_t_found(town: Stage, words: str) -> None:
    """Nor does a word cross from one field to the next; signs of the index's own language mean nothing."""
    assert found(town, words) == ([the_case(town)] if words == "店外*" else [])


@pytest.mark.database
def test_the_index_follows_each_way_of_writing(town: Stage) -> None:
    def says(session: sa.orm.Session) -> list[int]:
        return text_index.differing(session.connection(), models.Case)

    number = the_case(town)
    with town.session() as session:
        record = session.get_one(models.Case, number)
        record.title = "油烟扰民"
        session.commit()
        assert says(session) == []
        values = {"title": "夜间噪音"}
        bulk.edit(session, models.Case, [bulk.Edit(number, record.version, values, {"title": "油烟扰民"})])
        session.commit()
        assert says(session) == []
    assert number in found(town, "噪音")
    assert found(town, "油烟") == []
    with town.session() as session:
        other = models.Case(
            case_no="NH-2026-999999",
            source=models.Source.LIAISON,
            community_id=town.inside["community"],
            place="南门新村",
            description="无主垃圾",
        )
        session.add(other)
        session.commit()
        assert other.id in found(town, "无主")
        session.delete(other)
        session.commit()
        assert says(session) == []
    assert found(town, "无主") == []


@pytest.mark.database
def test_a_renamed_community_is_found_by_its_new_name(town: Stage) -> None:
    town.put("community", town.inside["community"], name="西荷社区")
    assert the_case(town) in found(town, "西荷")
    assert the_case(town) not in found(town, "东栅")
    town.put("community", town.inside["community"], name="东栅社区")


@pytest.mark.database
def test_an_index_that_lies_is_named_and_made_anew(town: Stage) -> None:
    number = the_case(town)
    with may_write(), town.app.app_context(), town.panel.db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE \"case\" SET place = '南门新村' WHERE id = :id"), {"id": number})
        assert text_index.differing(connection, models.Case) == [number]
    runner = town.app.test_cli_runner()
    assert "reindex" in runner.invoke(args=["check"]).output
    assert runner.invoke(args=["reindex"]).exit_code == 0
    assert number in found(town, "南门新村")
    with town.session() as session:
        session.get_one(models.Case, number).place = "望河花苑3幢楼道"


def test_nobody_finds_what_lies_outside_their_area(town: Stage) -> None:
    with town.session() as session:
        elsewhere = case(session, session.get_one(models.Community, town.outside["community"]))
        elsewhere.description = "店外经营"
        session.flush()
        outside = elsewhere.id
    assert {the_case(town), outside} <= set(found(town, "店外"))
    assert the_case(town) in found(town, "店外", "liaison")
    assert outside not in found(town, "店外", "liaison")
