"""Acts on many records of a list: the ticked ones, or all that is filtered. One column of them is changed to a value,
after a preview with what becomes of each row; each row is written in a transaction of its own, and can be put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from flask import abort, flash, redirect, request
from flask_admin.actions import action
from flask_admin.base import expose
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import MultiDict

from panel import ids
from panel.base import Record, display
from panel.errors import UserError
from panel.fields import Field, Personal
from panel.i18n import Message, _, n_
from panel.kinds import Data, Invalid, tidy
from panel.search import listing
from panel.security import locks
from panel.security.policy import AccessDenied, Permission
from panel.store.db_errors import explain_to, is_busy
from panel.web import forms
from panel.web.context import current_panel
from panel.web.guards import safe_target
from panel.web.pages import Group, Input, Page
from panel.web.render import is_masked, sentence, text_of
from panel.web.rows import place
from panel.web.rows.saving import Saving

#: Most records of one act.
MOST = 500
#: Prefix of the inputs that hold what a row had before.
BEFORE = "before."


@dataclass(slots=True)
class ChangeLine:
    """What becomes of a row: the value before and after, or why it stays. `put_back` is the control's text before."""

    id: int
    version: int
    name: str
    url: str
    before: str = ""
    after: str = ""
    done: bool = False
    why: Message | str = ""
    put_back: str = ""


@dataclass(slots=True)
class ManyPage(Page):
    """The choice of a column and a value, the preview, or the result."""

    action_url: str = ""
    back_url: str = ""
    rows: list[str] = field(default_factory=list)
    column: Input | None = None
    groups: list[Group] = field(default_factory=list)
    lines: list[ChangeLine] = field(default_factory=list)
    #: What a preview or a result posts, and the label of its button.
    values: list[tuple[str, str]] = field(default_factory=list)
    submit: Message | str = ""


