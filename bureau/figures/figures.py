"""The figures of the bureau's work, declared once: name, definition, dividend and divisor. The page, the workbook, the
lists behind the numbers and docs/figures.md are read from FIGURES.

The bureau's rules fix the figures; where they leave a choice, the definition states it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from bureau.figures.parts.cases import (
    CLOSED_ALL,
    DUE_ALL,
    DUE_CLOSED,
    DUE_EXTENDED,
    DUE_IN_TIME,
    DUE_REWORKED,
    FED_BACK_IN_TIME,
    FEEDBACK_DUE,
    HANDLED_ACCEPTED,
    HANDLED_ALL,
    HANDLED_BY_THREE,
    HANDLED_NEXT_DAY,
    NOT_RAISED,
    REPEATED,
    REPORTED_ALL,
)
from bureau.figures.parts.model import Part
from bureau.figures.parts.records import (
    AGREED,
    ASKED_ALL,
    HOTLINE_ANSWERED,
    HOTLINE_RETURNED,
    HOTLINE_SIGNED,
    HOTLINE_TO_SIGN,
    MEDIATED_ALL,
    PERFORMED,
    PROMISED_ALL,
    REPLIED,
    RETURNED,
    SATISFIED,
    SENT_ALL,
    SESSIONS_ALL,
    SIGNED,
    TO_SIGN,
    VISITS_ALL,
    VISITS_HELD,
    VISITS_MONDAY,
    VISITS_OWED,
)
from models import (
    Action,
    Case,
    CaseEvent,
    CaseParty,
    Community,
    DeadlineChange,
    Feedback,
    HotlineOrder,
    Mediation,
    MediationMember,
    MediationSession,
    Referral,
    Visit,
)
from panel.base import Base
from panel.i18n import Message, _


class Form(Enum):
    """The form of a figure: a share, a number for each record, or working days with mean and median."""

    SHARE = "share"
    EACH = "each"
    DAYS = "days"


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """`part` divided by `whole`. A figure in DAYS has no part: it averages over the records of the whole."""

    name: str
    label: Message
    #: The definition as a sentence.
    formula: Message
    whole: Part
    part: Part | None = None
    form: Form = Form.SHARE
    #: True if a higher value is better, False if a lower one is, None if neither.
    good: bool | None = True


FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure(
            "closing",
            _("Closing rate"),
            _(
                "Closed ÷ due. Due: the deadline, extensions included, lies in the period; less those suspended, "
                "voided, merged or rejected."
            ),
            DUE_ALL,
            DUE_CLOSED,
        ),
        Figure("closing_in_time", _("Rate closed in time"), _("Closed by the deadline ÷ due."), DUE_ALL, DUE_IN_TIME),
        Figure(
            "rework",
            _("Rework rate"),
            _("Of those due, sent back to be reworked, or to be handled again as not solved, at least once ÷ due."),
            DUE_ALL,
            DUE_REWORKED,
            good=False,
        ),
        Figure(
            "extension",
            _("Extension rate"),
            _("Of those due, with an extension granted ÷ due."),
            DUE_ALL,
            DUE_EXTENDED,
            good=False,
        ),
        Figure(
            "duration",
            _("Time taken"),
            _("Mean and median of the working days from acceptance to handling, of cases handled in the period."),
            HANDLED_ACCEPTED,
            form=Form.DAYS,
            good=False,
        ),
        Figure(
            "next_day",
            _("Rate solved by the next day"),
            _("Handled on the day of the report or the day after ÷ handled in the period."),
            HANDLED_ALL,
            HANDLED_NEXT_DAY,
        ),
        Figure(
            "three_forces",
            _("Rate with three forces"),
            _("Cases in which enforcement, community and volunteers took part ÷ handled in the period."),
            HANDLED_ALL,
            HANDLED_BY_THREE,
        ),
        Figure(
            "feedback",
            _("Rate fed back in time"),
            _(
                "The liaison told within the limit to feed back ÷ handled in the period and told, or that limit over. "
                "Without old ledgers."
            ),
            FEEDBACK_DUE,
            FED_BACK_IN_TIME,
        ),
        Figure(
            "satisfaction",
            _("Satisfaction rate"),
            _("Satisfied or fairly so ÷ reached and asked in the period. Without old ledgers."),
            ASKED_ALL,
            SATISFIED,
        ),
        Figure(
            "repeats",
            _("Rate of repeated complaints"),
            _(
                "Reported within the window for repeats after the closure of a case of the same item, at the same "
                "place or of the same complainant ÷ reported in the period, less rejected and voided. Without old "
                "ledgers."
            ),
            REPORTED_ALL,
            REPEATED,
            good=False,
        ),
        Figure(
            "not_raised",
            _("Rate not raised elsewhere"),
            _("Not raised with 12345 or above within the window for repeats after closing ÷ closed in the period."),
            CLOSED_ALL,
            NOT_RAISED,
        ),
        Figure(
            "visits",
            _("Rate of visits held"),
            _("Visited on the Monday or later ÷ planned for a Monday of the period that has come, less excused."),
            VISITS_OWED,
            VISITS_HELD,
        ),
        Figure(
            "punctual",
            _("Rate of visits on the Monday"),
            _("Visited on the Monday ÷ planned for a Monday of the period that has come."),
            VISITS_ALL,
            VISITS_MONDAY,
        ),
        Figure(
            "signing",
            _("Rate signed for in time"),
            _(
                "Signed for, or answered, within the limit ÷ sent in the period and signed for, or that limit over. "
                "Without notices in copy and what was withdrawn."
            ),
            TO_SIGN,
            SIGNED,
        ),
        Figure(
            "replies",
            _("Reply rate"),
            _("Replied ÷ referrals sent in the period. Without notices in copy and what was withdrawn."),
            SENT_ALL,
            REPLIED,
        ),
        Figure(
            "returns",
            _("Return rate"),
            _("Returned ÷ referrals sent in the period. Without notices in copy and what was withdrawn."),
            SENT_ALL,
            RETURNED,
            good=False,
        ),
        Figure(
            "hotline_signing",
            _("12345 orders signed in time"),
            _("Signed within the hotline's limit ÷ orders sent in the period and signed, or that limit over."),
            HOTLINE_TO_SIGN,
            HOTLINE_SIGNED,
        ),
        Figure(
            "hotline_returns",
            _("12345 orders sent back"),
            _("Sent back at least once ÷ orders sent in the period that were answered."),
            HOTLINE_ANSWERED,
            HOTLINE_RETURNED,
            good=False,
        ),
        Figure(
            "agreement",
            _("Rate of agreements"),
            _("Ended with an agreement ÷ mediations ended in the period."),
            MEDIATED_ALL,
            AGREED,
        ),
        Figure(
            "performance",
            _("Performance rate"),
            _("Performed ÷ agreements to be performed in the period, whose day is over or that are judged already."),
            PROMISED_ALL,
            PERFORMED,
        ),
        Figure(
            "sessions",
            _("Sessions for each mediation"),
            _("Sessions ÷ mediations ended in the period."),
            MEDIATED_ALL,
            SESSIONS_ALL,
            form=Form.EACH,
            good=None,
        ),
    )
}

#: Every counted set of records, by name.
PARTS: Mapping[str, Part] = {
    part.name: part for figure in FIGURES.values() for part in (figure.whole, figure.part) if part is not None
}

#: The tables that figures count. Without the right to read all of them an actor would get wrong figures.
READ: tuple[type[Base], ...] = (
    Case,
    CaseParty,
    CaseEvent,
    Action,
    Referral,
    Feedback,
    HotlineOrder,
    DeadlineChange,
    Mediation,
    MediationSession,
    MediationMember,
    Visit,
    Community,
)
