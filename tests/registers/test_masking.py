"""What is read to be printed is masked as on screen, whether or not a register takes care of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook
from sqlalchemy.orm import Session, aliased, joinedload

from bureau.calendar.month import Month
from bureau.printing.register_sheet import Column
from bureau.registers import registers
from bureau.registers.model import Filled, Register
from bureau.registers.registers import REGISTERS
from bureau.registers.web import workbook
from models import Case, CaseParty, Liaison, Mediation, Visit
from panel.base import UNSCOPED
from panel.fields import Personal, fields
from panel.i18n import _
from panel.security.masking import clear_session, masked_session
from panel.security.policy import Permission, Policy
from tests.factories import MODELS, ROLES_BY_NAME, Stage

JUNE, JULY = Month(2026, 6), Month(2026, 7)
#: One that says nothing of masking.
CARELESS = Register(
    "careless",
    "无",
    _("x"),
    _("x"),
    Liaison,
    (Column("姓名", 9), Column("手机", 14), Column("联络员手机", 14)),
    lambda session, _request: Filled(
        [*session.execute(sa.select(CaseParty.name, CaseParty.phone, sa.null()))]
        + [(None, None, liaison.mobile) for liaison in session.scalars(sa.select(Liaison))]
    ),
)


@contextmanager
def reading(stage: Stage, role: str) -> Iterator[Session]:
    """A session of this role, which may export what it may read."""
    held = ROLES_BY_NAME[role]
    grants = {model: {*acts, Permission.EXPORT} for model, acts in held.grants.items()}
    with stage.acting(role) as session:
        session.info["policy"] = Policy({role: replace(held, grants=grants)})
        yield session


def stored(stage: Stage, personal: Personal) -> set[str]:
    """All values of this kind that the district has."""
    columns = [getattr(model, f.attr) for model in MODELS.values() for f in fields(model) if f.personal is personal]
    with stage.session() as session:
        return {str(value) for column in columns for value in session.scalars(sa.select(column)) if value}


@pytest.mark.parametrize("register", [*REGISTERS.values(), CARELESS], ids=lambda register: register.name)
@pytest.mark.parametrize("role", ["viewer", "office"])
def test_no_register_prints_what_its_reader_sees_masked(growing: Stage, register: Register, role: str) -> None:
    with reading(growing, role) as session:
        request = registers.checked_params(session, JUNE, JULY, date(2026, 7, 1), None)
        sheet = load_workbook(BytesIO(workbook.make(session, register, request).content)).active
    text = "\n".join(str(cell.value) for row in sheet.iter_rows(min_row=4) for cell in row if cell.value)
    private, work = stored(growing, Personal.PRIVATE), stored(growing, Personal.WORK)
    assert {"张三", "13712345678"} <= private
    assert [value for value in private if value in text] == []
    in_clear = role == "office" and register.model is Liaison
    assert ("13800001111" in text, any(value in text for value in work)) == (in_clear, in_clear)


def _subquery() -> Any:
    inner = sa.select(Liaison.id, Liaison.mobile.label("number")).subquery()
    return sa.select(inner.c.number).where(inner.c.id.is_not(None))


READS: dict[str, Callable[[Session], Any]] = {
    "a column": lambda session: session.scalars(sa.select(Liaison.mobile)),
    "a labelled column": lambda session: [row.n for row in session.execute(sa.select(Liaison.mobile.label("n")))],
    "an alias": lambda session: session.scalars(sa.select(aliased(Liaison).mobile)),
    "a subquery": lambda session: session.scalars(_subquery()),
    "a bare table": lambda session: session.scalars(sa.select(Liaison.__table__.c.mobile), execution_options=UNSCOPED),
    "records": lambda session: [liaison.mobile for liaison in session.scalars(sa.select(Liaison))],
    "one by its id": lambda session: [
        session.get_one(Liaison, id_).mobile for id_ in session.scalars(sa.select(Liaison.id)).all()
    ],
    "related records": lambda session: [
        visit.liaison.mobile for visit in session.scalars(sa.select(Visit).options(joinedload(Visit.liaison)))
    ],
    "related records, later": lambda session: [visit.liaison.mobile for visit in session.scalars(sa.select(Visit))],
}


@pytest.mark.database
@pytest.mark.parametrize("way", READS)
def test_every_way_of_reading_gives_masked_values(growing: Stage, way: str) -> None:
    with growing.acting("viewer") as session, masked_session(session) as masked:
        clear = set(READS[way](clear_session(masked)))
        assert "13800001111" in clear
        values = set(READS[way](masked))
        assert "138****1111" in values
        assert not values & clear


@pytest.mark.parametrize(
    "statement",
    [
        sa.select(sa.func.upper(Mediation.party_a)),
        sa.select(CaseParty.name + CaseParty.phone),
        sa.select(sa.select(sa.func.min(CaseParty.name).label("least")).subquery().c.least),
        sa.union(sa.select(Case.id, Case.case_no), sa.select(CaseParty.id, CaseParty.name)),
    ],
    ids=["a function", "an operator", "in a subquery", "a union"],
)
def test_what_can_not_be_masked_is_refused(growing: Stage, statement: Any) -> None:
    with growing.acting("office") as session, masked_session(session) as masked:
        with pytest.raises(PermissionError, match="clear_session"):
            masked.execute(statement)
        assert clear_session(masked).execute(statement).all()


def test_what_is_not_personal_is_read_as_it_is(growing: Stage) -> None:
    counting = sa.select(sa.func.count(Case.id), sa.func.max(Case.case_no))
    with growing.acting("office") as session, masked_session(session) as masked:
        assert masked.execute(counting).one() == session.execute(counting).one()
