"""Workbooks as people send them, and what an import makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from sqlalchemy.orm import Session

from panel.i18n import using_locale
from panel.imports import batches
from panel.imports.batches import File
from panel.imports.plans import Options, Outcome, Plan
from panel.security.policy import SYSTEM
from panel.security.session import set_actor
from panel.store.db_errors import counting
from panel.web.cli import actor_named
from tests.factories import MODELS, Stage

SAMPLES = Path(__file__).parent / "samples"
ROSTER = ("街道", "社区", "姓名", "手机", "起始时间")


@dataclass
class Page:
    """A sheet to write: rows of cells, ranges to merge, whether it is hidden."""

    rows: Sequence[Sequence[Any]]
    merged: Sequence[str] = ()
    hidden: bool = False


def workbook(pages: Mapping[str, Page]) -> bytes:
    made = Workbook()
    made.remove(made.active)  # type: ignore[arg-type]
    for name, page in pages.items():
        sheet = made.create_sheet(name)
        for row in page.rows:
            sheet.append(list(row))
        for span in page.merged:
            sheet.merge_cells(span)
        if page.hidden:
            sheet.sheet_state = "hidden"
    return saved(made)


def saved(made: Workbook) -> bytes:
    target = BytesIO()
    made.save(target)
    return target.getvalue()


def table(*rows: Sequence[Any], merged: Sequence[str] = ()) -> bytes:
    """A workbook of one sheet."""
    return workbook({"Sheet1": Page(rows, merged)})


def roster(*rows: Sequence[Any]) -> bytes:
    """A plain roster of liaisons: street, community, name, mobile, start of term."""
    return table(ROSTER, *rows)


def opened(data: bytes | Path) -> Workbook:
    return load_workbook(BytesIO(data) if isinstance(data, bytes) else data)


def cells(data: bytes | Path, sheet: int = 0) -> list[list[Any]]:
    return [list(row) for row in opened(data).worksheets[sheet].iter_rows(values_only=True)]


def changed(data: bytes, *values: tuple[str, Any]) -> bytes:
    """A workbook with other values in some cells of its first sheet."""
    made = opened(data)
    for place, value in values:
        made.worksheets[0][place] = value
    return saved(made)


@dataclass
class Office:
    """Whoever imports into a stage's database; by default the system itself."""

    stage: Stage
    person: str = ""
    ran: list[int] = field(default_factory=list)

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self.stage.session() as session:
            if self.person:
                set_actor(session, actor_named(self.stage.panel, session, self.person))
            yield session

    def plan(self, name: str, data: bytes, **options: Any) -> Plan:
        with self.session() as session:
            return self._plan(session, name, data, options)

    def run(self, name: str, data: bytes, **options: Any) -> Plan:
        """Plan and write; raises UserError as the page would tell it."""
        with self.session() as session:
            made = self._plan(session, name, data, options)
            with counting(session):
                self.ran.append(batches.run(session, made, File("sent.xlsx", data), self.stage.panel.registry))
            set_actor(session, SYSTEM)
            return made

    def _plan(self, session: Session, name: str, data: bytes, options: Mapping[str, Any]) -> Plan:
        file = File("sent.xlsx", data)
        return batches.plan(session, MODELS[name], file, Options(**options), self.stage.panel.registry)


def outcomes(plan: Plan) -> dict[int, str]:
    """What becomes of each row, by its number in the file."""
    return {row.number: row.outcome.value for row in plan.rows}


def counts(plan: Plan) -> dict[str, int]:
    """How many rows come to what, without what doesn't occur."""
    return {outcome.value: n for outcome in Outcome if (n := plan.count(outcome))}


def errors(plan: Plan) -> list[tuple[int, str, str]]:
    """Row, column and English sentence of everything that is wrong."""
    with using_locale("en"):
        return [(row.number, error.column, str(error.message)) for row in plan.rows for error in row.errors]


def sentences(messages: Sequence[Any]) -> list[str]:
    with using_locale("en"):
        return [str(message) for message in messages]
