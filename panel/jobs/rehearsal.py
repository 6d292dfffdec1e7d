"""Rehearse long writes on a copy of the database, and repeat their statements on the database in one short transaction.

SQLite has one writer at a time. An import of 50,000 rows spends most of its time on preparing them: with the write lock
it would keep everybody else from writing for as long. So it is done on a copy, with all its checks, while others write;
its statements are recorded, and those that wrote are repeated under the lock. That is right only if what it has read is
as it was: the statements that read from tables which somebody has changed meanwhile are repeated too and compared, and
if one finds something else, the work is rehearsed again."""

from __future__ import annotations

import logging
import pickle
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.orm import Session

from panel.base import Base
from panel.security import keys
from panel.security.session import actor_of, install_listeners, set_actor, writing
from panel.security.transactions import configure, engine_options
from panel.store import disk

log = logging.getLogger(__name__)

R = TypeVar("R")
#: Rehearsals before the work is done under the lock.
ATTEMPTS = 3
#: Rows of a table without versions that are compared one by one; of more their number and highest id are.
COMPARED = 5000
_ADDED = re.compile(r'\s*INSERT INTO "?(\w+)"? \(([^)]*)\)')
_WRITES = ("INSERT", "UPDATE", "DELETE", "SAVEPOINT", "RELEASE", "ROLLBACK TO")


class Overtaken(Exception):  # noqa: N818 - the work is rehearsed again
    """What the work has read was changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Executed:
    """A statement of a rehearsal: how many rows it wrote, and the tables that its result depends on."""

    statement: str
    parameters: Any
    rows: int
    many: bool
    tables: frozenset[str]

    @property
    def writes(self) -> bool:
        return self.statement.lstrip().upper().startswith(_WRITES)


@dataclass
class Recording:
    """The statements of a rehearsal: `written` is a file of those that wrote, `known` of what all depend on, without
    the values of those that wrote."""

    written: IO[bytes]
    known: IO[bytes]

    def note(self, statement: str, parameters: Any, rows: int, *, many: bool) -> None:
        tables = set(re.findall(r"\w+", statement)) & Base.metadata.tables.keys()
        # Rows that are only added, with ids that the database gives and nothing refers to, depend on no others.
        added = _ADDED.match(statement)
        if added and "RETURNING" not in statement and "id" not in re.findall(r"\w+", added[2]):
            tables.discard(added[1])
        done = Executed(statement, parameters, rows, many, frozenset(tables))
        if done.writes:
            pickle.dump(done, self.written)
            done = replace(done, parameters=None)
        if tables:
            pickle.dump(done, self.known)

    def clear(self) -> None:
        for file in (self.written, self.known):
            file.seek(0)
            file.truncate()

    @staticmethod
    def of(file: IO[bytes]) -> Iterator[Executed]:
        """The statements in one of the files."""
        file.seek(0)
        while True:
            try:
                yield pickle.load(file)  # noqa: S301 - our own file, in a folder of this account
            except EOFError:
                return


def write_shortly(session: Session, folder: Path, work: Callable[[Session], R], begin: Callable[[], object]) -> R:
    """Do `work` on the session's database, so that other writers wait shortly. The session has written nothing; `begin`
    lets it write. `work` gets a session with the same actor; it must neither commit nor use another session. Its
    exceptions are raised here; then nothing is written. The caller commits.

    Other databases than SQLite, and a disk without room for a copy, do the work on the session itself."""
    engine = session.get_bind()
    assert isinstance(engine, Engine | Connection)
    engine = engine.engine
    for attempt in range(ATTEMPTS):
        if engine.dialect.name != "sqlite" or not _has_room(engine, folder):
            break
        session.rollback()
        with tempfile.TemporaryDirectory(dir=folder, prefix=".rehearsal-") as scratch:
            copy = Path(scratch) / "copy.db"
            _copy(Path(str(engine.url.database)), copy)
            with _recorded(engine, copy) as (bind, recording):
                before = _states(bind)
                recording.clear()
                result = _rehearse(session, bind, work)
                begin()
                try:
                    _repeat(session, recording, bind, before)
                except Overtaken:
                    log.info("rehearsed again, %s", attempt + 1)
                    session.rollback()
                    writing.set(False)
                    continue
                return result
    begin()
    return work(session)


def _has_room(engine: Engine, folder: Path) -> bool:
    return disk.free(folder) > 3 * Path(str(engine.url.database)).stat().st_size + disk.NEEDED_BYTES


def _copy(database: Path, target: Path) -> None:
    source, made = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        made.execute("PRAGMA synchronous=OFF")
        source.backup(made)
    finally:
        made.close()
        source.close()


@contextmanager
def _recorded(engine: Engine, copy: Path) -> Iterator[tuple[Engine, Recording]]:
    """An engine of the copy, and the recording of what is executed on it, in files beside it."""
    url = f"sqlite:///{copy}"
    bind = create_engine(url, **engine_options(url))
    configure(bind)
    keys.use(bind, keys.keys_of(engine))

    written, known = (copy.with_suffix(f".{kind}").open("w+b") for kind in ("written", "known"))
    recording = Recording(written, known)

    def note(_c: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        recording.note(statement, parameters, cursor.rowcount, many=many)

    event.listen(bind, "after_cursor_execute", note)
    try:
        yield bind, recording
    finally:
        bind.dispose()
        written.close()
        known.close()


def _rehearse(session: Session, bind: Engine, work: Callable[[Session], R]) -> R:
    token = writing.set(True)
    try:
        with Session(bind) as rehearsing:
            rehearsing.info.update(session.info)
            install_listeners(rehearsing)
            set_actor(rehearsing, actor_of(session))
            result = work(rehearsing)
            rehearsing.flush()
            rehearsing.rollback()
            return result
    finally:
        writing.reset(token)


def _states(bind: Engine) -> dict[str, tuple[Any, ...]]:
    """The state of every table, by its name."""
    token = writing.set(False)
    try:
        with bind.connect() as connection:
            return {name: _state(connection, name) for name in Base.metadata.tables}
    finally:
        writing.reset(token)


def _state(connection: Connection, name: str) -> tuple[Any, ...]:
    """What changes with each change of a table: of one with versions the number of rows, highest id and sum of
    versions; of others all values, if they aren't too many."""
    table = Base.metadata.tables[name]
    if "version" in table.c and "id" in table.c:
        sums = select(func.count(), func.max(table.c.id), func.sum(table.c.version)).select_from(table)
        return tuple(connection.execute(sums).one())
    number = connection.execute(select(func.count()).select_from(table)).scalar_one()
    if number > COMPARED:
        return (number, connection.execute(select(func.max(next(iter(table.c))))).scalar())
    rows = connection.exec_driver_sql(f'SELECT * FROM "{name}" ORDER BY 1').fetchall()  # noqa: S608 - a declared name
    return (number, sha256(repr([tuple(row) for row in rows]).encode()).hexdigest())


