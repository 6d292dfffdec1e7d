"""The accounts of the three administrators belong to nobody of a roster, by whichever door."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from bureau.people import accounts
from panel.errors import UserError
from panel.security.separation import BELONGS_TO_ADMINISTRATOR, SEPARATION
from panel.store import bulk
from tests.factories import MODELS, Stage
from tests.workbooks import Office, errors, outcomes, table

WORDS = "该账号属于管理员"
ADMINISTRATORS = ("administrator", "security", "auditor")


def untouched(stage: Stage) -> bool:
    """Whether none of the three is anybody's, and none of their accounts was changed."""
    users = [stage.district.users[name] for name in ADMINISTRATORS]
    with stage.session() as session:
        linked = [
            person
            for name in ("liaison", "officer")
            for person in session.query(MODELS[name]).where(MODELS[name].user_id.in_(users))
        ]
        names = [session.get_one(MODELS["user"], id_).username for id_ in users]
        return not linked and names == list(ADMINISTRATORS)


@pytest.mark.database
@pytest.mark.parametrize("name", ADMINISTRATORS)
def test_a_roster_that_names_an_administrators_account_fails_at_its_row(stage: Stage, name: str) -> None:
    office = Office(stage)
    liaisons = (("街道", "社区", "姓名", "账号"), ("城东街道", "东栅社区", "新联络", name))
    officers = (("姓名", "执法证号", "账号"), ("新队员", "ZZ-1", name), ("另一队员", "ZZ-2", None))
    made = office.plan("liaison", table(*liaisons))
    assert outcomes(made) == {2: "failed"}
    assert [said for _row, _column, said in errors(made) if said == BELONGS_TO_ADMINISTRATOR.msgid]
    assert outcomes(office.run("officer", table(*officers), good_rows=True)) == {2: "failed", 3: "new"}
    assert untouched(stage)


def test_nor_does_a_form_a_link_a_bulk_write_or_a_command(stage: Stage, tmp_path: Path) -> None:
    user, liaison = stage.district.users["security"], stage.add("liaison", user_id=None, name="无号甲")
    officer = stage.inside["second_officer"]
    office = stage.browse("office")
    for name, id_ in (("liaison", liaison), ("officer", officer)):
        address = f"/admin/{name}/edit/?id={id_}"
        answer = office.post(address, office.form(address) | {"user": str(user)})
        assert WORDS in html.unescape(answer.text), name
    link = f"/accounts/link?person=liaison:{liaison}"
    answer = stage.browse("administrator").post(link, {"user": str(user)})
    assert WORDS in html.unescape(answer.text)
    with stage.session() as session:
        with pytest.raises(UserError):
            accounts.link(session, MODELS["liaison"], liaison, user)
        session.rollback()
    with stage.session() as session:
        version = session.get_one(MODELS["liaison"], liaison).version
        bulk.edit(session, MODELS["liaison"], [bulk.Edit(liaison, version, {"user_id": user}, {"user_id": None})])
        with pytest.raises(UserError):
            session.commit()
        session.rollback()
    file = tmp_path / "roster.xlsx"
    file.write_bytes(table(("姓名", "执法证号", "账号"), ("新队员", "ZZ-1", "security")))
    answered = stage.app.test_cli_runner().invoke(args=["import", "officer", str(file)])
    assert answered.exit_code != 0
    assert WORDS in answered.output
    assert untouched(stage)


def test_an_import_of_accounts_changes_no_administrators_user_name(stage: Stage) -> None:
    administrator = stage.browse("administrator")
    address = f"/admin/user/edit/?id={stage.district.users['security']}"
    administrator.post(address, administrator.form(address) | {"username": "nobody"})
    user = stage.district.users["auditor"]
    with stage.session() as session:
        record = session.get_one(MODELS["user"], user)
        before = (record.password_hash, record.stamp)
    rows = (("记录号", "用户名", "姓名"), (user, "nobody", "他人"))
    made = Office(stage).run("user", table(*rows), good_rows=True)
    assert outcomes(made) == {2: "failed"}
    with stage.session() as session:
        record = session.get_one(MODELS["user"], user)
        assert (record.password_hash, record.stamp) == before
    assert untouched(stage)


def test_where_administration_is_not_separate_one_person_may_be_both(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, liaison = stage.district.users["security"], stage.add("liaison", user_id=None, name="无号乙")
    monkeypatch.setattr(SEPARATION, "roles", frozenset())
    with stage.session() as session:
        accounts.link(session, MODELS["liaison"], liaison, user)
    assert stage.get("liaison", liaison).user_id == user
