"""Add the pages to a panel; or turn an application into a complete panel in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flask import Flask, g, redirect, render_template, url_for
from flask_admin import Admin, AdminIndexView, expose
from flask_admin.theme import Bootstrap4Theme
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.routing import IntegerConverter

from panel import ids, schema_check
from panel.i18n import _, listed, n_, text
from panel.imports.rules import Registry
from panel.search import listing
from panel.security.keys import keys_of
from panel.security.policy import Permission, Role, RoleConflict
from panel.sheets import MAX_BYTES
from panel.web import downloads, errors, guards, submissions
from panel.web.context import current_actor, current_panel
from panel.web.engine_views import engine_views
from panel.web.frame import frame
from panel.web.imports import jobs as _importjobs  # noqa: F401 - registers what jobs do of imports
from panel.web.login import factor_pages, look, password  # noqa: F401 - their routes are the blueprint's
from panel.web.login import pages as _pages  # noqa: F401
from panel.web.login.blueprint import blueprint as session_blueprint
from panel.web.pages import HomePage, Tile
from panel.web.panel import Facts, Panel
from panel.web.prepare import prepare
from panel.web.serving import assets, compression, headers, hosts, icons, vendor_files
from panel.web.system import find_pages, first_accounts, handbook_pages, job_pages, log_work, notice_pages, view_as
from panel.web.tables import cells
from panel.web.tables.kept import kept
from panel.web.views import SchemaView

#: Bytes of a form besides the file in it.
FORM_BYTES = 1024 * 1024
#: Bytes of the fields of a form: a few thousand pasted rows are more than Flask's half a megabyte.
FIELD_BYTES = 4 * 1024 * 1024

ROOT = Path(__file__).resolve().parent.parent.parent


class _Number(IntegerConverter):
    """Converter of numbers in addresses, mostly ids. Larger ones than ids.HIGHEST match no route."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max": ids.HIGHEST, **kwargs})


class _Index(AdminIndexView):
    """Redirects /admin/ to the home page."""

    @expose("/")
    def index(self) -> Any:
        return redirect(url_for("home"))


def add_pages(panel: Panel, views: Sequence[SchemaView], home: Callable[[], Any] | None = None) -> None:
    """Add everything that answers requests: the second stage of a panel, called once by Panel.complete().

    The screens of the engine's own tables (imports, accounts, logs) are added too, unless `views` has one for the
    table."""
    app = panel.app
    app.jinja_loader = _template_loader(app)
    app.url_map.converters["int"] = _Number
    if not app.static_folder:
        app.static_folder = str(ROOT / "static")
        app.add_url_rule("/static/<path:filename>", endpoint="static")
    app.config.setdefault("BABEL_DEFAULT_LOCALE", text.DEFAULT_LOCALE)
    if app.config.get("MAX_CONTENT_LENGTH") is None:
        app.config["MAX_CONTENT_LENGTH"] = MAX_BYTES + FORM_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = FIELD_BYTES
    Babel(app, locale_selector=text.current_locale)

    @app.before_request
    def carry() -> None:
        panel.session.info.update(policy=panel.policy, secret=keys_of(panel.db.engine).hash, jobs=panel.jobs)

    compression.install(app)
    hosts.install(app)
    vendor_files.install(app)
    guards.install(app, panel)
    headers.install(app)
    submissions.install(app, panel)
    errors.install(app)
    downloads.install(app)
    app.register_blueprint(session_blueprint)
    app.register_blueprint(job_pages.blueprint)
    app.register_blueprint(view_as.blueprint)
    app.register_blueprint(notice_pages.blueprint)
    app.register_blueprint(handbook_pages.blueprint)
    app.register_blueprint(find_pages.blueprint)
    app.register_blueprint(first_accounts.blueprint)
    panel.open_endpoints.add("first.page")
    panel.reading_endpoints |= {"jobs.cancel", "find.search"}
    app.add_url_rule("/", "home", home or _plain_home)
    theme = Bootstrap4Theme(swatch="default", fluid=True, base_template="panel/base.html")
    admin = Admin(app, theme=theme, index_view=_Index(url="/admin", name="index"))
    shown = [*views, *engine_views(panel.db, [view.model for view in views])]
    schema_check.check(view.model for view in shown)
    for view in shown:
        panel.views[view.endpoint] = view
        panel.reading_endpoints.add(f"{view.endpoint}.search_view")
        admin.add_view(view)
    log_work.install(panel)
    _set_template_globals(app)
    assets.install(app, lambda: _icons(panel))


def assemble(
    app: Flask,
    db: SQLAlchemy,
    *,
    roles: Sequence[Role],
    views: Sequence[SchemaView],
    facts: Facts = lambda _session, _user, _roles: {},
    registry: Registry | None = None,
    home: Callable[[], Any] | None = None,
    role_conflict: RoleConflict = lambda _session, _roles: None,
) -> Panel:
    """Turn a Flask application into a complete panel with these views. Call it once, after all models are declared.

    The application's config must have SECRET_KEY and SQLALCHEMY_DATABASE_URI; PASSWORD_COST is argon2's time cost,
    LOG_KEY seals the logs, LOG_HEADS is the file of their heads; HASH_KEY hashes private telephones, DATA_KEY encrypts.
    """
    panel = prepare(
        app,
        db,
        roles=roles,
        tables=[view.model for view in views],
        facts=facts,
        registry=registry,
        role_conflict=role_conflict,
        add_pages=lambda panel: add_pages(panel, views, home),
    )
    panel.complete()
    return panel


def _template_loader(app: Flask) -> Any:
    """A loader for the application's own templates, then the engine's."""
    own = [FileSystemLoader(Path(app.root_path) / str(app.template_folder))] if app.template_folder else []
    return ChoiceLoader([*own, FileSystemLoader(ROOT / "templates")])


def _icons(panel: Panel) -> set[str]:
    """The icons that pages may show."""
    named = {view.icon for view in panel.views.values()} | {link.icon for link in panel.links}
    folders = {ROOT / "templates", Path(panel.app.root_path) / str(panel.app.template_folder)}
    return named | icons.in_templates(folders) | icons.BUTTONS


def _set_template_globals(app: Flask) -> None:
    """Set the globals and context of templates."""
    app.jinja_env.globals.update(_=_, n_=n_, listed=listed, look_themes=look.THEMES, look_densities=look.DENSITIES)
    app.jinja_env.globals.update(cell_of=cells.cell, cells_below=cells.cells, kept=kept)

    @app.context_processor
    def surround() -> dict[str, Any]:
        if "frame" not in g:
            g.frame = frame(current_panel())
        return {
            "frame": g.frame,
            "frame_locale": text.current_locale(),
            "locales": text.LOCALES,
            "unit": current_panel().unit(),
            "look": look.chosen(),
        }


def _plain_home() -> Any:
    """The default home page: every table that the actor may read, with its count."""
    panel, actor = current_panel(), current_actor()
    shown = [v for v in panel.views.values() if panel.policy.may(actor, Permission.READ, v.model)]
    numbers = listing.counts(panel.session, [(v.model, v.model.id.is_not(None)) for v in shown])
    page = HomePage(title=_("Home"), sub=actor.name)
    page.tiles = [
        Tile(v.model.__labels__, n, url_for(f"{v.endpoint}.index_view")) for v, n in zip(shown, numbers, strict=True)
    ]
    return render_template("home/home.html", page=page)
