"""A server killed at random moments: what it had said is saved is saved, nothing is half-written, and the audit trail
and the notices tell of all of it. Each check that this rests on is seen to fail."""

from __future__ import annotations

import random
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bench import soak
from bench.people import PHONE, Notes, Person
from bench.site import Site
from bench.sound import faults, lost
from bench.trail import Start
from bench.visitor import Fault, Gone
from bureau.cases import workflow
from bureau.cases.state import stepping
from models import Case, CaseEvent, CaseStatus, Community, Counter, Department, Officer
from panel import schema_state
from panel.base import UNSCOPED
from panel.config import Config
from panel.i18n import using_locale
from panel.imports.records import ImportBatch, ImportRow
from panel.jobs.records import Job, JobState
from panel.notify import notices
from panel.notify.records import Notice
from panel.security import audit
from panel.security.policy import table_of
from panel.security.records import AuditAction
from panel.store import bulk
from tests.factories import clock

#: `make soak` does two hundred.
ROUNDS = {"sqlite": 2, "postgresql": 1}


@pytest.mark.database
@pytest.mark.served
def test_killed_at_random_moments(config: Config, backend: str) -> None:
    site = Site.build(config.instance, soak.PEOPLE, database_url=config.database_url)
    said: list[str] = []
    try:
        assert soak.soak(site, ROUNDS[backend], secrets.randbelow(10**6), said.append) == [], said
    finally:
        site.close()


