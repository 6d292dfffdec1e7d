"""A roster's column of accounts: it links by user name, and an account that can't be linked is never left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from panel.security.accounts import User
from tests import factories
from tests.factories import Stage
from tests.workbooks import Office, counts, errors, table

HEAD = ["街道", "社区", "姓名", "手机"]
MA = ["城西街道", "西马桥社区", "马晓燕", "13900002222"]
HU = ["城东街道", "东栅社区", "胡秀珍", "13800001111"]


def roster(*rows: list[Any], label: str = "账号") -> bytes:
    return table([*HEAD, label], *rows)


def linked(stage: Stage) -> str | None:
    user_id = stage.get("liaison", stage.outside["liaison"]).user_id
    with stage.session() as session:
        return session.get_one(User, user_id).username if user_id is not None else None


@pytest.mark.parametrize("label", ["账号", "用户名", "登录账号", "系统账号", "账 号"])
def test_a_column_of_accounts_links_by_user_name(stage: Stage, label: str) -> None:
    plan = Office(stage, "office").run("liaison", roster([*MA, "viewer"], label=label))
    assert (counts(plan), errors(plan)) == ({"changed": 1}, [])
    assert linked(stage) == "viewer"


def test_a_file_that_says_nothing_of_accounts_leaves_them(stage: Stage) -> None:
    plan = Office(stage, "office").run("liaison", roster([*HU, ""], [*MA, "无"]))
    assert counts(plan) == {"unchanged": 2}
    assert stage.get("liaison", stage.inside["liaison"]).user_id == stage.district.users["liaison"]
    assert linked(stage) is None


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("nobody9", "There is no Account “nobody9”."),
        ("viewr", "There is no Account “viewr”. Did you mean viewer?"),
        ("liaison", "Another record has this Account already."),
        ("zhang", "There are 2 of Account “zhang”. Say which."),
    ],
)
def test_an_account_that_is_unknown_taken_or_ambiguous_fails_its_row(stage: Stage, account: str, said: str) -> None:
    with stage.session() as session:
        for n in range(2):
            factories.account(session, stage.panel, f"z{n}", name="zhang")
    plan = Office(stage, "office").plan("liaison", roster([*MA, account]))
    assert errors(plan) == [(2, "账号", said)]
    assert linked(stage) is None


def test_one_account_in_two_rows_fails_the_later_one(stage: Stage) -> None:
    with stage.session() as session:
        session.get_one(factories.MODELS["liaison"], stage.inside["liaison"]).user_id = None
    plan = Office(stage, "office").plan("liaison", roster([*MA, "viewer"], [*HU, "viewer"]))
    assert errors(plan) == [(3, "账号", "Row 2 has the same value.")]


def test_without_the_right_to_choose_accounts_an_import_links_none(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = stage.panel.policy.roles["office"]
    grants = {model: acts for model, acts in office.grants.items() if model is not User}
    monkeypatch.setitem(stage.panel.policy.roles, "office", replace(office, grants=grants))
    for account in ("viewer", "nobody9"):
        plan = Office(stage, "office").plan("liaison", roster([*MA, account]))
        assert counts(plan) == {"failed": 1}
    assert "Did you mean" not in str(errors(Office(stage, "office").plan("liaison", roster([*MA, "viewr"]))))


def test_officers_are_linked_by_their_file_too(stage: Stage) -> None:
    data = table(["姓名", "分队", "账号"], ["何志远", "城西分队", "viewer"])
    plan = Office(stage, "office").run("officer", data)
    assert (counts(plan), errors(plan)) == ({"changed": 1}, [])
    assert stage.get("officer", stage.outside["officer"]).user_id == stage.district.users["viewer"]
