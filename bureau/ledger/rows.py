"""The rows of the monthly ledger (月度案件台账). The form is prescribed: its texts are Chinese in every language.

A row shows the case at the end of the month, by its events, referrals and feedback until then. Later changes belong to
a later ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from bureau.calendar.deadlines import local
from bureau.calendar.month import Month
from bureau.cases import import_undo
from bureau.cases.clock import NOT_DUE, in_time
from bureau.cases.steps.registry import IMPORTED
from bureau.ledger import facts as ledgerfacts
from bureau.ledger.facts import Change, Facts
from models import ENDED, Basis, CaseStatus, ListKind, Outcome, Satisfaction, Source
from panel.i18n import DEFAULT_LOCALE, using_locale
from panel.kinds import ZONE, now
from panel.search.names import NOT_VISIBLE

#: The prescribed columns: the attribute of LedgerRow by printed label.
PRINTED_COLUMNS: Mapping[str, str] = {
    "序号": "number",
    "案件编号": "case_no",
    "受理时间": "accepted_at",
    "来源": "source",
    "街道": "street",
    "社区": "community",
    "地点": "place",
    "清单类别": "list_kind",
    "事项": "item",
    "问题描述": "description",
    "投诉人(脱敏)": "complainant",
    "联络员": "liaison",
    "主办队员": "lead",
    "处置方式": "outcome",
    "协同部门": "departments",
    "处理结果": "result",
    "到期时间": "due_at",
    "办结时间": "closed_at",
    "是否按期": "on_time",
    "反馈时间": "fed_back_at",
    "满意度": "satisfaction",
    "备注": "remark",
}
COLUMNS = tuple(PRINTED_COLUMNS)
#: Labels of a correction, after its number.
CORRECTED = ("案件编号", "原台账", "项目", "更正前", "更正后")
CARRIED, REOPENED, CLOSED_AGAIN, SUSPENDED, VOIDED, REJECTED = (
    "上月结转",
    "重启",
    "重启后再次办结",
    "挂账",
    "作废",
    "不予受理",
)
#: The remark of a case that is open at the end of the month.
IN_HAND = "在办"
YES, NO = "是", "否"
#: Characters of a description or result; a printed row has no room for more.
MAX_LENGTH = 300
#: States that count neither as closed nor as open.
NOT_COUNTED = (CaseStatus.VOIDED, CaseStatus.MERGED, CaseStatus.REJECTED)

Value = str | int | datetime | None


@dataclass(slots=True)
class LedgerRow:
    """A case in a month's ledger: the printed values, then the values that totals count. Times are local."""

    number: int
    case_no: str
    accepted_at: datetime | None
    source: str
    street: str
    community: str
    place: str
    list_kind: str
    item: str
    description: str
    complainant: str
    liaison: str
    lead: str
    outcome: str
    departments: str
    result: str
    due_at: datetime | None
    closed_at: datetime | None
    on_time: str
    fed_back_at: datetime | None
    satisfaction: str
    remark: str

    case_id: int
    item_code: str
    #: Accepted before the month and open at its start.
    carried: bool
    #: Accepted before the month, ended before it, and reopened in it.
    reopened: bool
    #: The state at the end of the month: an end or SUSPENDED; HANDLING stands for every other open state.
    standing: CaseStatus
    due_in_month: bool
    mediated: bool

    def cells(self) -> tuple[Value, ...]:
        """The printed values in the order of COLUMNS; empty ones are None."""
        values: tuple[Value, ...] = _CELLS(self)
        return tuple(None if value == "" else value for value in values)


_CELLS = attrgetter(*PRINTED_COLUMNS.values())


def rows(session: Session, month: Month, basis: Basis, squad: int | None = None) -> Iterator[LedgerRow]:
    """The rows of a month's ledger, or of a squad's part of it (`squad` is an id).

    By acceptance: cases carried over come first, then those accepted in the month. By closing: the cases closed in
    the month in the order of their closure, also those reopened after the month."""
    chosen = ledgerfacts.ids(ledgerfacts.candidates(month, basis), squad)
    facts = ledgerfacts.load(session, chosen)
    builder = Builder(month, basis, facts)
    number = 0
    for case in ledgerfacts.cases(session, chosen, month if basis == Basis.CLOSED else None):
        if row := builder.row(case, number + 1):
            number += 1
            yield row


