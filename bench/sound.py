"""Checks of a database after a load or soak test: consistency, and confirmed changes."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench import trail
from bench.people import PHONE, Notes, number_in
from bench.trail import Start, current_number
from bureau.upkeep import consistency
from bureau.upkeep.web.commands import MIGRATIONS
from models import Case, CaseEvent, Department
from panel.imports.records import ImportBatch, ImportRow
from panel.jobs.records import Job, JobState
from panel.store.files import Store


def faults(session: Session, store: Store) -> Iterator[str]:
    """Inconsistencies as sentences: those of the command `check`, and those of imports."""
    yield from (str(problem) for problem in consistency.check(session, store, MIGRATIONS))
    yield from _batches(session)


def _batches(session: Session) -> Iterator[str]:
    """Batches whose rows differ from their counts, and unfinished jobs with a result."""
    rows: dict[int, Tally[str]] = defaultdict(Tally)
    columns = (ImportRow.batch_id, ImportRow.outcome)
    for batch, outcome, number in session.execute(select(*columns, func.count()).group_by(*columns)):
        rows[batch][outcome] = number
    for import_batch in session.scalars(select(ImportBatch)):
        outcomes = rows.pop(import_batch.id, Tally())
        if (import_batch.row_count, import_batch.new_count, import_batch.changed_count) != (
            outcomes.total(),
            outcomes["new"],
            outcomes["changed"],
        ):
            yield f"batch {import_batch.id} counts {import_batch.row_count} rows, and has {dict(outcomes)}"
    yield from (f"rows of a batch that is not there: {batch}" for batch in rows)
    for job in session.scalars(select(Job).where(Job.kind == "import.apply")):
        if (job.state is JobState.DONE) != bool((job.result or {}).get("url")):
            yield f"job {job.id} is {job.state} with the result {job.result}"


def lost(session: Session, notes: Notes, start: Start) -> Iterator[str]:
    """Confirmed changes that are missing, changes that nobody sent, and changes without audit entry or notice."""
    descriptions: dict[int, str] = {}
    for id_, description in session.execute(select(Case.id, Case.description)):
        descriptions[id_] = description
    for case, description in notes.reports.items():
        if not descriptions.get(case, "").startswith(description):
            yield f"report {case} is not there: {description}"
    opinions = {(event.case_id, event.opinion) for event in session.scalars(select(CaseEvent))}
    yield from (f"case {case}: what was said is not there: {words}" for case, words in notes.words
                if (case, words) not in opinions)  # fmt: skip
    yield from _steps(session, notes)
    yield from _edits(session, notes, start)
    yield from _imports(session, notes)
    yield from trail.problems(session, start)


def _steps(session: Session, notes: Notes) -> Iterator[str]:
    """Steps with fewer events than confirmed, or more than sent."""
    people = {person for _case, _step, person in (*notes.steps, *notes.open_steps)}
    columns = (CaseEvent.case_id, CaseEvent.step, CaseEvent.actor_id)
    statement = select(*columns, func.count()).where(CaseEvent.actor_id.in_(people), CaseEvent.step != "report")
    rows = session.execute(statement.group_by(*columns))
    taken = {(case, step, person): n for case, step, person, n in rows if person is not None}
    for key in taken.keys() | notes.steps.keys():
        stored, confirmed = taken.get(key, 0), notes.steps[key]
        if not confirmed <= stored <= confirmed + notes.open_steps[key]:
            yield f"step {key}: told {confirmed} times, sent without an answer {notes.open_steps[key]}, there {stored}"


def _edits(session: Session, notes: Notes, start: Start) -> Iterator[str]:
    """Fields increased less often than confirmed, or more often than sent."""
    for key in notes.edits.keys() | notes.open_edits.keys():
        stored, confirmed = current_number(session, key) - start.counts.get(key, 0), notes.edits[key]
        if not confirmed <= stored <= confirmed + notes.open_edits[key]:
            unanswered = notes.open_edits[key]
            yield f"{key}: raised {confirmed} times, sent without an answer {unanswered}, stands {stored} higher"


def _imports(session: Session, notes: Notes) -> Iterator[str]:
    """Imports whose rows differ from each other, or are older than the last confirmed import."""
    batches = set(session.scalars(select(ImportBatch.id)))
    latest: dict[str, int] = {}
    for batch, prefix, number in notes.imports:
        latest[prefix] = max(latest.get(prefix, 0), number)
        if batch not in batches:
            yield f"batch {batch} of {prefix} is not there"
    for prefix in {name for _batch, name, _number in notes.imports} | {"小表", "大表"}:
        phones = set(session.scalars(select(Department.phone).where(Department.name.startswith(prefix))))
        numbers = {number_in(phone) - PHONE for phone in phones}
        if len(numbers) > 1 or (prefix in latest and min(numbers, default=0) < latest[prefix]):
            yield f"{prefix}: import {latest.get(prefix)} was confirmed, the rows are of {sorted(numbers)}"
