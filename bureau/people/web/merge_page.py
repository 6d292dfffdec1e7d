"""The page on which the office merges a community into another, and the view of communities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import inspect

from bureau.people import communities
from bureau.people.communities import Hanging
from bureau.people.web.people_views import CommunityView
from models import Community, CommunityStatus
from panel import ids
from panel.base import display
from panel.errors import UserError
from panel.i18n import Message, _
from panel.kinds import tidy
from panel.web.context import current_panel
from panel.web.lookups import visible
from panel.web.pages import Button, DetailsPage, FormPage, Group, Input, Words

REASON_LENGTH = 200


@dataclass(slots=True)
class MergePage(FormPage):
    """`told` says what becomes of what hangs on the community, for the one that was chosen."""

    told: list[Words] = field(default_factory=list)


def page() -> Any:
    """Choose the community that is kept; then see what moves, choose who stays, and merge. 403 without the right, 404
    for a community outside the scope."""
    session = current_panel().session
    if not communities.may_merge(session):
        abort(403)
    old: Community | None = visible("community", request.values.get("community"))
    if old is None:
        abort(404)
    kept: Community | None = visible("community", request.values.get("into"))
    into = Input(
        "into",
        _("Merge into"),
        "lookup",
        value=str(kept.id) if kept is not None else "",
        text=display(kept) if kept is not None else "",
        required=True,
        lookup_url=url_for("case.ajax_lookup", name="community"),
        help=_("The community that is kept. Its name stays, the other becomes one of its other names."),
    )
    reason = Input(
        "reason",
        _("Reason"),
        "textarea",
        value=tidy(request.form.get("reason"))[:REASON_LENGTH],
        maxlength=REASON_LENGTH,
        required=True,
        help=_("For example the document that ordered it."),
    )
    shown = MergePage(
        title=_("Merge a community"),
        sub=display(old),
        groups=[Group(_("Which communities"), [into])],
        submit=_("Show what hangs on them"),
        cancel_url=url_for("community.details_view", id=old.id),
    )
    problem: Message | None = None
    if request.method == "POST" and kept is None:
        problem = _("Choose one from the list.")
    elif kept is not None:
        problem = communities.obstacle(old, kept)
    if problem is not None or kept is None:
        into.errors = [str(problem)] if problem is not None else []
        return _render(shown)
    found = communities.hanging(session, old, kept)
    choices = [
        _choice("liaison", _("Liaison from now on"), found.liaisons, None),
        _choice("assignment", _("Officer on duty from now on"), found.officers, None),
    ]
    shown.told = _told(old, kept, found)
    shown.groups.append(Group(_("Who stays, and why"), [*(one for one in choices if one is not None), reason]))
    shown.submit = _("Merge now")
    if "reason" not in request.form:
        return _render(shown)
    return _merge(shown, old, kept, reason)


def _merge(shown: MergePage, old: Community, kept: Community, reason: Input) -> Any:
    session = current_panel().session
    inputs = {one.name: one for one in shown.groups[-1].inputs}
    for input_ in inputs.values():
        if input_.name != reason.name:
            input_.value = input_.value or request.form.get(input_.name, "")
        if not input_.value:
            input_.errors = [str(_("This must be filled in."))]
    if any(input_.errors for input_ in inputs.values()):
        return _render(shown)
    chosen = {name: ids.parse(inputs[name].value) if name in inputs else None for name in ("liaison", "assignment")}
    try:
        communities.merge(
            session,
            old.id,
            kept.id,
            liaison_id=chosen["liaison"],
            assignment_id=chosen["assignment"],
            reason=reason.value,
        )
        session.commit()
    except UserError as error:
        session.rollback()
        reason.errors = [str(error.message)]
        return _render(shown)
    flash(str(_("Merged: {name} into {kept}.", name=old.name, kept=kept.name)), "success")
    return redirect(url_for("community.details_view", id=kept.id))


def _render(shown: MergePage) -> Any:
    shown.errors = [
        (one.name, one.label, one.errors[0]) for group in shown.groups for one in group.inputs if one.errors
    ]
    return render_template("people/merge.html", page=shown), 422 if shown.errors else 200


def _choice(name: str, label: Message, people: Mapping[int, str], chosen: str | None) -> Input | None:
    """The choice among several people; None where there is nothing to choose."""
    if len(people) < 2:
        return None
    input_ = Input(name, label, "select", required=True)
    input_.choices = [(str(id_), text) for id_, text in people.items()]
    input_.value = chosen or request.form.get(name, "")
    return input_


def _told(old: Community, kept: Community, found: Hanging) -> list[Words]:
    """What becomes of everything that hangs on the community, in sentences."""
    names = {"old": old.name, "kept": kept.name}
    lines: list[Words] = [
        _(
            "{n} open and {ended} ended cases stay recorded under {old}; the liaison, the officer and the squad of "
            "{kept} see and handle them. Figures and ledgers of past months don't change.",
            n=found.open_cases,
            ended=found.ended_cases,
            **names,
        ),
        _("{n} planned visits of {old} are excused; past visits stay with it.", n=found.visits, **names),
        _("{n} survey entries move to {kept}.", n=found.survey, **names),
        _("{n} volunteers move to {kept}.", n=found.volunteers, **names),
        _("{old} goes out of use and becomes another name of {kept}: files that name it still match.", **names),
    ]
    if found.same_survey:
        words = _(
            "{n} survey entries of the same kind and address are in both: those of {old} stay with it.",
            n=found.same_survey,
            **names,
        )
        lines.append(words)
    if len(found.liaisons) == 1:
        lines.append(_("Liaison from now on: {name}.", name=next(iter(found.liaisons.values()))))
    if len(found.officers) == 1:
        lines.append(_("Officer on duty from now on: {name}.", name=next(iter(found.officers.values()))))
    lines.append(_("This can't be undone."))
    return lines


class MergeableView(CommunityView):
    """Communities: a renamed one says that its old name still finds it; a button merges it into another."""

    def on_save(self, record: Any, *, is_created: bool) -> None:
        before = inspect(record).attrs.name.history.deleted
        if not is_created and before and before[0] != record.name:
            flash(
                str(_("The old name {name} is kept among the other names: old rosters still match.", name=before[0])),
                "info",
            )

    def details_page(self, record: Any) -> DetailsPage:
        page_shown = super().details_page(record)
        if record.status is CommunityStatus.ACTIVE and communities.may_merge(current_panel().session):
            url = url_for("communities_merge", community=record.id)
            page_shown.buttons.append(Button(_("Merge into another"), url, "compress"))
        return page_shown
