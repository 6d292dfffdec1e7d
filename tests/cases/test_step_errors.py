"""What the rules of another record refuse is told on the form of the step that writes it."""

from __future__ import annotations

import html
from typing import Any

import pytest

from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps import STEPS
from bureau.cases.steps.refusals import told_of_step
from models import Case, Mediation
from models import CaseStatus as S
from panel.errors import UserError
from panel.fields import Requirement
from panel.i18n import _
from panel.kinds import Invalid, today
from panel.security.creation import RowRefused
from panel.security.locks import Locked, Unmet
from tests import steps
from tests.factories import Stage

WHY = _("This must be filled in.")


def unmet(field: str) -> Unmet:
    return Unmet(Requirement(lambda columns: columns.id > 0, WHY, field))


@pytest.mark.parametrize(
    "error", [RowRefused(Case, [("place", WHY)]), Locked(WHY, "place"), unmet("place"), Invalid(WHY), UserError(WHY)]
)
def test_every_step_tells_it_at_its_field_or_above_its_form(standing: Stage, error: Exception) -> None:
    for step in STEPS.values():
        refused = pytest.raises((InvalidValues, StepNotAllowed))
        with standing.session() as session, refused as told, told_of_step(session, step):
            raise error
        refusal: Any = told.value
        if isinstance(error, UserError | Invalid) and not isinstance(error, RowRefused):
            assert isinstance(refusal, StepNotAllowed)
        elif step.makes or any(ask.name == "place" for ask in step.asks):
            assert set(refusal.problems) == {step.makes or "place"}
        else:
            assert "地点" in str(refusal.message)


def test_every_step_tells_it_at_the_field_that_it_asks_for(standing: Stage) -> None:
    for step in STEPS.values():
        for ask in step.asks:
            with standing.session() as session, pytest.raises(InvalidValues) as told, told_of_step(session, step):
                raise RowRefused(Case, [(ask.name, WHY)])
            assert set(told.value.problems) == {step.makes or ask.name}


def test_a_breach_of_a_case_without_a_place_is_refused_on_the_form(growing: Stage) -> None:
    """Beside the field, with what was typed kept, and nothing written; the place given, it goes."""
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    growing.put("case", id_, place=None)
    browser, address = growing.browse("officer"), f"/admin/case/step/?id={id_}&step=perform"
    typed = {"performance": "breached", "followed_on": f"{today()}", "follow_up": "外机未移位", "new_case": "1"}
    before = growing.count("case")
    answer = browser.post(address, browser.form(address) | typed)
    assert answer.status_code == 422
    assert "地点" in browser.complaints(answer.text)
    assert 'id="f-new_case-error"' in answer.text
    assert "外机未移位" in html.unescape(answer.text)
    assert growing.count("case") == before
    with growing.session() as session:
        assert {one.follow_up for one in session.query(Mediation).filter_by(case_id=id_)} == {None}
    growing.put("case", id_, place="东塔路 8 号")
    assert browser.post(address, browser.form(address) | typed).status_code == 302
    assert growing.count("case") == before + 1