class ManyRows:
    """Mix-in of SchemaView."""

    #: Whether a column of many records can be changed at once.
    many_changes: ClassVar[bool] = True

    model: Any
    declared: Any
    can_edit: Any
    require_change: Any
    may_change: Any
    conditions: Any
    may: Any
    export_url: Any
    export_rows: Any
    get_url: Any
    render: Any
    write: Any
    _actions_data: Any

    def is_action_allowed(self, name: str) -> bool:
        if name == "change":
            # A table whose form is saved in another way than its row has no such act.
            usual = self.many_changes and getattr(type(self), "_save", None) is Saving._save
            return usual and issubclass(self.model, Record) and bool(self.can_edit and self._changeable())
        if name == "export":
            return bool(self.may(Permission.EXPORT))
        return bool(super().is_action_allowed(name))  # type: ignore[misc]

    def _changeable(self) -> list[Field]:
        """The columns that can have one value for many records: neither names nor what is unique, private or masked."""
        columns = self.model.__table__.c
        return [
            f
            for f in self.declared
            if not (f.readonly or f.many or f.encrypted or (f.key and not f.reference) or isinstance(f.kind, Data))
            and f.personal is not Personal.PRIVATE
            and not columns[f.attr].unique
            and not is_masked(f, self.model)
        ]

    @expose("/action/", methods=("POST",))
    def action_view(self) -> Any:
        """An act on the ticked records, or with `all` on those of the list's filters. Answers 404 unless all records
        are in the actor's scope; more than MOST are refused with their number."""
        name = tidy(request.form.get("action"))
        handler = self._actions_data.get(name)
        if handler is None:
            abort(404)
        if not self.is_action_allowed(name):
            abort(403)
        back = safe_target(request.form.get("url")) or self.get_url(".index_view")
        if name == "export" and request.form.get("all"):
            return redirect(self.export_url(back))
        session = current_panel().session
        if request.form.get("all"):
            where = self.conditions(place.query_of(self, back.partition("?")[2].partition("#")[0]))
            record_ids = listing.first_ids(session, self.model, where, MOST + 1)
            posted = len(record_ids)
        else:
            posted_ids = {ids.parse(text) for text in request.form.getlist("rowid")}
            record_ids, posted = sorted(id_ for id_ in posted_ids if id_ is not None), len(posted_ids)
        if posted > MOST:
            flash(str(_("At most {n} records at once. Narrow the filters down.", n=MOST)), "warning")
            return redirect(back)
        records = listing.load(session, self.model, record_ids, [f.name for f in self.declared if f.target])
        if len(records) != posted:
            abort(404)
        if not records:
            flash(str(_("Tick at least one record first.")), "warning")
            return redirect(self.get_url(".index_view"))
        if name == "export":
            return self.export_rows(record_ids, back)
        return handler[0](records) or redirect(back)

    @action("export", _("Export"))
    def action_export(self, records: Sequence[Any]) -> Any:
        """Named here for the bar; action_view() delivers it, by the columns and the order of the list."""
        return self.export_rows([record.id for record in records], "")

    @action("change", _("Change a column…"))
    def action_change(self, records: Sequence[Any]) -> Any:
        return self.ask_change([f"{record.id}.{record.version}" for record in records])

    def ask_change(self, rows: Sequence[str], column: str = "", text: str = "", errors: Sequence[str] = ()) -> Any:
        """The page that asks for a column and its value; `rows` are "id.version"."""
        page = self._change_page(n_("Change {n} record", "Change {n} records", len(rows)), rows)
        offered = self._changeable()
        page.column = Input("column", _("Column"), "select", value=column, required=True)
        page.column.choices = [(f.name, str(f.label)) for f in offered]
        inputs = []
        for f in offered:
            input_ = forms.control(f.kind, f, self.model.__tablename__)
            input_.only_if, input_.required, input_.help = ("column", (f.name,)), False, f.help
            if f.name == column:
                input_.value, input_.errors = text, list(errors)
            inputs.append(input_)
        page.groups, page.submit = [Group("", inputs)], _("Preview")
        return self.render("panel/list/_change.html", page=page), 422 if errors else 200

    @expose("/change/", methods=("POST",))
    def change_view(self) -> Any:
        """Preview the change of a column, carry it out, or put it back. 404 for unknown columns and bad rows."""
        if not self.is_action_allowed("change"):
            abort(403)
        chosen = next((f for f in self._changeable() if f.name == request.form.get("column")), None)
        rows: list[tuple[int, int]] = []
        for posted in request.form.getlist("row"):
            id_, version = (ids.parse(part) for part in posted.partition(".")[::2])
            if id_ is None or version is None:
                abort(404)
            rows.append((id_, version))
        if not rows or len(rows) > MOST:
            abort(404)
        texts = [f"{id_}.{version}" for id_, version in rows]
        if chosen is None:
            return self.ask_change(texts)
        text = request.form.get(chosen.name, "")
        mode = request.form.get("mode", "preview")
        if mode == "preview":
            parsed = forms.form_class(self.model, [f.name for f in self.declared if f is not chosen])(
                MultiDict({chosen.name: text})
            )
            if not parsed.validate():
                return self.ask_change(texts, chosen.name, text, [str(e) for e in parsed[chosen.name].errors])
        lines = []
        for id_, version in rows:
            own = request.form.get(f"{BEFORE}{id_}", "") if mode == "back" else text
            lines.append(self._change(chosen, id_, version, own, commit=mode in ("do", "back")))
        return self._result(chosen, text, mode, lines)

    def _result(self, chosen: Field, text: str, mode: str, lines: list[ChangeLine]) -> Any:
        going, staying = [line for line in lines if line.done], sum(not line.done for line in lines)
        title = {"do": _("Changed: {column}", column=chosen.label), "back": _("Taken back: {name}", name=chosen.label)}
        page = self._change_page(title.get(mode, _("Preview: {column}", column=chosen.label)), [])
        page.lines = sorted(lines, key=lambda line: line.done)
        page.values = [("column", chosen.name), *(("row", f"{line.id}.{line.version}") for line in going)]
        if mode == "preview":
            page.sub = _("{done} will be changed, {failed} stay as they are", done=len(going), failed=staying)
            page.values += [("mode", "do"), (chosen.name, text)]
            page.submit = n_("Change {n} record", "Change {n} records", len(going)) if going else ""
        else:
            page.sub = _("{done} done, {failed} failed", done=len(going), failed=staying)
        if mode == "do":
            page.values += [("mode", "back"), *((f"{BEFORE}{line.id}", line.put_back) for line in going)]
            page.submit = _("Undo") if going else ""
        return self.render("panel/list/_changed.html", page=page, mode=mode)

    def _change_page(self, title: Message, rows: Sequence[str]) -> ManyPage:
        page = ManyPage(title=title, rows=list(rows), action_url=self.get_url(".change_view"))
        page.back_url = safe_target(request.form.get("url")) or self.get_url(".index_view")
        page.place = place.of_new(self, title)
        return page

    def _change(self, chosen: Field, id_: int, version: int, text: str, *, commit: bool) -> ChangeLine:
        """Change a row, or find out what would become of it, with the checks of its form."""
        session = current_panel().session
        line = ChangeLine(id_, version, f"#{id_}", self.get_url(".details_view", id=id_))
        found = listing.load(session, self.model, [id_], [f.name for f in self.declared if f.target])
        if not found:
            line.why = _("It lies outside your area by now.")
            return line
        record = found[0]
        line.name, line.before = display(record), text_of(chosen, record)
        if record.version != version:
            line.why = _("Somebody has changed it meanwhile.")
            return line
        without = [f.name for f in self.declared if f is not chosen]
        form = forms.form_class(self.model, without)(MultiDict({chosen.name: text}), obj=record)
        line.put_back = forms.stored_text(form[chosen.name], record)
        held = locks.holding(session, self.model, [id_])[id_]
        form.locked = forms.locked_fields(self.model, held)
        if why := locks.row_reason(self.model, held):
            line.why = why
        elif not self.may_change(record):
            line.why = AccessDenied().message
        elif not form.validate():
            line.why = " ".join(str(error) for error in form[chosen.name].errors)
        elif not form[chosen.name].is_changed():
            line.why = _("It has this value already.")
        else:
            self._write_row(form, record, line, commit=commit)
            if line.done:
                line.after = self._text_after(chosen, form)
        return line

    def _write_row(self, form: Any, record: Any, line: ChangeLine, *, commit: bool) -> None:
        session = current_panel().session
        try:
            problems = self.write(form, record, is_created=False, commit=commit)
            if problems:
                line.why = " ".join(str(message) for _name, message in problems)
            else:
                line.done, line.version = True, line.version + 1 if commit else line.version
        except IntegrityError as error:
            session.rollback()
            line.why = explain_to(session, error, self.model)[1]
        except StaleDataError:
            line.why = _("Somebody has changed it meanwhile.")
        except OperationalError as error:
            # Earlier rows are committed: the error page, which says that nothing was saved, would be wrong.
            session.rollback()
            if not is_busy(error):
                raise
            line.why = _("The database was busy: try this one again.")
        except (Invalid, UserError, AccessDenied) as problem:
            line.why = sentence(problem)
        if not line.done:
            session.rollback()

    def _text_after(self, chosen: Field, form: Any) -> str:
        control = form[chosen.name]
        if control.data is None:
            return ""
        return str(control.shown) if chosen.reference else chosen.kind.format(control.data)
