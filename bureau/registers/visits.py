"""The register of Monday visits (联居走访登记)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.orm import Session

from bureau.printing.paper import CODE, DAY, LEFT, TEXT
from bureau.printing.register_sheet import Cell, Column, Marked
from bureau.registers.model import Filled, Register, RegisterRequest
from bureau.visits import rota
from models import Visit, VisitStatus
from panel.i18n import _

WEEKDAYS = ("一", "二", "三", "四", "五", "六", "日")


def _fill(session: Session, params: RegisterRequest) -> Filled:
    rows: list[Sequence[Cell]] = []
    lines = rota.register_lines(session, params.first, params.last, params.street, params.community)
    for line in lines:
        remark = "：".join(filter(None, (str(line.status.label) * (line.status is not VisitStatus.DONE), line.reason)))
        if line.status is VisitStatus.MADE_UP:
            remark = f"应访 {line.planned_on.isoformat()}，{remark}"
        times = "–".join(f"{at:%H:%M}" for at in (line.arrived_at, line.left_at) if at is not None)
        rows.append(
            (
                line.day,
                WEEKDAYS[line.day.weekday()],
                line.community,
                line.officer,
                line.liaison,
                times,
                line.content,
                line.findings,
                line.on_the_spot,
                "\n".join(line.cases),
                Marked(remark) if line.status is VisitStatus.MISSED else remark,
            )
        )
    counted = Counter(line.status for line in lines)
    completed, punctual = rota.rates(line.status for line in lines)
    words = [f"应访 {len(lines)} 次", *(f"{status.label} {counted[status]} 次" for status in VisitStatus)]
    return Filled(rows, "　".join([*words, f"走访完成率 {completed}", f"周一准时率 {punctual}"]))


REGISTER = Register(
    "visits",
    "联居走访登记",
    _("Register of visits"),
    _("The visits of a month's Mondays, community by community: held, made up for, excused and missed."),
    Visit,
    (
        Column("走访日期", 9.4, DAY),
        Column("星期", 5),
        Column("社区", 9),
        Column("联居队员", 8),
        Column("联络员", 8),
        Column("到/离时间", 10.4),
        Column("走访内容", 24, TEXT),
        Column("发现问题", 22, TEXT),
        Column("当场处置", 18, TEXT),
        Column("转案编号", 13.4, CODE),
        Column("备注", 16, LEFT),
    ),
    _fill,
    by_community=True,
)
