"""An export that somebody has asked for: which rows and columns, masked or clear; and its entry in the export log,
without which no file leaves."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session

from panel import ids
from panel.base import Base, in_files
from panel.errors import UserError
from panel.exports import workbooks
from panel.exports.records import ExportFormat, ExportLog
from panel.exports.table_rows import Column, columns
from panel.fields import Field, Personal
from panel.i18n import Message, _
from panel.kinds import ZONE, Choice, Flag, Invalid, Label, now, today
from panel.search import listing
from panel.search.listing import Query, Quick
from panel.security.policy import AccessDenied, Permission, model_of
from panel.security.session import actor_of, policy_of, system_session

#: More rows than this are written by a job.
MANY_ROWS = 20_000
REASON_LENGTH = 200
#: What the log keeps of the filter and of the columns.
FILTER_LENGTH, COLUMNS_LENGTH = 1000, 2000


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is asked for. `arguments` are those of the list's address: filters, search, order."""

    model: type[Base]
    arguments: Mapping[str, Sequence[str]]
    columns: tuple[str, ...] = ()
    format: ExportFormat = ExportFormat.XLSX
    clear: bool = False
    reason: str = ""

    def packed(self) -> dict[str, Any]:
        """As plain JSON, for a job."""
        return {
            "table": self.model.__tablename__,
            "arguments": {name: list(values) for name, values in self.arguments.items()},
            "columns": list(self.columns),
            "format": str(self.format.value),
            "clear": self.clear,
            "reason": self.reason,
        }

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any]) -> ExportRequest:
        return cls(
            model_of(packed["table"]),
            packed["arguments"],
            tuple(packed["columns"]),
            ExportFormat.of(packed["format"]),
            bool(packed["clear"]),
            str(packed["reason"]),
        )


@dataclass(slots=True)
class PreparedExport:
    """An order that was looked at: allowed, its columns and filters understood. `name` is the file's."""

    order: ExportRequest
    shown: list[Column]
    where: list[ColumnElement[bool]]
    sort: str
    words: str
    number: str
    name: str


def prepare(session: Session, order: ExportRequest, quick: Mapping[str, Quick]) -> PreparedExport:
    """Check an order. Raises AccessDenied without the right, UserError for what can't be understood; a filter that
    makes no sense matches nothing, as in the list."""
    actor, policy = actor_of(session), policy_of(session)
    if not policy.may(actor, Permission.EXPORT, order.model):
        raise AccessDenied
    if order.clear and not policy.may(actor, Permission.EXPORT_CLEAR, order.model):
        raise AccessDenied
    if order.clear and not order.reason:
        raise UserError(_("An export in clear needs a reason."))
    masked = policy.sees_masked(actor, order.model)
    query = listing.read(order.model, order.arguments, masked=masked)
    found = listing.conditions(order.model, query, quick, actor, masked=masked)
    number = f"{today():%Y%m%d}-{secrets.token_hex(3).upper()}"
    label = order.model.__labels__
    name = _("{label} {day}", label=label, day=today())
    plain = f"{name} {number}" if order.clear else str(name)
    return PreparedExport(
        order,
        named(order.model, order.columns),
        found,
        query.sort,
        in_words(session, order.model, query, quick)[:FILTER_LENGTH],
        number,
        f"{plain}.{order.format.value}",
    )


def named(model: type[Base], names: Sequence[str]) -> list[Column]:
    """The columns of these names or labels, in their order; all of them where none is named."""
    known = {column.name: column for column in columns(model)}
    called = {str(column.label): column.name for column in known.values()}
    names = [called.get(name, name) for name in names]
    if unknown := [name for name in names if name not in known]:
        raise UserError(
            _("There is no column {name}. There are: {names}.", name=unknown[0], names=", ".join(known)),
        )
    return [known[name] for name in dict.fromkeys(names)] or list(known.values())


def count(session: Session, ready: PreparedExport) -> int:
    statement = select(func.count()).select_from(ready.order.model).where(*ready.where)
    return int(session.execute(statement).scalar_one())


