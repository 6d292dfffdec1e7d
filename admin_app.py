"""The application: assembles the panel. `python admin_app.py` serves it."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from waitress import serve as run_waitress

import models
from bureau.access import roles
from bureau.calendar.web import pages as workdays
from bureau.cases import steps
from bureau.cases.steps.approval import APPROVAL
from bureau.cases.steps.handling import HANDLE, HANDLING
from bureau.cases.steps.intake import INTAKE, REJECT, VOID
from bureau.cases.steps.remarks import REMARKS
from bureau.cases.web import approvals_page, photos, report_page
from bureau.cases.web.approvals_page import DeadlineChangeView
from bureau.cases.web.case_views import CaseView, ReferralView
from bureau.checklists.web import pages as checklists
from bureau.checklists.web.item_views import ChecklistItemView
from bureau.figures.web import pages as figures
from bureau.figures.web.record_lists import FigureLists
from bureau.home.web import frame, home_page
from bureau.ledger.web import commands as ledger_command
from bureau.ledger.web import files as ledgerfile
from bureau.ledger.web import pages as ledgers
from bureau.mediation import mediation
from bureau.mediation import steps as mediation_steps
from bureau.mediation.web.disputes import MeasurementView, MediationView
from bureau.notices import notices
from bureau.notices.web import webhook
from bureau.people.web.roster_page import LiaisonView
from bureau.referrals import steps as referral_steps
from bureau.referrals.effects import require_answered
from bureau.registers.web import pages as registerpage
from bureau.settings.web import pages as settings
from bureau.upkeep import imports
from bureau.upkeep.web import commands, import_commands, migration_commands, table_commands
from bureau.visits.web import commands as duty_command
from bureau.visits.web import mondays
from panel import logs
from panel.base import Base
from panel.config import Config
from panel.errors import UserError
from panel.i18n import _
from panel.jobs import periodic
from panel.notify import outbox
from panel.web.assemble import assemble
from panel.web.engine_views import SYSTEM
from panel.web.panel import Link
from panel.web.views import SchemaView

OVERVIEW, WORK, ROSTER, LISTS = _("Overview"), _("Casework"), _("Roster"), _("Lists")
#: What is recorded of cases: reached from the case as a rule, and seldom as a list.
RECORDS = _("Records of cases")
DUTY, LEDGERS = _("Every Monday"), _("Ledgers")

#: Every generated screen: its view, its model, its group in the side bar and its icon. A new table is one line here.
SCREENS: tuple[tuple[type[SchemaView], type[Base], Any, str], ...] = (
    (CaseView, models.Case, WORK, "folder-open-o"),
    (ReferralView, models.Referral, WORK, "share-square-o"),
    (MediationView, models.Mediation, WORK, "handshake-o"),
    (SchemaView, models.Action, RECORDS, "gavel"),
    (SchemaView, models.CaseParty, RECORDS, "user-o"),
    (FigureLists, models.Feedback, RECORDS, "commenting-o"),
    (MeasurementView, models.Measurement, RECORDS, "tachometer"),
    (FigureLists, models.MediationSession, RECORDS, "comments-o"),
    (SchemaView, models.MediationMember, RECORDS, "users"),
    (DeadlineChangeView, models.DeadlineChange, RECORDS, "hourglass-half"),
    (SchemaView, models.CaseEvent, RECORDS, "history"),
    (mondays.VisitView, models.Visit, DUTY, "map-marker"),
    (SchemaView, models.SurveyEntry, DUTY, "binoculars"),
    (SchemaView, models.Community, ROSTER, "building-o"),
    (LiaisonView, models.Liaison, ROSTER, "id-card-o"),
    (SchemaView, models.Officer, ROSTER, "shield"),
    (mondays.AssignmentView, models.Assignment, ROSTER, "calendar-check-o"),
    (SchemaView, models.Volunteer, ROSTER, "heart-o"),
    (ChecklistItemView, models.ChecklistItem, LISTS, "check-square-o"),
    (SchemaView, models.Department, LISTS, "sitemap"),
    (SchemaView, models.Street, LISTS, "road"),
    (SchemaView, models.Squad, LISTS, "users"),
    (SchemaView, models.Phrase, LISTS, "quote-left"),
    (workdays.CalendarDayView, models.CalendarDay, LISTS, "calendar-o"),
)

steps.declare((*INTAKE, *referral_steps.STEPS, *mediation_steps.STEPS, *APPROVAL, *HANDLING, *REMARKS))
steps.check_before(HANDLE, require_answered)
steps.check_before(HANDLE, mediation.require_settled)
steps.check_before(REJECT, mediation.break_off)
steps.check_before(VOID, mediation.break_off)
steps.listen(notices.of_step)


def create_app(config: Config | None = None) -> Flask:
    """The panel, ready to serve. Without a config it is read from the environment."""
    config = config or Config.read()
    app = Flask(__name__, static_folder="static", template_folder="templates", instance_path=str(config.instance))
    app.config.update(
        SECRET_KEY=config.secret_key,
        SQLALCHEMY_DATABASE_URI=config.database_url,
        PASSWORD_COST=config.password_cost,
        TRUSTED_PROXIES=config.trusted_proxies,
        SESSION_COOKIE_SECURE=config.https,
        REMEMBER_COOKIE_SECURE=config.https,
        JOBS_URL=config.jobs_url,
    )
    db = SQLAlchemy(model_class=Base)
    panel = assemble(
        app,
        db,
        roles=roles.ROLES,
        views=[view(model, db, group=group, icon=icon) for view, model, group, icon in SCREENS],
        facts=roles.facts,
        registry=imports.registry(),
        home=home_page.home,
        role_conflict=roles.conflict,
    )
    app.add_url_rule("/settings", "settings", settings.page, methods=["GET", "POST"])
    panel.links += [
        Link(_("Home"), "home", "home", OVERVIEW, first=True),
        Link(_("Report"), "report", "bullhorn", OVERVIEW, report_page.may_open, first=True),
        Link(_("My Mondays"), "duty", "map-marker", OVERVIEW, mondays.may_attend, first=True),
        Link(
            _("Approvals"),
            "approvals",
            "check-square",
            OVERVIEW,
            approvals_page.may_open,
            first=True,
            badge=approvals_page.badge,
        ),
        Link(_("The two lists"), "checklists", "list-alt", OVERVIEW, checklists.may_open, first=True),
        Link(_("Visits of the week"), "duty_week", "calendar-check-o", DUTY, mondays.may_see_week, first=True),
        Link(_("Monthly ledger"), "ledgers", "table", LEDGERS, ledgers.may_open),
        Link(_("Figures"), "figures", "bar-chart", LEDGERS, figures.may_open),
        Link(_("Registers"), "registers", "print", LEDGERS, registerpage.may_open),
        Link(_("Days off and deadlines"), "calendar", "calendar", LISTS, workdays.may_open),
        Link(_("Settings"), "settings", "sliders", SYSTEM, settings.may_open),
        Link(_("Webhook"), "webhook.index", "plug", SYSTEM, webhook.may_open),
    ]
    for own in (approvals_page, report_page, checklists, figures, webhook, workdays):
        own.install(app)
    panel.search_table = "case"
    frame.install(panel)
    commands.install(app, panel)
    table_commands.install(app, panel)
    import_commands.install(app, panel)
    migration_commands.install(app, panel)
    ledgers.install(app)
    periodic.register(panel, "ledger.drafts", timedelta(minutes=30), ledgerfile.draw_up_due)
    periodic.register(panel, "notices.remind", timedelta(minutes=10), notices.remind)
    periodic.register(panel, "notices.forget", timedelta(days=1), notices.forget)
    periodic.register(panel, "webhook.send", timedelta(minutes=1), outbox.Sender(panel))
    periodic.register(panel, "imports.forget", timedelta(days=1), imports.forget)
    ledger_command.install(app, panel)
    registerpage.install(app, panel)
    photos.install(app)
    mondays.install(app, panel)
    duty_command.install(app, panel)
    return app


def wsgi() -> Flask:
    """The panel with its worker and its clock, also for other servers: `gunicorn "admin_app:wsgi()"`."""
    config = Config.read()
    logs.setup(as_json=config.log_json)
    app = create_app(config)
    with app.app_context():
        if wrong := commands.schema_problem(app.extensions["panel"], quick=True):
            sys.exit(str(wrong))
    try:
        app.extensions["panel"].jobs.start()
    except UserError as problem:
        sys.exit(str(problem.message))
    periodic.Ticker(app.extensions["panel"]).start()
    return app


def serve() -> None:
    """Serve by waitress until stopped."""
    config, app = Config.read(), wsgi()
    print(f"http://{config.host}:{config.port}", flush=True)  # noqa: T201 - where to open it
    run_waitress(app, host=config.host, port=config.port, threads=config.threads, ident=None)


if __name__ == "__main__":
    serve()
