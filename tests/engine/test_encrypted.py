"""Private values are stored encrypted: the file of the database doesn't hold them, and nothing compares them."""

from __future__ import annotations

import html
import importlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.exc import IntegrityError

from models import CaseParty, Community, SurveyEntry, SurveyKind
from panel.base import Base
from panel.fields import Personal, fields
from panel.i18n import in_default_locale
from panel.imports.records import ImportRow
from panel.kinds import Mobile, Phone, Place, Telephone
from panel.kinds.encrypted import MARK, Encrypted, KeyRing, ring_of, use_ring
from panel.security import keys
from panel.security.transactions import may_write
from panel.store import private_files, rotation
from panel.store.db_errors import explain
from tests.factories import Stage
from tests.workbooks import Office, outcomes, table

PHONE, ADDRESS, SUBJECT, PLACE = "13912340099", "东栅路三十七号二单元", "王小明杂货铺", "Ｂ座 东门路 7 号"


def stored(stage: Stage, table: str, column: str) -> list[Any]:
    """The values of a column as they lie in the database."""
    with stage.app.app_context(), stage.panel.db.engine.connect() as connection:
        return list(connection.execute(sa.text(f'SELECT "{column}" FROM "{table}"')).scalars())


def filled(stage: Stage) -> int:
    with stage.session() as session:
        party = CaseParty(case_id=stage.inside["case"], name="王小明", phone=PHONE, address=ADDRESS)
        entry = session.get_one(SurveyEntry, stage.inside["surveyentry"])
        entry.subject, entry.address = SUBJECT, PLACE
        session.add(party)
        session.flush()
        return int(party.id)


@pytest.mark.database
def test_what_is_stored_is_encrypted_and_read_in_clear(stage: Stage) -> None:
    id_ = filled(stage)
    party = stage.get("caseparty", id_)
    assert (party.phone, party.address) == (PHONE, ADDRESS)
    for name, columns in (("caseparty", ("phone", "address")), ("surveyentry", ("subject", "address"))):
        for column in columns:
            assert all(value.startswith(MARK) for value in stored(stage, name, column) if value), column
    office = stage.browse("office")
    shown = office.get(f"/admin/caseparty/details/?id={id_}").text
    assert "139****0099" in shown


def test_the_file_of_the_database_holds_no_private_value(stage: Stage) -> None:
    filled(stage)
    with stage.app.app_context():
        file = Path(str(stage.panel.db.engine.url.database))
    held = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    assert held
    assert [value for value in (PHONE, ADDRESS, SUBJECT, PLACE) if value.encode() in held] == []


@pytest.mark.database
def test_an_encrypted_key_is_unique_and_found_by_its_hash(stage: Stage) -> None:
    """By the form of survey entries, in an import and its undo, whatever the case, width and white space."""
    filled(stage)
    id_, community = stage.inside["surveyentry"], stage.inside["community"]
    same = "b座东门路7号"
    with stage.session() as session:
        session.add(SurveyEntry(community_id=community, kind=SurveyKind.SHOP, address=same))
        with pytest.raises(IntegrityError) as refused:
            session.flush()
        session.rollback()
    field, message = explain(refused.value, SurveyEntry)
    assert (field, "地址" in in_default_locale(message)) == (None, True)
    with stage.session() as session:
        name = session.get_one(Community, community).name
    header = ("街道", "社区", "类别", "地址", "数量")
    rows = [("城东街道", name, "店铺", address, quantity) for address, quantity in ((same, "4"), ("新址路 1 号", "1"))]
    assert outcomes(Office(stage).run("surveyentry", table(header, *rows))) == {2: "changed", 3: "new"}
    assert (stage.get("surveyentry", id_).quantity, stage.get("surveyentry", id_).address) == (4, PLACE)


@pytest.mark.database
def test_addresses_from_before_are_encrypted_and_none_is_lost(stage: Stage) -> None:
    """Also two that differ in white space alone, which were two entries."""
    migration = importlib.import_module("migrations.versions.0024_survey_addresses")
    ids = [stage.add("surveyentry", address=address) for address in ("北门路 5 号", "北门路 6 号")]
    columns = sa.table("surveyentry", sa.column("id"), sa.column("address"), sa.column("address_hash"))
    select = sa.select(columns).where(columns.c.id.in_(ids)).order_by(columns.c.id)
    with stage.app.app_context(), stage.panel.db.engine.connect() as connection, may_write():
        decrypt = ring_of(connection.dialect).decrypt
        before = connection.execute(select).all()
        with Operations.context(MigrationContext.configure(connection)):
            migration.downgrade()
            clear = sa.select(columns.c.address).where(columns.c.id.in_(ids)).order_by(columns.c.id)
            assert connection.execute(clear).scalars().all() == ["北门路 5 号", "北门路 6 号"]
            connection.execute(sa.update(columns).where(columns.c.id == ids[1]).values(address="北门路5号"))
            migration.upgrade()
        after = connection.execute(select).all()
        connection.rollback()
    assert [decrypt(row.address) for row in after] == ["北门路 5 号", "北门路5号"]
    assert after[0].address_hash == before[0].address_hash != after[1].address_hash


def test_a_search_finds_an_encrypted_text_and_no_log_holds_it(stage: Stage) -> None:
    filled(stage)
    office = stage.browse("office")
    for address in ("/admin/surveyentry/?q=东门路", "/survey?q=东门路7"):
        assert PLACE in html.unescape(office.get(address).text), address
    assert PLACE not in html.unescape(office.get("/admin/surveyentry/?q=西门路").text)
    new = stage.add("surveyentry", address="拆除路 3 号", kind=SurveyKind.DOG)
    office.post("/admin/surveyentry/delete/", {"id": new})
    with stage.session() as session:
        assert session.get(SurveyEntry, new) is None
    kept = "".join(str(value) for name in ("changes", "note") for value in stored(stage, "auditentry", name))
    assert f"#{new}" in kept
    assert [value for value in (PLACE, "拆除路 3 号") if value in kept or json.dumps(value)[1:-1] in kept] == []


