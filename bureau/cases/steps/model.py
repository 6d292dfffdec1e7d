"""The declaration of a step of a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy.orm import Session

from models import Case, CaseEvent, CaseStatus
from panel.fields import Field
from panel.i18n import Message

Values = Mapping[str, Any]
Effect = Callable[[Session, Case, Values], CaseStatus | None]
#: Runs before the effect of a step, also for a step of another slice. Raises StepNotAllowed or InvalidValues.
Check = Callable[[Session, Case, Values], None]
#: Called after each step with its event, in the same transaction.
Listener = Callable[[Session, Case, CaseEvent], None]
#: Called once, in the same transaction, with the ids of the cases that a bulk write has added, and their step's name.
BulkListener = Callable[[Session, str, Sequence[int]], None]
#: The reason why a step isn't possible though the state of the case allows it; None if it is. The last argument caches
#: what was read for other steps.
Possible = Callable[[Session, Case, dict[str, Any]], Message | None]
#: The initial values of a step's form, by field name.
Prefill = Callable[[Session, Case], Mapping[str, Any]]

#: Key in the values of every step: the moment at which the step is taken.
MOMENT = "moment"


class Relation(Enum):
    """The relation to the case that a step requires of the actor, besides a role."""

    ANY = "any"
    #: The handler of the case; the office for a handler without an account.
    HANDLER = "handler"
    NOT_HANDLER = "not handler"
    #: Neither the handler nor who recorded the step into the present state, whoever is named as handler.
    ANOTHER = "neither handler nor who recorded"
    #: Another person than the one who asked for approval, while a request waits.
    APPROVER = "not who asked"


class Recipient(Enum):
    """Whoever gets a notice of a step, by their part in the case."""

    HANDLER = "handler"
    LEAD = "lead officer"
    ASSIGNED = "officer assigned to the community today"
    LEADERS = "leaders of the squad"
    OFFICE = "office"
    LIAISON = "liaison of the community"
    #: Who may decide a request: the leaders; the office too for a request of a leader.
    APPROVERS = "approvers"
    ASKER = "who asked for approval"


@dataclass(frozen=True, slots=True)
class StepNotice:
    """The notice that a step sends: its kind (bureau/notices) and its recipients. `urgent` is the kind for an urgent
    case, and `bulk` the kind of one notice about many cases, where these differ."""

    kind: str
    to: tuple[Recipient, ...]
    urgent: str = ""
    bulk: str = ""
    #: Whether the event of the step is worth a notice; None for every event.
    when: Callable[[CaseEvent], bool] | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.kind, self.urgent, self.bulk)))


@dataclass(frozen=True, slots=True)
class StepForm:
    """The fields of a step's form for one case. `heading` replaces the step's label as their heading."""

    fields: tuple[Field, ...]
    heading: Message | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a case. `target` is the new state, None keeps the present one; `effect` changes records and may return
    one of `others` as the new state instead."""

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
    #: The usual next step of its state, shown first.
    primary: bool = False
    #: Can't be undone: its form shows a warning.
    grave: bool = False
    #: Ends what hangs on the case: open referrals, a running mediation, a pending request. Its form names them.
    ends_all: bool = False
    #: Name of the field that becomes the opinion of the event.
    opinion: str = "reason"
    #: Rewrites the opinion for the event, where it may name somebody.
    worded: Callable[[Session, Case, str], str] | None = None
    #: Sends a handled case back to be handled again: it counts as reworked.
    reworks: bool = False
    #: Adds a remark and changes nothing else: the version of the case stays, so that open forms don't become stale.
    remark: bool = False
    #: Requests an approval; a case has one pending request at most.
    asks_approval: bool = False
    #: The field by which the step adds another record from what the case holds. What is wrong with that is told there.
    makes: str = ""
    #: Decides a request.
    decides: bool = False
    #: The limit of the case starts again at this step. Its event has exactly that time, and always keeps the deadline
    #: that it replaces.
    restarts: bool = False
    #: May be taken for many cases at once: its fields are the same for every case, but for those of `own`.
    bulk: bool = False
    #: Fields that may be left empty when it is taken for many cases: each then takes what its own form begins with.
    own: tuple[str, ...] = ()
    #: Locked columns that it may change, as "table.column", or whole tables.
    unlocks: tuple[str, ...] = ()
    #: Its form shows likely repeats of the case.
    compares: bool = False
    #: Its form takes pictures; this is the label of that control.
    pictures: Message | None = None
    #: The section of the handbook about it; that of its feature by default.
    handbook: str = ""
    #: The tone of its event in the timeline; None for the default.
    tone: str | None = None
    notice: StepNotice | None = None
    prefill: Prefill | None = None
    #: The choices of a field for one case, by field name: pairs of id and label.
    choices: Mapping[str, Callable[[Session, Case], list[tuple[str, str]]]] = field(default_factory=dict)
    #: Further fields for one case, as many as people have to be told. They aren't stored with the event.
    more: Callable[[Session, Case], tuple[Field, ...]] | None = None
    #: The form for one case, where it differs from `asks`.
    form: Callable[[Session, Case], StepForm] | None = None
