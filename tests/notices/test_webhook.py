"""Messages to other systems: none while it is off, signed, tried again, given up, and no step ever waits for one."""

from __future__ import annotations

import hmac
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from bureau.notices import notices
from models import Case, CaseStatus, Satisfaction
from panel.base import UNSCOPED
from panel.config import PRIVATE_NETWORKS
from panel.kinds import now
from panel.notify import outbox, targets
from panel.notify.records import DeliveryState, Webhook, WebhookDelivery
from panel.security.records import AuditEntry
from tests import steps
from tests.factories import ROLE_NAMES, Stage

pytestmark = pytest.mark.database

SECRET = "a secret of the receiver"


class Receiver:
    """A local server that keeps what it is sent and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.status)
                if outer.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def do_GET(self) -> None:
                outer.got.append(({}, b"GET"))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/told"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(autouse=True)
def here(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The receivers of these tests are on this machine, which isn't on the list by itself."""
    monkeypatch.setitem(stage.app.config, "WEBHOOK_HOSTS", f"127.0.0.1, {PRIVATE_NETWORKS}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def turn_on(stage: Stage, url: str, *kinds: str) -> None:
    with stage.session() as session:
        session.add(Webhook(active=True, url=url, base="https://10.0.0.5", secret=SECRET, kinds=list(kinds)))


def dispatch(stage: Stage) -> str:
    id_ = steps.new_case(stage, CaseStatus.ACCEPTED)
    return steps.take(stage, "leader", id_, "dispatch", handler=stage.inside["officer"]).case_no


def send(stage: Stage) -> int:
    with stage.app.app_context():
        return outbox.send_due(stage.panel)


def deliveries(stage: Stage) -> list[WebhookDelivery]:
    with stage.session() as session:
        return list(session.scalars(sa.select(WebhookDelivery).order_by(WebhookDelivery.id)))


def test_it_is_off_by_default_and_sends_the_kinds_that_were_chosen(stage: Stage, receiver: Receiver) -> None:
    dispatch(stage)
    assert (deliveries(stage), send(stage)) == ([], 0)
    turn_on(stage, receiver.url, "returned")
    dispatch(stage)
    assert deliveries(stage) == []


def test_a_message_is_signed_and_says_nothing_of_a_person(stage: Stage, receiver: Receiver) -> None:
    turn_on(stage, receiver.url, "assigned")
    number = dispatch(stage)
    assert send(stage) == 1
    ((headers, body),) = receiver.got
    assert headers["X-Panel-Signature"] == "sha256=" + hmac.new(SECRET.encode(), body, sha256).hexdigest()
    told = json.loads(body)
    (one,) = deliveries(stage)
    assert told.pop("url").startswith("https://10.0.0.5/admin/case/details/?id=")
    assert told.pop("at").endswith("+00:00")
    assert told == {
        "kind": "assigned",
        "case_no": number,
        "urgent": False,
        "step": "dispatch",
        "from": "accepted",
        "to": "dispatched",
        "delivery": one.id,
    }
    assert (one.state, one.attempts, one.problem) == (DeliveryState.SENT, 1, None)
    assert send(stage) == 0, "once"


def test_of_feedback_nothing_goes_out_but_that_there_was_some(stage: Stage, receiver: Receiver) -> None:
    """Neither who complained nor what they were told, of the case and of one that was merged into it."""
    turn_on(stage, receiver.url, *notices.KINDS)
    id_, merged = (steps.new_case(stage, CaseStatus.VERIFIED, "officer"), steps.new_case(stage, CaseStatus.MERGED))
    with stage.session() as session:
        session.get_one(Case, merged).master_id = id_
    secret = {"complainant_content": "李四说不满意", "liaison_content": "李四家已处理", "merged_content": "李四的邻居"}
    steps.take(stage, "office", id_, "close", satisfaction=Satisfaction.UNSATISFIED, **secret)
    assert send(stage) == 3
    bodies = [json.loads(body) for _headers, body in receiver.got]
    assert sorted(told["kind"] for told in bodies) == ["feedback", "feedback", "unsatisfied"]
    assert all(
        set(told) == {"kind", "case_no", "urgent", "step", "from", "to", "at", "url", "delivery"} for told in bodies
    )
    assert not [body for _headers, body in receiver.got if "李四" in body.decode()]


def test_it_is_tried_again_ever_later_and_then_given_up(stage: Stage, receiver: Receiver) -> None:
    turn_on(stage, receiver.url, "assigned")
    dispatch(stage)
    receiver.status = 503
    start = now()
    for attempt in range(1, outbox.MAX_ATTEMPTS + 1):
        with time_machine.travel(now() if attempt == 1 else start, tick=True):
            assert send(stage) == 0
            assert send(stage) == 0, "not before its time"
            (one,) = deliveries(stage)
            assert (one.attempts, one.problem, len(receiver.got)) == (attempt, "HTTP 503", attempt)
            start = one.next_at + timedelta(seconds=1)
    assert one.state is DeliveryState.GIVEN_UP
    receiver.status = 200
    browser = stage.browse("administrator")
    assert "HTTP 503" in browser.get("/webhook/?is=given_up").text
    assert browser.post(f"/webhook/{one.id}/again").status_code == 302
    assert send(stage) == 1


def test_an_answer_that_points_elsewhere_is_not_followed(stage: Stage, receiver: Receiver) -> None:
    turn_on(stage, receiver.url, "assigned")
    dispatch(stage)
    receiver.status = 302
    assert send(stage) == 0
    assert len(receiver.got) == 1
    assert deliveries(stage)[0].problem == "HTTP 302"


def test_a_dead_receiver_hinders_no_step(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that takes the connection and never answers: steps are taken meanwhile."""
    monkeypatch.setattr(outbox, "TIMEOUT", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        turn_on(stage, f"http://127.0.0.1:{silent.getsockname()[1]}/", "assigned")
        dispatch(stage)
        thread = threading.Thread(target=send, args=(stage,))
        thread.start()
        time.sleep(0.3)
        begun = time.monotonic()
        dispatch(stage)
        took = time.monotonic() - begun
        assert thread.is_alive(), "it was still waiting for the answer"
        thread.join()
    assert took < 1.5
    assert [one.state for one in deliveries(stage)] == [DeliveryState.WAITING] * 2
    assert deliveries(stage)[0].problem == "TimeoutError"


def test_the_message_goes_with_its_step(stage: Stage, receiver: Receiver) -> None:
    """A step that is rolled back is told to nobody."""
    turn_on(stage, receiver.url, "assigned")
    id_ = steps.new_case(stage, CaseStatus.ACCEPTED)
    with steps.acting(stage, "leader") as session:
        case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
        steps.workflow.take(session, case, "dispatch", {"handler": stage.inside["officer"]})
        assert session.scalar(sa.select(sa.func.count(WebhookDelivery.id)), execution_options=UNSCOPED) == 1
        session.rollback()
    assert deliveries(stage) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_nothing_is_sent_where_the_list_does_not_lead(
    stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Neither by address nor by a name that leads there, and the page says so in words."""
    turn_on(stage, receiver.url.replace("127.0.0.1", host), "assigned")
    dispatch(stage)
    monkeypatch.setitem(stage.app.config, "WEBHOOK_HOSTS", PRIVATE_NETWORKS)
    assert send(stage) == 0
    assert receiver.got == []
    assert deliveries(stage)[0].problem == "NotAllowed"
    page = stage.browse("administrator").get("/webhook/").text
    assert "不在允许推送的范围内" in page
    assert "NotAllowed" not in page


@pytest.mark.parametrize(
    ("url", "allow", "sent"),
    [
        ("http://10.0.0.8/x", PRIVATE_NETWORKS, True),
        ("http://127.0.0.1:9/", PRIVATE_NETWORKS, False),
        ("http://[::1]/", PRIVATE_NETWORKS, False),
        ("http://[::ffff:127.0.0.1]/", PRIVATE_NETWORKS, False),
        ("http://[::ffff:10.0.0.8]/", PRIVATE_NETWORKS, True),
        ("http://169.254.169.254/latest", PRIVATE_NETWORKS, False),
        ("http://LOCALHOST/", PRIVATE_NETWORKS, False),
        ("http://oa.example.cn/", PRIVATE_NETWORKS, True),  # looked up when something is sent
        ("http://oa.example.cn/", "oa.example.cn", True),
        ("http://a.example.cn/", ".example.cn", True),
        ("http://b.example/", ".example.cn", False),
        ("http://10.0.0.8/", "", False),
    ],
)
def test_the_list_is_of_networks_addresses_and_names(url: str, allow: str, *, sent: bool) -> None:
    assert (targets.refused(url, allow) is None) is sent


def form(stage: Stage, **changed: str) -> dict[str, str]:
    opened = stage.browse("administrator").form("/webhook/settings")
    return {**opened, "active": "1", "address": "https://10.0.0.8/x", "secret": SECRET, "kind.assigned": "1", **changed}


def test_the_administrator_sets_it_and_nobody_reads_the_secret(stage: Stage) -> None:
    for role in ROLE_NAMES:
        expected = 200 if role == "administrator" else 403
        assert stage.browse(role).get("/webhook/").status_code == expected
        assert stage.browse(role).get("/webhook/settings").status_code == expected
    browser = stage.browse("administrator")
    for wrong in (
        {"address": "file:///etc/passwd"},
        {"address": "https://"},
        {"address": "http://a:b@10.0.0.8/"},
        {"address": "https://10.0.0.8:x/"},
        {"address": "http://169.254.169.254/"},
        {"address": ""},
        {"secret": "short"},
        {"secret": ""},
        {"base": "https://10.0.0.5/panel"},
    ):
        answer = browser.post("/webhook/settings", form(stage, **wrong))
        assert answer.status_code == 422, wrong
        assert browser.complaints(answer.text)
    assert browser.post("/webhook/settings", form(stage)).status_code == 302
    assert browser.post("/webhook/settings", form(stage, secret="")).status_code == 302
    with stage.session() as session:
        hook = session.execute(sa.select(Webhook)).scalar_one()
        assert (hook.active, hook.secret, hook.kinds) == (True, SECRET, ["assigned"])
        written = session.scalars(sa.select(AuditEntry).where(AuditEntry.table_name == "webhook")).all()
        assert written
        assert not re.search(SECRET, " ".join(str(entry.changes) for entry in written))
    assert SECRET not in browser.get("/webhook/settings").text
