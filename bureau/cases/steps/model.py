"""What a step of a case says about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy.orm import Session

from models import Case, CaseEvent, CaseStatus
from panel.fields import Field
from panel.i18n import Message

Values = Mapping[str, Any]
Effect = Callable[[Session, Case, Values], CaseStatus | None]
#: Looked at before the effect of a step, for example by another slice. Raises StepNotAllowed or InvalidValues.
Check = Callable[[Session, Case, Values], None]
#: Told of a step in its own transaction, after its event was written.
Listener = Callable[[Session, Case, CaseEvent], None]
#: Why a step isn't possible though the case's state allows it. The last argument keeps what was read for other steps.
Possible = Callable[[Session, Case, dict[str, Any]], Message | None]
#: What the form of a step begins with, by the name of the value.
Prefill = Callable[[Session, Case], Mapping[str, Any]]

#: Among the values of every step: the moment at which it is taken, as its event says.
MOMENT = "moment"


class Relation(Enum):
    """What the person must be to the case, besides having the role."""

    ANY = "any"
    #: The person named on the case as handler; the office for a handler without an account.
    HANDLER = "handler"
    NOT_HANDLER = "not handler"
    #: Another person than the one who has asked for approval; only while something is asked for.
    APPROVER = "not who asked"


class Part(Enum):
    """A part in a case. Whoever has it may be told of a step."""

    HANDLER = "handler"
    LEAD = "lead officer"
    LEADERS = "leaders of the squad"
    OFFICE = "office"
    LIAISON = "liaison of the community"
    #: Who may decide what is asked for: the leaders, and the office for what a leader has asked.
    APPROVERS = "approvers"
    ASKER = "who asked for approval"


@dataclass(frozen=True, slots=True)
class StepNotice:
    """Who is told of a step: `kind` names the kind of notice (bureau/notices)."""

    kind: str
    to: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class StepForm:
    """The values that a form asks for in this case; `heading` stands above them instead of the step's label."""

    fields: tuple[Field, ...]
    heading: Message | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a case. `target` None keeps the state; `effect` does what follows and may give one of `others`."""

    name: str
    label: Message
    sources: tuple[CaseStatus, ...]
    target: CaseStatus | None
    roles: frozenset[str]
    #: Position among the steps of a state; steps of one rank keep the order of their declaration.
    rank: int
    relation: Relation = Relation.ANY
    asks: tuple[Field, ...] = ()
    effect: Effect | None = None
    possible: Possible | None = None
    others: tuple[CaseStatus, ...] = ()
    #: The usual next act of its state, shown first.
    primary: bool = False
    #: Can't be undone: asked for with a warning.
    grave: bool = False
    #: The value that is written as the event's opinion.
    opinion: str = "reason"
    #: Words the opinion for the event, where it may name somebody.
    worded: Callable[[Session, Case, str], str] | None = None
    #: Says something and changes nothing, so that nobody's open form goes stale by it.
    remark: bool = False
    #: Asks another person for approval: one thing at a time.
    asks_approval: bool = False
    #: Decides what another person has asked for.
    decides: bool = False
    #: The limit of the case runs anew from the moment of this step, which its event carries. The deadline that it
    #: replaces is always kept with the event.
    restarts: bool = False
    #: May be taken for many cases at once: it asks the same of every case.
    bulk: bool = False
    #: Its form shows which cases the case may be a repeat of.
    compares: bool = False
    #: Its form takes pictures, under this label.
    pictures: Message | None = None
    #: The colour of its event in the timeline; None for that of a change of state.
    tone: str | None = None
    notice: StepNotice | None = None
    prefill: Prefill | None = None
    #: What may be chosen for a value in this very case, by the value's name: ids with what people call the records.
    choices: Mapping[str, Callable[[Session, Case], list[tuple[str, str]]]] = field(default_factory=dict)
    #: The form in this very case, where it differs from `asks`.
    form: Callable[[Session, Case], StepForm] | None = None
