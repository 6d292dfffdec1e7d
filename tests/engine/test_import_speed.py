"""The number of statements of an import does not grow with its rows, but for the batches of writes."""

from __future__ import annotations

import pytest

from panel.imports import batches
from panel.imports.batches import File
from panel.imports.plans import Options
from panel.security.policy import SYSTEM
from panel.security.session import set_actor
from tests.factories import MODELS, Stage, counted, person
from tests.workbooks import Page, workbook

pytestmark = pytest.mark.database


def roster(first: int, count: int) -> File:
    rows = [[person(n), "南湖分队", f"X{n:06}", f"138{n:08}"] for n in range(first, first + count)]
    return File("队员.xlsx", workbook({"名单": Page([["姓名", "所属分队", "执法证号", "手机"], *rows])}))


def cost(stage: Stage, file: File) -> tuple[int, int]:
    """Statements that plan the file, and that write it."""
    model, options, registry = MODELS["officer"], Options(), stage.panel.registry
    with stage.app.app_context(), stage.panel.system_session() as session:
        set_actor(session, SYSTEM)
        with counted(stage.panel.db.engine) as planning:
            made = batches.plan(session, model, file, options, registry)
        with counted(stage.panel.db.engine) as writing:
            batches.run(session, made, file, registry)
    return len(planning), len(writing)


def test_five_thousand_rows_cost_no_more_statements_than_five_hundred(stage: Stage) -> None:
    few = cost(stage, roster(0, 500))
    many = cost(stage, roster(10_000, 5_000))
    assert many[0] == few[0]
    # Rows, audit entries and the batch's rows are written in batches of a thousand or so each.
    assert many[1] - few[1] <= 3 * 5
    assert stage.count("officer") >= 5_500
