"""The webhook: where other systems are told, of what, and what became of each message. For the administrator."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from bureau.notices.notices import KINDS
from panel.i18n import Message, _
from panel.kinds import Moment, tidy
from panel.notify import outbox
from panel.notify.records import DeliveryState, Webhook, WebhookDelivery
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, Column, FormPage, Group, Input, ListPage, Row

blueprint = Blueprint("webhook", __name__, url_prefix="/webhook")
SHOWN, LEAST_SECRET = 100, 16


def may_open() -> bool:
    return current_panel().policy.may(current_actor(), Permission.EDIT, Webhook)


@blueprint.before_request
def _guard() -> None:
    if not may_open():
        abort(403)


@blueprint.get("/")
def index() -> Any:
    """The latest messages with their state."""
    session = current_panel().session
    hook = _hook()
    statement = select(WebhookDelivery).order_by(WebhookDelivery.id.desc()).limit(SHOWN)
    if only := request.args.get("is") == "given_up":
        statement = statement.where(WebhookDelivery.state == DeliveryState.GIVEN_UP)
    found = session.execute(statement).scalars().all()
    sub = _("On: {url}", url=hook.url) if hook is not None and hook.active else _("Off: nothing is sent.")
    page = ListPage(
        title=_("Webhook"),
        sub=sub,
        columns=[
            Column("case", _("Case"), wide=True),
            Column("kind", _("Kind")),
            Column("state", _("State")),
            Column("attempts", _("Attempts"), number=True),
            Column("at", _("Time")),
            Column("ended_at", _("Ended")),
        ],
        rows=[_row(one) for one in found],
        buttons=[Button(_("Settings of the webhook"), url_for("webhook.edit"), "sliders", primary=True)],
        empty=_("No message was given up.") if only else _("No messages yet."),
    )
    return render_template("panel/list.html", page=page)


def _row(one: WebhookDelivery) -> Row:
    kind = KINDS.get(one.kind)
    below = [one.problem] if one.problem and one.state is not DeliveryState.SENT else []
    cells = [
        Cell(str(one.payload.get("case_no", one.id))),
        Cell(str(kind.label) if kind else one.kind),
        Cell(str(one.state.label), tone=one.state.tone, below=below),
        Cell(str(one.attempts)),
        Cell(_moment(one.at)),
        Cell(_moment(one.ended_at)),
    ]
    return Row(one.id, url_for("webhook.show", id_=one.id), cells)


def _moment(value: Any) -> str:
    return Moment().format(value.replace(second=0, microsecond=0)) if value else ""


@blueprint.get("/<int:id_>")
def show(id_: int) -> Any:
    """What was sent, word for word."""
    one = current_panel().session.get(WebhookDelivery, id_)
    if one is None:
        abort(404)
    page = FormPage(
        title=_("Message {n}", n=one.id),
        tag=Cell(str(one.state.label), tone=one.state.tone),
        sub=one.problem or "",
        groups=[
            Group(_("What is sent"), facts=[(name, Cell(str(value or "")), False) for name, value in _told(one)]),
        ],
        buttons=[Button(_("Back to the list"), url_for("webhook.index"))],
    )
    if one.state is DeliveryState.GIVEN_UP:
        url = url_for("webhook.again", id_=id_)
        page.buttons.append(Button(_("Send again"), url, "refresh", primary=True, post=True))
    return render_template("notices/webhook.html", page=page)


def _told(one: WebhookDelivery) -> list[tuple[str, Any]]:
    return sorted(one.payload.items())


@blueprint.post("/<int:id_>/again")
def again(id_: int) -> Any:
    session = current_panel().session
    outbox.send_again(session, id_)
    session.commit()
    flash(str(_("It will be sent within a few minutes.")), "success")
    return redirect(url_for("webhook.index"))


@blueprint.route("/settings", methods=("GET", "POST"))
def edit() -> Any:
    session, hook = current_panel().session, _hook()
    given = _given(hook)
    problems = _problems(given, hook) if request.method == "POST" else {}
    if request.method == "POST" and not problems:
        if hook is None:
            hook = Webhook()
            session.add(hook)
        hook.active, hook.url, hook.base = given["active"] == "1", given["address"] or None, given["base"] or None
        hook.kinds = [kind for kind in KINDS if given[f"kind.{kind}"] == "1"]
        hook.secret = given["secret"] or hook.secret or ""
        session.commit()
        flash(str(_("Settings saved.")), "success")
        return redirect(url_for("webhook.index"))
    session.rollback()
    inputs = [
        Input("active", _("On"), "flag", given["active"], help=_("Off: nothing is sent or kept to be sent.")),
        Input(
            "address",
            _("Address"),
            "text",
            given["address"],
            help=_("Each message is posted to it as JSON."),
            maxlength=300,
        ),
        Input(
            "secret",
            _("Secret"),
            "password",
            help=_("Signs each message (HMAC-SHA256), 16 signs or more. Never shown; empty: stays as it is."),
            maxlength=200,
        ),
        Input(
            "base",
            _("Address of this panel"),
            "text",
            given["base"],
            help=_("Put before the links to cases, for example https://10.0.0.5."),
            maxlength=200,
        ),
    ]
    kinds = [Input(f"kind.{kind}", told.label, "flag", given[f"kind.{kind}"]) for kind, told in KINDS.items()]
    for made in (*inputs, *kinds):
        made.was = made.value
        made.errors = [str(problems[made.name])] if made.name in problems else []
    page = FormPage(
        title=_("Settings of the webhook"),
        sub=_(
            "Other systems are told of steps and deadlines: case number, step, states and time; nothing of a person."
        ),
        groups=[Group(_("Receiver"), inputs), Group(_("Sent for"), kinds)],
        errors=[(made.name, made.label, made.errors[0]) for made in inputs if made.errors],
        submit=_("Save"),
        cancel_url=url_for("webhook.index"),
    )
    return render_template("panel/form.html", page=page), 422 if problems else 200


def _hook() -> Webhook | None:
    found = current_panel().session.execute(select(Webhook).order_by(Webhook.id)).scalars().first()
    assert found is None or isinstance(found, Webhook)
    return found


def _given(hook: Webhook | None) -> dict[str, str]:
    """What was typed, or what is set."""
    chosen = set(hook.kinds) if hook is not None else set()
    now = {
        "active": "1" if hook is not None and hook.active else "0",
        "address": (hook.url if hook is not None else None) or "",
        "base": (hook.base if hook is not None else None) or "",
        "secret": "",
        **{f"kind.{kind}": "1" if kind in chosen else "0" for kind in KINDS},
    }
    return {name: tidy(request.form.get(name, value)) for name, value in now.items()}


def _problems(given: dict[str, str], hook: Webhook | None) -> dict[str, Message]:
    found: dict[str, Message] = {}
    for name, most in (("address", 300), ("base", 200), ("secret", 200)):
        if len(given[name]) > most:
            found[name] = _("At most {n} signs.", n=most)
    if given["address"] and (wrong := outbox.wrong_address(given["address"])):
        found["address"] = wrong
    if given["base"] and (wrong := outbox.wrong_address(given["base"]) or _path(given["base"])):
        found["base"] = wrong
    if given["secret"] and len(given["secret"]) < LEAST_SECRET:
        found["secret"] = _("{n} signs or more.", n=LEAST_SECRET)
    if given["active"] == "1":
        if not given["address"]:
            found["address"] = _("This must be filled in.")
        if not given["secret"] and not (hook is not None and hook.secret):
            found["secret"] = _("This must be filled in.")
    return found


def _path(base: str) -> Message | None:
    return _("Without a path, for example https://10.0.0.5.") if urlsplit(base).path.strip("/") else None
