"""The administrator's pages of the webhook: settings, messages and their state."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from bureau.notices import digests
from bureau.notices.notices import KINDS
from panel.config import PRIVATE_NETWORKS
from panel.i18n import Message, _
from panel.kinds import Moment, tidy
from panel.notify import outbox, targets
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
    if given_up := request.args.get("is") == "given_up":
        statement = statement.where(WebhookDelivery.state == DeliveryState.GIVEN_UP)
    deliveries = session.execute(statement).scalars().all()
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
        rows=[_row(delivery) for delivery in deliveries],
        buttons=[Button(_("Settings of the webhook"), url_for("webhook.edit"), "sliders", primary=True)],
        empty=_("No message was given up.") if given_up else _("No messages yet."),
    )
    return render_template("panel/list.html", page=page)


def _row(delivery: WebhookDelivery) -> Row:
    kind = KINDS.get(delivery.kind)
    below = (
        [str(outbox.told(delivery.problem))] if delivery.problem and delivery.state is not DeliveryState.SENT else []
    )
    cells = [
        Cell(str(delivery.payload.get("case_no", delivery.id))),
        Cell(str(kind.label) if kind else delivery.kind),
        Cell(str(delivery.state.label), tone=delivery.state.tone, below=below),
        Cell(str(delivery.attempts)),
        Cell(_moment(delivery.at)),
        Cell(_moment(delivery.ended_at)),
    ]
    return Row(delivery.id, url_for("webhook.show", id_=delivery.id), cells)


def _moment(value: Any) -> str:
    return Moment().format(value.replace(second=0, microsecond=0)) if value else ""


@blueprint.get("/<int:id_>")
def show(id_: int) -> Any:
    """A message with its payload."""
    delivery = current_panel().session.get(WebhookDelivery, id_)
    if delivery is None:
        abort(404)
    page = FormPage(
        title=_("Message {n}", n=delivery.id),
        tag=Cell(str(delivery.state.label), tone=delivery.state.tone),
        sub=outbox.told(delivery.problem),
        groups=[
            Group(
                _("What is sent"),
                facts=[(name, Cell(str(value or "")), False) for name, value in _payload_items(delivery)],
            ),
        ],
        buttons=[Button(_("Back to the list"), url_for("webhook.index"))],
    )
    if delivery.state is DeliveryState.GIVEN_UP:
        url = url_for("webhook.again", id_=id_)
        page.buttons.append(Button(_("Send again"), url, "refresh", primary=True, post=True))
    return render_template("notices/webhook.html", page=page)


def _payload_items(delivery: WebhookDelivery) -> list[tuple[str, Any]]:
    return sorted(delivery.payload.items())


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
    typed = _typed(hook)
    problems = _problems(typed, hook) if request.method == "POST" else {}
    if request.method == "POST" and not problems:
        if hook is None:
            hook = Webhook()
            session.add(hook)
        hook.active, hook.url, hook.base = typed["active"] == "1", typed["address"] or None, typed["base"] or None
        hook.kinds = [kind for kind in KINDS if typed[f"kind.{kind}"] == "1"]
        hook.secret = typed["secret"] or hook.secret or ""
        session.commit()
        flash(str(_("Settings saved.")), "success")
        return redirect(url_for("webhook.index"))
    session.rollback()
    inputs = [
        Input("active", _("On"), "flag", typed["active"], help=_("Off: nothing is sent or kept to be sent.")),
        Input(
            "address",
            _("Address"),
            "text",
            typed["address"],
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
            typed["base"],
            help=_("Put before the links to cases, for example https://10.0.0.5."),
            maxlength=200,
        ),
    ]
    kinds = [
        Input(f"kind.{kind}", kind_info.label, "flag", typed[f"kind.{kind}"])
        for kind, kind_info in KINDS.items()
        if kind != digests.KIND
    ]
    for input_ in (*inputs, *kinds):
        input_.was = input_.value
        input_.errors = [str(problems[input_.name])] if input_.name in problems else []
    page = FormPage(
        title=_("Settings of the webhook"),
        sub=_(
            "Other systems are told of steps and deadlines: case number, step, states and time; nothing of a person."
        ),
        groups=[Group(_("Receiver"), inputs), Group(_("Sent for"), kinds)],
        errors=[(input_.name, input_.label, input_.errors[0]) for input_ in inputs if input_.errors],
        submit=_("Save"),
        cancel_url=url_for("webhook.index"),
    )
    return render_template("panel/form.html", page=page), 422 if problems else 200


def _hook() -> Webhook | None:
    hook = current_panel().session.execute(select(Webhook).order_by(Webhook.id)).scalars().first()
    assert hook is None or isinstance(hook, Webhook)
    return hook


def _typed(hook: Webhook | None) -> dict[str, str]:
    """The texts typed into the form; before that the stored settings."""
    kinds = set(hook.kinds) if hook is not None else set()
    stored = {
        "active": "1" if hook is not None and hook.active else "0",
        "address": (hook.url if hook is not None else None) or "",
        "base": (hook.base if hook is not None else None) or "",
        "secret": "",
        **{f"kind.{kind}": "1" if kind in kinds else "0" for kind in KINDS},
    }
    return {name: tidy(request.form.get(name, value)) for name, value in stored.items()}


def _problems(typed: dict[str, str], hook: Webhook | None) -> dict[str, Message]:
    problems: dict[str, Message] = {}
    for name, limit in (("address", 300), ("base", 200), ("secret", 200)):
        if len(typed[name]) > limit:
            problems[name] = _("At most {n} signs.", n=limit)
    allow = current_app.config.get("WEBHOOK_HOSTS", PRIVATE_NETWORKS)
    if typed["address"] and (
        problem := outbox.wrong_address(typed["address"]) or targets.refused(typed["address"], allow)
    ):
        problems["address"] = problem
    if typed["base"] and (problem := outbox.wrong_address(typed["base"]) or _path(typed["base"])):
        problems["base"] = problem
    if typed["secret"] and len(typed["secret"]) < LEAST_SECRET:
        problems["secret"] = _("{n} signs or more.", n=LEAST_SECRET)
    if typed["active"] == "1":
        if not typed["address"]:
            problems["address"] = _("This must be filled in.")
        if not typed["secret"] and not (hook is not None and hook.secret):
            problems["secret"] = _("This must be filled in.")
    return problems


def _path(base: str) -> Message | None:
    return _("Without a path, for example https://10.0.0.5.") if urlsplit(base).path.strip("/") else None