def write(
    session: Session, ready: PreparedExport, target: Path | IO[bytes], progress: Callable[[int], None] | None = None
) -> int:
    """Write the file, and its entry in the log in a transaction of its own: a session that reads may not write. Gives
    the number of rows. Without the entry there is no file."""
    order, actor = ready.order, actor_of(session)
    rows = workbooks.export(
        session,
        order.model,
        ready.where,
        target,
        sort=ready.sort,
        shown=ready.shown,
        csv=order.format is ExportFormat.CSV,
        clear=order.clear,
        footnote=str(watermark(ready.number, actor.name)) if order.clear else "",
        progress=progress,
    )
    entry = {
        "at": now(),
        "number": ready.number,
        "actor_name": actor.name[:80],
        "actor_id": actor.user_id,
        "table_name": order.model.__tablename__,
        "clear": order.clear,
        "reason": order.reason[:REASON_LENGTH] or None,
        "row_count": rows,
        "filter": ready.words or None,
        "columns": "、".join(str(column.label) for column in ready.shown)[:COLUMNS_LENGTH],
        "format": order.format,
        "file_name": ready.name[:200],
    }
    with system_session(session.connection().engine, policy_of(session), session.info.get("secret", "")) as own:
        own.execute(insert(ExportLog).values(**entry))
    return rows


def to_file(session: Session, ready: PreparedExport, out: Path, progress: Callable[[int], None] | None = None) -> int:
    """Write the file where it is wanted, whole or not at all."""
    beside = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        rows = write(session, ready, beside, progress)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    return rows


def watermark(number: str, person: str) -> Message:
    """The line that leads from a file in clear back to the log."""
    return _(
        "Export no.: {number}  by {person}, {time}. For this office's work only; not to be passed on.",
        number=number,
        person=person,
        time=f"{now().astimezone(ZONE):%Y-%m-%d %H:%M}",
    )


def arguments_of(
    model: type[Base], given: Iterable[str], *, masked: bool, named: Callable[[Field, str], str]
) -> dict[str, list[str]]:
    """`field=value` texts, the field by name or label, as the arguments of a list's address. Another record is told by
    its number, or by what people call it: `named` gives its number. Raises UserError, which says what there is, or why
    a value can't be read."""
    known = listing.filterable(model, masked=masked)
    called = {str(f.label): f.name for f in known}
    offered = ", ".join(f.name for f in known)
    found: dict[str, list[str]] = {}
    for text in given:
        name, sign, value = text.partition("=")
        name = name.strip()
        field, dot, suffix = name.partition(".")
        field = called.get(field, field)
        name = f"{field}{dot}{suffix}"
        declared = next((f for f in known if f.name == field), None)
        fits = suffix in ("", "empty") or (suffix in ("from", "to") and declared and listing.is_span(declared))
        if declared is None or not fits or not sign:
            raise UserError(
                _(
                    "“{text}” is no filter. Write field=value, for days field.from=… or field.to=…; fields: {names}.",
                    text=text[:80],
                    names=offered,
                )
            )
        try:
            if suffix != "empty":
                if declared.target and value.strip() and ids.parse(value) is None:
                    value = named(declared, value)
                declared.kind.parse(value)
        except Invalid as problem:
            raise UserError(_("{field}: {problem}", field=name, problem=problem.message)) from None
        found.setdefault(name, []).append(value)
    return found


def in_words(session: Session, model: type[Base], query: Query, quick: Mapping[str, Quick]) -> str:
    """The filters as people read them, such as 状态：在库；作者：鲁迅."""
    parts = [str(quick[query.quick].label)] if query.quick in quick else []
    by_name = {f.name: f for f in listing.filterable(model)}
    for name in dict.fromkeys(key.partition(".")[0] for key in query.values):
        said = [_said(session, by_name[name], value) for value in query.values.get(name, [])]
        ends = [query.values.get(f"{name}.{end}", [""])[0] for end in ("from", "to")]
        if any(ends):
            said.append(" – ".join(ends))
        if empty := query.values.get(f"{name}.empty"):
            said.append(str(_("empty") if empty[0] == "1" else _("filled in")))
        parts.append(str(_("{label}: {value}", label=by_name[name].label, value="、".join(said))))
    if query.search:
        parts.append(str(_("{label}: {value}", label=_("Search"), value=query.search)))
    return "；".join(parts)


def _said(session: Session, field: Field, given: str) -> str:
    """A filter's value in words; what is personal masked, since the log keeps it for good."""
    try:
        value = field.kind.parse(given)
    except Invalid:
        return given
    if field.target:
        target = session.get(model_of(field.target), ids.parse(given)) if value is not None else None
        return in_files(target) if target is not None else f"#{given}"
    if field.personal is not Personal.NO:
        return field.kind.mask(value)
    return field.kind.format(value) if isinstance(field.kind, Choice | Flag | Label) else given