@pytest.fixture(scope="module")
def site(backend: str, template: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """For tests that leave it as they found it."""
    folder = tmp_path_factory.mktemp("killed")
    if backend == "sqlite":
        shutil.copyfile(template, folder / "panel.db")  # migrated already
    with clock():
        made = Site.build(folder, soak.PEOPLE)
    yield made
    made.close()


@dataclass
class Harm:
    """The database of a site inside a transaction that is rolled back, and what people were told."""

    session: Session
    site: Site
    patch: pytest.MonkeyPatch
    notes: Notes
    start: Start
    edited: tuple[str, int, str]

    def found(self) -> list[str]:
        self.session.flush()
        return [*faults(self.session, self.site.store), *lost(self.session, self.notes, self.start)]

    def take(self, status: CaseStatus, step: str, **values: Any) -> CaseEvent:
        """A step of a case that somebody with an account handles, or will."""
        handled = Case.handler_id.in_(self.site.knows["officer"])
        wanted = sa.select(Case).where(Case.status == status, handled | (Case.status == CaseStatus.ACCEPTED)).limit(1)
        return workflow.take(self.session, self.session.scalars(wanted).one(), step, values)

    def dispatch(self) -> CaseEvent:
        return self.take(CaseStatus.ACCEPTED, "dispatch", handler=self.site.knows["officer"][0])

    def urge(self) -> CaseEvent:
        self.dispatch()
        return self.take(CaseStatus.DISPATCHED, "urge", text="请尽快处理")

    def departments(self, **values: Any) -> list[Department]:
        self.session.add_all(rows := [Department(name=f"小表{row:05d}", **values) for row in (1, 2)])
        self.session.flush()
        return rows


@contextmanager
def harming(site: Site, patch: pytest.MonkeyPatch) -> Iterator[Harm]:
    with site.session() as session, using_locale("en"):
        community = session.scalars(sa.select(Community.id).limit(1)).one()
        edited = ("community", community, "households")
        yield Harm(session, site, patch, Notes(), Start.of(session, edited), edited)
        session.rollback()


def test_work_that_was_whole_breaks_no_check(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with harming(site, monkeypatch) as work:
        event = work.urge()
        work.departments(phone=f"0573-{PHONE}")
        work.session.get_one(Community, work.edited[1]).households += 1
        work.notes.edits[work.edited] = 1
        work.notes.words.append((event.case_id, "请尽快处理"))
        assert work.session.scalar(sa.select(sa.func.count()).select_from(Notice)), "somebody was told"
        assert work.found() == []


def _state_without_step(harm: Harm) -> None:
    with stepping():
        one = harm.session.scalars(sa.select(Case).where(Case.status == CaseStatus.ACCEPTED).limit(1)).one()
        one.status = CaseStatus.REPORTED


def _number_missing(harm: Harm) -> None:
    harm.session.execute(sa.update(Counter).values(last=Counter.last + 1))


def _batch(harm: Harm, rows: int) -> int:
    batch = {"file_name": "名单.csv", "table_name": "department", "actor_name": "测试", "sha256": "0" * 64}
    made = sa.insert(ImportBatch).values(row_count=rows, new_count=rows, **batch).returning(ImportBatch.id)
    return harm.session.execute(made).scalar_one()


def _rows_missing(harm: Harm) -> None:
    _batch(harm, 2)


def _batch_missing(harm: Harm) -> None:
    harm.session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    harm.session.execute(sa.insert(ImportRow).values(batch_id=10**6, number=2, outcome="new"))


def _done_without_result(harm: Harm) -> None:
    harm.session.add(Job(kind="import.apply", owner_id=1, state=JobState.DONE))


def _failed_with_result(harm: Harm) -> None:
    harm.session.add(Job(kind="import.apply", owner_id=1, state=JobState.FAILED, result={"url": "/"}))


def _report_missing(harm: Harm) -> None:
    harm.notes.reports[10**6] = "楼道堆物"


def _report_reworded(harm: Harm) -> None:
    harm.notes.reports[harm.session.scalars(sa.select(Case.id).limit(1)).one()] = "没有说过"


def _words_missing(harm: Harm) -> None:
    harm.notes.words.append((harm.urge().case_id, "没有说过"))


def _step_missing(harm: Harm) -> None:
    harm.notes.steps[harm.dispatch().case_id, "start", 1] = 1


def _step_unasked(harm: Harm) -> None:
    taken = harm.session.scalars(sa.select(CaseEvent).where(CaseEvent.actor_id.is_not(None)).limit(1)).one()
    assert taken.actor_id is not None
    harm.notes.open_steps[taken.case_id, "none", taken.actor_id] = 1


def _edit_missing(harm: Harm) -> None:
    harm.notes.edits[harm.edited] = 1


def _edit_unasked(harm: Harm) -> None:
    harm.notes.open_edits[harm.edited] = 1
    harm.session.get_one(Community, harm.edited[1]).households += 2


def _confirmed_batch_missing(harm: Harm) -> None:
    harm.departments(phone=f"0573-{PHONE + 1}")
    harm.notes.imports.append((10**6, "小表", 1))


def _older_import(harm: Harm) -> None:
    harm.departments(phone=f"0573-{PHONE + 1}")
    harm.notes.imports.append((_batch(harm, 0), "小表", 2))


def _two_files(harm: Harm) -> None:
    first, second = harm.departments(phone=f"0573-{PHONE}")
    first.phone, second.phone = f"0573-{PHONE + 1}", f"0573-{PHONE + 2}"


def _unaudited(harm: Harm) -> None:
    """No flush writes its audit."""
    harm.patch.setattr(audit, "write", lambda _session: None)


def _edit_without_entry(harm: Harm) -> None:
    _unaudited(harm)
    harm.session.get_one(Community, harm.edited[1]).households += 1
    harm.notes.edits[harm.edited] = 1


def _record_without_entry(harm: Harm) -> None:
    _unaudited(harm)
    harm.departments()


def _step_without_entry(harm: Harm) -> None:
    _unaudited(harm)
    harm.dispatch()


def _bulk_without_entries(harm: Harm) -> None:
    harm.patch.setattr(audit, "write_many", lambda _session, _entries: None)
    bulk.add(harm.session, Department, [{"name": "新部门"}])


def _entry(harm: Harm, id_: int, version: int) -> None:
    changes = {"name": ["甲", "乙"]}
    audit.write_many(harm.session, [(AuditAction.EDIT, Community, id_, version, changes, "", None)])


def _entry_without_edit(harm: Harm) -> None:
    _entry(harm, harm.edited[1], 99)


def _entry_without_record(harm: Harm) -> None:
    _entry(harm, 10**6, 1)


def _no_notices(harm: Harm) -> None:
    harm.patch.setattr(notices, "put", lambda _session, _rows: 0)
    harm.urge()


def _one_notice_missing(harm: Harm) -> None:
    event = harm.urge()
    handler = sa.select(Officer.user_id).join(Case, Case.handler_id == Officer.id).where(Case.id == event.case_id)
    told, user = Notice.mark == f"event:{event.id}", harm.session.scalars(handler).one()
    assert harm.session.scalar(sa.select(sa.func.count()).select_from(Notice).where(told)) > 1
    one = sa.delete(table_of(Notice)).where(told, Notice.owner_id == user)
    harm.session.execute(one, execution_options=UNSCOPED)


def _notice_without_step(harm: Harm) -> None:
    notices.put(harm.session, [notices.row(1, "urged", f"event:{10**6}")])


HARMS: list[tuple[Callable[[Harm], None], str]] = [
    (_state_without_step, "but its last event says"),
    (_number_missing, "Nothing has the number"),
    (_rows_missing, "counts 2 rows, and has {}"),
    (_batch_missing, "rows of a batch that is not there"),
    (_done_without_result, "with the result None"),
    (_failed_with_result, "with the result {'url': '/'}"),
    (_report_missing, "report 1000000 is not there"),
    (_report_reworded, "is not there: 没有说过"),
    (_words_missing, "what was said is not there: 没有说过"),
    (_step_missing, "told 1 times, sent without an answer 0, there 0"),
    (_step_unasked, "told 0 times, sent without an answer 0, there 1"),
    (_edit_missing, "raised 1 times, sent without an answer 0, stands 0 higher"),
    (_edit_unasked, "raised 0 times, sent without an answer 1, stands 2 higher"),
    (_confirmed_batch_missing, "batch 1000000 of 小表 is not there"),
    (_older_import, "import 2 was confirmed, the rows are of [1]"),
    (_two_files, "the rows are of [1, 2]"),
    (_edit_without_entry, "the audit trail does not tell of the versions [2]"),
    (_record_without_entry, "the audit trail does not tell of the versions [1]"),
    (_step_without_entry, "'accepted', 'dispatched')], the audit trail []"),
    (_bulk_without_entries, "the audit trail does not tell of the versions [1]"),
    (_entry_without_edit, "the audit trail tells of versions that never were: ['99']"),
    (_entry_without_record, "community 1000000: in the audit trail, and not there"),
    (_no_notices, "of “dispatch”"),
    (_no_notices, "of “urge”"),
    (_one_notice_missing, "of “urge”"),
    (_notice_without_step, "a notice of a step that was never taken: event:1000000"),
]


@pytest.mark.parametrize(("act", "sentence"), HARMS, ids=[f"{n}{act.__name__}" for n, (act, _s) in enumerate(HARMS)])
def test_each_check_of_the_database_can_fail(
    site: Site, monkeypatch: pytest.MonkeyPatch, act: Callable[[Harm], None], sentence: str
) -> None:
    # The schema is compared by test_work_that_was_whole_breaks_no_check; it takes longer than all the other checks.
    monkeypatch.setattr(schema_state, "problem", lambda *_: None)
    with harming(site, monkeypatch) as harm:
        act(harm)
        found = harm.found()
    assert [line for line in found if sentence in line], found


# What the rounds look at besides.


class Killed:
    """A server that is there to be killed."""

    def __init__(self, _site: Site) -> None:
        pass

    def wait(self) -> Killed:
        return self

    def kill(self) -> None:
        pass


@dataclass
class Unlucky:
    """A visitor who gets this instead of an answer."""

    error: Exception
    servers: Any = None
    logged_in = False
    answered = 0

    def log_in(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Gone("refused"), "the server went away by itself: refused"),
        (Fault("p01: GET /: 500"), "p01: GET /: 500"),
        (ValueError("no form"), "ValueError('no form')"),
    ],
)
def test_what_nobody_should_meet_before_the_kill_is_told(error: Exception, sentence: str) -> None:
    visitor: Any = Unlucky(error)
    server: Any = Killed
    rng = random.Random(1)  # noqa: S311 - not for secrets
    people = [Person(visitor, rng, {})]
    now = soak.RoundState(1, ("community", 1, "households"))
    assert soak._round(server(None), people, rng, now) == [sentence]


