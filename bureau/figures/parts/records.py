"""The sets of visits, feedback, referrals and mediations that figures count."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from bureau.figures.parts.model import Condition, Part, Universe
from bureau.figures.terms import Terms
from models import (
    Case,
    Feedback,
    HotlineOrder,
    Mediation,
    MediationSession,
    MediationStatus,
    Performance,
    Referral,
    ReferralKind,
    ReferralStatus,
    Satisfaction,
    Visit,
    VisitStatus,
)
from panel.i18n import _
from panel.kinds import now, today

REACHED = (Satisfaction.SATISFIED, Satisfaction.FAIRLY, Satisfaction.UNSATISFIED)
CONTENT = (Satisfaction.SATISFIED, Satisfaction.FAIRLY)
ENDED = (MediationStatus.AGREED, MediationStatus.FAILED)
JUDGED = (Performance.PERFORMED, Performance.BREACHED)

# Visits.


def _visits(terms: Terms) -> list[Condition]:
    """Visits planned for a Monday of the period that has come."""
    return [terms.on_days(Visit.planned_on), Visit.planned_on <= today()]


VISITS = Universe(Visit, _visits)
VISITS_ALL = Part("visits", _("Visits planned"), VISITS)
VISITS_OWED = Part(
    "visits_owed", _("Visits planned and not excused"), VISITS, lambda _t: [Visit.status != VisitStatus.EXEMPT]
)
VISITS_HELD = Part(
    "visits_held",
    _("Visited, also later"),
    VISITS,
    lambda _t: [Visit.status.in_((VisitStatus.DONE, VisitStatus.MADE_UP))],
)
VISITS_MONDAY = Part("visits_monday", _("Visited on the Monday"), VISITS, lambda _t: [Visit.status == VisitStatus.DONE])

# Feedback.


def _asked(terms: Terms) -> list[Condition]:
    """Feedback of reached complainants, without historic cases."""
    case = aliased(Case)
    ours = exists(select(case.id).where(case.id == Feedback.case_id, case.historic.is_(False)))
    return [terms.within(Feedback.at), Feedback.satisfaction.in_(REACHED), ours, Feedback.counts()]


ASKED = Universe(Feedback, _asked)
ASKED_ALL = Part("asked", _("Reached and asked"), ASKED)
SATISFIED = Part("satisfied", _("Satisfied or fairly so"), ASKED, lambda _t: [Feedback.satisfaction.in_(CONTENT)])

# Referrals.


def _sent(terms: Terms) -> list[Condition]:
    """Referrals sent that ask for a reply: no notices in copy, and none that was withdrawn."""
    return [
        terms.within(Referral.sent_at),
        Referral.kind != ReferralKind.NOTICE,
        Referral.status != ReferralStatus.WITHDRAWN,
    ]


def _to_sign(_terms: Terms) -> list[Condition]:
    """Signed for, replied, or overdue."""
    answered = or_(Referral.signed_at.is_not(None), Referral.replied_at.is_not(None))
    return [Referral.sign_due_at.is_not(None), or_(answered, Referral.sign_due_at < now())]


def _signed_in_time(_terms: Terms) -> list[Condition]:
    signed = and_(Referral.signed_at.is_not(None), Referral.signed_at <= Referral.sign_due_at)
    unsigned = and_(Referral.signed_at.is_(None), Referral.replied_at <= Referral.sign_due_at)
    return [or_(signed, unsigned)]


SENT = Universe(Referral, _sent)
SENT_ALL = Part("sent", _("Referred"), SENT)
TO_SIGN = Part("to_sign", _("Signed for, or overdue"), SENT, _to_sign)
SIGNED = Part("signed_in_time", _("Signed for in time"), SENT, _signed_in_time)
REPLIED = Part("replied", _("Replied"), SENT, lambda _t: [Referral.status == ReferralStatus.REPLIED])
RETURNED = Part("returned", _("Returned"), SENT, lambda _t: [Referral.status == ReferralStatus.RETURNED])

# Orders of the 12345 hotline.


def _ordered(terms: Terms) -> list[Condition]:
    return [terms.within(HotlineOrder.sent_at)]


def _order_to_sign(_terms: Terms) -> list[Condition]:
    """Signed, or overdue."""
    over = or_(HotlineOrder.signed_at.is_not(None), HotlineOrder.sign_by < now())
    return [HotlineOrder.sign_by.is_not(None), over]


ORDERED = Universe(HotlineOrder, _ordered)
HOTLINE_TO_SIGN = Part("hotline_to_sign", _("12345 orders signed, or overdue"), ORDERED, _order_to_sign)
HOTLINE_SIGNED = Part(
    "hotline_signed",
    _("12345 orders signed in time"),
    ORDERED,
    lambda _t: [HotlineOrder.signed_at <= HotlineOrder.sign_by],
)
HOTLINE_ANSWERED = Part(
    "hotline_answered",
    _("12345 orders answered"),
    ORDERED,
    lambda _t: [or_(HotlineOrder.replied_at.is_not(None), HotlineOrder.returns > 0)],
)
HOTLINE_RETURNED = Part("hotline_returned", _("12345 orders sent back"), ORDERED, lambda _t: [HotlineOrder.returns > 0])

# Mediation.


def _ended_in(terms: Terms, mediation: Any) -> list[Condition]:
    return [terms.within(mediation.ended_at), mediation.status.in_(ENDED)]


def _ended(terms: Terms) -> list[Condition]:
    return _ended_in(terms, Mediation)


def _sessions(terms: Terms) -> list[Condition]:
    mediation = aliased(Mediation)
    return [
        exists(select(mediation.id).where(mediation.id == MediationSession.mediation_id, *_ended_in(terms, mediation)))
    ]


def _promised(terms: Terms) -> list[Condition]:
    """Agreements to be performed in the period whose day is over or whose performance is known."""
    judged_or_due = or_(Mediation.performance.in_(JUDGED), Mediation.perform_by < today())
    return [terms.on_days(Mediation.perform_by), Mediation.status == MediationStatus.AGREED, judged_or_due]


MEDIATED = Universe(Mediation, _ended)
MEDIATED_ALL = Part("mediated", _("Mediations ended"), MEDIATED)
AGREED = Part("agreed", _("Ended with an agreement"), MEDIATED, lambda _t: [Mediation.status == MediationStatus.AGREED])
SESSIONS = Universe(MediationSession, _sessions)
SESSIONS_ALL = Part("sessions", _("Sessions of mediations ended"), SESSIONS)
PROMISED = Universe(Mediation, _promised)
PROMISED_ALL = Part("promised", _("Agreements to be performed"), PROMISED)
PERFORMED = Part("performed", _("Performed"), PROMISED, lambda _t: [Mediation.performance == Performance.PERFORMED])
