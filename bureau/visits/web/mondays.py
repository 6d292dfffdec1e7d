"""Every Monday on screen: the officer's own visits, made for a phone; the week as the leader and the office see it; and
a card on the home page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import abort, render_template, request, url_for
from sqlalchemy import and_, inspect, or_, select
from sqlalchemy.orm import joinedload

from bureau.access.roles import LEADER, OFFICE, OFFICER, VIEWER
from bureau.calendar.deadlines import local_day
from bureau.visits import planning, rota, visits
from bureau.visits.rota import officer_of
from bureau.visits.web.visit_page import status_cell
from models import Assignment, Community, Visit, VisitStatus
from panel.i18n import Message, _, n_
from panel.kinds import Day, Invalid, Moment, today
from panel.search.listing import Quick
from panel.security.policy import Actor, Permission
from panel.security.session import elevated
from panel.web.context import current_actor, current_panel
from panel.web.features import Route
from panel.web.pages import Button, Cell, Chip, DetailsPage, Page, Words
from panel.web.views import SchemaView

WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
#: How often the program looks whether visits have to be planned, moved or told as missed.
EVERY = timedelta(minutes=15)
#: For how long a missed Monday waits on the officer's page to be made up for.
MISSED_WEEKS = 8
#: Of a visit: what nobody changes, and what its officer doesn't.
FIXED, LED = {"planned_on", "community_id"}, {"officer_id", "liaison_id", "reason"}
CARD_DAYS = timedelta(days=60)


@dataclass(slots=True)
class VisitCard:
    """A visit as a card to tap: `act` is its one button, `times` what the clock said."""

    url: str
    name: str
    day: Words
    status: Cell
    officer: str = ""
    note: Words = ""
    act: Button | None = None
    reason: str = ""
    #: For the week: what the leader can do about it.
    may_excuse: bool = False
    may_make_up: bool = False
    version: int = 0
    id: int = 0


@dataclass(slots=True)
class Section:
    label: Words
    cards: list[VisitCard]
    empty: Words = ""


@dataclass(slots=True)
class MondaysPage(Page):
    sections: list[Section] = field(default_factory=list)


@dataclass(slots=True)
class WeekPage(Page):
    """Communities and how their visit stands, for one Monday. `chips` narrow it to a state."""

    monday: date = date.min
    before_url: str = ""
    after_url: str = ""
    chips: list[Chip] = field(default_factory=list)
    rates: list[tuple[Words, str]] = field(default_factory=list)
    cards: list[VisitCard] = field(default_factory=list)


def may_attend() -> bool:
    """Who visits: officers."""
    return OFFICER in current_actor().roles and current_panel().policy.may(current_actor(), Permission.EDIT, Visit)


def may_see_week() -> bool:
    return bool(current_actor().roles & {LEADER, OFFICE, VIEWER})


def mine() -> Any:
    """An officer's visits: today's and those begun, those to make up for, the next ones."""
    if not may_attend():
        abort(403)
    actor, day = current_actor(), today()
    found = _load(
        _of_officer(actor),
        or_(
            Visit.planned_on.between(day, day + planning.WEEK),
            and_(Visit.planned_on.between(planning.monday_of(day), day), Visit.status.in_(visits.HELD)),
            and_(
                Visit.status.in_((VisitStatus.MISSED, VisitStatus.PLANNED)),
                Visit.planned_on.between(day - MISSED_WEEKS * planning.WEEK, day),
            ),
            and_(Visit.status == VisitStatus.MADE_UP, Visit.planned_on >= day - MISSED_WEEKS * planning.WEEK),
        ),
    )
    now_on, missed, done, later = [], [], [], []
    for visit in found:
        held_today = visit.arrived_at is not None and local_day(visit.arrived_at) == day
        if held_today or (visit.planned_on == day and visit.status is not VisitStatus.EXEMPT):
            now_on.append(visit)
        elif visit.status in visits.HELD:
            if visit.arrived_at is not None and local_day(visit.arrived_at) >= planning.monday_of(day):
                done.append(visit)
        elif visit.planned_on < day:
            if visit.status is not VisitStatus.EXEMPT:
                missed.append(visit)
        else:
            later.append(visit)
    shown = MondaysPage(title=_("My Mondays"), sub=_day_words(day))
    shown.buttons = [Button(_("Visit rota"), url_for("duty_rota"), "calendar")]
    none = _("No visit today. The next Monday is {day}.", day=_short(_next_monday(day)))
    shown.sections = [Section(_("Today"), [_card(one) for one in now_on], none)]
    for label, group in ((_("To be made up for"), missed), (_("Visited this week"), done), (_("Coming"), later)):
        if group:
            shown.sections.append(Section(label, [_card(one) for one in group]))
    return render_template("visits/mondays.html", page=shown)


def _of_officer(actor: Actor) -> Any:
    """Those planned for this officer, and those of a community that is theirs today and has nobody planned."""
    me = actor.ids("officer")
    return or_(
        Visit.officer_id.in_(me), and_(Visit.officer_id.is_(None), Visit.community_id.in_(actor.ids("assigned")))
    )


def week() -> Any:
    """All communities and their visit of one Monday."""
    if not may_see_week():
        abort(403)
    day = today()
    try:
        monday = planning.monday_of(Day().parse(request.args.get("on")) or day)
        wanted = VisitStatus.of(request.args["is"]) if request.args.get("is") else None
    except (Invalid, ValueError, KeyError):
        abort(404)
    found = _load(Visit.planned_on == monday)
    counted = Counter(visit.status for visit in found)
    shown = WeekPage(title=_("Visits of the week"), sub=_long(monday), monday=monday)
    shown.before_url = url_for("duty_week", on=(monday - planning.WEEK).isoformat())
    shown.after_url = url_for("duty_week", on=(monday + planning.WEEK).isoformat())
    shown.buttons = [Button(_("Visit rota"), url_for("duty_rota", month=f"{monday:%Y-%m}"), "calendar")]

    def address(status: VisitStatus | None) -> str:
        return url_for("duty_week", on=monday.isoformat(), **({"is": status.value} if status else {}))  # type: ignore[arg-type]

    shown.chips = [Chip(_("All"), address(None), len(found), wanted is None)]
    shown.chips += [
        Chip(status.label, address(status), counted[status], wanted is status)
        for status in VisitStatus
        if counted[status]
    ]
    if monday <= day:
        completed, punctual = rota.rates(visit.status for visit in found)
        shown.rates = [(_("Visits held"), completed), (_("Held on the Monday"), punctual)]
    may_change = bool(current_actor().roles & {LEADER, OFFICE})
    shown.cards = [_card(visit, changes=may_change) for visit in found if wanted is None or visit.status is wanted]
    return render_template("visits/week.html", page=shown)


def _load(*conditions: Any) -> list[Visit]:
    statement = (
        select(Visit)
        .join(Community, Visit.community_id == Community.id)
        .where(*conditions)
        .options(joinedload(Visit.community), joinedload(Visit.officer), joinedload(Visit.liaison))
        .order_by(Visit.planned_on, Community.name_key)
    )
    return list(current_panel().session.execute(statement).unique().scalars())


def _card(visit: Visit, *, changes: bool = False) -> VisitCard:
    made = VisitCard(
        url=url_for("duty_visit", id_=visit.id),
        name=visit.community.name,
        day=_short(visit.planned_on),
        status=status_cell(visit),
        officer=officer_of(visit) or str(_("nobody assigned")),
        note=_times(visit),
        reason=visit.reason or "",
        version=visit.version,
        id=visit.id,
    )
    over = visit.planned_on < today()
    if changes:
        made.may_excuse = visit.status in visits.WAITING
        made.may_make_up = visit.status in visits.WAITING and over
    elif visit.status is VisitStatus.PLANNED and visit.planned_on == today():
        made.act = Button(_("Check in"), url_for("duty_arrive", id_=visit.id), "map-marker", primary=True, post=True)
    elif visit.status in visits.HELD and visit.left_at is None and visit.arrived_at is not None:
        if local_day(visit.arrived_at) == today():
            made.act = Button(_("Check out"), url_for("duty_leave", id_=visit.id), "sign-out", primary=True, post=True)
    elif visit.status in visits.WAITING and over:
        made.act = Button(_("Make up for it"), made.url, "map-marker", primary=True)
    return made


def _times(visit: Visit) -> Words:
    if visit.arrived_at is None:
        return ""
    begun = Moment().format(visit.arrived_at.replace(second=0, microsecond=0))
    if local_day(visit.arrived_at) == visit.planned_on:
        begun = begun[-5:]
    if visit.left_at is None:
        return _("Arrived {at}", at=begun)
    ended = Moment().format(visit.left_at.replace(second=0, microsecond=0))[-5:]
    return _("{begun} to {ended}", begun=begun, ended=ended)


def _next_monday(day: date) -> date:
    return day + timedelta(days=7 - day.weekday())


def _day_words(day: date) -> Message:
    return _("{month}-{day} {weekday}", month=day.month, day=day.day, weekday=WEEKDAYS[day.weekday()])


def _short(day: date) -> Message:
    return _("{month}-{day}", month=day.month, day=day.day)


def _long(day: date) -> Message:
    return _("Monday, {year}-{month}-{day}", year=day.year, month=day.month, day=day.day)


class VisitView(SchemaView):
    """The table of visits; what happens on one is done on its page."""

    quick = {
        "planned": Quick(_("To visit"), lambda _a: Visit.status == VisitStatus.PLANNED, counted=False),
        "this_week": Quick(
            _("This week"),
            lambda _a: Visit.planned_on.between(
                planning.monday_of(today()), planning.monday_of(today()) + timedelta(6)
            ),
        ),
        "missed": Quick(_("Missed"), lambda _a: Visit.status == VisitStatus.MISSED),
    }

    def on_save(self, record: Any, *, is_created: bool) -> None:
        """A missed Monday can't be moved away; who was to come is not for the officer to rewrite."""
        if is_created:
            return
        changed = {name for name in FIXED | LED if inspect(record).attrs[name].history.has_changes()}
        if changed & FIXED:
            raise Invalid(_("A visit keeps its Monday and its community. What isn't needed is excused."))
        if changed and not visits.may_excuse(current_panel().session, record):
            raise Invalid(_("Officer, liaison and reason are changed by the leader or the office alone."))

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        page.buttons.append(Button(_("Visit page"), url_for("duty_visit", id_=record.id), "map-marker", primary=True))
        return page


