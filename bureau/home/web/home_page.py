"""The home page by role: tiles, tables and cards. Every count equals the list behind its link."""

from __future__ import annotations

from flask import render_template, url_for
from sqlalchemy import func, select

from bureau.access.roles import LEADER, LIAISON, OFFICE, OFFICER, VIEWER
from bureau.calendar.calendar import WEEKDAYS
from bureau.calendar.web.office import calendar
from bureau.cases.web import own_reports, report_page
from bureau.cases.web.case_views import OPEN
from bureau.home.web import first_steps, month_cards
from bureau.home.web.month_cards import OfficeHome
from bureau.home.web.tiles import tiles
from bureau.ledger.web import ledger_lists
from bureau.ledger.web import pages as ledger_pages
from bureau.upkeep.web import backups_page, clock_page
from bureau.visits.web import home_cards
from models import Case, Community
from panel.base import display
from panel.i18n import Message, _, n_
from panel.kinds import ZONE, now, today
from panel.search import listing
from panel.security.policy import Actor, Permission
from panel.web import lists
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, Related, Words

FIRST_ROWS = 8
OWN_COMMUNITIES = 12


def home() -> str:
    actor = current_actor()
    page = OfficeHome(title=_greeting(actor), sub=_day_words())
    page.alerts = clock_page.alerts(actor)
    page.tiles = [*tiles(actor), *backups_page.tiles()]
    if current_panel().policy.may(actor, Permission.READ, Case):
        page.tables = [own_reports.table(actor) if LIAISON in actor.roles else first_by_deadline()]
        page.cards = _own_communities(actor)
    if OFFICE in actor.roles and (draft_table := ledger_lists.draft_table()):
        page.tables.insert(0, draft_table)
    if {OFFICE, LEADER, VIEWER} & actor.roles:
        month_cards.add(page)
    if OFFICE in actor.roles:
        page.buttons += _doors()
    if first_steps.ROLES & actor.roles:
        page.setup = first_steps.for_home()
    if report_page.may_open() and OFFICE not in actor.roles:
        page.buttons.append(Button(_("Report a case"), url_for("report"), "bullhorn", primary=True))
    elif current_panel().views["case"].can_create:
        page.buttons.append(Button(_("Register a case"), url_for("case.create_view"), "plus", primary=True))
    return render_template("home/home.html", page=page)


def _doors() -> list[Button]:
    """What the office comes for besides cases: the roster to import, and the ledger of the month."""
    doors = []
    roster = current_panel().views["liaison"]
    if roster.can_import:
        doors.append(Button(_("Import the roster"), url_for("liaison.import_view"), "upload"))
    if ledger_pages.may_open():
        doors.append(Button(_("Monthly ledger"), url_for("ledgers"), "table"))
    return doors


def _greeting(actor: Actor) -> Message:
    hour = now().astimezone(ZONE).hour
    if 5 <= hour < 11:
        return _("Good morning, {name}", name=actor.name)
    if hour < 13:  # at noon, and at night
        return _("Hello, {name}", name=actor.name)
    return _("Good afternoon, {name}", name=actor.name) if hour < 18 else _("Good evening, {name}", name=actor.name)


def _day_words() -> Message:
    day = today()
    values = {"month": day.month, "day": day.day, "weekday": WEEKDAYS[day.weekday()]}
    if calendar().is_workday(day):
        return _("{month}-{day} {weekday}, a working day", **values)
    return _("{month}-{day} {weekday}, a day off", **values)


def first_by_deadline() -> Related:
    """The table of open cases with the nearest deadlines."""
    panel = current_panel()
    view = panel.views["case"]
    running = view.quick_filters()["running"].condition(current_actor())
    statement = select(Case.id, func.count().over()).where(running).order_by(Case.due_at).limit(FIRST_ROWS)
    rows = panel.session.execute(statement).all()
    ids = [row[0] for row in rows]
    names = ("case_no", "status", "community", "item", "due_at")
    columns = [f for name in names for f in view.declared if f.name == name]
    records = listing.load(panel.session, Case, ids, [f.name for f in view.references if f.listed])
    return Related(
        label=_("Do these first"),
        count=rows[0][1] if rows else 0,
        url=url_for("case.index_view") + "?is=running&sort=due_at",
        columns=[lists.plain_column(f) for f in columns],
        rows=lists.rows(view, records, columns),
    )


def _own_communities(actor: Actor) -> list[tuple[Words, list[tuple[Words, Cell]]]]:
    """Cards: for officers their visits and communities, for liaisons their officer."""
    panel = current_panel()
    if LIAISON in actor.roles:
        if not actor.ids("liaison_community"):
            sentence = Cell(str(_("Your account belongs to no community yet. Ask the office.")))
            return [(_("Your officer"), [("", sentence)])]
        return [home_cards.liaison_card(actor)]
    if OFFICER in actor.roles:
        open_count = (
            select(func.count()).where(Case.community_id == Community.id, Case.status.in_(OPEN)).scalar_subquery()
        )
        statement = select(Community, open_count).order_by(Community.name_key).limit(OWN_COMMUNITIES)
        rows = panel.session.execute(statement).all()
        lines: list[tuple[Words, Cell]] = [(display(c), _open_cases(c.id, n)) for c, n in rows]
        if not lines:
            lines = [("", Cell(str(_("None is assigned to you today. Ask the office."))))]
        return [*home_cards.officer_cards(actor), (_("Your communities"), lines)]
    return []


def _open_cases(community: int, count: int) -> Cell:
    """The number of open cases of a community, with a link to them."""
    url = url_for("case.index_view") + f"?is=open&community={community}"
    return Cell(str(n_("{n} open case", "{n} open cases", count)), url=url)
