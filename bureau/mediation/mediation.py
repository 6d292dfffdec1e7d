"""Mediation (调解): how it begins, its sessions, its end, and whether the agreement is kept.

A case is mediated where its item allows it, or where a measurement found the noise within the limit, so that
enforcement has nothing to enforce. Everything but corrections goes by steps of the case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import event, exists, func, select
from sqlalchemy.orm import Session

from bureau.cases import intake, numbering
from bureau.cases.errors import InvalidValues
from bureau.mediation import measuring
from models import (
    Case,
    CaseParty,
    EndedBy,
    Force,
    Mediation,
    MediationMember,
    MediationSession,
    MediationStatus,
    Officer,
    Outcome,
    PartyRole,
    Performance,
    Source,
    Volunteer,
)
from panel.base import UNSCOPED
from panel.i18n import Message, _, for_the_record
from panel.kinds import Choices, PersonName, now, today
from panel.security.session import actor_of

Values = Mapping[str, Any]
#: What a page knows already while it asks for one step after the other.
Known = dict[str, Any]
#: What the parties are called in whatever is written of a mediation, whoever reads it.
PARTY_A, PARTY_B = "甲方", "乙方"


class Ending(Choices):
    """How a mediation ends."""

    AGREED = "agreed", _("Agreement"), "good"
    FAILED = "failed", _("No agreement"), "bad"


class FollowUpResult(Choices):
    """What a follow-up finds."""

    PERFORMED = "performed", _("Performed"), "good"
    BREACHED = "breached", _("Breached"), "bad"


# Whether a step is possible at all, besides the state: one statement for both.


def may_begin(session: Session, case: Case, known: Known) -> Message | None:
    """Why this case can't be mediated, or None."""
    if (case.item_snapshot or {}).get("mediable") or _known(session, case, known)["within"]:
        return None
    return _(
        "The item of this case isn't one to mediate, and no measurement found the noise within the limit. "
        "Record a measurement first."
    )


def may_follow_up(session: Session, case: Case, known: Known) -> Message | None:
    """Why there is nothing to follow up, or None."""
    if _known(session, case, known)["agreed"]:
        return None
    return _("This case has no agreement that could be performed.")


def _known(session: Session, case: Case, known: Known) -> Known:
    if not {"within", "agreed"} <= known.keys():
        agreed = exists(_agreed(case))
        statement = select(exists(measuring.within_limit(case.id)), agreed)
        within, found = session.execute(statement, execution_options=UNSCOPED).one()
        known |= {"within": within, "agreed": found}
    return known


def _agreed(case: Case) -> Any:
    return select(Mediation.id).where(Mediation.case_id == case.id, Mediation.status == MediationStatus.AGREED)


def running(session: Session, case: Case, name: str) -> Mediation:
    """The mediation that the case is in; without one it is said at the value called `name`."""
    statement = select(Mediation).where(Mediation.case_id == case.id, Mediation.status == MediationStatus.RUNNING)
    found = session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()
    if found is None:
        raise InvalidValues({name: _("This case has no mediation that goes on.")})
    return found


# What follows from the steps.


def begin(session: Session, case: Case, values: Values) -> None:
    """A mediation with its number and both parties."""
    started = now()
    first = _party(session, case, "party_a", PartyRole.COMPLAINANT, values)
    second = _party(session, case, "party_b", PartyRole.RESPONDENT, values)
    if first == second:
        raise InvalidValues({"party_b": _("A dispute has two parties: name the other one.")})
    session.add(
        Mediation(
            case_id=case.id,
            mediation_no=numbering.take(session, started, "mediation_prefix"),
            started_at=started,
            party_a=first,
            party_b=second,
            kind=values["kind"],
            dispute=values["dispute"],
        )
    )


def known_party(session: Session, case: Case, role: PartyRole) -> str | None:
    """The name of the case's complainant or respondent, where it has just one."""
    statement = select(CaseParty.name).where(
        CaseParty.case_id == case.id, CaseParty.role == role, CaseParty.name.is_not(None)
    )
    names = set(session.execute(statement, execution_options=UNSCOPED).scalars())
    return names.pop() if len(names) == 1 else None


def _party(session: Session, case: Case, name: str, role: PartyRole, values: Values) -> str:
    """A name as typed. The form begins with the mask of the one that the case knows: left as it was, it is that one."""
    given: str = values[name]
    if "*" not in given:
        return given
    known = known_party(session, case, role)
    if known is None or PersonName().mask(known) != given:
        raise InvalidValues({name: _("Type the whole name; it is kept masked.")})
    return known


