"""The application: the panel with the bureau's features. `python admin_app.py` serves it."""

from __future__ import annotations

import sys

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from bureau.access import facts, roles
from bureau.calendar.feature import FEATURE as CALENDAR
from bureau.cases.case_feature import collect
from bureau.cases.feature import FEATURE as CASES
from bureau.checklists.feature import FEATURE as CHECKLISTS
from bureau.figures.feature import FEATURE as FIGURES
from bureau.home.feature import FEATURE as HOME
from bureau.ledger.feature import FEATURE as LEDGER
from bureau.mediation.feature import FEATURE as MEDIATION
from bureau.notices.feature import FEATURE as NOTICES
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
from panel.jobs import periodic
from panel.web import features
from panel.web.commands import Commands
from panel.web.panel import Panel
from panel.web.prepare import PanelApp, prepare

#: The features of the bureau.
FEATURES = (
    *(HOME, SETTINGS, CALENDAR, PEOPLE, CHECKLISTS, CASES, REFERRALS, MEDIATION, VISITS),
    *(LEDGER, FIGURES, REGISTERS, NOTICES, UPKEEP),
)
#: Every generated screen of the bureau.
SCREENS = features.screens(FEATURES)
collect(FEATURES)


def create_app(config: Config | None = None) -> Flask:
    """The application with its panel. The configuration is read from the environment unless given. Pages are added when
    the first is requested, so that commands don't load them."""
    config = config or Config.read()
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


def wsgi() -> Flask:
    """The application with its worker and periodic work started; also for other servers: `gunicorn
    "admin_app:wsgi()"`."""
    from bureau.upkeep.web.commands import schema_problem  # noqa: PLC0415 - not needed by commands

    config = Config.read()
    logs.setup(as_json=config.log_json, packages=("panel", "bureau"))
    app = create_app(config)
    panel = app.extensions["panel"]
    with app.app_context():
        if fault := schema_problem(panel, quick=True):
            sys.exit(str(fault))
    panel.complete()
    try:
        panel.jobs.start()
    except UserError as problem:
        sys.exit(str(problem.message))
    periodic.Ticker(panel).start()
    return app


def serve() -> None:
    """Serve by waitress until stopped."""
    from waitress import serve as run_waitress  # noqa: PLC0415 - only a server needs it

    config, app = Config.read(), wsgi()
    print(f"http://{config.host}:{config.port}", flush=True)  # noqa: T201 - where to open it
    run_waitress(app, host=config.host, port=config.port, threads=config.threads, ident=None)


if __name__ == "__main__":
    serve()
