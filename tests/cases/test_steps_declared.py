"""No step is known by its name outside its declaration: what pages, notices and figures need of one, it declares."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bureau.cases.steps import STEPS, Step, check_before, checks_of, declare
from models import CaseStatus
from panel.i18n import Message

ROOT = Path(__file__).resolve().parents[2]
#: Names of steps that are words of other things, too: columns, endpoints, files.
OTHER_WORDS = {"report", "reply", "note", "session", "merge", "close", "joint", "accept", "import", "start", "rework"}


def literals(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Line, text, and whether it stands where a step is meant: compared with a step, its key, or in a look-up."""
    meant: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and "step" in ast.unparse(node.left):
            meant |= {id(inner) for inner in ast.walk(node)}
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("STEPS"):
            meant |= {id(inner) for inner in ast.walk(node.slice)}
        elif isinstance(node, ast.keyword) and node.arg == "step":
            meant |= {id(inner) for inner in ast.walk(node.value)}
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "step":
                    meant |= {id(inner) for inner in ast.walk(value)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"take", "step", "finish"}:
            meant |= {id(argument) for argument in node.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value, id(node) in meant


def test_no_step_is_named_outside_its_declaration() -> None:
    found = []
    for folder in ("bureau", "seed", "schema"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if file.parent.name == "steps" or file.name == "steps.py":
                continue
            for line, text, meant in literals(ast.parse(file.read_text())):
                if text in STEPS and (meant or text not in OTHER_WORDS):
                    found.append(f"{file.relative_to(ROOT)}:{line}: {text}")
    assert not found


@pytest.mark.parametrize(
    "code",
    ['event.step == "close"', 'STEPS["merge"]', 'url(step="accept")', '{"step": "report"}', 'life.step(at, "start")'],
)
def test_a_name_that_stands_for_a_step_is_noticed(code: str) -> None:
    assert any(meant and text in STEPS for _line, text, meant in literals(ast.parse(code)))


def test_a_step_is_declared_once() -> None:
    twin = Step(name="close", label=Message("Twin"), sources=(), target=None, roles=frozenset(), rank=1)
    with pytest.raises(ValueError, match="declared twice"):
        declare([twin])
    assert STEPS["close"] is not twin


def test_every_state_but_the_ends_has_a_usual_next_step() -> None:
    usual = {status for step in STEPS.values() if step.primary for status in step.sources}
    assert {S for S in CaseStatus if S not in usual} <= {
        CaseStatus.CLOSED,
        CaseStatus.REJECTED,
        CaseStatus.MERGED,
        CaseStatus.VOIDED,
    }


def test_a_check_is_added_once() -> None:
    step, before = STEPS["void"], checks_of(STEPS["void"])
    for check in before:
        check_before(step, check)
    assert checks_of(step) == before
    assert before
