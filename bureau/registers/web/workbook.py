"""The workbook of a register."""

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


def make(session: Session, register: Register, params: RegisterRequest) -> RegisterFile:
    """The workbook of a register. Raises as registers.fill()."""
    content = fill(session, register, params)
    values = settings.all_values(session)
    period = _period(register, params)
    heading = paper.heading(
        values,
        f"{params.place}{register.title}（{period}）",
        f"{params.place or '全部街道'}，{period}",
        period_label="统计时点" if register.by_day else paper.PERIOD,
    )
    target = BytesIO()
    count = register_sheet.write(
        target, register.title, heading, register.columns, content.rows, total=content.total, notes=content.notes
    )
    name = paper.file_name(heading.unit, params.place, register.title, period)
    return RegisterFile(name, target.getvalue(), count)


def note_export(session: Session, register: Register, file: RegisterFile) -> None:
    """Add an audit entry about the export. `session` is a writing session of the same actor; the caller commits."""
    note = _("Register written: {name}, {n} rows", name=file.name.removesuffix(".xlsx"), n=file.rows)
    audit.note(session, AuditAction.EVENT, register.model.__tablename__, None, in_default_locale(note))


def _period(register: Register, params: RegisterRequest) -> str:
    if register.by_day:
        return f"截至{params.day.year}年{params.day.month}月{params.day.day}日"
    if params.first == params.last:
        return params.first.words
    same = params.first.year == params.last.year
    return f"{params.first.words}至{f'{params.last.number}月' if same else params.last.words}"
