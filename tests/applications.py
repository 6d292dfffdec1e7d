"""Applications that tests share. Building one costs more than most tests do: it is built once a process, with its
templates and statements compiled as it goes, and moved from one test's installation to the next one's."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from admin_app import create_app
from panel.config import Config
from panel.jobs.worker import Jobs


class Client(FlaskClient):
    """A client that reads each answer to its end, as browsers do, and leaves no file open: neither those that an answer
    is read from, nor the one that a large upload is kept in."""

    def open(self, *args: Any, buffered: bool = True, **kwargs: Any) -> TestResponse:
        answer = super().open(*args, buffered=buffered, **kwargs)
        answer.request.environ["wsgi.input"].close()
        return answer


class Applications:
    """Those of one process. As many are built as are in use at the same time: that of the test, of its file, of the
    whole run."""

    def __init__(self) -> None:
        self._free: list[tuple[Flask, object]] = []

    @contextmanager
    def at(self, config: Config) -> Iterator[Flask]:
        """An application that serves the installation of `config`. One that the test has altered is thrown away."""
        app, declared = self._free.pop() if self._free else _built(config)
        _move(app, config)
        yield app
        with app.app_context():
            app.extensions["panel"].db.engine.dispose()
        if _declared(app) == declared:
            self._free.append((app, declared))


def _built(config: Config) -> tuple[Flask, object]:
    app = create_app(config)
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False)
    app.test_client_class = Client
    app.extensions["panel"].complete()
    with app.app_context():
        sa.event.listen(app.extensions["panel"].db.engine, "do_connect", _connect_to(app))
    gc.freeze()  # it lives as long as the run
    return app, _declared(app)


def _declared(app: Flask) -> object:
    """What an application is made of, and a test may alter."""
    panel = app.extensions["panel"]
    return (
        len(app.url_map._rules),
        [(key, len(functions)) for key, functions in app.before_request_funcs.items()],
        set(panel.open_endpoints),
        dict(panel.policy.roles),
        dict(panel.periodic),
        list(panel.links),
        dict(panel.views),
    )


def _connect_to(app: Flask) -> Any:
    """Every connection goes to the database that the application's config names now."""

    def connect(dialect: sa.Dialect, _record: object, arguments: list[Any], options: dict[str, Any]) -> None:
        url = sa.make_url(app.config["SQLALCHEMY_DATABASE_URI"])
        arguments[:], given = dialect.create_connect_args(url)
        options.update(given)

    return connect


def _move(app: Flask, config: Config) -> None:
    """Let an application serve another installation. Its engine stays, with the statements it has compiled."""
    panel = app.extensions["panel"]
    assert config.secret_key == app.config["SECRET_KEY"], "only the place may differ"
    app.instance_path = str(config.instance)
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    with app.app_context():
        engine = panel.db.engine
    engine.url = sa.make_url(config.database_url)
    old = panel.jobs
    panel.jobs = Jobs(engine, old.policy, old.secret, config.instance, old.facts, config.jobs_url, old.around)
