"""The standing survey of a community, to look through, add to and confirm; designed for phones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from bureau.access.roles import LIAISON
from bureau.cases.errors import InvalidValues
from bureau.visits import survey
from bureau.visits.web.visit_page import SurveyRow, kind_chips, survey_row
from models import Community, CommunityStatus, SurveyEntry, SurveyKind
from panel import ids
from panel.i18n import Message, _
from panel.kinds import tidy, today
from panel.search import decrypted
from panel.security.policy import Permission
from panel.store.db_errors import explain_to
from panel.web import forms
from panel.web.context import current_actor, current_panel
from panel.web.features import Route
from panel.web.guards import safe_target
from panel.web.lookups import visible
from panel.web.pages import Chip, Input, Page, Pager

SIZE = 30
#: Most communities in the choice; more are reached from the page of the community.
MOST = 200


@dataclass(slots=True)
class SurveyPage(Page):
    """The survey of a community. Without `add_url` the reader can't add."""

    community: int = 0
    communities: list[tuple[str, str]] = field(default_factory=list)
    inputs: dict[str, Input] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    add_url: str = ""
    search: str = ""
    kind: str = ""
    chips: list[Chip] = field(default_factory=list)
    rows: list[SurveyRow] = field(default_factory=list)
    pager: Pager | None = None
    notice: Message | None = None
    #: The address of this page, to return to.
    here: str = ""


def may_open() -> bool:
    return current_panel().policy.may(current_actor(), Permission.READ, SurveyEntry)


def in_menu() -> bool:
    """The liaison has no visits to confirm entries on; everybody else finds the page from an entry or a visit."""
    return LIAISON in current_actor().roles and may_open()


def page() -> Any:
    if not may_open():
        abort(403)
    return render_template("visits/survey.html", page=_build({}, {}))


def add() -> Any:
    """Add or update the entry of a kind and address in a community of the actor's scope."""
    if not current_panel().policy.may(current_actor(), Permission.CREATE, SurveyEntry):
        abort(403)
    community = _community(request.form.get("community"))
    if community is None:
        abort(404)
    session = current_panel().session
    problems: dict[str, Message]
    try:
        entry, new = survey.record(session, community.id, request.form, today())
        words = f"{entry.kind.label} {entry.address}"
        session.commit()
    except InvalidValues as error:
        problems = dict(error.problems)
    except IntegrityError as error:
        session.rollback()
        problems = {"": explain_to(session, error, SurveyEntry)[1]}
    else:
        flash(str(_("Noted: {row}", row=words) if new else _("Brought up to date: {row}", row=words)), "success")
        return redirect(url_for("survey", community=community.id))
    session.rollback()
    return render_template("visits/survey.html", page=_build(request.form, problems)), 422


def confirm(id_: int) -> Any:
    """Confirm that an entry is still so, today."""
    if not current_panel().policy.may(current_actor(), Permission.EDIT, SurveyEntry):
        abort(403)
    entry: SurveyEntry | None = visible("surveyentry", id_)
    if entry is None:
        abort(404)
    session = current_panel().session
    session.refresh(entry, with_for_update=True)
    survey.verify(session, entry, today())
    words = f"{entry.kind.label} {entry.address}"
    session.commit()
    flash(str(_("Confirmed: {row}", row=words)), "success")
    back = url_for("surveyentry.details_view", id=id_)
    return redirect(safe_target(request.form.get("url")) or back)


