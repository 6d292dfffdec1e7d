"""Who is told of a new report, and when: at once, through every door; an import tells of many in one notice."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.notices import arrivals
from panel.base import UNSCOPED
from panel.kinds import now, today
from panel.notify.records import Notice, Webhook, WebhookDelivery
from panel.security.accounts import User
from tests import factories
from tests.factories import Stage
from tests.workbooks import Office, table

REPORT = {"place": "东塔路 3 幢", "description": "楼道里堆放杂物", "urgency": "normal", "anonymous": "1", "asked": "1"}
LABELS = ("社区", "地点", "问题描述", "来源", "紧急程度")


@pytest.fixture
def quiet(stage: Stage) -> Stage:
    with stage.session() as session:
        session.execute(sa.delete(Notice))
        factories.account(session, stage.panel, "office2", "office")
    return stage


def told(stage: Stage) -> dict[str, list[str]]:
    """The kinds of notices by the account that got them."""
    found: dict[str, list[str]] = {}
    with stage.session() as session:
        query = sa.select(User.username, Notice.kind).join(User, User.id == Notice.owner_id).order_by(Notice.id)
        for username, kind in session.execute(query):
            found.setdefault(username, []).append(kind)
    return found


def report(stage: Stage, who: str, **given: Any) -> int:
    own = {"community": str(stage.inside["community"]), "source": "superior"} if who == "office" else {}
    answer = stage.browse(who).post("/report", {**REPORT, **own, **given})
    assert answer.status_code == 302, stage.browse(who).complaints(answer.text)
    return int(answer.headers["Location"].partition("id=")[2])


@pytest.mark.parametrize(
    ("who", "owners"),
    [
        ("liaison", {"officer", "office", "office2"}),
        ("officer", {"office", "office2"}),
        ("office", {"officer", "office2"}),
    ],
)
def test_office_and_officer_are_told_at_once_and_the_reporter_is_not(quiet: Stage, who: str, owners: set[str]) -> None:
    id_ = report(quiet, who)
    assert told(quiet) == {key: ["reported"] for key in owners}
    for owner in owners & {"officer", "office"}:
        page = quiet.browse(owner).get("/notices/").text
        assert quiet.get("case", id_).case_no in page
        assert "新上报案件" in page


def test_an_urgent_one_is_marked(quiet: Stage) -> None:
    report(quiet, "liaison", urgency="urgent")
    assert told(quiet) == {key: ["reported_urgent"] for key in ("officer", "office", "office2")}
    assert "新上报案件：紧急" in quiet.browse("officer").get("/notices/").text


def test_the_officer_of_today_is_told_not_the_one_of_before_or_later(quiet: Stage) -> None:
    with quiet.session() as session:
        session.get_one(models.Assignment, quiet.inside["assignment"]).end_on = today() - timedelta(1)
    report(quiet, "liaison")
    assert set(told(quiet)) == {"office", "office2"}


def test_an_account_that_is_closed_is_told_nothing(quiet: Stage) -> None:
    with quiet.session() as session:
        session.execute(sa.update(User).where(User.username.in_(("office2", "officer"))).values(active=False))
    report(quiet, "liaison")
    assert set(told(quiet)) == {"office"}


def rows(count: int, urgent: int = 0) -> bytes:
    words = ["紧急" if n < urgent else "一般" for n in range(count)]
    return table(LABELS, *[("东栅社区", f"{n} 幢", f"第 {n} 件事", "巡查发现", word) for n, word in enumerate(words)])


@pytest.mark.database
def test_an_import_of_a_few_tells_of_each(quiet: Stage) -> None:
    Office(quiet, "office").run("case", rows(arrivals.FEW, urgent=1))
    expected = sorted(["reported_urgent", *["reported"] * (arrivals.FEW - 1)])
    assert {owner: sorted(kinds) for owner, kinds in told(quiet).items()} == dict.fromkeys(
        ("officer", "office2"), expected
    )


@pytest.mark.database
def test_an_import_of_many_tells_in_one_notice(quiet: Stage) -> None:
    Office(quiet, "office").run("case", rows(12, urgent=2))
    assert told(quiet) == {"officer": ["reported_many"], "office2": ["reported_many"]}
    browser = quiet.browse("officer")
    page = html.unescape(browser.get("/notices/").text)
    assert "导入新上报案件 12 件，其中紧急 2 件" in page
    with quiet.session() as session:
        id_ = session.execute(
            sa.select(Notice.id).where(Notice.owner_id == quiet.district.users["officer"])
        ).scalar_one()
    opened = browser.post(f"/notices/{id_}/open")
    assert opened.headers["Location"] == "/admin/case/?is=reported"
    assert browser.get(opened.headers["Location"]).status_code == 200
    assert "导入新上报案件 12 件" in browser.get("/notices/").text, "also when it is read"


def test_an_old_ledger_tells_nobody(quiet: Stage) -> None:
    labels = ("受理时间", "社区", "地点", "问题描述", "事项", "办结时间")
    old = table(labels, ("2025-05-04 09:00", "东栅社区", "5 幢", "养鸡扰民", "ZF03", "2025-05-05 10:00"))
    Office(quiet, "office").run("case", old)
    assert told(quiet) == {}


def test_the_statements_do_not_grow_with_the_reports(quiet: Stage) -> None:
    costs = []
    for count in (arrivals.FEW + 1, 40):
        ids = [quiet.add("case") for _n in range(count)]
        with quiet.session() as session, factories.counted(session.get_bind()) as sent:
            arrivals.notify_many(session, "report", ids)
        costs.append(len(sent))
    assert costs[0] == costs[1], sent


def turn_on(stage: Stage) -> None:
    with stage.session() as session:
        kinds = ["reported", "reported_urgent", "reported_many"]
        session.add(Webhook(active=True, url="http://127.0.0.1:9/x", secret="a secret of it", kinds=kinds))


def payloads(stage: Stage) -> list[dict[str, Any]]:
    with stage.session() as session:
        statement = sa.select(WebhookDelivery.payload).order_by(WebhookDelivery.id)
        return list(session.execute(statement, execution_options=UNSCOPED).scalars())


def test_the_webhook_carries_the_same(quiet: Stage) -> None:
    turn_on(quiet)
    id_ = report(quiet, "liaison", urgency="urgent")
    Office(quiet, "office").run("case", rows(arrivals.FEW + 1, urgent=1))
    first, many = payloads(quiet)
    assert first.pop("at") <= now().isoformat()
    assert first == {
        "kind": "reported_urgent",
        "case_no": quiet.get("case", id_).case_no,
        "urgent": True,
        "step": "report",
        "from": None,
        "to": "reported",
        "path": f"/admin/case/details/?id={id_}",
    }
    assert many.pop("at") <= now().isoformat()
    numbers = {"n": arrivals.FEW + 1, "urgent": 1}
    assert many == {"kind": "reported_many", "step": "report", "path": "/admin/case/?is=reported", **numbers}


def test_notices_that_fail_hinder_no_import(quiet: Stage, monkeypatch: pytest.MonkeyPatch, logged: list[str]) -> None:
    def broken(*_args: Any) -> None:
        raise RuntimeError("no notices today")

    monkeypatch.setattr(arrivals, "_by_account", broken)
    before = quiet.count("case")
    Office(quiet, "office").run("case", rows(5))
    assert (quiet.count("case"), told(quiet)) == (before + 5, {})
    assert "notices could not be written" in "".join(logged)
