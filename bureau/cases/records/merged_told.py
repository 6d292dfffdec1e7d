"""Feedback to those who reported the cases that were merged into one, when that one ends: each complainant by
themselves, with the channel, the time and the answer of each, and the liaisons of these cases together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bureau.cases.errors import InvalidValues
from bureau.cases.steps.fields import MERGED_TOLD, ask
from bureau.cases.steps.model import Values
from models import Case, CaseParty, CaseStatus, Feedback, FeedbackChannel, FeedbackTarget, PartyRole, Satisfaction
from panel.base import UNSCOPED
from panel.fields import Field, Personal
from panel.i18n import Message, _
from panel.kinds import Choice, Moment, PersonName, Text, now

NOT_TOLD = _("Their reporters have not been told yet: say what was told.")


@dataclass(frozen=True, slots=True)
class Due:
    """A case merged into another whose reporters have still to be told: its liaison, and complainants as pairs of the
    party's id and the masked name."""

    case_id: int
    case_no: str
    liaison: bool
    complainants: tuple[tuple[int, str], ...]


def _since(case: Case) -> datetime | None:
    """Feedback from before the case was last handled doesn't count. Times of feedback are entered to the minute."""
    return None if case.handled_at is None else case.handled_at.replace(second=0, microsecond=0)


def due(session: Session, case: Case) -> list[Due]:
    """The cases merged into this one whose feedback is missing. Anonymous complainants aren't told. Two statements at
    most, one where nothing was merged."""
    since = _since(case)

    def given(target: FeedbackTarget) -> Any:
        feedback = select(func.count(Feedback.id)).where(Feedback.case_id == Case.id, Feedback.target == target)
        if target is FeedbackTarget.COMPLAINANT:
            feedback = feedback.where(Feedback.counts())
        return (feedback if since is None else feedback.where(Feedback.at >= since)).scalar_subquery()

    counts = [given(target) for target in (FeedbackTarget.LIAISON, FeedbackTarget.COMPLAINANT)]
    statement = select(Case.id, Case.case_no, *counts).where(
        Case.master_id == case.id, Case.status == CaseStatus.MERGED
    )
    merged = session.execute(statement.order_by(Case.id), execution_options=UNSCOPED).all()
    if not merged:
        return []
    parties = select(CaseParty.case_id, CaseParty.id, CaseParty.name).where(
        CaseParty.case_id.in_([row[0] for row in merged]),
        CaseParty.role == PartyRole.COMPLAINANT,
        CaseParty.anonymous.is_(False),
    )
    named: dict[int, list[tuple[int, str]]] = {}
    for case_id, id_, name in session.execute(parties.order_by(CaseParty.id), execution_options=UNSCOPED):
        named.setdefault(case_id, []).append((id_, PersonName().mask(name) if name else ""))
    found = [
        Due(id_, number, not to_liaison, tuple(named.get(id_, ())[to_complainants:]))
        for id_, number, to_liaison, to_complainants in merged
    ]
    return [one for one in found if one.liaison or one.complainants]


def fields(session: Session, case: Case, *, asks_answer: bool) -> tuple[Field, ...]:
    """The fields of a form for all of them. With `asks_answer` each complainant is asked how satisfied they are."""
    missing, found = due(session, case), list[Field]()
    if any(one.liaison for one in missing):
        found.append(ask(MERGED_TOLD.name, MERGED_TOLD.kind, MERGED_TOLD.label, personal=MERGED_TOLD.personal))
    for one in missing:
        for party, name in one.complainants:
            found += _fields_of(party, _("{name}, complainant of {case}", name=name, case=one.case_no), asks_answer)
    return tuple(found)


def _fields_of(party: int, heading: Message, asks_answer: bool) -> Sequence[Field]:
    private, group = Personal.PRIVATE, heading
    told = _("What the complainant was told")
    return (
        ask(
            f"told_{party}_channel",
            Choice(FeedbackChannel),
            _("Complainant told by"),
            required=False,
            default=FeedbackChannel.PHONE,
            group=group,
        ),
        ask(f"told_{party}_at", Moment(), _("Told at"), required=False, default=now, group=group),
        ask(f"told_{party}_content", Text(500, lines=2), told, required=False, personal=private, group=group),
        ask(
            f"told_{party}_satisfaction",
            Choice(Satisfaction),
            _("Satisfaction"),
            required=asks_answer,
            help=_("Not reached is an answer too; nothing was told then."),
            group=group,
        ),
    )


def record(session: Session, case: Case, values: Values, *, asks_answer: bool) -> None:
    """Record the feedback: a row for the liaison of each merged case, and one for each complainant. Raises
    InvalidValues, at the field of each, while somebody is missing."""
    missing, problems = due(session, case), dict[str, Message]()
    to_liaisons = values.get(MERGED_TOLD.name)
    if any(one.liaison for one in missing) and not to_liaisons:
        problems[MERGED_TOLD.name] = NOT_TOLD
    rows = [
        Feedback(case_id=one.case_id, target=FeedbackTarget.LIAISON, content=to_liaisons, at=now())
        for one in missing
        if one.liaison and to_liaisons
    ]
    for one in missing:
        for party, _name in one.complainants:
            given = {name: values.get(f"told_{party}_{name}") for name in ("channel", "at", "content", "satisfaction")}
            wrong = _problems(case, given, asks_answer)
            problems |= {f"told_{party}_{name}": message for name, message in wrong.items()}
            if wrong:
                continue
            row = Feedback(case_id=one.case_id, target=FeedbackTarget.COMPLAINANT, satisfaction=given["satisfaction"])
            row.channel, row.at = given["channel"] or FeedbackChannel.PHONE, given["at"] or now()
            row.content = given["content"] or str(Satisfaction.UNREACHED.label)
            rows.append(row)
    if problems:
        raise InvalidValues(problems)
    session.add_all(rows)


def _problems(case: Case, given: Values, asks_answer: bool) -> dict[str, Message]:
    """What is wrong with the feedback to one complainant, by the last part of the field's name."""
    problems: dict[str, Message] = {}
    at, since = given["at"], _since(case)
    if not given["content"] and given["satisfaction"] is not Satisfaction.UNREACHED:
        problems["content"] = NOT_TOLD
    if asks_answer and given["satisfaction"] is None:
        problems["satisfaction"] = _("Ask how satisfied the complainant is; “not reached” is an answer.")
    if at is not None and at > now() + timedelta(minutes=1):
        problems["at"] = _("This time is still to come.")
    elif at is not None and since is not None and at < since:
        problems["at"] = _("Feedback can't be dated before the handling.")
    return problems
