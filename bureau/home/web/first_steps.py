"""The first steps of a new office: on the home page of those who take them until all are over, and on a page of their
own, where those set aside are taken back.

Everybody sees all of them in their order: those of their own with links, the others with who takes them. Counts are
shown to whoever reads the records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for

from bureau.access.roles import ADMINISTRATOR, OFFICE, SECURITY
from bureau.calendar.web.office import values
from bureau.home import first_steps
from bureau.home.first_steps import Standing
from bureau.settings.web import pages as settings_page
from models import Case
from panel.base import Base
from panel.errors import UserError
from panel.i18n import _, listed, n_
from panel.kinds import tidy
from panel.security.policy import Permission
from panel.store.records import Setting
from panel.web import render
from panel.web.context import current_actor, current_panel
from panel.web.guards import safe_target
from panel.web.pages import Button, Page, SetupList, SetupStep, Words

#: Who sees the first steps.
ROLES = frozenset({OFFICE, ADMINISTRATOR, SECURITY})
PAGE = "first_steps"


@dataclass(slots=True)
class FirstStepsPage(Page):
    setup: SetupList = field(default_factory=SetupList)


def may_open() -> bool:
    return bool(ROLES & current_actor().roles)


def for_home() -> SetupList:
    """The steps for the home page: all in a new office; once it works, those that aren't over; none when all are over.
    One statement, and that of the settings."""
    return _list(whole=False)


def page() -> Any:
    """All steps, with those that are over."""
    if not may_open():
        abort(403)
    shown = FirstStepsPage(
        title=_("First steps"),
        sub=_("What a new office does, in this order. The home page shows it until each line is done or set aside."),
        setup=_list(whole=True),
    )
    return render_template("home/first_steps.html", page=shown)


def put_aside() -> Any:
    """Set a step aside, or take it back."""
    if not settings_page.may_open():
        abort(403)
    session, is_aside = current_panel().session, request.form.get("aside") == "1"
    try:
        label = first_steps.set_aside(session, tidy(request.form.get("step")), is_aside=is_aside)
        session.commit()
    except UserError as error:
        session.rollback()
        flash(render.sentence(error), "danger")
    else:
        said = _("“{label}” is set aside.", label=label) if is_aside else _("“{label}” counts again.", label=label)
        flash(str(said), "success")
    return redirect(safe_target(request.form.get("url")) or url_for(PAGE))


def _list(*, whole: bool) -> SetupList:
    every = first_steps.standings(current_panel().session, first_steps.aside(values()[first_steps.ASIDE]))
    over = [one for one in every if one.over]
    works = any(one.begun for one in every if one.step.model is Case)
    shown = every if whole or not works else [one for one in every if not one.over]
    shown = [] if not whole and len(over) == len(every) else shown
    aside = sum(one.aside for one in every)
    return SetupList(
        steps=[_shown(one, every.index(one) + 1) for one in shown],
        summary=_("{done} of {all} done", done=len(over) - aside, all=len(every)),
        aside=n_("{n} set aside", "{n} set aside", aside) if aside else "",
        url="" if whole else url_for(PAGE),
        hides=len(shown) < len(every),
    )


def _shown(standing: Standing, number: int) -> SetupStep:
    """A step as the actor sees it: with links if it is theirs, else with who takes it."""
    panel, actor, step = current_panel(), current_actor(), standing.step
    taken_by, may_read = step.taken_by or step.model, panel.policy.may(actor, Permission.READ, step.model)
    counts = may_read or step.open
    shown = SetupStep(step.label, step.hint, standing.done, number=number, aside=standing.aside)
    shown.count = n_("{n} so far", "{n} so far", standing.count) if counts and standing.count else ""
    shown.lacks = list(standing.lacks) if counts else []
    if step.model is Setting:
        shown.url = url_for("settings") if settings_page.may_open() else ""
        shown.who = "" if shown.url else _makers(Permission.EDIT, Setting)
    else:
        _add_ways(shown, standing, mine=panel.policy.may(actor, Permission.CREATE, taken_by), may_read=may_read)
    if settings_page.may_open() and (standing.aside or not standing.done):
        shown.acts.append(_aside_button(standing))
    return shown


def _add_ways(shown: SetupStep, standing: Standing, *, mine: bool, may_read: bool) -> None:
    """Links to the list or page of a step, and its import and form; or who takes it."""
    step = standing.step
    view = current_panel().views[step.model.__tablename__]
    if mine:
        shown.url = url_for(step.endpoint) if step.endpoint else url_for(f"{view.endpoint}.index_view")
        if not step.endpoint and not standing.over:
            if view.can_import and step.model is not Case:
                shown.acts.append(Button(_("Import"), url_for(f"{view.endpoint}.import_view"), "upload"))
            shown.acts.append(Button(_("Add"), url_for(f"{view.endpoint}.create_view"), "plus"))
        return
    shown.who = _makers(Permission.CREATE, step.taken_by or step.model)
    if may_read:
        shown.url = url_for(f"{view.endpoint}.index_view")


def _aside_button(standing: Standing) -> Button:
    label = _("Needed after all") if standing.aside else _("Not needed now")
    values_ = {"step": standing.step.name, "aside": "0" if standing.aside else "1", "url": request.path}
    return Button(label, url_for("first_steps_aside"), post=True, values=values_)


def _makers(act: Permission, model: type[Base]) -> Words:
    roles = [role for role in current_panel().policy.roles.values() if role.permits(act, model)]
    return _("By: {roles}", roles=listed(str(role.label) for role in roles))
