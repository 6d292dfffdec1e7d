"""Noise measurements and mediations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, Session, relationship

from panel.base import Record, Via
from panel.fields import Personal, col, rule
from panel.i18n import Message, _
from panel.kinds import Choice, Code, Day, Level, Moment, PersonName, Reference, Text, Whole, now
from schema import locks
from schema.cases import Case
from schema.people import Officer, Volunteer
from schema.words import (
    DATES,
    OTHER,
    RESULT,
    RULES,
    AgreementForm,
    Attending,
    Conclusion,
    DisputeKind,
    EndedBy,
    Force,
    MediationStatus,
    Performance,
    Period,
)

NOISE = "社会生活噪声"
NOISE_STANDARD = "GB 22337-2008"


class Measurement(Record):
    """A noise measurement (检测记录) by two officers, judged by the limit of the noise zone and the period."""

    __tablename__ = "measurement"
    __label__ = _("Measurement")
    __labels__ = _("Measurements")
    __scope__ = Via("case_id")
    __imported__ = False
    __display__ = ("subject", "value")
    __order__ = "-at"
    __locked__ = (locks.OF_ENDED, locks.OF_HANDLED)
    __table_args__ = (
        rule("officers_differ", "officer_id <> second_officer_id", _("The two officers must be two people.")),
        rule("limit_positive", "limit_value > 0", _("A limit must be above zero.")),
    )

    case_id: Mapped[int] = col(Reference("case"), _("Case"), search=True, required=True)
    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    subject: Mapped[str] = col(Text(40), _("What is measured"), required=True, default=NOISE)
    point: Mapped[str] = col(Text(120), _("Measuring point"), required=True)
    period: Mapped[Period | None] = col(
        Choice(Period), _("Day or night"), readonly=True, help=_("Night is from 22:00 to 6:00.")
    )
    value: Mapped[Decimal] = col(Level(), _("Measured, dB(A)"), required=True, group=RESULT)
    background: Mapped[Decimal | None] = col(Level(), _("Background, dB(A)"), group=RESULT, listed=False)
    limit_value: Mapped[Decimal | None] = col(Level(), _("Limit, dB(A)"), group=RESULT, readonly=True)
    conclusion: Mapped[Conclusion | None] = col(Choice(Conclusion), _("Conclusion"), group=RESULT, readonly=True)
    standard: Mapped[str] = col(Text(40), _("Standard"), required=True, default=NOISE_STANDARD, group=RULES)
    instrument_no: Mapped[str] = col(Code(40), _("Instrument no."), required=True, group=RULES)
    instrument_until: Mapped[date] = col(
        Day(), _("Instrument verified until"), required=True, group=RULES, below="instrument_no"
    )
    officer_id: Mapped[int] = col(Reference("officer"), _("Officer"), search=True, required=True, group=OTHER)
    second_officer_id: Mapped[int] = col(
        Reference("officer"), _("Second officer"), search=True, required=True, group=OTHER, below="officer"
    )
    note: Mapped[str | None] = col(Text(300, lines=2), _("Remark"), group=OTHER, listed=False)

    case: Mapped[Case] = relationship()
    officer: Mapped[Officer] = relationship(foreign_keys=[officer_id])
    second_officer: Mapped[Officer] = relationship(foreign_keys=[second_officer_id])

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse a time in the future."""
        if self.at is not None and self.at > now():
            yield "at", _("This time is still to come.")


