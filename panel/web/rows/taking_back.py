"""Taking back one change of a record, from its history: the fields go back to what they were, by the rules of the form.

What was changed again since, is locked by now, is set by the program or isn't kept any more stays, and the page says
so. The act needs a reason, is checked against the record's version, and is an entry of the history itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from flask import abort, flash, redirect, request
from flask_admin.base import expose
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

from panel import ids
from panel.base import UNSCOPED, Record, display
from panel.fields import Field, Personal, all_fields
from panel.i18n import Message, _, in_default_locale
from panel.kinds import Data, to_minute
from panel.search.names import NOT_VISIBLE, Names, visible_names
from panel.security import audit, earlier, locks
from panel.security.policy import Permission
from panel.security.records import AuditAction, AuditEntry
from panel.security.session import permitted
from panel.web import conflict, forms, history
from panel.web.context import current_panel
from panel.web.forms import KindField, ManyField, RecordForm
from panel.web.pages import BackLine, Group, HistoryPage, TakeBackPage
from panel.web.render import is_masked_in, text_of
from panel.web.rows import place, reasons
from panel.web.rows.saving import Saving

if TYPE_CHECKING:
    from panel.web.views import SchemaView

REASON = "back_reason"

BY_STEP = _("Part of a step: a step corrects it.")
_MEANWHILE = _("What can be set back has changed meanwhile. Look at it again before you send it.")


@dataclass(slots=True)
class Plan:
    """What taking an entry back would do. `refusal` says why nothing of it can be."""

    entry: AuditEntry
    form: RecordForm
    lines: list[BackLine]
    refusal: Message | None = None

    @property
    def going(self) -> list[str]:
        return [line.name for line in self.lines if not line.why]


def way(entry: AuditEntry) -> tuple[str, Message | str]:
    """Where the change of an entry can be taken back, or why it can't, for somebody who may edit its record."""
    view = current_panel().views.get(entry.table_name)
    if entry.action is not AuditAction.EDIT or view is None or not (view.takes_back and view.can_edit):
        return "", ""
    if entry.cause is not None:
        return "", BY_STEP
    return view.get_url(f"{view.endpoint}.take_back_view", id=entry.record_id, entry=entry.id), ""


class TakingBack:
    """Mix-in of SchemaView."""

    model: Any
    declared: Any
    many_changes: ClassVar[bool]
    require: Any
    acts: Any
    get_one: Any
    get_url: Any
    render: Any
    _save: Any
    endpoint: Any

    @property
    def takes_back(self) -> bool:
        """Whether changes can be taken back: of a table whose form writes its row and nothing else."""
        usual = self.many_changes and getattr(type(self), "_save", None) is Saving._save
        return usual and issubclass(self.model, Record) and not self.model.__append_only__

    @expose("/history/")
    def history_view(self) -> Any:
        """The whole history of a record, by pages."""
        record = self.get_one(request.args.get("id"))
        before = ids.parse(request.args.get("before"))
        found = history.entries(self.model.__tablename__, record.id, history.PAGE + 1, before)
        page = HistoryPage(title=_("History of {name}", name=display(record) or f"#{record.id}"))
        page.place = place.of_record(cast("SchemaView", self), record, f"{self.endpoint}.history_view", _("History"))
        can_edit = Permission.EDIT in self.acts(record)
        page.history = history.of_entries(record, found[: history.PAGE], way if can_edit else None)
        if len(found) > history.PAGE:
            page.older_url = self.get_url(".history_view", id=record.id, before=found[history.PAGE - 1].id)
        return self.render("panel/history.html", page=page)

    @expose("/takeback/", methods=("GET", "POST"))
    def take_back_view(self) -> Any:
        """What taking a change back does; posted with a reason, it is done. 404 for an entry of another record, 409 if
        the record or what can be set back changed meanwhile, 422 without a reason or if a rule refuses."""
        self.require(Permission.EDIT)
        record = self.get_one(request.args.get("id"))
        if not permitted(current_panel().session, self.model, Permission.EDIT, [record.id]):
            abort(403)
        entry = _entry(self.model.__tablename__, record.id)
        plan = self._back_plan(record, entry)
        if request.method == "GET":
            return self._back_page(record, plan)
        if plan.refusal is not None:
            return self._back_page(record, plan), 409
        if conflict.is_stale(record) or plan.going != request.form.getlist("field"):
            return self._back_page(record, plan, words=_MEANWHILE), 409
        reason, wrong = reasons.given(REASON)
        if wrong is not None:
            return self._back_page(record, plan, wrong=wrong), 422
        session = current_panel().session
        words = _(
            "Took back the change of {at} (entry {n}): {reason}", at=to_minute(entry.at), n=entry.id, reason=reason
        )
        try:
            with audit.noted(session, in_default_locale(words)):
                saved, problems = self._save(plan.form, record, is_created=False)
        except StaleDataError:
            session.rollback()
            saved, problems = None, []
        record = self.get_one(request.args.get("id"))
        if saved is not None:
            flash(str(_("Change taken back: {name}", name=display(record))), "success")
            return redirect(place.details_url(cast("SchemaView", self), record.id))
        plan = self._back_plan(record, _entry(self.model.__tablename__, record.id))
        if problems:
            return self._back_page(record, plan, problems=problems), 422
        return self._back_page(record, plan, words=_MEANWHILE), 409

    def _back_plan(self, record: Any, entry: AuditEntry) -> Plan:
        """Compare an entry with the record as it is. Unknown tables have no entry; the record is in scope."""
        session = current_panel().session
        held = locks.holding(session, self.model, [record.id])[record.id]
        changed = [(self._field(name), name, *values) for name, values in entry.changes.items()]
        names = {f.name for f, *_rest in changed if f is not None}
        form = forms.form_class(self.model, [f.name for f in self.declared if f.name not in names])(None, obj=record)
        plan = Plan(entry, form, [])
        if not self.takes_back or entry.action is not AuditAction.EDIT:
            plan.refusal = _("Only changes by hand or by an import can be taken back here.")
        elif entry.cause is not None:
            plan.refusal = BY_STEP
        else:
            plan.refusal = locks.row_reason(self.model, held)
        if plan.refusal is not None:
            return plan
        private = earlier.of_change(session, entry.table_name, record.id, entry.record_version or 0)
        shown = _names(changed)
        for f, name, before, after in changed:
            line = BackLine(name, f.label if f is not None else name)
            plan.lines.append(line)
            if f is None or f.name not in form:
                line.why = _("The program sets it.")
                continue
            if why := locks.reason(self.model, f, held):
                line.why = why
            elif f.personal is Personal.WORK and is_masked_in(f, record):
                line.why = _("Your role doesn't see this value.")
            elif f.masked_in_logs and name not in private:
                line.why = _("The earlier value isn't kept, or not any more.")
            else:
                values = private[name] if f.masked_in_logs else [before, after]
                _set_back(form[name], line, record, values, shown)
            if line.why:
                del form[name]
        if not plan.going:
            plan.refusal = _("Nothing of this change can be taken back.")
        return plan

    def _field(self, name: str) -> Field | None:
        return next((f for f in all_fields(self.model) if f.name == name and not isinstance(f.kind, Data)), None)

    def _back_page(
        self,
        record: Any,
        plan: Plan,
        *,
        words: Message | str = "",
        wrong: Message | None = None,
        problems: Sequence[tuple[str | None, Message]] = (),
    ) -> Any:
        """The page of a plan. `words` say what changed meanwhile, `wrong` what is wrong with the reason, `problems`
        what the rules refused."""
        page = TakeBackPage(
            title=_("Take back a change: {name}", name=display(record) or f"#{record.id}"),
            sub=_("Changed by {who}, {at}", who=history.who(plan.entry.actor_name), at=to_minute(plan.entry.at)),
            version=record.version,
            submit=_("Take back"),
            cancel_url=place.details_url(cast("SchemaView", self), record.id),
            lines=plan.lines,
            conflict=words or None,
            blocked=plan.refusal or "",
        )
        page.place = place.of_record(cast("SchemaView", self), record, f"{self.endpoint}.details_view", _("Take back"))
        page.groups = [Group("", [reasons.control(REASON, wrong)])]
        page.collect_errors()
        labels = {line.name: line.label for line in plan.lines}
        page.errors += [("", labels.get(name or "", ""), str(message)) for name, message in problems]
        return self.render("panel/take_back.html", page=page)


