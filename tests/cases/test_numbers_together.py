"""Numbers stay gapless and unique when eight people report at once; who gives up in between leaves no gap."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bureau.cases import events, intake
from models import Case, CaseEvent, Community, Counter, Source
from panel.security.transactions import WriteQueue
from tests import factories
from tests.factories import Stage

pytestmark = pytest.mark.database

REPORTERS = 8
EACH = 6


def together(act: Callable[[int], None]) -> None:
    """Eight threads begin at the same moment; what one of them raises is raised here."""
    gate, raised = threading.Barrier(REPORTERS), []

    def run(n: int) -> None:
        try:
            gate.wait()
            act(n)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(REPORTERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def numbers(stage: Stage) -> list[int]:
    """The numbers given out, in order; each case has its first event, whose chain is whole."""
    with stage.session() as session:
        found = sorted(session.scalars(sa.select(Case.case_no)))
        assert {number[:8] for number in found} == {"NH-2026-"}
        for id_ in session.scalars(sa.select(Case.id)):
            happened = list(session.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == id_)))
            assert happened
            assert events.verify(happened) is None
        assert session.scalar(sa.select(Counter.last)) == len(found)
    return [int(number[8:]) for number in found]


def report(stage: Stage, note: str) -> Case:
    """One report in a session of its own, up to but without its end."""
    with stage.session() as session:
        made = Case(
            community=session.get_one(Community, stage.inside["community"]),
            source=Source.LIAISON,
            place="某路",
            description=f"楼道堆物 {note}",
        )
        intake.register(session, made, None, note)
        if note.endswith("不报了"):
            raise GaveUp
    return made


class GaveUp(Exception):  # noqa: N818 - what people do
    pass


@pytest.mark.parametrize("fresh", [True, False], ids=["the first cases of a year", "among others"])
def test_eight_report_at_once(stage: Stage, fresh: bool) -> None:
    known = len(numbers(stage))
    if fresh:
        with stage.session() as session:
            session.execute(sa.update(Counter).values(prefix="OLD"))
            session.execute(sa.update(Case).values(case_no=sa.func.replace(Case.case_no, "NH-", "OLD-")))

    def act(n: int) -> None:
        for i in range(EACH):
            report(stage, f"{n}-{i}")

    together(act)
    if fresh:
        with stage.session() as session:
            new = session.scalars(sa.select(Case.case_no).where(Case.case_no.startswith("NH-"))).all()
        assert sorted(int(number[8:]) for number in new) == list(range(1, REPORTERS * EACH + 1))
    else:
        assert numbers(stage) == list(range(1, known + REPORTERS * EACH + 1))


def test_who_gives_up_leaves_no_gap(stage: Stage) -> None:
    known = len(numbers(stage))

    def act(n: int) -> None:
        for i in range(EACH):
            if (n + i) % 3 == 0:
                with pytest.raises(GaveUp):
                    report(stage, f"{n}-{i} 不报了")
            else:
                report(stage, f"{n}-{i}")

    together(act)
    reported = sum(1 for n in range(REPORTERS) for i in range(EACH) if (n + i) % 3)
    assert numbers(stage) == list(range(1, known + reported + 1))


def test_eight_liaisons_and_officers_press_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the wire: each with a browser of their own. However busy the machine is, nobody is told to come again."""
    monkeypatch.setattr(stage.panel, "queue", WriteQueue(places=REPORTERS, seconds=60))
    known = len(numbers(stage))
    accounts = ["liaison", "officer", "office"]
    browsers = [stage.visitor() for _n in range(REPORTERS)]
    for n, browser in enumerate(browsers):
        browser.log_in(accounts[n % len(accounts)])
    given = factories.typed("case", stage.inside)

    def act(n: int) -> None:
        for i in range(EACH // 2):
            answer = browsers[n].post("/admin/case/new/", given | {"description": f"楼道堆物 {n}-{i}", "asked": "1"})
            assert answer.status_code == 302, answer.text

    together(act)
    assert numbers(stage) == list(range(1, known + REPORTERS * (EACH // 2) + 1))
