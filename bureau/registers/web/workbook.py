"""A register as a workbook to print and sign."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO

from sqlalchemy.orm import Session

from bureau.printing import register_sheet
from bureau.printing.paper import Heading
from bureau.registers.model import Register, RegisterRequest
from bureau.registers.registers import fill
from bureau.settings import settings
from panel.i18n import _, for_the_record
from panel.kinds import today
from panel.security import audit
from panel.security.records import AuditAction


@dataclass(frozen=True, slots=True)
class RegisterFile:
    name: str
    content: bytes
    rows: int


def make(session: Session, register: Register, wanted: RegisterRequest) -> RegisterFile:
    """A register as a workbook."""
    filled = fill(session, register, wanted)
    values = settings.all_values(session)
    unit = values["unit_name"]
    period = _period(register, wanted)
    heading = Heading(
        title=f"{unit}{wanted.place}{register.title}（{period}）",
        unit=unit,
        period=f"{wanted.place or '全部街道'}，{period}",
        made_on=today(),
        signatures=(values["ledger_maker"], values["ledger_checker"], values["ledger_head"]),
        period_label="统计时点" if register.by_day else "统计周期",
    )
    target = BytesIO()
    count = register_sheet.write(
        target, register.title, heading, register.columns, filled.rows, total=filled.total, notes=filled.notes
    )
    name = re.sub(r'[\\/:*?"<>|\s]', "", f"{unit}{wanted.place}{register.title}{period}") + ".xlsx"
    return RegisterFile(name, target.getvalue(), count)


def written(session: Session, register: Register, made: RegisterFile) -> None:
    """Note who took which register along. `session` is a writing one of the same actor; the caller commits."""
    note = _("Register written: {name}, {n} rows", name=made.name.removesuffix(".xlsx"), n=made.rows)
    audit.note(session, AuditAction.EVENT, register.model.__tablename__, None, for_the_record(note))


def _period(register: Register, wanted: RegisterRequest) -> str:
    if register.by_day:
        return f"截至{wanted.day.year}年{wanted.day.month}月{wanted.day.day}日"
    if wanted.first == wanted.last:
        return wanted.first.words
    same = wanted.first.year == wanted.last.year
    return f"{wanted.first.words}至{f'{wanted.last.number}月' if same else wanted.last.words}"