def test_what_the_server_complains_of_is_told(site: Site) -> None:
    site.log.write_text("ready\nTraceback (most recent call last):\nsqlite3: database is locked\n")
    try:
        assert len(site.complaints()) == 2
    finally:
        site.log.unlink()


def test_a_job_that_never_ends_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "Server", Killed)
    monkeypatch.setattr(soak, "SETTLED", 1)
    assert soak._unfinished_jobs(site) == []
    with site.session() as session:
        session.add(job := Job(kind="import.apply", owner_id=1))
        session.flush()
        id_ = job.id
    try:
        assert soak._unfinished_jobs(site) == [f"jobs that never end: [{id_}]"]
    finally:
        with site.session() as session:
            session.delete(session.get_one(Job, id_))


def test_a_broken_round_ends_the_rounds(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*_given: object) -> list[str]:
        with site.session() as session:
            session.execute(sa.update(Counter).values(last=Counter.last + 1))
        return []

    monkeypatch.setattr(soak, "Server", Killed)
    monkeypatch.setattr(soak, "_round", work)
    try:
        *found, last = soak.soak(site, 3, 7, lambda _line: None)
        assert found
        assert last == "seed 7, round 1"
    finally:
        with site.session() as session:
            session.execute(sa.update(Counter).values(last=Counter.last - 1))