def _repeat(session: Session, recording: Recording, bind: Engine, before: dict[str, tuple[Any, ...]]) -> None:
    """Repeat the statements that wrote on the session's connection. Raises Overtaken if one that read finds another
    result than on the copy, or one that wrote depends on a table that is another one than before."""
    connection = session.connection()
    changed = {name for name, state in before.items() if _state(connection, name) != state}
    raw: Any = connection.connection.cursor()
    copy: Any = bind.raw_connection()
    try:
        if changed:
            for done in recording.of(recording.known):
                if done.tables & changed and (done.writes or not _same(done, raw, copy.cursor())):
                    raise Overtaken
        for done in recording.of(recording.written):
            _execute(done, raw)
    finally:
        raw.close()
        copy.close()


def _same(done: Executed, cursor: Any, other: Any) -> bool:
    """Whether a statement that reads finds the same on both cursors."""
    results = []
    for one in (cursor, other):
        one.execute(done.statement, done.parameters or ())
        results.append(one.fetchall())
    return bool(results[0] == results[1])


def _execute(done: Executed, cursor: Any) -> None:
    """Repeat a statement. Raises Overtaken if it finds another number of rows."""
    if done.many:
        cursor.executemany(done.statement, done.parameters)
    else:
        cursor.execute(done.statement, done.parameters or ())
    if cursor.description is not None:
        cursor.fetchall()
    elif done.rows >= 0 and cursor.rowcount != done.rows:
        raise Overtaken