def shown(value: Value) -> str:
    """A printed value as text; times as "2026-05-29 08:30"."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)


class Builder:
    """Builds the rows of one month's ledger."""

    def __init__(self, month: Month, basis: Basis, facts: Facts) -> None:
        self.month, self.basis, self.facts = month, basis, facts
        self.start, self.end = month.start, month.end
        #: A month that isn't over is shown until now.
        self.until = min(self.end, now())
        with using_locale(DEFAULT_LOCALE):
            self.words = {
                member: str(member.label) for kind in (Source, ListKind, Outcome, Satisfaction) for member in kind
            }
            self.hidden = str(NOT_VISIBLE)

    def row(self, case: Row[Any], number: int) -> LedgerRow | None:
        """The row of a case, or None for one that isn't in this ledger."""
        course = CaseCourse.of(case, self.facts.changes.get(case.id, ()), self.start, self.until)
        by_closing = self.basis == Basis.CLOSED
        closed = course.closed_in_month if by_closing else course.closed
        accepted_before = case.accepted_at is not None and case.accepted_at < self.start
        if by_closing and closed is None:
            return None
        if not by_closing and accepted_before and course.over_at_start and not course.reopened:
            return None
        due = course.due(case, (closed if by_closing else None) or self.until)
        on_time = ""
        if closed is not None and due is not None:
            on_time = YES if in_time(closed, due) else NO
        elif due is not None and course.status not in NOT_DUE and not in_time(self.until, due):
            on_time = NO
        outcome, result = course.handled(case, closed if by_closing else self.until)
        fed_back, satisfaction = self._feedback(case.id)
        departments = [name for at, name in self.facts.referrals.get(case.id, ()) if at < self.until]
        snapshot = case.item_snapshot or {}
        list_kind = snapshot.get("list_kind") or case.list_kind
        return LedgerRow(
            number=number,
            case_no=case.case_no,
            accepted_at=local(case.accepted_at),
            source=case.source_name or self.words[case.source],
            street=case.street or "",
            community=self._name(case.community_id, case.community),
            place=case.place or "",
            list_kind=self.words[ListKind.of(list_kind)] if list_kind else "",
            item=snapshot.get("name") or case.item or case.item_name or "",
            description=_abridged(case.description),
            complainant="、".join(self.facts.complainants.get(case.id, ())),
            liaison=self._name(case.liaison_id, case.liaison),
            lead=self._name(case.lead_officer_id, case.lead),
            outcome=self.words[outcome] if outcome else "",
            departments="、".join(dict.fromkeys(departments)),
            result=_abridged(result),
            due_at=local(due),
            closed_at=local(closed),
            on_time=on_time,
            fed_back_at=local(fed_back),
            satisfaction=self.words[satisfaction] if satisfaction else "",
            remark="；".join(self._remarks(case, course, before=accepted_before, closed=closed)),
            case_id=case.id,
            item_code=snapshot.get("code") or "",
            carried=accepted_before and not course.over_at_start,
            reopened=accepted_before and course.over_at_start,
            standing=CaseStatus.CLOSED if by_closing else course.status,
            due_in_month=due is not None and self.start <= due < self.end and course.status not in NOT_DUE,
            mediated=course.mediated or outcome == Outcome.MEDIATED,
        )

    def _name(self, id_: int | None, name: str | None) -> str:
        """A name, or "not visible" for a record outside the actor's scope."""
        return "" if id_ is None else name or self.hidden

    def _feedback(self, case_id: int) -> tuple[datetime | None, Satisfaction | None]:
        """The time of the last feedback, and the last answer about satisfaction."""
        last, answer = None, None
        for at, satisfaction in self.facts.feedback.get(case_id, ()):
            if at < self.until:
                last, answer = at, satisfaction or answer
        return last, answer

    def _remarks(self, case: Row[Any], course: CaseCourse, *, before: bool, closed: datetime | None) -> Iterator[str]:
        if before and not course.over_at_start:
            yield CARRIED
        if course.reopened and closed is not None and course.reopened < closed:
            yield CLOSED_AGAIN
        elif course.reopened:
            yield f"{course.reopened.astimezone(ZONE):%m-%d}{REOPENED}"
        if course.status is CaseStatus.SUSPENDED:
            yield SUSPENDED
        elif course.status is CaseStatus.VOIDED:
            yield VOIDED
        elif course.status is CaseStatus.REJECTED:
            yield REJECTED
        elif course.status is CaseStatus.MERGED:
            yield f"并入{case.master_no or ''}"
        elif closed is None:
            yield IN_HAND


