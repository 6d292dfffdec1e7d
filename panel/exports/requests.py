"""Requests for exports: checked, written to a file, and recorded in the export log.

No file is delivered without its entry in the log."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session

from panel import ids
from panel.base import Base, name_in_files
from panel.errors import UserError
from panel.exports import workbooks
from panel.exports.records import ExportFormat, ExportLog
from panel.exports.table_rows import Column, columns, extras
from panel.fields import Field
from panel.i18n import Message, _, clauses, listed, n_
from panel.kinds import ZONE, Choice, Flag, Invalid, Label, now, today
from panel.search import filters, listing, private_numbers
from panel.search.listing import Query, Quick
from panel.search.periods import PERIODS
from panel.security.granted import granted
from panel.security.policy import Permission, model_of, table_of
from panel.security.session import actor_of, policy_of, require, system_session

#: More rows than this are written by a job.
MANY_ROWS = 20_000
REASON_LENGTH = 200
#: Characters of the filter and of the columns that the log stores.
FILTER_LENGTH, COLUMNS_LENGTH = 1000, 2000


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """A request for an export. `arguments` are those of the list's address: filters, search, order. `columns` are names
    or labels; all if empty. `clear`: personal data is not masked; this needs a `reason`. `ids`: those rows alone."""

    model: type[Base]
    arguments: Mapping[str, Sequence[str]]
    columns: tuple[str, ...] = ()
    format: ExportFormat = ExportFormat.XLSX
    clear: bool = False
    reason: str = ""
    ids: tuple[int, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON form, for the parameters of a job."""
        return {
            "table": self.model.__tablename__,
            "arguments": {name: list(values) for name, values in self.arguments.items()},
            "columns": list(self.columns),
            "format": str(self.format.value),
            "clear": self.clear,
            "reason": self.reason,
            "ids": None if self.ids is None else list(self.ids),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ExportRequest:
        return cls(
            model_of(values["table"]),
            values["arguments"],
            tuple(values["columns"]),
            ExportFormat.of(values["format"]),
            bool(values["clear"]),
            str(values["reason"]),
            None if (ticked := values.get("ids")) is None else tuple(ticked),
        )


@dataclass(slots=True)
class PreparedExport:
    """A checked request: its columns and conditions, the description of its filters, its number in the log, and the
    name of the file."""

    request: ExportRequest
    shown: list[Column]
    where: list[ColumnElement[bool]]
    sort: str
    filters: str
    number: str
    name: str


def prepare(session: Session, request: ExportRequest, quick: Mapping[str, Quick]) -> PreparedExport:
    """Check a request. Raises AccessDenied without the permission, OutOfScope for a ticked row that may not be
    exported, UserError for an unknown column or a missing reason. A filter with an invalid value matches nothing, as in
    the list."""
    with acting(session, request):
        return _prepare(session, request, quick)


@contextmanager
def acting(session: Session, request: ExportRequest) -> Iterator[None]:
    """Let the session act by the roles that grant the export alone. Raises AccessDenied without one."""
    with granted(session, Permission.EXPORT, request.model):
        if not request.clear:
            yield
            return
        with granted(session, Permission.EXPORT_CLEAR, request.model):
            yield


def _prepare(session: Session, request: ExportRequest, quick: Mapping[str, Quick]) -> PreparedExport:
    actor = actor_of(session)
    if request.clear and not request.reason:
        raise UserError(_("An export in clear needs a reason."))
    masked = policy_of(session).sees_masked(actor, request.model)
    query = listing.read(request.model, request.arguments, masked=masked)
    private_numbers.resolve(session, request.model, query)
    where = listing.conditions(session, request.model, query, quick, masked=masked)
    described = describe_filters(session, request.model, query, quick)
    if request.ids is not None:
        require(session, request.model, Permission.EXPORT, set(request.ids))
        where.append(request.model.id.in_(request.ids))
        described = str(n_("{n} ticked row", "{n} ticked rows", len(request.ids)))
    number = new_number()
    label = request.model.__labels__
    name = _("{label} {day}", label=label, day=today())
    plain = f"{name} {number}" if request.clear else str(name)
    return PreparedExport(
        request,
        named_columns(request.model, request.columns),
        where,
        query.sort,
        described[:FILTER_LENGTH],
        number,
        f"{plain}.{request.format.value}",
    )


def named_columns(model: type[Base], names: Sequence[str]) -> list[Column]:
    """The columns with these names or labels, in this order; all columns of the table if none is given, so that the
    file can be imported again. Raises UserError for an unknown one."""
    own = columns(model)
    known = {column.name: column for column in (*own, *extras(model))}
    by_label = {str(column.label): column.name for column in known.values()}
    names = [by_label.get(name, name) for name in names]
    if unknown := [name for name in names if name not in known]:
        raise UserError(
            _("There is no column {name}. There are: {names}.", name=unknown[0], names=", ".join(known)),
        )
    return [known[name] for name in dict.fromkeys(names)] or own


def count(session: Session, export: PreparedExport) -> int:
    statement = select(func.count()).select_from(export.request.model).where(*export.where)
    with acting(session, export.request):
        return int(session.execute(statement).scalar_one())


def write(
    session: Session, export: PreparedExport, target: Path | IO[bytes], progress: Callable[[int], None] | None = None
) -> int:
    """Write the file and its entry in the export log, and return the number of rows."""
    request, actor = export.request, actor_of(session)
    with acting(session, request):
        rows = workbooks.export(
            session,
            request.model,
            export.where,
            target,
            sort=export.sort,
            shown=export.shown,
            csv=request.format is ExportFormat.CSV,
            clear=request.clear,
            footnote=str(watermark(export.number, actor.name)) if request.clear else "",
            progress=progress,
        )
    log(
        session,
        number=export.number,
        table_name=request.model.__tablename__,
        clear=request.clear,
        reason=request.reason[:REASON_LENGTH] or None,
        row_count=rows,
        filter=export.filters or None,
        columns=listed(str(column.label) for column in export.shown)[:COLUMNS_LENGTH],
        format=request.format,
        file_name=export.name[:200],
    )
    return rows


def new_number() -> str:
    """A number for the export log: the day and six random digits."""
    return f"{today():%Y%m%d}-{secrets.token_hex(3).upper()}"


def log(session: Session, **entry: Any) -> None:
    """Add an entry to the export log for the session's actor, by a system session of its own, because the given session
    may be read-only. `entry` are the other columns of ExportLog."""
    actor = actor_of(session)
    who = {"at": now(), "actor_name": actor.name[:80], "actor_id": actor.user_id}
    with system_session(session.connection().engine, policy_of(session), session.info.get("secret", "")) as log_session:
        log_session.execute(insert(ExportLog).values(**who, **entry))


def note_file(session: Session, name: str, *, format: ExportFormat | None = None, **entry: Any) -> str:
    """Add an entry to the export log about any other file, in a writing session that acts for who takes it, and return
    its number. Without `format` it follows from the name; `entry` are other columns of ExportLog."""
    actor, number = actor_of(session), new_number()
    values = {
        "at": now(),
        "actor_name": actor.name[:80],
        "actor_id": actor.user_id,
        "number": number,
        "table_name": "",
        "format": format or ExportFormat.of_file(name),
        "file_name": name[-200:],
        **entry,
    }
    session.connection().execute(insert(table_of(ExportLog)).values(values))
    return number


def to_file(session: Session, export: PreparedExport, out: Path, progress: Callable[[int], None] | None = None) -> int:
    """Write to a path: the file appears there only when it is complete."""
    partial = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        rows = write(session, export, partial, progress)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return rows


def watermark(number: str, person: str) -> Message:
    """The footnote of an unmasked file, by which its entry in the log is found."""
    return _(
        "Export no.: {number}  by {person}, {time}. For this office's work only; not to be passed on.",
        number=number,
        person=person,
        time=f"{now().astimezone(ZONE):%Y-%m-%d %H:%M}",
    )


def arguments_of(
    model: type[Base], wanted: Iterable[str], *, masked: bool, resolve_name: Callable[[Field, str], str]
) -> dict[str, list[str]]:
    """Parse filters of the form `field=value` to the arguments of a list's address.

    The field is given by name or label. The value of a reference is a record number, or a name that `resolve_name`
    turns into one. Raises UserError for an unknown field (the message names all) or an invalid value."""
    known = {f.name: f for f in filters.filterable(model, masked=masked)}
    by_label = {str(f.label): f.name for f in known.values()}
    offered = ", ".join(known)
    arguments: dict[str, list[str]] = {}
    for text in wanted:
        key, sign, value = text.partition("=")
        field, suffix = filters.split(key.strip())
        field = by_label.get(field, field)
        name = f"{field}{suffix}"
        declared = known.get(field)
        fits = declared is not None and suffix in filters.suffixes(declared)
        if declared is None or not fits or not sign:
            raise UserError(
                _(
                    "“{text}” is no filter. Write field=value, for days field.from=… or field.to=…; fields: {names}.",
                    text=text[:80],
                    names=offered,
                )
            )
        try:
            if suffix not in (".empty", ".in", ".or"):
                if declared.target and value.strip() and ids.parse(value) is None:
                    value = resolve_name(declared, value)
                declared.kind.parse(value)
        except Invalid as problem:
            raise UserError(_("{field}: {problem}", field=name, problem=problem.message)) from None
        arguments.setdefault(name, []).append(value)
    return arguments


def describe_filters(session: Session, model: type[Base], query: Query, quick: Mapping[str, Quick]) -> str:
    """The filters in words, such as 状态：在库；作者：鲁迅."""
    parts = [str(quick[query.quick].label)] if query.quick in quick else []
    by_name = {f.name: f for f in filters.filterable(model)}
    groups: dict[str, list[str]] = {}
    for name in query.names():
        words = _describe_filter(session, by_name[name], query.values)
        if group := query.values.get(f"{name}.or"):
            groups.setdefault(group[0], []).append(words)
        else:
            parts.append(words)
    parts += [str(_(" or ")).join(words) for words in groups.values()]
    if query.search:
        parts.append(str(_("{label}: {value}", label=_("Search"), value=query.search)))
    if query.sealed:
        parts.append(str(private_numbers.message(query.sealed_shown)))
    return clauses(parts)


def _describe_filter(session: Session, field: Field, given: filters.Values) -> str:
    """The values of a filter in words, with its label."""
    values = [_describe_value(session, field, value) for value in given.get(field.name, [])]
    values += [str(PERIODS[name].label) if name in PERIODS else name for name in given.get(f"{field.name}.in", [])]
    ends = [given.get(f"{field.name}.{end}", [""])[0] for end in ("from", "to")]
    if any(ends):
        values.append(" – ".join(ends))
    if empty := given.get(f"{field.name}.empty"):
        values.append(str(_("empty") if empty[0] == "1" else _("filled in")))
    return str(_("{label}: {value}", label=field.label, value=listed(values)))


def _describe_value(session: Session, field: Field, text: str) -> str:
    """A filter's value in words. Personal values are masked, since the log is append-only."""
    try:
        value = field.kind.parse(text)
    except Invalid:
        return text
    if field.target:
        target = session.get(model_of(field.target), ids.parse(text)) if value is not None else None
        return name_in_files(target) if target is not None else f"#{text}"
    if field.masked_in_logs:
        return field.kind.mask(value)
    return field.kind.format(value) if isinstance(field.kind, Choice | Flag | Label) else text