class AssignmentView(SchemaView):
    """Assignments; the visits that are still planned follow at once."""

    def on_save(self, record: Any, *, is_created: bool) -> None:
        session = current_panel().session
        before = set() if is_created else _before(record)
        with session.no_autoflush:
            session.add(record)
        session.flush()
        with elevated(session):
            planning.follow(session, before | {record.community_id})

    def _delete(self, records: Any) -> None:
        communities = {record.community_id for record in records}
        super()._delete(records)
        session = current_panel().session
        with elevated(session):
            planning.follow(session, communities)
        session.commit()


def _before(record: Assignment) -> set[int]:
    """The community that an assignment was for before it was edited."""
    return set(inspect(record).attrs.community_id.history.deleted or ())


def liaison_card(_actor: Actor) -> tuple[Words, list[tuple[Words, Cell]]]:
    """For a liaison: who comes next, how to reach them, when. Without a planned visit, who is assigned today."""
    session, day = current_panel().session, today()
    statement = (
        select(Visit)
        .where(Visit.planned_on.between(day, day + CARD_DAYS), Visit.status == VisitStatus.PLANNED)
        .options(joinedload(Visit.officer))
        .order_by(Visit.planned_on)
        .limit(1)
    )
    visit = session.execute(statement).unique().scalar_one_or_none()
    officer = visit.officer if visit is not None else None
    lines: list[tuple[Words, Cell]] = []
    if officer is None:
        assigned = (
            select(Assignment)
            .where(Assignment.start_on <= day, or_(Assignment.end_on.is_(None), Assignment.end_on >= day))
            .options(joinedload(Assignment.officer))
            .order_by(Assignment.substitute.desc())
            .limit(1)
        )
        current = session.execute(assigned).unique().scalar_one_or_none()
        officer = current.officer if current is not None else None
    if officer is not None:
        lines.append((_("Officer"), Cell(officer.name)))
        lines.append((_("Telephone"), Cell(officer.mobile or "", f"tel:{officer.mobile}" if officer.mobile else None)))
    next_ = Cell(str(_("none planned")))
    if visit is not None:
        next_ = Cell(visit.planned_on.isoformat(), url_for("duty_visit", id_=visit.id))
    return _("Your officer"), [*lines, (_("Next Monday visit"), next_)]


def officer_cards(_actor: Actor) -> list[tuple[Words, list[tuple[Words, Cell]]]]:
    """For an officer: the visits of today and those begun."""
    if not may_attend():
        return []
    day = today()
    found = _load(_of_officer(current_actor()), Visit.planned_on == day, Visit.status != VisitStatus.EXEMPT)
    if not found:
        return []
    lines: list[tuple[Words, Cell]] = [
        (visit.community.name, Cell(str(visit.status.label), url_for("duty"), visit.status.tone)) for visit in found
    ]
    return [(n_("{n} visit today", "{n} visits today", len(found)), lines)]


ROUTES = (
    Route("/duty", "duty", mine),
    Route("/duty/week", "duty_week", week),
)
