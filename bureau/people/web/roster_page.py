"""The view of liaisons, with the comparison of a roster and ending the terms of those who left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import flash, redirect, request
from flask_admin.actions import action
from flask_admin.base import expose
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.utils import secure_filename

from bureau.people import handover, left, roster_diff
from bureau.people.web import people_views
from bureau.people.web.accounts_page import PeopleView
from models import Street
from panel import ids
from panel.base import display
from panel.errors import UserError
from panel.fields import field_named
from panel.i18n import Message, _, listed, n_
from panel.imports.batches import File, error_text
from panel.imports.plans import PlanRow
from panel.kinds import Day, Invalid, today
from panel.search.names import NOT_VISIBLE
from panel.security.masking import is_masked
from panel.security.policy import AccessDenied, Permission
from panel.security.session import writing
from panel.web import render
from panel.web.context import current_actor, current_panel
from panel.web.imports.preview_state import folder, pack, store_upload, unpack
from panel.web.pages import Button, Cell, Change, Chip, Input, Page, UploadPage

#: Open cases shown for each liaison who left; a link leads to all.
NAMED = 3


@dataclass(slots=True)
class Leaver:
    """A liaison in office who isn't on the roster. `value` is "id:version" for the form."""

    value: str
    person: Cell
    place: str
    since: str
    cases: list[Cell] = field(default_factory=list)
    more: Cell | None = None
    #: What importing the roster does with the term, and why that is in doubt.
    note: Message | None = None
    doubts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ChangedPerson:
    """A row of the roster with its changes."""

    number: int
    sheet: str
    person: Cell
    place: str
    changes: list[Change] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ComparePage(Page):
    notice: str = ""
    streets: list[Chip] = field(default_factory=list)
    left: list[Leaver] = field(default_factory=list)
    joined: list[ChangedPerson] = field(default_factory=list)
    changed: list[ChangedPerson] = field(default_factory=list)
    failed: list[ChangedPerson] = field(default_factory=list)
    end_url: str = ""
    day: Input | None = None
    vacant: Input | None = None


def community_cell(liaison: Any) -> Cell:
    """The community of a liaison, as a link to it."""
    if liaison.community is None:
        return Cell(str(NOT_VISIBLE))
    return Cell(display(liaison.community), url=render.record_url("community", liaison.community_id))


