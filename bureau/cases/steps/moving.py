"""A case that belongs to another community: its people follow.

Before acceptance the form of the case changes the community, from acceptance on a step with a reason does."""

from __future__ import annotations

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from bureau.cases import intake
from bureau.cases.errors import InvalidValues
from bureau.cases.steps.model import Values
from models import Case, CaseStatus, Community, CommunityStatus, Officer, Squad
from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.kinds import Invalid, today
from panel.security.session import exempt_reference

#: The columns that follow from the community.
PEOPLE = ("liaison_id", "lead_officer_id")


def change_community(session: Session, case: Case, values: Values) -> None:
    """Move a case to another community with its liaison and its officer of today. The handler stays if of the squad of
    that community, else another must be named. Raises InvalidValues."""
    if values["community"] == case.community_id:
        raise InvalidValues({"community": _("The case belongs to this community already.")})
    community = session.get_one(Community, values["community"])
    if problem := out_of_use(community):
        raise InvalidValues({"community": problem})
    _choose_handler(session, case, community, values.get("handler"))
    case.community_id = community.id
    follow(session, case)
    if case.lead_officer_id is None:
        case.lead_officer_id = case.handler_id


def _choose_handler(session: Session, case: Case, community: Community, chosen: int | None) -> None:
    if case.handler_id is None:
        if chosen is not None:
            raise InvalidValues({"handler": _("This case has no handler yet: dispatch it afterwards.")})
        return
    if chosen is not None:
        officer = session.get_one(Officer, chosen)
        if not officer.active:
            raise InvalidValues({"handler": _("{name} is no longer in service. Choose another.", name=officer.name)})
        case.handler_id = chosen
        return
    handler = session.get_one(Officer, case.handler_id)
    if community.squad_id is None or handler.squad_id == community.squad_id:
        return
    squad = session.execute(
        select(Squad.name).where(Squad.id == community.squad_id), execution_options=UNSCOPED
    ).scalar_one()
    raise InvalidValues(
        {
            "handler": _(
                "{name} is not of {squad}, to which the community belongs. Choose who handles it from now on.",
                name=handler.name,
                squad=squad,
            )
        }
    )


def follow(session: Session, case: Case) -> None:
    """Give a case the liaison and the officer of its community, as of today."""
    with session.no_autoflush:
        case.liaison_id = intake.active_liaison(session, case.community_id)
        case.lead_officer_id = intake.assigned_officer(session, case.community_id, today())
    for name in PEOPLE:
        exempt_reference(session, case, name)


def follow_change(session: Session, case: Case) -> None:
    """Give a case whose community was changed by hand, before it was accepted, the people of the new community, but for
    those chosen in the same act. Raises Invalid for a community that is no longer in use."""
    attrs = inspect(case).attrs
    if not attrs.community_id.history.has_changes() or case.status is not CaseStatus.REPORTED:
        return
    with session.no_autoflush:
        community = session.get_one(Community, case.community_id)
        if problem := out_of_use(community):
            raise Invalid(problem)
    chosen = {name: getattr(case, name) for name in PEOPLE if attrs[name].history.has_changes()}
    follow(session, case)
    for name, id_ in chosen.items():
        setattr(case, name, id_)


def out_of_use(community: Community) -> Message | None:
    """Why no case can be given to a community; None if one can."""
    if community.status is not CommunityStatus.CLOSED:
        return None
    if community.merged_into is not None:
        return _(
            "{name} was merged into {kept}. Choose that one.", name=community.name, kept=community.merged_into.name
        )
    return _("{name} is no longer in use. Choose another.", name=community.name)
