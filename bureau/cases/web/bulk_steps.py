"""Bulk steps: one form for the cases ticked in the list. Each case takes the step in its own transaction and gets a
line in the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from flask import abort, request
from flask_admin.base import expose
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import selectinload

from bureau.cases import workflow
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps import STEPS, Step, names
from bureau.cases.web import step_aids
from bureau.cases.web.step_values import Own, own_values
from models import Case, Referral
from panel import ids
from panel.base import display
from panel.i18n import Message, _, clauses, labelled, n_
from panel.kinds import tidy
from panel.search.names import name_of
from panel.security.policy import AccessDenied
from panel.store.db_errors import explain_to, is_busy
from panel.web import forms
from panel.web.context import current_actor, current_panel
from panel.web.guards import safe_target
from panel.web.lookups import visible
from panel.web.pages import Cell, FormPage, Group, Input, Page, Related, Row
from panel.web.rows.many_rows import MOST


@dataclass(slots=True)
class Line:
    """The result for one case; `why` is the reason when it wasn't done."""

    id: int
    name: str
    url: str
    title: str
    done: bool
    why: Message | str = ""


@dataclass(slots=True)
class ResultPage(Page):
    lines: list[Line] = field(default_factory=list)
    back_url: str = ""
    #: The usual next step of the cases that were done: its name, the label of its button, and where it is sent.
    next: str = ""
    next_label: Message | str = ""
    next_url: str = ""


class BulkSteps:
    """Bulk steps as actions of the list of cases. Only steps that a role of the actor may take are offered."""

    def is_action_allowed(self, name: str) -> bool:
        if name in names(lambda step: step.bulk):
            return bool(STEPS[name].roles & current_actor().roles)
        return bool(super().is_action_allowed(name))  # type: ignore[misc]

    def init_actions(self) -> None:
        """Add an action for each step declared with `bulk` to the actions of every list."""
        super().init_actions()  # type: ignore[misc]
        for step in (step for step in STEPS.values() if step.bulk):
            self._actions.append((step.name, step.label))  # type: ignore[attr-defined]
            self._actions_data[step.name] = (partial(self._ask, step.name), step.label, None)  # type: ignore[attr-defined]

    def _ask(self, name: str, records: Sequence[Case]) -> Any:
        """Show the form of the step, which names each case and counts those whose state doesn't allow it."""
        step = STEPS[name]
        typed = {ask.name: "" if ask.name in step.own else _text(ask.default) for ask in step.asks}
        rows = [(record.id, record.version) for record in records]
        return self._form(step, rows, typed, {})

    @expose("/bulk/", methods=("POST",))
    def bulk_view(self) -> Any:
        """Take the step for each case in its own transaction, so that a refused case doesn't affect the others.

        404 for an unknown step or bad rows, 403 without the role, 422 with the form for invalid values."""
        name = tidy(request.form.get("step"))
        if name not in names(lambda step: step.bulk):
            abort(404)
        if not self.is_action_allowed(name):
            abort(403)
        step, rows = STEPS[name], _rows()
        typed = {ask.name: request.form.get(ask.name, "") for ask in step.asks}
        values, problems = workflow.parse(step.asks, typed)
        for ask in step.asks:
            value = values.get(ask.name)
            if ask.reference and value is not None and visible(ask.reference.table, value) is None:
                problems[ask.name] = _("Choose one from the list.")
        left = [name for name in step.own if values.get(name) is None and not typed[name].strip()]
        own = own_values(current_panel().session, _cases([id_ for id_, _version in rows]), step) if left else {}
        for name in left:
            if any(name in values_of_case for values_of_case in own.values()):
                problems.pop(name, None)
        if problems:
            return self._form(step, rows, typed, problems), 422
        lines = []
        for id_, version in rows:
            filled = {name: own.get(id_, {}).get(name, (None, ""))[0] for name in left}
            lines.append(self._take(step, id_, version, {**values, **filled}))
        done = sum(line.done for line in lines)
        page = ResultPage(
            title=_("{step}: the result", step=step.label),
            sub=_("{done} done, {failed} failed", done=done, failed=len(lines) - done),
            lines=sorted(lines, key=lambda line: line.done),
            back_url=safe_target(request.form.get("url")) or self.get_url(".index_view"),  # type: ignore[attr-defined]
        )
        following = _following(step)
        if done and following is not None and self.is_action_allowed(following.name):
            page.next, page.next_url = following.name, self.get_url(".action_view")  # type: ignore[attr-defined]
            page.next_label = n_("{step}: this case", "{step}: these {n} cases", done, step=following.label)
        return self.render("cases/bulk_result.html", page=page)  # type: ignore[attr-defined]

    def _take(self, step: Step, id_: int, version: int, values: Mapping[str, Any]) -> Line:
        """Take the step for one case and commit, or roll back and give the reason."""
        session = current_panel().session
        url = self.get_url(".details_view", id=id_)  # type: ignore[attr-defined]
        case: Case | None = session.execute(select(Case).where(Case.id == id_)).scalar_one_or_none()
        if case is None:
            return Line(id_, f"#{id_}", url, "", False, _("It lies outside your area by now."))
        line = Line(id_, case.case_no, url, case.title or "", False)
        try:
            workflow.take(session, case, step.name, values, version=version)
            session.commit()
            line.done = True
        except StepNotAllowed as error:
            line.why = error.message
        except AccessDenied as error:
            line.why = error.message
        except InvalidValues as error:
            labels = {ask.name: ask.label for ask in step.asks}
            line.why = clauses(labelled(labels.get(name, name), message) for name, message in error.problems.items())
        except IntegrityError as error:
            session.rollback()
            line.why = explain_to(session, error, Referral)[1]
        except OperationalError as error:
            # Earlier cases are committed: the error page, which says that nothing was saved, would be wrong.
            session.rollback()
            if not is_busy(error):
                raise
            line.why = _("The database was busy: try this case again.")
        if not line.done:
            session.rollback()
        return line

    def _named(self, step: Step, cases: Sequence[Case], own: Own) -> Related:
        """Every case by its number, matter and place, with what it brings itself; those whose state doesn't allow the
        step stand first, in red."""
        rows = [
            Row(
                case.id,
                self.get_url(".details_view", id=case.id),  # type: ignore[attr-defined]
                [
                    Cell(case.case_no),
                    Cell(case.title or "", below=[f"{name_of(case.community)} {case.place or ''}"]),
                    Cell(str(case.status.label), tone="" if case.status in step.sources else "bad"),
                    *(_own_cells(step, own.get(case.id, {})) if case.status in step.sources else ()),
                ],
            )
            for case in sorted(cases, key=lambda case: case.status in step.sources)
        ]
        return Related(Case.__labels__, len(rows), "", [], rows)

    def _form(
        self,
        step: Step,
        rows: Sequence[tuple[int, int]],
        typed: Mapping[str, str],
        problems: Mapping[str, Message],
    ) -> Any:
        inputs = [_input(ask, typed.get(ask.name, ""), problems.get(ask.name), step.own) for ask in step.asks]
        step_aids.offer_phrases(inputs)
        back = safe_target(request.form.get("url")) or self.get_url(".index_view")  # type: ignore[attr-defined]
        page = FormPage(
            title=n_("{step} · {n} case", "{step} · {n} cases", len(rows), step=step.label),
            groups=[Group(step.label, inputs)],
            submit=step.label,
            cancel_url=back,
            return_url=back,
        )
        cases = _cases([id_ for id_, _version in rows])
        own = own_values(current_panel().session, cases, step) if step.own else {}
        page.related = [self._named(step, cases, own)]
        unfit = sum(case.status not in step.sources for case in cases)
        page.errors = [(input_.name, input_.label, input_.errors[0]) for input_ in inputs if input_.errors]
        note = ""
        if unfit:
            note = str(
                n_(
                    "{n} of them is in a state in which this isn't possible; it will be told and left as it is.",
                    "{n} of them are in a state in which this isn't possible; they will be told and left as they are.",
                    unfit,
                )
            )
        action_url = self.get_url(".bulk_view")  # type: ignore[attr-defined]
        hidden = [("step", step.name), *(("row", f"{id_}.{version}") for id_, version in rows)]
        return self.render("cases/bulk.html", page=page, hidden=hidden, action_url=action_url, note=note)  # type: ignore[attr-defined]