@pytest.mark.database
def test_what_an_import_keeps_is_encrypted(stage: Stage) -> None:
    with stage.session() as session:
        batch = stage.inside["importbatch"]
        session.add(
            ImportRow(batch_id=batch, number=9, outcome="failed", cells=[[PHONE, True]], before={"phone": PHONE})
        )
        session.flush()
        row = session.execute(sa.select(ImportRow).where(ImportRow.number == 9)).scalar_one()
        session.refresh(row)
        assert (row.cells, row.before, row.besides) == ([[PHONE, True]], {"phone": PHONE}, None)
    assert all(PHONE not in str(value) for value in stored(stage, "importrow", "cells"))
    with stage.session() as session:
        clear = sa.select(sa.func.count()).where(ImportRow.besides.is_(None), ImportRow.number == 9)
        assert session.execute(clear).scalar_one() == 1


@pytest.mark.parametrize(
    "expression",
    [
        lambda: CaseParty.phone == PHONE,
        lambda: CaseParty.phone.in_([PHONE]),
        lambda: CaseParty.address.contains("路"),
        CaseParty.phone.desc,
        lambda: CaseParty.phone + "x",
    ],
)
def test_an_encrypted_column_is_never_compared(expression: Any) -> None:
    with pytest.raises(TypeError, match="keyed hash"):
        expression()
    assert CaseParty.phone.is_(None) is not None
    assert (CaseParty.phone != None) is not None  # noqa: E711 - SQL


@pytest.mark.database
def test_a_rotation_writes_all_with_the_new_key_and_goes_on_where_it_stopped(stage: Stage) -> None:
    id_ = filled(stage)
    with stage.app.app_context():
        engine = stage.panel.db.engine
        own = ring_of(engine.dialect)
        old = keys.keys_of(engine).data[0]
        try:
            use_ring(engine.dialect, KeyRing(["n" * 64, old]))
            count = rotation.outdated(engine)
            assert count > 1
            assert rotation.rotate(engine) == count
            assert rotation.rotate(engine) == 0
            use_ring(engine.dialect, KeyRing(["n" * 64]))
            assert stage.get("caseparty", id_).phone == PHONE
        finally:
            use_ring(engine.dialect, own)


def test_the_command_makes_a_key_and_drops_the_old_one(stage: Stage) -> None:
    id_, file = filled(stage), Path(stage.app.instance_path) / "data_key"
    with stage.app.app_context():
        engine = stage.panel.db.engine
        own, old = ring_of(engine.dialect), keys.keys_of(engine)
        file.write_text(old.data[0])
        try:
            answer = stage.app.test_cli_runner().invoke(args=["private", "rotate"])
            assert (answer.exit_code, len(file.read_text().split())) == (0, 1), answer.output
            assert file.read_text().split()[0] != old.data[0]
            assert stage.get("caseparty", id_).phone == PHONE
            assert rotation.outdated(engine) == 0
        finally:
            keys.use(engine, old)
            use_ring(engine.dialect, own)
            file.unlink()


def test_the_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder, umask = tmp_path / "instance", os.umask(0o022)
    try:
        folder.mkdir(mode=0o755)
        (folder / "panel.db").write_text("")
        (folder / "uploads").mkdir()
        assert len(list(private_files.problems(folder))) == 3
        private_files.protect(folder)
        (folder / "later").write_text("")
        assert list(private_files.problems(folder)) == []
    finally:
        os.umask(umask)


def test_keys_are_added_before_the_old_ones() -> None:
    old, both, new = KeyRing(["a" * 64]), KeyRing(["b" * 64, "a" * 64]), KeyRing(["b" * 64])
    token = old.encrypt(PHONE)
    assert both.decrypt(token) == PHONE
    assert not both.is_newest(token)
    assert both.is_newest(both.encrypt(PHONE))
    with pytest.raises(LookupError):
        new.decrypt(token)


def test_what_is_private_is_encrypted_or_stands_in_the_list_with_its_reason() -> None:
    """Every private column, and every one of a telephone or an address, also those that no field declares."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "security.md").read_text()
    listed = page.partition("### What is stored in clear")[2].partition("\n## ")[0].partition("\n- ")[2]
    entries = re.split(r"\n- ", listed)
    assert all(re.search(r"`: \w", entry) for entry in entries), "an entry gives its reason"
    named = [name for entry in entries for name in re.findall(r"`(\w+\.\w+)`", entry.partition(": ")[0])]
    clear = set()
    for mapper in Base.registry.mappers:
        declared = {field.attr: field for field in fields(mapper.class_)}
        for attribute in mapper.column_attrs:
            field, column = declared.get(attribute.key), attribute.columns[0]
            is_contact = re.search(r"phone|mobile|address|contact", attribute.key) or (
                field is not None and isinstance(field.kind, Mobile | Phone | Place | Telephone)
            )
            is_private = field is not None and field.personal is Personal.PRIVATE
            is_hash = field is None and attribute.key.endswith("_hash")
            if (is_contact or is_private) and not is_hash and not isinstance(column.type, Encrypted):
                clear.add(f"{mapper.class_.__tablename__}.{attribute.key}")
    assert sorted(named) == sorted(clear)