class LiaisonView(PeopleView):
    quick = people_views.LIAISONS
    cells = {**PeopleView.cells, "community": community_cell}

    def on_save(self, record: Any, *, is_created: bool) -> None:
        """A new liaison gets the cases of the community that wait for one."""
        session = current_panel().session
        if not is_created:
            return
        session.flush()
        if things := handover.receive(session, record):
            flash(
                str(_("{name} takes over what waits for a liaison: {things}.", name=record.name, things=things)), "info"
            )

    def is_action_allowed(self, name: str) -> bool:
        return super().is_action_allowed("change" if name == "end" else name)

    @action("end", _("End the term…"))
    def action_end(self, records: Sequence[Any]) -> Any:
        """Ask for the day on which the terms of these liaisons end."""
        rows = [f"{record.id}.{record.version}" for record in records]
        return self.ask_change(rows, "end_on", today().isoformat())

    def list_buttons(self) -> list[Button]:
        if not self.can_import:
            return []
        return [Button(_("Compare with a roster"), self.get_url(".compare_view"), "exchange")]

    @expose("/compare/", methods=("GET", "POST"))
    def compare_view(self) -> Any:
        """Upload a roster. Redirects to the comparison."""
        self._require_import()
        if request.method == "GET":
            return self._choose()
        upload = request.files.get("file")
        if upload is None or not upload.filename:
            return self._choose(_("Choose a file first."))
        file = File(upload.filename.replace("\\", "/").rpartition("/")[2], upload.read())
        panel = current_panel()
        # Comparing writes nothing: give up the write transaction, so that no other writer waits.
        panel.session.rollback()
        writing.set(False)
        try:
            diff = roster_diff.compare_roster(panel.session, file, panel.registry)
        except UserError as error:
            return self._choose(error.message)
        state = {"file": store_upload(file.data), "name": file.name, "table": self.endpoint}
        street = min(diff.streets) if len(diff.streets) == 1 else None
        return redirect(self.get_url(".compared_view", token=pack(state), street=street))

    def _choose(self, error: Message | None = None) -> Any:
        page = UploadPage(
            title=_("Compare with a roster"),
            sub=_("Shows who joined, who left and what changed. Nothing is written by comparing."),
            error=error,
            cancel_url=self.get_url(".index_view"),
        )
        return self.render("panel/upload.html", page=page), 422 if error else 200

    @expose("/compare/result/", methods=("GET", "POST"))
    def compared_view(self) -> Any:
        """Show the comparison; a POST ends the terms of the chosen liaisons."""
        self._require_import()
        token, panel = request.values.get("token"), current_panel()
        state = unpack(token, self.endpoint)
        street = ids.parse(request.values.get("street"))
        message: Markup | None = None
        if request.method == "POST":
            try:
                count = self._end()
            except (UserError, AccessDenied) as error:
                panel.session.rollback()
                message = render.sentence(error)
            else:
                flash(
                    str(n_("The term of {n} liaison was ended.", "The terms of {n} liaisons were ended.", count)),
                    "success",
                )
                return redirect(self.get_url(".compared_view", token=token, street=street))
        path = folder() / secure_filename(str(state["file"]))
        if not path.is_file():
            return self._choose(_("The upload is gone: it was imported, or waited too long. Choose the file again."))
        try:
            diff = roster_diff.compare_roster(
                panel.session, File(str(state["name"]), path.read_bytes()), panel.registry, street
            )
        except UserError as error:
            return self._choose(error.message)
        if message is not None:
            flash(message, "danger")
        return self.render("people/roster.html", page=self._page(diff, str(token), state)), 422 if message else 200

    def _end(self) -> int:
        self.require(Permission.EDIT)
        try:
            day = Day().parse(request.form.get("day"))
        except Invalid as problem:
            raise UserError(problem.message) from None
        if day is None:
            raise UserError(_("Enter the last day in office."))
        chosen: dict[int, int] = {}
        for value in request.form.getlist("left"):
            id_, _colon, version = value.partition(":")
            if (number := ids.parse(id_)) is not None:
                chosen[number] = ids.parse(version) or 0
        if not chosen:
            raise UserError(_("Choose at least one liaison."))
        vacant = request.form.get("vacant") == "1"
        count = roster_diff.end(current_panel().session, chosen, day, vacant=vacant)
        open_accounts = left.active_accounts(current_panel().session, list(chosen))
        current_panel().session.commit()
        if open_accounts:
            flash(str(left.stays_active(listed(open_accounts.values()))), "warning")
        return count

    def _page(self, diff: roster_diff.RosterDiff, token: str, state: dict[str, Any]) -> ComparePage:
        comparison = diff.comparison
        page = ComparePage(
            title=_("Roster compared"),
            sub=_("{file} · {n} rows of data", file=state["name"], n=len(comparison.plan.rows)),
            notice=str(
                _(
                    "{joined} joined, {left} left, {changed} changed, {same} as stored.",
                    joined=len(comparison.joined),
                    left=len(comparison.left),
                    changed=len(comparison.changed),
                    same=comparison.unchanged,
                )
            ),
            end_url=self.get_url(".compared_view", token=token, street=diff.street),
            joined=[self._changed_person(row, diff.place(row)) for row in comparison.joined],
            changed=[self._changed_person(row, diff.place(row)) for row in comparison.changed],
            failed=[self._changed_person(row, diff.place(row)) for row in comparison.failed],
            left=[self._leaver(diff, person) for person in comparison.left],
        )
        if self.can_edit:
            page.day = Input("day", _("Last day in office"), "date", value=today().isoformat(), required=True)
            words = _("Their posts are vacant: open cases wait for the next liaison, who gets them when they begin.")
            page.vacant = Input("vacant", _("Post is vacant"), "flag", value="0", help=words)
        endings = roster_diff.endings(comparison)
        for leaver, person in zip(page.left, comparison.left, strict=True):
            if person.id in endings:
                leaver.note, doubts = endings[person.id]
                leaver.doubts = [str(doubt) for doubt in doubts]
        page.buttons.append(Button(_("Another file"), self.get_url(".compare_view")))
        if comparison.plan.writable or comparison.failed:
            url = self.get_url(".preview_view", token=pack(state))
            page.buttons.append(Button(_("Import this file"), url, "upload", primary=True))
        page.streets = [Chip(_("All streets"), self._street_url(token, None), active=diff.street is None)]
        for id_, name in current_panel().session.execute(select(Street.id, Street.name).order_by(Street.name_key)):
            page.streets.append(Chip(name, self._street_url(token, id_), active=diff.street == id_))
        return page

    def _street_url(self, token: str, street: int | None) -> str:
        return str(self.get_url(".compared_view", token=token, street=street))

    def _leaver(self, diff: roster_diff.RosterDiff, person: Any) -> Leaver:
        cases = diff.open_cases.get(person.id, [])
        leaver = Leaver(
            value=f"{person.id}:{person.version}",
            person=Cell(person.name, url=render.record_url("liaison", person.id)),
            place=_place(person),
            since=person.start_on.isoformat(),
            cases=[Cell(number, url=render.record_url("case", id_)) for id_, number in cases[:NAMED]],
        )
        if len(cases) > NAMED:
            url = self.get_url("case.index_view", liaison=person.id, **{"is": "open"})
            leaver.more = Cell(str(_("All {n}", n=len(cases))), url=url)
        return leaver

    def _changed_person(self, row: PlanRow, place: str) -> ChangedPerson:
        """A row as text, masked as in the preview of an import."""
        declared = field_named(self.model, "name")
        assert declared is not None
        hidden = current_panel().policy.sees_masked(current_actor(), self.model)
        name = row.effective("name") or ""
        changed = ChangedPerson(
            number=row.number,
            sheet=row.sheet,
            person=Cell(declared.kind.mask(name) if is_masked(declared, hidden=hidden) else name),
            place=place,
            remarks=[*(error_text(error) for error in row.errors), *(str(note) for note in row.notes)],
        )
        if row.id is not None:
            changed.person.url = render.record_url("liaison", row.id)
        changed.changes = [
            Change(field_or_message if isinstance(field_or_message, Message) else field_or_message.label, before, after)
            for field_or_message, before, after in row.changes
        ]
        return changed


def _place(person: Any) -> str:
    community = person.community
    if community is None:
        return str(NOT_VISIBLE)
    return f"{community.street.name} · {community.name}" if community.street else community.name
