"""Walk: every route by every method, for every role and every pair of roles, with records inside and outside one's
area; `make walk`. Exit status 1 if anything answers with a defect or if two roles open what neither of them opens.

Two roles of one account add up and never widen each other: what an account with both may open, it may open with one."""

from __future__ import annotations

import argparse
import random
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import delete, insert

from admin_app import create_app
from bureau.upkeep.web.commands import migrate
from panel.config import Config
from panel.security.accounts import UserRole
from panel.security.policy import table_of

#: What no page says: words of the libraries and of the interpreter.
FOREIGN = re.compile(
    r"Traceback|sqlalche|psycopg|sqlite3?\.|werkzeug|jinja2|wtforms|Internal Server Error|Method Not Allowed|"
    r"has no attribute|invalid literal|could not convert|unsupported operand|object is not|NoneType|UndefinedError"
)
#: Addresses that end the walk's own session or change its language.
LEFT_OUT = frozenset({"session.logout", "session.language", "session.password", "static", "admin.static"})
#: Answers that let nobody in.
CLOSED = frozenset({400, 401, 403, 404, 405})


@dataclass(frozen=True, slots=True)
class Call:
    """A request of the walk."""

    method: str
    address: str

    def __str__(self) -> str:
        return f"{self.method} {self.address}"


def stage_in(folder: Path) -> Any:
    """A small district with an account for each role, in a database of its own."""
    database, key = f"sqlite:///{folder / 'panel.db'}", secrets.token_hex(16)
    config = Config(instance=folder, database_url=database, secret_key=key, password_cost=1)
    app = create_app(config)
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False)
    panel = app.extensions["panel"]
    panel.complete()
    with app.app_context():
        migrate(panel)
    return import_module("tests.factories").Stage(app)  # the tests' own tools


def calls(stage: Any) -> list[Call]:
    """Every rule by every method that it takes, and by one that it doesn't, with ids inside and outside."""
    found: dict[Call, None] = {}
    adapter = stage.app.url_map.bind("localhost")
    for rule in stage.app.url_map.iter_rules():
        if rule.endpoint in LEFT_OUT:
            continue
        table = rule.endpoint.partition(".")[0]
        ids = {1, stage.district.inside.get(table, 1), stage.district.outside.get(table, 1)}
        for id_ in sorted(ids):
            values: dict[str, Any] = dict.fromkeys(rule.arguments, id_)
            address = adapter.build(rule.endpoint, values)
            query = f"?id={id_}" if not rule.arguments else ""
            for method in ("GET", "POST", "PUT"):
                found[Call(method, address + query)] = None
    return list(found)


def answer(browser: Any, call: Call) -> tuple[int, str]:
    """The status, and what is wrong with the answer or nothing."""
    data = {"csrf_token": browser.token(), "id": call.address.rpartition("=")[2]} if call.method == "POST" else None
    got = browser.client.open(call.address, method=call.method, data=data)
    if got.status_code >= 500:
        return got.status_code, f"status {got.status_code}"
    if got.mimetype in ("text/html", "application/json") and (word := FOREIGN.search(got.text)):
        return got.status_code, f"says {word[0]!r}"
    return got.status_code, ""


def hold(stage: Any, user: int, roles: Sequence[str]) -> None:
    """Let an account hold these roles and no others."""
    held = table_of(UserRole)
    with stage.session() as session:
        session.execute(delete(held).where(held.c.user_id == user))
        session.execute(insert(held), [{"user_id": user, "role": role} for role in roles])


def walk(
    stage: Any, pairs: Sequence[tuple[str, str]], sample: Callable[[list[Call]], list[Call]] = list
) -> Iterator[str]:
    """Walk as the account of the first role of each pair: with it, with the second one, with both. Yields problems."""
    for first, second in pairs:
        user = stage.district.users[first]
        browser = stage.browse(first)
        browser.token()
        asked = sample(calls(stage))
        statuses: list[dict[Call, int]] = []
        for roles in ((first,), (second,), (first, second)):
            hold(stage, user, roles)
            got = {}
            for call in asked:
                # What is posted changes records; what one role may it does once, and then it is another question.
                got[call], problem = answer(browser, call)
                if problem:
                    yield f"{'+'.join(roles)}: {call}: {problem}"
            statuses.append(got)
        hold(stage, user, (first,))
        alone, other, both = statuses
        for call in asked:
            opened = both[call] not in CLOSED and call.method == "GET"
            if opened and alone[call] in CLOSED and other[call] in CLOSED:
                yield f"{first}+{second}: {call}: {both[call]}, alone {alone[call]} and {other[call]}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", default="", help="only these, for example officer+viewer,leader+viewer")
    options.add_argument("--every", type=int, default=1, help="one request in so many, others for each pair")
    arguments = options.parse_args()
    wanted = [name for name in arguments.pairs.split(",") if name]
    chance = random.Random(0)  # noqa: S311 - a sample

    def sample(all_calls: list[Call]) -> list[Call]:
        return [call for call in all_calls if chance.randrange(arguments.every) == 0]

    with TemporaryDirectory() as folder:
        stage = stage_in(Path(folder))
        problems = []
        for pair in permutations(sorted(stage.panel.policy.roles), 2):
            if wanted and "+".join(pair) not in wanted:
                continue
            found = list(walk(stage, [pair], sample))
            number = len(calls(stage)) // arguments.every
            print(f"{'+'.join(pair)}: {number} requests by three, {len(found)} problems", flush=True)
            problems += found
    for problem in dict.fromkeys(problems):
        print(problem)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