def _build(typed: Mapping[str, str], problems: Mapping[str, Message]) -> SurveyPage:
    session, policy, actor = current_panel().session, current_panel().policy, current_actor()
    communities = _communities()
    community = _community(request.values.get("community"))
    if community is None and request.values.get("community"):
        abort(404)
    result = SurveyPage(title=_("Survey of the community"), errors=[str(m) for n, m in problems.items() if not n])
    if community is None and not communities:
        result.notice = _("Your account belongs to no community yet. Ask the office.")
        return result
    chosen = community.id if community is not None else communities[0].id
    result.community, result.sub = chosen, community.name if community is not None else communities[0].name
    result.communities = [(str(place.id), place.name) for place in communities]
    if policy.may(actor, Permission.CREATE, SurveyEntry):
        result.add_url = url_for("survey_add")
    result.inputs = _inputs(typed, problems)
    result.search, result.kind = tidy(request.args.get("q")), request.args.get("kind", "")
    result.here = request.full_path.rstrip("?") if request.method == "GET" else url_for("survey", community=chosen)
    where = [SurveyEntry.community_id == chosen]
    if result.search:
        where.append(decrypted.holding(session, SurveyEntry, survey.FIELDS["address"], result.search, *where))
    counted = select(SurveyEntry.kind, func.count()).where(*where).group_by(SurveyEntry.kind)
    counts = dict(session.execute(counted).all())
    kinds = [kind for kind in SurveyKind if kind.value == result.kind]
    result.chips = kind_chips(counts, kinds, lambda kind: _address(result, kind=kind and kind.value))
    if kinds:
        where.append(SurveyEntry.kind.in_(kinds))
    total = sum(count for kind, count in counts.items() if not kinds or kind in kinds)
    number = min(ids.number(request.args.get("page"), 1), max(1, -(-total // SIZE)))
    statement = (
        select(SurveyEntry)
        .where(*where)
        .options(joinedload(SurveyEntry.case))
        .order_by(SurveyEntry.verified_on, SurveyEntry.kind, SurveyEntry.id)
        .offset((number - 1) * SIZE)
        .limit(SIZE)
    )
    confirms = policy.may(actor, Permission.EDIT, SurveyEntry)
    result.rows = [_row(entry, confirms=confirms) for entry in session.execute(statement).scalars()]
    if total:
        result.pager = _pager(result, number, total)
    return result


def _communities() -> list[Community]:
    """The communities in use within the actor's scope."""
    in_use = Community.status == CommunityStatus.ACTIVE
    statement = select(Community).where(in_use).order_by(Community.name_key).limit(MOST)
    return list(current_panel().session.execute(statement).scalars())


def _community(text: str | None) -> Community | None:
    found: Community | None = visible("community", ids.parse(text)) if text else None
    return found


def _inputs(typed: Mapping[str, str], problems: Mapping[str, Message]) -> dict[str, Input]:
    inputs = {}
    for name, declared in survey.FIELDS.items():
        inputs[name] = forms.control(declared.kind, declared, "surveyentry")
        inputs[name].value = inputs[name].was = typed.get(name, "")
        inputs[name].required = declared.required
        inputs[name].errors = [str(problems[name])] if name in problems else []
    inputs["kind"].choices = [(kind.value, str(kind.label)) for kind in SurveyKind]
    return inputs


def _address(result: SurveyPage, *, kind: str | None, page: int | None = None) -> str:
    """The address of the survey with the search in force."""
    return url_for("survey", community=result.community, q=result.search or None, kind=kind or None, page=page)


def _row(entry: SurveyEntry, *, confirms: bool) -> SurveyRow:
    row = survey_row(entry)
    row.url = url_for("surveyentry.details_view", id=entry.id)
    if confirms and entry.verified_on < today():
        row.confirm_url = url_for("survey_confirm", id_=entry.id)
    return row


def _pager(result: SurveyPage, number: int, total: int) -> Pager:
    first, last = (number - 1) * SIZE, min(total, number * SIZE)

    def address(page: int) -> str:
        return _address(result, kind=result.kind, page=page)

    return Pager(number, -(-total // SIZE), first + 1, last, total, SIZE, address)


ROUTES = (
    Route("/survey", "survey", page),
    Route("/survey", "survey_add", add, methods=("POST",)),
    Route("/survey/<int:id_>/confirm", "survey_confirm", confirm, methods=("POST",)),
)
