"""Fields that steps of a case share, and the groups of roles that take them."""

from __future__ import annotations

from typing import Any

from bureau.access.roles import LEADER, LIAISON, OFFICE, OFFICER
from panel.fields import Field, Personal
from panel.i18n import Message, _
from panel.kinds import Reference, Text, Whole


def ask(
    name: str,
    kind: Any,
    label: Message,
    *,
    required: bool = True,
    default: Any = None,
    help: Message | None = None,
    personal: Personal = Personal.NO,
    group: Message | None = None,
    only_if: tuple[str, tuple[Any, ...]] | None = None,
) -> Field:
    """A field of a step's form. The value of a `personal` field is not stored with the event. `group` is the heading
    that the field stands under, `only_if` another field and its values for which it is asked."""
    return Field(
        kind=kind,
        label=label,
        name=name,
        attr=name,
        required=required,
        default=default,
        help=help,
        personal=personal,
        group=group or _("General"),
        only_if=only_if,
    )


REASON = ask("reason", Text(500, lines=3), _("Reason"))
HANDLER = ask("handler", Reference("officer"), _("Handler"))
#: Asked for when a case ends into which others were merged.
MERGED_TOLD = ask(
    "merged_content",
    Text(500, lines=2),
    _("What the reporters of merged cases were told"),
    required=False,
    personal=Personal.PRIVATE,
)
OPINION = ask("opinion", Text(500, lines=2), _("Opinion"))
QUANTITY = (
    ask("quantity", Whole(0, 100_000), _("Quantity achieved"), required=False),
    ask("quantity_unit", Text(20), _("Unit of the quantity"), required=False, help=_("For example 个车位.")),
)

#: Roles that may be named as handler and take the handler's steps.
STAFF = frozenset({OFFICE, LEADER, OFFICER})
#: STAFF and the liaisons, who may add remarks.
EVERYBODY = STAFF | {LIAISON}