def _following(step: Step) -> Step | None:
    """The usual step of the state that a step leads to, if it can be taken for many cases too."""
    if step.target is None or step.others:
        return None
    return next((s for s in STEPS.values() if s.bulk and s.primary and step.target in s.sources), None)


def _own_cells(step: Step, own: Mapping[str, tuple[Any, str]]) -> list[Cell]:
    """What a case brings itself, and which record it lacks."""
    cells = [Cell(own[name][1]) for name in step.own if name in own]
    lacking = [ask.label for ask in step.asks if ask.name in step.own and ask.reference and ask.name not in own]
    return [*cells, *(Cell(str(_("{label}: none yet", label=label)), tone="warn") for label in lacking)]


def _cases(ids_: Sequence[int]) -> list[Case]:
    """The cases with these ids that the actor may see, by number. Two statements."""
    statement = select(Case).where(Case.id.in_(ids_)).options(selectinload(Case.community)).order_by(Case.case_no)
    return list(current_panel().session.execute(statement).scalars())


def _rows() -> list[tuple[int, int]]:
    """The ticked cases as pairs of id and the version that the reader saw. 404 for none or more than MOST."""
    versions: dict[int, int] = {}
    for text in request.form.getlist("row"):
        id_, version = (ids.parse(part) for part in text.partition(".")[::2])
        if id_ is None or version is None:
            abort(404)
        versions[id_] = version
    if not versions or len(versions) > MOST:
        abort(404)
    return sorted(versions.items())


def _input(ask: Any, value: str, problem: Message | None, own: Sequence[str]) -> Input:
    input_ = forms.control(ask.kind, ask, "case")
    if ask.reference:
        target = visible(ask.reference.table, value)
        input_.text, value = (display(target), value) if target is not None else ("", "")
    input_.value = input_.was = value
    input_.required, input_.help = ask.required and ask.name not in own, ask.help
    if ask.name in own:
        input_.help = _("Empty: each case takes its own, which stands beside it.")
        input_.choices = [("", str(_("As each case has it"))), *input_.choices] if input_.choices else []
    input_.errors = [str(problem)] if problem else []
    return input_


def _text(value: Any) -> str:
    return "" if value is None else str(getattr(value, "value", value))
