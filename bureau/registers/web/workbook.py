"""A register as a workbook to print and sign."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from sqlalchemy.orm import Session

from bureau.printing import paper, register_sheet
from bureau.registers.model import Register, RegisterRequest
from bureau.registers.registers import fill
from bureau.settings import settings
from panel.i18n import _, in_default_locale
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
    period = _period(register, wanted)
    heading = paper.heading(
        values,
        f"{wanted.place}{register.title}（{period}）",
        f"{wanted.place or '全部街道'}，{period}",
        period_label="统计时点" if register.by_day else paper.PERIOD,
    )
    target = BytesIO()
    count = register_sheet.write(
        target, register.title, heading, register.columns, filled.rows, total=filled.total, notes=filled.notes
    )
    name = paper.file_name(heading.unit, wanted.place, register.title, period)
    return RegisterFile(name, target.getvalue(), count)


def written(session: Session, register: Register, made: RegisterFile) -> None:
    """Note who took which register along. `session` is a writing one of the same actor; the caller commits."""
    note = _("Register written: {name}, {n} rows", name=made.name.removesuffix(".xlsx"), n=made.rows)
    audit.note(session, AuditAction.EVENT, register.model.__tablename__, None, in_default_locale(note))


def _period(register: Register, wanted: RegisterRequest) -> str:
    if register.by_day:
        return f"截至{wanted.day.year}年{wanted.day.month}月{wanted.day.day}日"
    if wanted.first == wanted.last:
        return wanted.first.words
    same = wanted.first.year == wanted.last.year
    return f"{wanted.first.words}至{f'{wanted.last.number}月' if same else wanted.last.words}"