def record_session(session: Session, case: Case, values: Values) -> None:
    """A session with its number and whoever mediated in it."""
    members = list(_members(session, values))
    if not members:
        raise InvalidValues({"officer": _("Somebody mediates in a session: name at least one person.")})
    if values["held_at"] > now():
        raise InvalidValues({"held_at": _("This time is still to come.")})
    held = MediationSession(
        mediation_id=running(session, case, "minutes").id,
        **{name: values.get(name) for name in ("held_at", "place", "chair", "attending", "minutes")},
    )
    session.add(held)
    session.flush()
    session.add_all(MediationMember(session_id=held.id, **member) for member in members)


def _members(session: Session, values: Values) -> Iterator[dict[str, Any]]:
    """Mediators by the force they come from: chosen among officers and volunteers, or typed. Nobody twice."""
    seen: set[tuple[Force, str]] = set()
    found: list[dict[str, Any]] = []
    for name in ("officer", "second_officer"):
        if id_ := values.get(name):
            officer = session.get_one(Officer, id_)
            found.append({"force": Force.ENFORCEMENT, "name": officer.name, "officer_id": id_})
    for name in ("volunteer", "second_volunteer"):
        if id_ := values.get(name):
            person = session.get_one(Volunteer, id_)
            force = Force.MEDIATOR if person.is_mediator else Force.VOLUNTEER
            found.append({"force": force, "name": person.name, "volunteer_id": id_})
    for name, force in (
        ("community_names", Force.COMMUNITY),
        ("mediator_names", Force.MEDIATOR),
        ("volunteer_names", Force.VOLUNTEER),
    ):
        found += [{"force": force, "name": one} for one in _names(name, values.get(name))]
    for member in found:
        if (who := (member["force"], member["name"])) not in seen:
            seen.add(who)
            yield member


def _names(field: str, text: str | None) -> list[str]:
    """Names as people string them together: 王芳、李强."""
    found = [name for part in re.split(r"[、,，;；/\n]", text or "") if (name := PersonName().parse(part))]
    if any(len(name) > PersonName().length for name in found):
        raise InvalidValues({field: _("One of these names is too long.")})
    return found


def end(session: Session, case: Case, values: Values) -> None:
    """An agreement, reached in a session, with the day by which it is performed; or a failure with what the parties
    were told. Whoever refuses to sit down ends it without any session."""
    mediation = running(session, case, "ending")
    agreed = values["ending"] is Ending.AGREED
    wanted = ("agreement", "agreement_form", "perform_by") if agreed else ("ended_by", "remedies")
    lacking = {name: _("This must be filled in.") for name in wanted if values.get(name) is None}
    if agreed and not _has_sessions(session, mediation):
        lacking["ending"] = _("No session is recorded yet: record the one in which this was agreed first.")
    if lacking:
        raise InvalidValues(lacking)
    mediation.ended_at = now()
    for name in wanted:
        setattr(mediation, name, values[name])
    mediation.status = MediationStatus.AGREED if agreed else MediationStatus.FAILED
    mediation.performance = Performance.PENDING if agreed else None


def _has_sessions(session: Session, mediation: Mediation) -> bool:
    statement = select(exists(select(MediationSession.id).where(MediationSession.mediation_id == mediation.id)))
    return bool(session.execute(statement, execution_options=UNSCOPED).scalar())


def break_off(session: Session, case: Case, values: Values) -> None:
    """The case is over: what goes on of its mediation is over, too."""
    statement = select(Mediation).where(Mediation.case_id == case.id, Mediation.status == MediationStatus.RUNNING)
    for mediation in session.execute(statement, execution_options=UNSCOPED).scalars():
        mediation.status, mediation.ended_at, mediation.ended_by = MediationStatus.FAILED, now(), EndedBy.MEDIATORS
        mediation.remedies = (values.get("reason") or "—")[:500]


def follow_up(session: Session, case: Case, values: Values) -> None:
    """Whether the agreement was kept. A breach can become a case of its own."""
    statement = _agreed_latest(case)
    mediation = session.execute(statement, execution_options=UNSCOPED).scalars().first()
    if mediation is None:
        raise InvalidValues({"performance": _("This case has no agreement that could be performed.")})
    if values["followed_on"] > today():
        raise InvalidValues({"followed_on": _("This day is still to come.")})
    mediation.performance = Performance.of(values["performance"].value)
    mediation.followed_on, mediation.follow_up = values["followed_on"], values["follow_up"]
    if values.get("new_case") and mediation.performance is not Performance.BREACHED:
        raise InvalidValues({"new_case": _("Only a breach becomes a case.")})
    if values.get("new_case") and mediation.breach_case_id is None:
        mediation.breach_case_id = _breach(session, case, mediation).id


