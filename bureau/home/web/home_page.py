"""The home page: who, which day, what waits for me. Every count equals the list behind its link."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from sqlalchemy import func, select

from bureau.access.roles import ADMINISTRATOR, AUDITOR, LEADER, LIAISON, OFFICE, OFFICER, SECURITY, VIEWER
from bureau.calendar.web.office import calendar, values
from bureau.cases.web import own_reports, report_page
from bureau.cases.web.case_views import OPEN
from bureau.ledger.web import pages
from bureau.visits.web import mondays
from models import Case, ChecklistItem, Community, Liaison, Squad, Street
from panel.base import UNSCOPED, display
from panel.i18n import Message, _, n_
from panel.kinds import ZONE, now, today
from panel.search import listing
from panel.security.accounts import User
from panel.security.policy import Actor, Permission
from panel.web import lists
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, HomePage, Related, SetupStep, Tile, Words
from panel.web.views import SchemaView

WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
FIRST_ROWS = 8
OWN_COMMUNITIES = 12
#: Two rows of four.
MOST_TILES = 8

#: Tiles by role: (table, named filter, tone). The first role held that has tiles decides their order.
TILES: dict[str, tuple[tuple[str, str, str], ...]] = {
    OFFICE: (
        ("case", "overdue", "bad"),
        ("case", "today", "warn"),
        ("case", "stalled", "warn"),
        ("case", "reported", ""),
        ("case", "accepted", ""),
        ("case", "verified", ""),
        ("referral", "late", "warn"),
        ("referral", "unsigned", "warn"),
    ),
    LEADER: (
        ("case", "overdue", "bad"),
        ("case", "today", "warn"),
        ("case", "stalled", "warn"),
        ("deadlinechange", "mine", "warn"),
        ("case", "accepted", ""),
        ("case", "handled", ""),
        ("referral", "late", "warn"),
        ("case", "unsatisfied", "warn"),
    ),
    OFFICER: (
        ("case", "overdue", "bad"),
        ("case", "today", "warn"),
        ("case", "stalled", "warn"),
        ("case", "mine", ""),
        ("case", "reported", ""),
        ("case", "verified", ""),
        ("referral", "late", "warn"),
        ("referral", "unsigned", "warn"),
    ),
    LIAISON: (("case", "open", ""), ("case", "verified", ""), ("case", "overdue", "warn")),
    VIEWER: (
        ("case", "overdue", "bad"),
        ("case", "today", "warn"),
        ("case", "stalled", "warn"),
        ("case", "open", ""),
        ("case", "reported", ""),
        ("case", "verified", ""),
        ("referral", "late", "warn"),
        ("case", "unsatisfied", "warn"),
    ),
    ADMINISTRATOR: (("user", "locked", "warn"), ("user", "unused", ""), ("user", "inactive", "")),
    SECURITY: (("user", "locked", "warn"), ("user", "unused", ""), ("user", "inactive", "")),
    AUDITOR: (("auditentry", "seen", ""), ("auditentry", "deleted", ""), ("auditentry", "accounts", "")),
}


def home() -> str:
    actor = current_actor()
    page = HomePage(title=_greeting(actor), sub=_day_words())
    page.tiles = tiles(actor)
    if current_panel().policy.may(actor, Permission.READ, Case):
        page.tables = [own_reports.table(actor) if LIAISON in actor.roles else first_by_deadline()]
        page.cards = _own_communities(actor)
    if OFFICE in actor.roles and (waiting := pages.waiting()):
        page.tables.insert(0, waiting)
    if {OFFICE, ADMINISTRATOR} & actor.roles:
        page.setup = setup_steps()
    if report_page.may_open() and OFFICE not in actor.roles:
        page.buttons.append(Button(_("Report"), url_for("report"), "bullhorn", primary=True))
    elif current_panel().views["case"].can_create:
        page.buttons.append(Button(_("Register a case"), url_for("case.create_view"), "plus", primary=True))
    return render_template("home/home.html", page=page)


def _greeting(actor: Actor) -> Message:
    hour = now().astimezone(ZONE).hour
    if hour < 11:
        return _("Good morning, {name}", name=actor.name)
    if hour < 13:
        return _("Hello, {name}", name=actor.name)
    return _("Good afternoon, {name}", name=actor.name) if hour < 18 else _("Good evening, {name}", name=actor.name)


def _day_words() -> Message:
    day = today()
    values = {"month": day.month, "day": day.day, "weekday": WEEKDAYS[day.weekday()]}
    if calendar().is_workday(day):
        return _("{month}-{day} {weekday}, a working day", **values)
    return _("{month}-{day} {weekday}, a day off", **values)


def tiles(actor: Actor) -> list[Tile]:
    """Counts of named filters; the list behind the link applies the very same filter."""
    wanted: list[tuple[str, str, str]] = []
    for role, entries in TILES.items():
        if role in actor.roles:
            wanted += [entry for entry in entries if entry not in wanted]
    panel = current_panel()
    found = []
    for table, name, tone in wanted[:MOST_TILES]:
        view = panel.views[table]
        if panel.policy.may(actor, Permission.READ, view.model):
            found.append((view, name, tone))
    numbers = listing.counts(
        panel.session, [(v.model, v.quick_filters()[name].condition(actor)) for v, name, _t in found]
    )
    return [
        Tile(
            _label(view, name),
            count,
            url_for(f"{view.endpoint}.index_view") + f"?is={name}",
            tone if count else "",
        )
        for (view, name, tone), count in zip(found, numbers, strict=True)
    ]


def _label(view: SchemaView, name: str) -> Words:
    return view.quick_filters()[name].label


def first_by_deadline() -> Related:
    """What to do first: open cases by deadline."""
    panel = current_panel()
    view = panel.views["case"]
    running = view.quick_filters()["running"].condition(current_actor())
    statement = select(Case.id, func.count().over()).where(running).order_by(Case.due_at).limit(FIRST_ROWS)
    first = panel.session.execute(statement).all()
    ids = [row[0] for row in first]
    names = ("case_no", "status", "community", "item", "due_at")
    columns = [f for name in names for f in view.declared if f.name == name]
    records = listing.load(panel.session, Case, ids, [f.name for f in view.references if f.listed])
    return Related(
        label=_("Do these first"),
        count=first[0][1] if first else 0,
        url=url_for("case.index_view") + "?is=running&sort=due_at",
        columns=[lists.plain_column(f) for f in columns],
        rows=[lists.row(view, record, columns) for record in records],
    )


def _own_communities(actor: Actor) -> list[tuple[Words, list[tuple[Words, Cell]]]]:
    """For officers their communities, for liaisons the officer who visits on Monday."""
    panel = current_panel()
    if LIAISON in actor.roles:
        return [mondays.liaison_card(actor)]
    if OFFICER in actor.roles:
        counted = select(func.count()).where(Case.community_id == Community.id, Case.status.in_(OPEN)).scalar_subquery()
        statement = select(Community, counted).order_by(Community.name_key).limit(OWN_COMMUNITIES)
        rows_found = panel.session.execute(statement).all()
        own: list[tuple[Words, Cell]] = [(display(c), _open_cases(c.id, n)) for c, n in rows_found]
        return [*mondays.officer_cards(actor), (_("Your communities"), own)]
    return []


def _open_cases(community: int, count: int) -> Cell:
    """How many cases of a community are open, leading to them."""
    url = url_for("case.index_view") + f"?is=open&community={community}"
    return Cell(str(n_("{n} open case", "{n} open cases", count)), url=url)


def setup_steps() -> list[SetupStep]:
    """The first-run list; gone once everything on it is done."""
    panel, actor = current_panel(), current_actor()
    models: list[Any] = [Street, Squad, User, ChecklistItem, Community, Liaison]
    statement = select(*(select(model.id).limit(1).scalar_subquery() for model in models))
    there = dict(zip(models, panel.session.execute(statement, execution_options=UNSCOPED).one(), strict=True))
    accounts = panel.session.execute(select(User.id).limit(2), execution_options=UNSCOPED).all()
    unit = values()["unit_name"]

    def link(table: str) -> str:
        view = panel.views[table]
        return url_for(f"{table}.index_view") if panel.policy.may(actor, Permission.READ, view.model) else ""

    steps = [
        SetupStep(_("Name of the unit"), _("It stands on every page and ledger."), url_for("settings"), bool(unit)),
        SetupStep(
            _("Streets"),
            _("Add them, or let the import of communities add them."),
            link("street"),
            there[Street] is not None,
        ),
        SetupStep(_("Squads"), _("Mark the pilot squad."), link("squad"), there[Squad] is not None),
        SetupStep(_("Accounts"), _("One for each person, with the roles they need."), link("user"), len(accounts) > 1),
        SetupStep(
            _("The two lists"),
            _("Check items and time limits."),
            link("checklistitem"),
            there[ChecklistItem] is not None,
        ),
        SetupStep(_("Communities"), _("With street and squad."), link("community"), there[Community] is not None),
        SetupStep(
            _("Liaison roster"),
            _("One active liaison for each community."),
            link("liaison"),
            there[Liaison] is not None,
        ),
    ]
    return [] if all(step.done for step in steps) else steps