@dataclass(slots=True)
class CaseCourse:
    """The course of a case until a moment: its state then, its closures and its reopening."""

    changes: list[Change]
    status: CaseStatus = CaseStatus.HANDLING
    over_at_start: bool = False
    closed: datetime | None = None
    closed_in_month: datetime | None = None
    #: The last reopening in the month.
    reopened: datetime | None = None
    mediated: bool = False

    @classmethod
    def of(cls, case: Row[Any], changes: Any, start: datetime, until: datetime) -> CaseCourse:
        course = cls(_completed(case, changes))
        for change in course.changes:
            if change.at >= until:
                break
            if change.at < start:
                course.over_at_start = change.after in ENDED
            course._take(change, start)
        return course

    def _take(self, change: Change, start: datetime) -> None:
        if change.after is CaseStatus.CLOSED:
            self.closed = change.at
            self.closed_in_month = change.at if change.at >= start else None
        elif change.before is CaseStatus.CLOSED:
            self.closed = None
            self.reopened = change.at if change.at >= start else None
        if change.after is CaseStatus.MEDIATING:
            self.mediated = True
        distinguished = (*ENDED, CaseStatus.SUSPENDED)
        self.status = change.after if change.after in distinguished else CaseStatus.HANDLING

    def due(self, case: Row[Any], until: datetime) -> datetime | None:
        """The deadline as of `until`: that of the case, unless a later reopening replaced it."""
        ended = next((change.due for change in self.changes if change.due and change.at >= until), None)
        return datetime.fromisoformat(ended) if ended else case.due_at

    def handled(self, case: Row[Any], until: datetime | None) -> tuple[Outcome | None, str | None]:
        """Outcome and result as of `until`: those of the case, unless it was handled again later."""
        handlings = [change for change in self.changes if change.after is CaseStatus.HANDLED]
        then = [change for change in handlings if until is None or change.at < until]
        if len(then) == len(handlings) or case.historic:
            return case.outcome, case.result
        if not then:
            return None, None
        return Outcome.of(then[-1].outcome) if then[-1].outcome else None, then[-1].result


def _completed(case: Row[Any], changes: Any) -> list[Change]:
    """The changes of a case in order. A case from an old ledger that ended without an event gets one at its closing
    time, or at its acceptance if that is unknown."""
    own = [change for change in changes if change.step != IMPORTED]
    if any(change.step == import_undo.STEP and change.after is CaseStatus.VOIDED for change in own):
        # The import was undone: the case counts as void from the beginning.
        return [Change(case.accepted_at or case.reported_at, import_undo.STEP, None, CaseStatus.VOIDED)]
    ends = [change for change in own if change.after in ENDED]
    first = own[0] if own else None
    if first is not None and first.before in ENDED:
        ended = Change(case.accepted_at or case.reported_at, IMPORTED, None, first.before)
        return [ended, *own]
    if not ends and case.status in ENDED:
        return [*own, Change(case.closed_at or case.accepted_at or case.reported_at, IMPORTED, None, case.status)]
    return own


def _abridged(text: str | None) -> str:
    if not text or len(text) <= MAX_LENGTH:
        return text or ""
    return f"{text[: MAX_LENGTH - 1]}…"
