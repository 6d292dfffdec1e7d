"""The application: its features, wired into a panel. `python admin_app.py` serves it."""

from __future__ import annotations

import sys

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from waitress import serve as run_waitress

from bureau.access import roles
from bureau.calendar.feature import FEATURE as CALENDAR
from bureau.cases.feature import FEATURE as CASES
from bureau.cases.web.case_feature import collect
from bureau.checklists.feature import FEATURE as CHECKLISTS
from bureau.figures.feature import FEATURE as FIGURES
from bureau.home.feature import FEATURE as HOME
from bureau.home.web.home_page import home
from bureau.ledger.feature import FEATURE as LEDGER
from bureau.mediation.feature import FEATURE as MEDIATION
from bureau.notices.feature import FEATURE as NOTICES
from bureau.people.feature import FEATURE as PEOPLE
from bureau.referrals.feature import FEATURE as REFERRALS
from bureau.registers.feature import FEATURE as REGISTERS
from bureau.settings.feature import FEATURE as SETTINGS
from bureau.upkeep.feature import FEATURE as UPKEEP
from bureau.upkeep.imports import keep_days
from bureau.upkeep.web.commands import schema_problem
from bureau.visits.feature import FEATURE as VISITS
from panel import logs
from panel.base import Base
from panel.config import Config
from panel.errors import UserError
from panel.jobs import periodic
from panel.web import features
from panel.web.assemble import assemble

#: What the bureau does. A new feature is one line here.
FEATURES = (
    *(HOME, SETTINGS, CALENDAR, PEOPLE, CHECKLISTS, CASES, REFERRALS, MEDIATION, VISITS),
    *(LEDGER, FIGURES, REGISTERS, NOTICES, UPKEEP),
)
#: Every generated screen of the bureau.
SCREENS = features.screens(FEATURES)
collect(FEATURES)


def create_app(config: Config | None = None) -> Flask:
    """The panel, ready to serve. Without a config it is read from the environment."""
    config = config or Config.read()
    app = Flask(__name__, static_folder="static", template_folder="templates", instance_path=str(config.instance))
    app.config.update(config.for_flask())
    db = SQLAlchemy(model_class=Base)
    panel = assemble(
        app,
        db,
        roles=roles.ROLES,
        views=features.views(FEATURES, db),
        facts=roles.facts,
        registry=features.registry(FEATURES, keep_days),
        home=home,
        role_conflict=roles.conflict,
    )
    features.install(panel, FEATURES)
    return app


def wsgi() -> Flask:
    """The panel with its worker and its clock, also for other servers: `gunicorn "admin_app:wsgi()"`."""
    config = Config.read()
    logs.setup(as_json=config.log_json)
    app = create_app(config)
    with app.app_context():
        if wrong := schema_problem(app.extensions["panel"], quick=True):
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
