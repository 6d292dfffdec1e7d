"""Whether a database is whole, and holds what people were told is saved."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench import trail
from bench.people import PHONE, Notes, count_in
from bench.trail import Start, counted
from bureau.upkeep import consistency
from bureau.upkeep.web.commands import MIGRATIONS
from models import Case, CaseEvent, Department
from panel.imports.records import ImportBatch, ImportRow
from panel.jobs.records import Job, JobState
from panel.store.files import Store


def faults(session: Session, store: Store) -> Iterator[str]:
    """What doesn't agree, in sentences: all that the command `check` looks at, and imports."""
    yield from (str(problem) for problem in consistency.check(session, store, MIGRATIONS))
    yield from _batches(session)


def _batches(session: Session) -> Iterator[str]:
    """A batch has the rows that it counts; a job that isn't done has none."""
    rows: dict[int, Tally[str]] = defaultdict(Tally)
    columns = (ImportRow.batch_id, ImportRow.outcome)
    for batch, outcome, number in session.execute(select(*columns, func.count()).group_by(*columns)):
        rows[batch][outcome] = number
    for one in session.scalars(select(ImportBatch)):
        kept = rows.pop(one.id, Tally())
        if (one.row_count, one.new_count, one.changed_count) != (kept.total(), kept["new"], kept["changed"]):
            yield f"batch {one.id} counts {one.row_count} rows, and has {dict(kept)}"
    yield from (f"rows of a batch that is not there: {batch}" for batch in rows)
    for job in session.scalars(select(Job).where(Job.kind == "import.apply")):
        if (job.state is JobState.DONE) != bool((job.result or {}).get("url")):
            yield f"job {job.id} is {job.state} with the result {job.result}"


def lost(session: Session, notes: Notes, start: Start) -> Iterator[str]:
    """What people were told is saved and isn't, and what is there that nobody asked for or nothing tells of."""
    found: dict[int, str] = {}
    for id_, description in session.execute(select(Case.id, Case.description)):
        found[id_] = description
    for case, description in notes.reports.items():
        if not found.get(case, "").startswith(description):
            yield f"report {case} is not there: {description}"
    said = {(event.case_id, event.opinion) for event in session.scalars(select(CaseEvent))}
    yield from (f"case {case}: what was said is not there: {words}" for case, words in notes.words
                if (case, words) not in said)  # fmt: skip
    yield from _steps(session, notes)
    yield from _edits(session, notes, start)
    yield from _imports(session, notes)
    yield from trail.missing(session, start)


def _steps(session: Session, notes: Notes) -> Iterator[str]:
    """As many events as steps were confirmed, and not more than were sent."""
    people = {person for _case, _step, person in (*notes.steps, *notes.open_steps)}
    columns = (CaseEvent.case_id, CaseEvent.step, CaseEvent.actor_id)
    counted = select(*columns, func.count()).where(CaseEvent.actor_id.in_(people), CaseEvent.step != "report")
    rows = session.execute(counted.group_by(*columns))
    taken = {(case, step, person): n for case, step, person, n in rows if person is not None}
    for key in taken.keys() | notes.steps.keys():
        there, told = taken.get(key, 0), notes.steps[key]
        if not told <= there <= told + notes.open_steps[key]:
            yield f"step {key}: told {told} times, sent without an answer {notes.open_steps[key]}, there {there}"


def _edits(session: Session, notes: Notes, start: Start) -> Iterator[str]:
    """Every count stands where those who raised it have brought it."""
    for key in notes.edits.keys() | notes.open_edits.keys():
        there, told = counted(session, key) - start.counts.get(key, 0), notes.edits[key]
        if not told <= there <= told + notes.open_edits[key]:
            yield f"{key}: raised {told} times, sent without an answer {notes.open_edits[key]}, stands {there} higher"


def _imports(session: Session, notes: Notes) -> Iterator[str]:
    """The rows of a file say all the same, and that no older than what was confirmed last."""
    batches = set(session.scalars(select(ImportBatch.id)))
    latest: dict[str, int] = {}
    for batch, prefix, number in notes.imports:
        latest[prefix] = max(latest.get(prefix, 0), number)
        if batch not in batches:
            yield f"batch {batch} of {prefix} is not there"
    for prefix in {name for _batch, name, _number in notes.imports} | {"小表", "大表"}:
        phones = set(session.scalars(select(Department.phone).where(Department.name.startswith(prefix))))
        numbers = {count_in(phone) - PHONE for phone in phones}
        if len(numbers) > 1 or (prefix in latest and min(numbers, default=0) < latest[prefix]):
            yield f"{prefix}: import {latest.get(prefix)} was confirmed, the rows are of {sorted(numbers)}"
