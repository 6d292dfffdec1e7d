"""The application: the panel with the bureau's features. `python admin_app.py` serves it."""

from __future__ import annotations

import sys
from pathlib import Path

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from bureau.access import facts, roles
from bureau.briefing.feature import FEATURE as BRIEFING
from bureau.calendar.feature import FEATURE as CALENDAR
from bureau.cases.case_feature import collect
from bureau.cases.feature import FEATURE as CASES
from bureau.checklists.feature import FEATURE as CHECKLISTS
from bureau.figures.feature import FEATURE as FIGURES
from bureau.home.feature import FEATURE as HOME
from bureau.hotline.feature import FEATURE as HOTLINE
from bureau.ledger.feature import FEATURE as LEDGER
from bureau.mediation.feature import FEATURE as MEDIATION
from bureau.notices.feature import FEATURE as NOTICES
from bureau.papers.feature import FEATURE as PAPERS
from bureau.people import holdings
from bureau.people.feature import FEATURE as PEOPLE
from bureau.referrals.feature import FEATURE as REFERRALS
from bureau.registers.feature import FEATURE as REGISTERS
from bureau.settings.feature import FEATURE as SETTINGS
from bureau.upkeep.feature import FEATURE as UPKEEP
from bureau.upkeep.imports import keep_days
from bureau.visits.feature import FEATURE as VISITS
from panel import logs
from panel.base import Base
from panel.config import Config
from panel.errors import UserError
from panel.jobs import clock_watch, periodic
from panel.store import disk, private_files
from panel.web import features
from panel.web.commands import Commands, key_problem
from panel.web.panel import Panel
from panel.web.prepare import PanelApp, prepare

#: The features of the bureau.
FEATURES = (
    *(HOME, SETTINGS, CALENDAR, PEOPLE, CHECKLISTS, CASES, REFERRALS, MEDIATION, HOTLINE, PAPERS, VISITS),
    *(LEDGER, FIGURES, BRIEFING, REGISTERS, NOTICES, UPKEEP),
)
ROOT = Path(__file__).resolve().parent
#: Every generated screen of the bureau.
SCREENS = features.screens(FEATURES)
collect(FEATURES)
holdings.collect(FEATURES)
features.declare_extras(FEATURES)


def create_app(config: Config | None = None) -> Flask:
    """The application with its panel. The configuration is read from the environment unless given. Pages are added when
    the first is requested, so that commands don't load them."""
    config = config or Config.read()
    private_files.protect(config.instance)
    app = PanelApp(__name__, static_folder="static", template_folder="templates", instance_path=str(config.instance))
    app.config.update(config.for_flask())
    db = SQLAlchemy(model_class=Base)
    panel = prepare(
        app,
        db,
        roles=roles.ROLES,
        tables=[screen.model for screen in features.screens(FEATURES)],
        facts=facts.scope_ids,
        registry=features.registry(FEATURES, keep_days),
        role_conflict=roles.conflict,
        watches=features.watches(FEATURES),
        add_pages=_add_pages,
    )
    app.cli = Commands(panel, features.commands(FEATURES))
    return app


def _add_pages(panel: Panel) -> None:
    """Add what only a server needs: views, pages, links, periodic work."""
    from bureau.cases.web import sections  # noqa: PLC0415
    from bureau.home.web.home_page import home  # noqa: PLC0415
    from panel.web.assemble import add_pages  # noqa: PLC0415

    sites = [feature.site() for feature in FEATURES]
    sections.collect(sites)
    add_pages(panel, features.views(panel, FEATURES, sites), home)
    features.install(panel, sites)
    panel.handbook = ROOT / "docs" / "handbook.zh-CN.md"
    panel.sections = features.sections(FEATURES, sites)


def wsgi() -> Flask:
    """The application with its worker and periodic work started; also for other servers: `gunicorn
    "admin_app:wsgi()"`."""
    from bureau.upkeep.web.commands import schema_problem  # noqa: PLC0415 - not needed by commands
    from panel.web.serving import access_log  # noqa: PLC0415
    from panel.web.system import first_accounts  # noqa: PLC0415

    config = Config.read()
    logs.setup(as_json=config.log_json, packages=("panel", "bureau"))
    app = create_app(config)
    panel = app.extensions["panel"]
    with app.app_context():
        if fault := schema_problem(panel, quick=True) or key_problem(panel):
            sys.exit(str(fault))
    panel.complete()
    with app.app_context():
        if words := clock_watch.at_start(panel.system_session):
            print(words, file=sys.stderr, flush=True)  # noqa: T201 - whoever starts the server
        if words := first_accounts.announce(panel):
            print(words, flush=True)  # noqa: T201 - whoever starts the server makes the first accounts
    try:
        panel.jobs.start()
    except UserError as problem:
        sys.exit(str(problem.message))
    disk.reserve(config.instance)
    app.extensions["ticker"] = periodic.Ticker(panel).start()
    if config.access_log_days:
        access_log.install(app, config.instance / "logs", config.access_log_days)
    return app


def serve() -> None:
    """Serve by waitress until stopped."""
    from panel.web.serving import server, stopping  # noqa: PLC0415 - only a server needs it

    config, app = Config.read(), wsgi()
    panel, ticker = app.extensions["panel"], app.extensions["ticker"]

    def ending() -> None:
        panel.jobs.ask_to_stop()
        ticker.ask_to_stop()

    def ended(seconds: float) -> None:
        panel.jobs.stop(seconds)
        ticker.stop(1.0)

    print(f"http://{config.host}:{config.port}", flush=True)  # noqa: T201 - where to open it
    server.use_steady_clock()
    stopping.Server(app, ending, ended, **server.options(config)).run()


if __name__ == "__main__":
    serve()