def _agreed_latest(case: Case) -> Any:
    return (
        select(Mediation)
        .where(Mediation.case_id == case.id, Mediation.status == MediationStatus.AGREED)
        .order_by(Mediation.started_at.desc(), Mediation.id.desc())
        .limit(1)
    )


def _breach(session: Session, case: Case, mediation: Mediation) -> Case:
    """A new case of the same place, with whoever complained, for an agreement that wasn't kept."""
    made = Case(
        community_id=case.community_id,
        place=case.place,
        source=Source.OTHER,
        description=for_the_record(
            _(
                "The agreement of mediation {number} (case {case}) was not kept.",
                number=mediation.mediation_no,
                case=case.case_no,
            )
        ),
    )
    actor = actor_of(session)
    intake.register(session, made, actor.user_id, actor.name)
    statement = select(CaseParty).where(CaseParty.case_id == case.id)
    for party in session.execute(statement, execution_options=UNSCOPED).scalars():
        copied = {name: getattr(party, name) for name in ("role", "anonymous", "name", "phone", "address")}
        session.add(CaseParty(case_id=made.id, **copied))
    session.flush()
    return made


def require_settled(session: Session, case: Case, values: Values) -> None:
    """A case is handled as mediated once it is known that its agreement was kept."""
    if values["outcome"] is not Outcome.MEDIATED:
        return
    mediation = session.execute(_agreed_latest(case), execution_options=UNSCOPED).scalars().first()
    if mediation is None:
        raise InvalidValues({"outcome": _("“Mediated” needs a mediation that ended with an agreement.")})
    if mediation.performance is Performance.BREACHED:
        raise InvalidValues({"outcome": _("The agreement was breached: choose another outcome.")})
    if mediation.performance is not Performance.PERFORMED:
        raise InvalidValues(
            {"outcome": _("Say first whether the agreement was performed (“Follow-up of the agreement”).")}
        )


@event.listens_for(Session, "before_flush")
def _call_parties_by_part(session: Session, _context: Any, _instances: Any) -> None:
    """What is written of a mediation calls the parties 甲方 and 乙方: their names are kept in one place, masked."""
    for record in [*session.new, *session.dirty]:
        if isinstance(record, Mediation | MediationSession):
            about = record if isinstance(record, Mediation) else _mediation_of(session, record)
            for name in _TEXTS[type(record)]:
                text = getattr(record, name)
                if text and (found := by_part(text, about.party_a, about.party_b)) != text:
                    setattr(record, name, found)


def worded(session: Session, case: Case, text: str) -> str:
    """What a step says of the latest mediation of a case, as its event keeps it for ever: it names no party."""
    statement = select(Mediation.party_a, Mediation.party_b).where(Mediation.case_id == case.id)
    latest = statement.order_by(Mediation.id.desc()).limit(1)
    row = session.execute(latest, execution_options=UNSCOPED).first()
    return by_part(text, row.party_a, row.party_b) if row is not None else text


_TEXTS = {Mediation: ("dispute", "agreement", "follow_up", "remedies"), MediationSession: ("minutes",)}


def _mediation_of(session: Session, held: MediationSession) -> Mediation:
    if held.mediation is not None:
        return held.mediation
    statement = select(Mediation).where(Mediation.id == held.mediation_id)
    return session.execute(statement, execution_options=UNSCOPED).scalar_one()


def by_part(text: str, party_a: str | None, party_b: str | None) -> str:
    """A text in which the parties are called by their part. White space inside a name doesn't hide it; a name of one
    character is nobody's."""
    for name, part in ((party_a, PARTY_A), (party_b, PARTY_B)):
        if name and len(name) > 1:
            text = re.sub(r"\s*".join(map(re.escape, name)), part, text)
    return text


@event.listens_for(Session, "before_flush")
def _number_sessions(session: Session, _context: Any, _instances: Any) -> None:
    """Sessions are counted within their mediation, whoever writes them down."""
    last: dict[int | None, int] = {}
    for record in session.new:
        if isinstance(record, MediationSession) and record.session_no is None:
            id_ = record.mediation_id or (record.mediation.id if record.mediation is not None else None)
            if id_ not in last:
                query = select(func.max(MediationSession.session_no)).where(MediationSession.mediation_id == id_)
                last[id_] = session.execute(query, execution_options=UNSCOPED).scalar() or 0
            last[id_] += 1
            record.session_no = last[id_]
