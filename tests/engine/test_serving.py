"""Between the network and the pages: hosts, headers, the vendor's files, the access log, many connections."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
import waitress.channel
import waitress.server
from flask import Flask, request

from panel.config import Config
from panel.kinds import now
from panel.web.prepare import behind_proxies
from panel.web.serving import access_log, hosts, server
from tests.factories import Stage
from tests.servers import served

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("host", "named", "answered"),
    [
        ("127.0.0.1:8000", "", True),
        ("[::1]:8000", "", True),
        ("casework", "", True),
        (socket.gethostname().lower(), "", True),
        ("evil.example", "", False),
        ("10.0.0.5.evil.example", "", False),
        ("case.example.cn", "case.example.cn, other.cn", True),
        ("CASE.example.cn.", "case.example.cn", True),
        ("a.example.cn", ".example.cn", True),
        ("badexample.cn", ".example.cn", False),
        ("evil.example", "*", True),
        ("a b", "*", False),
        ("", "", False),
    ],
)
def test_the_panel_answers_under_its_own_names(host: str, named: str, *, answered: bool) -> None:
    assert hosts.allowed(host, named) is answered


def test_an_unknown_host_is_told_what_to_do(standing: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = standing.visitor()
    for address in ("/login", "/none", "/static/panel/base.css"):
        answer = visitor.get(address, base_url="http://panel.evil.example/")
        assert answer.status_code == 400
        assert "panel.evil.example" in answer.text
        assert "HOSTS" in answer.text
        assert re.search(r"[\u4e00-\u9fff]{8}", answer.text)
    monkeypatch.setitem(standing.app.config, "HOSTS", ".example")
    assert visitor.get("/login", base_url="http://panel.evil.example/").status_code == 200


def test_nothing_but_static_files_is_kept_by_a_browser(standing: Stage) -> None:
    browser = standing.browse("office")
    looked_up = next(rule.rule for rule in standing.app.url_map.iter_rules() if rule.rule.endswith("/ajax/lookup/"))
    for address in ("/", "/none", looked_up, "/admin/case/export/xlsx", "/attachments/1"):
        assert browser.get(address).headers["Cache-Control"] == "no-store", address


def test_https_is_asked_for_from_then_on(config: Config) -> None:
    from admin_app import create_app

    app = create_app(replace(config, https=True, hsts_days=30))
    client = app.test_client()
    assert client.get("/login", base_url="https://localhost").headers["Strict-Transport-Security"] == "max-age=2592000"
    assert "Strict-Transport-Security" not in client.get("/login").headers
    with app.app_context():
        app.extensions["panel"].db.engine.dispose()
    assert Config.read({"INSTANCE_PATH": str(config.instance), "HSTS_DAYS": "9"}).for_flask()["HSTS_DAYS"] == 0


def test_of_the_vendors_files_none_is_served(standing: Stage) -> None:
    """What the pages use of them is in their own sheet."""
    visitor = standing.visitor()
    for name in ("bootstrap/bootstrap4/css/bootstrap.min.css", "vendor/jquery.min.js", "admin/js/form.js"):
        assert visitor.get(f"/admin/static/{name}").status_code == 404
    sheet = visitor.get("/static/panel.css").text
    assert "Bootstrap v4" in sheet
    assert "sourceMappingURL" not in sheet
    assert ".fa-bars {" in sheet
    served = [rule.rule for rule in standing.app.url_map.iter_rules() if rule.endpoint.endswith("static")]
    assert sorted(served) == ["/admin/static/<path:filename>", "/static/<path:filename>"]


def test_the_access_log_has_a_line_a_request_and_nobody_in_it(config: Config, stage: Stage) -> None:
    folder = config.instance / "logs"
    before, after = dict(stage.app.before_request_funcs), dict(stage.app.after_request_funcs)
    stage.app.before_request_funcs = {key: list(value) for key, value in before.items()}
    stage.app.after_request_funcs = {key: list(value) for key, value in after.items()}
    try:
        access_log.install(stage.app, folder, 180)
        browser = stage.browse("office")
        browser.get("/admin/case/?search=张三 13800000000", environ_base={"REMOTE_ADDR": "10.1.2.3"})
        browser.get("/admin/case/details/?id=1")
        browser.get("/张三")
        (file,) = folder.iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        listed = next(line for line in lines if line["rule"] == "/admin/case/" and line["status"] == 200)
        assert listed["account"] == stage.district.users["office"]
        assert listed["network"] == "10.1.2.0/24"
        assert listed["ms"] > 0
        assert (lines[-1]["rule"], lines[-1]["status"]) == ("-", 404)
        assert not re.search(r"张三|1380000|id=1|10\.1\.2\.3", file.read_text())
        # A file a day; those that are older than the setting go as a new one begins.
        (folder / "access-20200101.log").touch()
        with time_machine.travel(now() + timedelta(days=1)):
            stage.visitor().get("/login")
        assert len(list(folder.iterdir())) == 2
    finally:
        stage.app.before_request_funcs, stage.app.after_request_funcs = before, after


def test_an_access_log_that_can_not_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    access_log.AccessLog(tmp_path / "logs", 1).write({"status": 200})
    assert [access_log.network(a) for a in ("2001:db8:1:2::3", "", "x")] == ["2001:db8:1::/48", "", ""]


def connections(stack: ExitStack, port: int, number: int, said: bytes) -> list[socket.socket]:
    opened = []
    for _n in range(number):
        one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        one.sendall(said)
        opened.append(one)
    return opened


def answer(port: int, headers: str = "") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
        one.sendall(f"GET /login HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n".encode())
        got = b""
        while part := one.recv(65536):
            got += part
    return got


@pytest.mark.served
@pytest.mark.parametrize(("hops", "seen"), [(0, "http 127.0.0.1"), (1, "https 10.1.2.3")])
def test_what_a_proxy_says_of_the_client_counts_behind_one_alone(config: Config, hops: int, seen: str) -> None:
    """Of the addresses it passes on the last one, which it has seen itself. Waitress would drop all of it."""
    app = Flask("told")
    app.add_url_rule("/login", view_func=lambda: f"{request.scheme} {request.remote_addr}")
    app.config["TRUSTED_PROXIES"] = hops
    behind_proxies(app)
    told = "X-Forwarded-Proto: https\r\nX-Forwarded-For: 6.6.6.6, 10.1.2.3\r\n"
    with served(app, replace(config, trusted_proxies=hops)) as port:
        assert answer(port, told).decode().endswith(f"\r\n\r\n{seen}")


@pytest.mark.served
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (120, b"GET /login HTTP/1.1\r\nHost: local"),
        (120, b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\nx"),
        (90, b""),
        (300, b""),
    ],
    ids=["half-a-head", "half-a-body", "idle", "many-idle"],
)
def test_who_says_nothing_or_half_stops_nobody(stage: Stage, config: Config, number: int, said: bytes) -> None:
    """Against a real server on real sockets. With waitress's own hundred connections the 101st would wait."""
    with served(stage.app, config) as port, ExitStack() as stack:
        connections(stack, port, number, said)
        begun = time.monotonic()
        assert answer(port).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - begun < 3


