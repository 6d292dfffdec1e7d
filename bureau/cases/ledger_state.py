"""The state of a case in an old ledger: by what is filled in, and by the words that say whether it is closed.

Where the words and the day of closing don't fit, the row is asked about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from models import CaseStatus
from panel.i18n import _
from panel.imports.plans import PlanRow
from panel.kinds import narrow

#: The column of a ledger that says whether a case is closed, and its labels.
CLOSED_WORD = "closed_word"
LABELS = {
    CLOSED_WORD: (
        *("是否办结", "是否结案", "是否化解", "是否完成", "是否解决", "是否办理完毕"),
        *("办结状态", "办理状态", "处理状态", "办理进度", "办件状态", "工单状态", "案件状态", "当前状态"),
    )
}
_VERB = "(?:办理?|处理|处置|调查|核查|核实|协调|调解|化解|整改|清理|跟进|办结|解决|完成|结案)"
#: Words of a case that isn't handled yet.
_UNDER_WAY = re.compile(
    rf"(?:正在|尚在|还在|仍在|在|继续){_VERB}中?|{_VERB}中|(?:尚|暂|还|仍)?未{_VERB}|(?:等)?待{_VERB}|否|没有?|×|n|no"
)
_CLOSED = re.compile(rf"(?:是|√|y|yes|已?(?:按期|按时|及时)?{_VERB}(?:完毕|完成|结束)?|已(?:完毕|归档|了结))")
#: Results that tell of nothing but the closing.
_CLOSED_RESULT = re.compile("已?(?:按期|按时|及时)?(?:办结|结案)(?:完毕)?|已归档")
#: A case that is closed so long after its acceptance is asked about: a year may be misspelt.
LONGEST = timedelta(days=2 * 365)


def is_under_way(text: object) -> bool:
    """Whether words say that a case isn't handled yet: 正在办理, 未办结, 待处理."""
    return _UNDER_WAY.fullmatch(_plain(text)) is not None


def state_of(row: PlanRow) -> CaseStatus:
    """The state of a case by its values in the ledger."""
    values = row.values
    if values.get("closed_at") is not None:
        return CaseStatus.CLOSED
    if is_under_way(values.get("result")) or is_under_way(_word(row)):
        return CaseStatus.ACCEPTED
    return CaseStatus.HANDLED if values.get("outcome") or values.get("result") else CaseStatus.ACCEPTED


def doubt(row: PlanRow) -> None:
    """Doubt a new row if what it says of the closing doesn't fit together."""
    values: Mapping[str, Any] = row.values
    accepted, closed, word = values.get("accepted_at"), values.get("closed_at"), _word(row)
    if closed is None:
        said = next((text for text, closing in _closings(row, word) if closing.fullmatch(_plain(text))), None)
        if said is not None:
            row.doubt(_("“{word}”, but there is no day of closing. The case would stay open.", word=said))
        return
    for text in (word, values.get("result")):
        if text and is_under_way(text):
            row.doubt(_("“{word}”, but there is a day of closing. The case would be closed.", word=text))
    if accepted is not None and closed - accepted > LONGEST:
        years = (closed - accepted).days // 365
        row.doubt(_("It was closed {n} years after it was accepted. Is the year right?", n=years))


def _closings(row: PlanRow, word: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return (word, _CLOSED), (row.values.get("result") or "", _CLOSED_RESULT)


def _word(row: PlanRow) -> str:
    return str(row.extra[CLOSED_WORD]) if row.has_extra(CLOSED_WORD) else ""


def _plain(text: object) -> str:
    return narrow(str(text or "")).lower().strip(" 。.！!")