class Mediation(Record):
    """A mediation (调解) between two parties: any number of sessions, then an agreement or a failure."""

    __tablename__ = "mediation"
    __label__ = _("Mediation")
    __labels__ = _("Mediations")
    __scope__ = Via("case_id")
    __imported__ = False
    __display__ = ("mediation_no",)
    __order__ = "-started_at"
    __locked__ = (locks.MEDIATION_ENDED, locks.OF_ENDED)
    __table_args__ = (
        Index(
            "uq_mediation_running",
            "case_id",
            unique=True,
            sqlite_where=text("status = 'running'"),
            postgresql_where=text("status = 'running'"),
            info={"message": _("This case is in mediation already.")},
        ),
        rule(
            "agreement_is_told",
            "status <> 'agreed' OR (agreement IS NOT NULL AND perform_by IS NOT NULL)",
            _("An agreement needs its text and the day by which it is performed."),
        ),
        rule(
            "failure_is_told",
            "status <> 'failed' OR remedies IS NOT NULL",
            _("A failed mediation needs what the parties were told they can do."),
        ),
    )

    mediation_no: Mapped[str] = col(
        Code(20), _("Mediation no."), required=True, key=True, unique=True, search=True, readonly=True
    )
    case_id: Mapped[int] = col(Reference("case"), _("Case"), search=True, required=True, readonly=True)
    party_a: Mapped[str] = col(
        PersonName(), _("Party A"), required=True, personal=Personal.PRIVATE, filter=False, aliases=("甲方",)
    )
    party_b: Mapped[str] = col(
        PersonName(), _("Party B"), required=True, personal=Personal.PRIVATE, filter=False, aliases=("乙方",)
    )
    kind: Mapped[DisputeKind] = col(
        Choice(DisputeKind), _("Kind of dispute"), required=True, default=DisputeKind.OTHER, aliases=("纠纷类型",)
    )
    dispute: Mapped[str] = col(Text(1000, lines=3), _("What it is about"), required=True, listed=False)
    status: Mapped[MediationStatus] = col(
        Choice(MediationStatus), _("State"), required=True, default=MediationStatus.RUNNING, readonly=True
    )
    started_at: Mapped[datetime] = col(
        Moment(), _("Begun at"), required=True, default=now, index=True, group=DATES, readonly=True
    )
    ended_at: Mapped[datetime | None] = col(Moment(), _("Ended at"), group=DATES, readonly=True, listed=False)
    ended_by: Mapped[EndedBy | None] = col(Choice(EndedBy), _("Ended by"), group=RESULT, readonly=True, listed=False)
    agreement: Mapped[str | None] = col(
        Text(2000, lines=4), _("What was agreed"), group=RESULT, readonly=True, listed=False
    )
    agreement_form: Mapped[AgreementForm | None] = col(
        Choice(AgreementForm), _("Form of the agreement"), group=RESULT, readonly=True, listed=False
    )
    #: Of its form's own series; an agreement by word of mouth has none.
    agreement_no: Mapped[str | None] = col(
        Code(40), _("Agreement no."), unique=True, search=True, group=RESULT, readonly=True, listed=False
    )
    perform_by: Mapped[date | None] = col(Day(), _("To be performed by"), group=RESULT, readonly=True, index=True)
    performance: Mapped[Performance | None] = col(Choice(Performance), _("Performance"), group=RESULT, readonly=True)
    followed_on: Mapped[date | None] = col(Day(), _("Followed up on"), group=RESULT, readonly=True, listed=False)
    follow_up: Mapped[str | None] = col(Text(500, lines=2), _("Follow-up"), group=RESULT, readonly=True, listed=False)
    remedies: Mapped[str | None] = col(
        Text(500, lines=2),
        _("Remedies told"),
        group=RESULT,
        readonly=True,
        listed=False,
        help=_("What the parties can still do, for example go to court."),
    )
    breach_case_id: Mapped[int | None] = col(
        Reference("case"), _("Case for the breach"), group=OTHER, readonly=True, listed=False
    )

    case: Mapped[Case] = relationship(foreign_keys=[case_id])
    breach_case: Mapped[Case | None] = relationship(foreign_keys=[breach_case_id])


class MediationSession(Record):
    """A session (场次) of a mediation, with both parties or with one (分别沟通)."""

    __tablename__ = "mediationsession"
    __label__ = _("Mediation session")
    __labels__ = _("Mediation sessions")
    __scope__ = Via("mediation_id")
    __imported__ = False
    __display__ = ("session_no", "held_at")
    __order__ = "-held_at"
    __locked__ = (locks.SESSION_OVER,)
    __table_args__ = (
        UniqueConstraint("mediation_id", "session_no"),
        rule("session_no_positive", "session_no > 0", _("Sessions are counted from 1.")),
    )

    mediation_id: Mapped[int] = col(Reference("mediation"), _("Mediation"), required=True)
    session_no: Mapped[int] = col(Whole(1, 99), _("Session no."), required=True, readonly=True)
    held_at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    place: Mapped[str | None] = col(Text(120), _("Place"))
    chair: Mapped[str | None] = col(PersonName(), _("Chaired by"))
    attending: Mapped[Attending] = col(Choice(Attending), _("Parties present"), required=True, default=Attending.BOTH)
    minutes: Mapped[str] = col(Text(2000, lines=4), _("Minutes"), required=True)

    mediation: Mapped[Mediation] = relationship()


class MediationMember(Record):
    """A member who mediates in a session, with their force."""

    __tablename__ = "mediationmember"
    __label__ = _("Mediator")
    __labels__ = _("Mediators")
    __scope__ = Via("session_id")
    __imported__ = False
    __display__ = ("force", "name")
    __order__ = "id"
    __locked__ = (locks.MEMBER_OVER,)
    __table_args__ = (UniqueConstraint("session_id", "force", "name"),)

    session_id: Mapped[int] = col(Reference("mediationsession"), _("Mediation session"), required=True)
    force: Mapped[Force] = col(Choice(Force), _("Taking part as"), required=True)
    name: Mapped[str] = col(PersonName(), _("Person's name"), required=True)
    officer_id: Mapped[int | None] = col(Reference("officer"), _("Officer"), listed=False)
    volunteer_id: Mapped[int | None] = col(Reference("volunteer"), _("Volunteer"), listed=False)

    session: Mapped[MediationSession] = relationship()
    officer: Mapped[Officer | None] = relationship()
    volunteer: Mapped[Volunteer | None] = relationship()