@pytest.mark.served
def test_who_stays_silent_is_closed_by_a_clock_that_nobody_sets(
    stage: Stage, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waitress.server, "time", time)
    monkeypatch.setattr(waitress.channel, "time", time)
    server.use_steady_clock()
    silent = replace(config, silent_seconds=1)
    with served(stage.app, silent, asyncore_loop_timeout=0.1) as port, ExitStack() as stack:
        (one,) = connections(stack, port, 1, b"GET")
        with time_machine.travel(now() - timedelta(days=400)):
            answer(port)
        assert one.recv(1) == b""


def test_there_are_as_many_connections_as_the_system_has_files_for(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    limits = [(500, 500)]
    monkeypatch.setattr(resource, "getrlimit", lambda _what: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _what, wanted: limits.append(wanted))
    assert server.options(config)["connection_limit"] == 300
    limits[:] = [(500, 100_000)]
    assert server.options(config)["connection_limit"] == config.connections == 800
    limits[:] = [(100, 100)]
    assert server.options(config)["connection_limit"] == server.LEAST
    assert os.name == "posix"


def test_a_browser_keeps_how_pages_look(stage: Stage) -> None:
    """In a cookie that the page of log-in reads too; the server writes it into the page, so that nothing flashes."""
    browser = stage.browse("office")
    assert "data-theme" not in browser.get("/").text
    assert browser.post("/look", {"theme": "dark"}).status_code == 302
    assert browser.post("/look", {"density": "compact"}).status_code == 302
    for address in ("/", "/nowhere"):
        assert re.search(r'<html [^>]*data-theme="dark" data-density="compact">', browser.get(address).text), address
    assert browser.post("/look", {"theme": "dark blue"}).status_code == 400
    browser.client.set_cookie("look", '"><script>.x')
    assert "data-theme" not in browser.get("/").text


def test_dark_rules_hold_for_the_choice_and_the_system_and_leave_paper_white(standing: Stage) -> None:
    sheet = standing.visitor().get("/static/panel.css").text
    assert "@media screen {\n" in sheet
    assert ":root[data-theme=dark] {" in sheet
    assert ":root:not([data-theme]) {" in sheet
    text = (ROOT / "static/panel/dark.css").read_text(encoding="utf-8")
    selectors = re.findall(r"([^{}]+)\{", re.sub(r"/\*.*?\*/", "", text, flags=re.S))
    assert all(part.strip().startswith(":root") for each in selectors for part in each.split(","))


@pytest.mark.framed
def test_the_bar_of_a_phone_has_what_the_role_may_and_opens_what_is_its_own(standing: Stage) -> None:
    bars = {}
    for role in ("office", "officer", "liaison", "viewer", "auditor"):
        (bar,) = re.findall(r'<nav class="thumbs".*?</nav>|$', standing.browse(role).get("/").text, re.S)[:1]
        bars[role] = re.findall(r'href="([^"]+)"', bar)
    assert bars["office"][:3] == ["/", "/report", "/admin/case/?is=open"]
    assert bars["officer"][:3] == bars["liaison"][:3] == ["/", "/report", "/admin/case/?is=mine"]
    assert "/report" not in bars["viewer"]
    assert bars["auditor"] == []
