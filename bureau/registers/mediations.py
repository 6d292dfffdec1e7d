"""The register of mediations (调解台账)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bureau.mediation import records
from bureau.printing.paper import CODE, DAY, LEFT, TEXT
from bureau.printing.register_sheet import Column, Marked
from bureau.registers.model import Filled, Register, RegisterRequest
from models import Mediation, MediationStatus
from panel.i18n import _


def _fill(session: Session, params: RegisterRequest) -> Filled:
    lines = list(records.register_lines(session, params.first.start, params.last.end, params.street))
    rows = [
        (
            line.mediation_no,
            line.begun_on,
            line.source,
            line.party_a,
            line.party_b,
            line.kind,
            line.dispute,
            line.sessions,
            line.mediators,
            line.result,
            line.form,
            Marked(line.performance) if line.late else line.performance,
            line.followed,
            line.remark,
        )
        for line in lines
    ]
    counts = {
        "受理": len(lines),
        "达成协议": sum(line.status is MediationStatus.AGREED for line in lines),
        "未达成": sum(line.status is MediationStatus.FAILED for line in lines),
        "调解中": sum(line.status is MediationStatus.RUNNING for line in lines),
        "已履行": sum(line.performed for line in lines),
    }
    return Filled(rows, "　".join(f"{label} {n} 件" for label, n in counts.items()))


REGISTER = Register(
    "mediations",
    "调解台账",
    _("Register of mediations"),
    _("What was mediated in a month: parties (masked), sessions, mediators, agreement and its performance."),
    Mediation,
    (
        Column("编号", 12.4, CODE),
        Column("受理日期", 9.4, DAY),
        Column("来源", 9),
        Column("甲方", 5.5),
        Column("乙方", 5.5),
        Column("纠纷类型", 9),
        Column("简要情况", 20, TEXT),
        Column("场次/日期", 12.5, LEFT),
        Column("调解员", 15, TEXT),
        Column("结果", 24, TEXT),
        Column("协议形式", 7),
        Column("履行期限/情况", 10.5, LEFT),
        Column("回访", 15, TEXT),
        Column("备注", 13, TEXT),
    ),
    _fill,
)