def _entry(table: str, record_id: int) -> AuditEntry:
    """The asked entry of a record; answers 404 for any other. Unscoped: the record was read in the actor's scope."""
    asked = ids.parse(request.args.get("entry"))
    statement = select(AuditEntry).where(
        AuditEntry.id == asked, AuditEntry.table_name == table, AuditEntry.record_id == record_id
    )
    entry = current_panel().session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()
    if entry is None:
        abort(404)
    return entry


def _names(changed: Sequence[tuple[Field | None, str, Any, Any]]) -> Names:
    """The names of what the values of an entry refer to, as far as the actor may see them."""
    ids_by_table: dict[str, set[int]] = defaultdict(set)
    for f, _name, *values in changed:
        if f is not None and f.target:
            listed = values if f.reference else [id_ for value in values for id_ in value or ()]
            ids_by_table[f.target] |= {id_ for id_ in listed if isinstance(id_, int)}
    return visible_names(current_panel().session, ids_by_table)


def _set_back(control: KindField, line: BackLine, record: Any, values: Sequence[Any], names: Names) -> None:
    """Set a field of the form back to what it was before a change, or say in the line why it stays."""
    (before, after), f = values, control.declared
    if f.many:
        linked, gone, new = {r.id for r in getattr(record, f.attr)}, set(before or ()), set(after or ())
        if any((f.target or "", id_) not in names for id_ in gone ^ new):
            line.why = NOT_VISIBLE
            return
        again = not (new - gone) <= linked or bool((gone - new) & linked)
        wanted: Any = sorted(linked - (new - gone) | (gone - new))
    else:
        value = getattr(record, f.attr)
        stored = None if value is None else f.kind.store(value)
        if stored == before:
            line.why = _("It has this value already.")
            return
        again = stored != after
        wanted = _loaded(f, before, line)
    if again:
        line.why = _("It was changed again since.")
    if line.why:
        return
    _put_back(control, wanted)
    line.why = " ".join(control.process_errors)
    line.now = text_of(f, record)
    if is_masked_in(f, record):
        line.back = "" if wanted is None else f.kind.mask(wanted)
    else:
        line.back = history.show(f, list(wanted) if f.many else before, names)


def _put_back(control: KindField, value: Any) -> None:
    """Give a field of the form an earlier value, checked as if it had been typed; exact where its text says less."""
    kind = control.declared.kind
    if isinstance(control, ManyField):
        control.parse_texts([str(id_) for id_ in value])
        return
    if value is None:
        control.parse_text("")
    elif kind.control == "flag":
        control.parse_text("1" if value else "0")
    else:
        is_text = not (control.declared.reference or kind.control == "select")
        control.parse_text(kind.format(value) if is_text else str(kind.store(value)))
    if not control.process_errors:
        control.data = value


def _loaded(f: Field, stored: Any, line: BackLine) -> Any:
    """The value of its JSON form; one that the list of choices no longer has stays."""
    try:
        return None if stored is None else f.kind.load(stored)
    except (ValueError, TypeError):
        line.why = _("The earlier value no longer exists.")
        return None
