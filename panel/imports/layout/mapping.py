"""Columns whose meaning isn't known: what they may mean, and what a user said about them before.

Proposes columns of the table for unknown headers, and stores the answers for later files with the same headers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.errors import UserError
from panel.fields import Field, all_fields, field_named
from panel.i18n import Message, _, in_every_locale
from panel.imports.layout import samples
from panel.imports.layout.headers import Doubt, Header
from panel.imports.layout.labels import ColumnLabels, fold, is_former, normalize, spellings_of
from panel.imports.questions import Question, letter, letter_index
from panel.imports.records import HeaderMap
from panel.imports.rules import ID, RECORD_NO, Rules, parent_references
from panel.kinds import Choice, Data, Day, Mobile, Moment, now, tidy
from panel.security.policy import table_of
from panel.security.session import actor_of

#: Lowest similarity (0 to 1) of a header and a label that make a proposal, where a required column is missing and where
#: none is.
FAINT, CLEAR = 0.51, 0.75
#: Words that end labels of many things: they alone make no label similar.
_GENERIC = frozenset(
    [
        "时间",
        "名称",
        "编码",
        "编号",
        "类别",
        "类型",
        "情况",
        "内容",
        "方式",
        "数量",
        "状态",
        "对象",
        "备注",
        "原因",
        "结果",
        "来源",
        "标题",
        "单位",
        "说明",
        "代码",
        "name",
        "code",
        "kind",
        "time",
    ]
)
#: Headers of columns that offices keep and no table here has.
_NOT_MEANT = re.compile(
    "序号|编号$|^no$|出生|生日|身份证|年龄|民族|学历|学位|政治面貌|党员|入党|籍贯|毕业|专业|微信|qq|邮箱|照片|签名|签字|填表|填报|制表|打印|录入|审核"
)


class UnmappedError(UserError):
    """Required columns are missing. `headers` are those of the file, with what their columns may mean as doubts;
    `questions` ask about them."""

    def __init__(self, message: Message, headers: Sequence[Header] = (), questions: Sequence[Question] = ()) -> None:
        super().__init__(message)
        self.headers, self.questions = headers, questions


def targets(model: type[Base], rules: Rules) -> list[tuple[str, Message]]:
    """(name, label) of each column that an import takes, in the order of the form."""
    identifying = rules.identifying()
    declared = [f for f in all_fields(model) if not isinstance(f.kind, Data)]
    taken = [f for f in declared if not f.readonly or f.key or f.name in identifying]
    columns: list[tuple[str, Message]] = [(f.name, f.label) for f in taken]
    columns += [(f"{reference.name}/{above.name}", above.label) for reference, above in parent_references(model)]
    columns += [(name, labels[-1]) for name, labels in rules.extra_columns().items() if isinstance(labels[-1], Message)]
    return [*columns, (ID, RECORD_NO)]


def recall(session: Session, model: type[Base], headers: Sequence[Header]) -> tuple[Header, dict[int, str]] | None:
    """The header that answers are stored for, with the column name ("" for none) by column index; None if there is
    none among these."""
    table = table_of(HeaderMap)
    statement = select(table.c.fingerprint, table.c.meanings).where(
        table.c.table_name == model.__tablename__, table.c.fingerprint.in_([header.fingerprint for header in headers])
    )
    stored = {row.fingerprint: row.meanings for row in session.execute(statement, execution_options=UNSCOPED)}
    for header in headers:
        if (meanings := stored.get(header.fingerprint)) is not None:
            indexes = {letter_index(key): name for key, name in meanings.items()}
            return header, {index: name for index, name in indexes.items() if index is not None}
    return None


def remember(session: Session, model: type[Base], header: Header) -> None:
    """Store what the columns of a header mean, in place of what was stored. The caller commits."""
    table = table_of(HeaderMap)
    criteria = (table.c.table_name == model.__tablename__, table.c.fingerprint == header.fingerprint)
    connection = session.connection()
    connection.execute(delete(table).where(*criteria))
    columns = {**header.columns, **{i: header.columns[first] for half in header.halves for first, i in half.items()}}
    meanings = {letter(i): columns.get(i, "") for i, label in enumerate(header.labels) if label}
    values = {"table_name": model.__tablename__, "fingerprint": header.fingerprint, "meanings": meanings}
    connection.execute(insert(table).values(at=now(), actor_name=actor_of(session).name, **values))


def propose(
    model: type[Base],
    rules: Rules,
    header: Header,
    *,
    values: Sequence[Sequence[Any]],
    known: ColumnLabels,
    answered: Collection[int] = (),
    missing: Collection[str] = (),
    is_record_name: Callable[[Field, str], bool] = lambda _reference, _text: False,
) -> list[Doubt]:
    """What columns without a meaning may mean: by a similar label, else by their values. Each column of the table is
    proposed once.

    `missing` are required columns that the file lacks: then a faint similarity is enough, and the names of stored
    records tell a reference; `is_record_name` tells whether a text is one."""
    offered = dict(targets(model, rules))
    taken = set(header.columns.values()) | {name for doubt in header.doubts for name in doubt.names[:1]}
    settled = {*answered, *header.columns, *header.why, *(d.index for d in header.doubts)}
    passed_over = set(spellings_of(rules.passed_over()))
    doubts: list[Doubt] = []
    for index, label in enumerate(header.labels):
        if index in settled or not values[index] or known.claim(label) or is_former(label):
            continue
        if _NOT_MEANT.search(normalize(label)) or normalize(label) in passed_over:
            continue
        free = {name: field_named(model, name) for name in offered if name not in taken}
        names, why = _by_label(label, known, free, values[index], CLEAR if not missing else FAINT), None
        if names:
            why = _("“{label}” may mean this field.", label=label)
        elif (names := _by_values(label, free, values[index], known)) or (
            missing and (names := _by_records(free, missing, values[index], is_record_name))
        ):
            why = _("Its values look like this field.")
        if why is not None:
            taken.add(names[0])
            others = [name for name in missing if name not in names and name not in taken]
            doubts.append(Doubt(index, why, (*names, *others, "")))
    return doubts


def _by_label(
    label: str, known: ColumnLabels, free: Mapping[str, Field | None], values: Sequence[Any], least: float
) -> list[str]:
    """The column with the label most similar to this one, if that is similar enough and its kind suits the values."""
    form, best, name = fold(normalize(label)), least, ""
    for spelling, (_weight, meaning) in known.folded.items():
        if form and meaning in free and (similarity := _similarity(form, spelling)) >= best:
            declared = free[meaning]
            if declared is None or samples.suit(declared, values):
                best, name = similarity + 0.001, meaning
    return [name] if name else []


def _similarity(form: str, spelling: str) -> float:
    """How similar two folded labels are. One that ends with the other is clearly so, one that has it inside less."""
    if set(form).isdisjoint(spelling):
        return 0
    similarity = difflib.SequenceMatcher(None, form, spelling).ratio()
    if len(spelling) > 1 and spelling not in _GENERIC and spelling in form:
        return max(similarity, CLEAR if form.endswith(spelling) else FAINT)
    return similarity


def _by_values(label: str, free: Mapping[str, Field | None], values: Sequence[Any], known: ColumnLabels) -> list[str]:
    """Columns of a kind whose values are distinctive: mobile numbers, choices, and days unless their label means
    something elsewhere."""
    form = fold(normalize(label))
    fitting = []
    for name, declared in free.items():
        if declared is None or not isinstance(declared.kind, Mobile | Choice | Day | Moment):
            continue
        if isinstance(declared.kind, Day | Moment) and form in known.elsewhere and form not in _GENERIC:
            continue
        if samples.all_read(declared, values):
            fitting.append((-_likeness(form, declared), name))
    return [name for _likeness, name in sorted(fitting, key=lambda pair: pair[0])]


def _likeness(form: str, declared: Field) -> float:
    labels = [fold(normalize(text)) for text in (*in_every_locale(declared.label), *declared.aliases)]
    return max(difflib.SequenceMatcher(None, form, text).ratio() for text in labels)


def _by_records(
    free: Mapping[str, Field | None],
    missing: Collection[str],
    values: Sequence[Any],
    is_record_name: Callable[[Field, str], bool],
) -> list[str]:
    """A missing column: a reference if the values are names of its records, a name if they look like people's."""
    for name in missing:
        declared = free.get(name)
        if declared is None:
            continue
        if declared.reference:
            found = sum(is_record_name(declared, tidy(value)) for value in values)
            if found >= samples.MIN_SHARE * len(values):
                return [name]
        elif samples.are_names(values) and name == "name" and samples.suit(declared, values):
            return [name]
    return []


def parse_meanings(model: type[Base], rules: Rules, meanings: Mapping[str, str]) -> dict[str, str]:
    """Resolve a mapping given to a command: each column by its name or its label in any language, to its name.

    Raises KeyError with the normalized text that names no column of the table."""
    names = {normalize(text): name for name, label in targets(model, rules) for text in {name, *in_every_locale(label)}}
    return {label: names[normalize(column)] if column else "" for label, column in meanings.items()}
