"""Simulated users: they report, take steps, edit and import over HTTP, and record the answers.

Each user has a random generator of their own. An action is recorded before its form is sent, and confirmed when the
answer says that it was saved, so that the records can be compared with the database."""

from __future__ import annotations

import html
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

from bench.forms import form_values
from bench.visitor import Answer, Fault, Visitor

#: Probability of steps that end a case early or wait for somebody; 1 by default, 0 for steps whose forms need more than
#: texts.
PROBABILITIES = {
    "reject": 0.05, "void": 0.02, "rework": 0.2, "send_back": 0.1, "reassign": 0.3, "refer": 0.3, "reopen": 0.2,
    "merge": 0.05, "extend": 0.2, "suspend": 0.1, "change_list": 0.2, "chase": 0.2, "joint": 0.2, "raise": 0,
    "mediate": 0.2, "session": 0, "end_mediation": 0, "perform": 0, "supervise": 0.2,
}  # fmt: skip
REMARKS = ("note", "urge")
#: Imported telephones: this number plus the number of the import.
PHONE = 82_000_000
#: Text fields of steps.
TEXTS = (
    "reason", "told", "responsible", "note", "request", "reply", "result", "finding", "liaison_content",
    "complainant_content", "text", "opinion", "joint_members", "dispute",
)  # fmt: skip
COUNT = re.compile(r"\d+$")

Step = tuple[int, str, int]
Edited = tuple[str, int, str]


@dataclass
class Notes:
    """The confirmed actions of one user, and those sent without an answer yet."""

    #: Descriptions by case id.
    reports: dict[int, str] = field(default_factory=dict)
    #: Number of steps taken, by case, step and person.
    steps: Counter[Step] = field(default_factory=Counter)
    #: Pairs of case and the text of a step.
    words: list[tuple[int, str]] = field(default_factory=list)
    #: Number of increases by one, by table, record and field.
    edits: Counter[Edited] = field(default_factory=Counter)
    #: Batch, prefix of the rows' names, and number of the import.
    imports: list[tuple[int, str, int]] = field(default_factory=list)
    #: Sent without an answer yet: one step and one edit at most.
    open_steps: Counter[Step] = field(default_factory=Counter)
    open_edits: Counter[Edited] = field(default_factory=Counter)
    conflicts: int = 0
    refused: int = 0

    def __iadd__(self, other: Notes) -> Notes:
        self.reports |= other.reports
        self.words += other.words
        self.imports += other.imports
        for name in ("steps", "edits", "open_steps", "open_edits"):
            getattr(self, name).update(getattr(other, name))
        self.conflicts += other.conflicts
        self.refused += other.refused
        return self


@dataclass
class Person:
    """A simulated user."""

    visitor: Visitor
    rng: random.Random
    knows: Mapping[str, list[int]]
    notes: Notes = field(default_factory=Notes)
    #: Number of texts so far, which makes each text unique.
    said: int = 0

    @property
    def id(self) -> int:
        return self.visitor.account.id

    def words(self) -> str:
        self.said += 1
        return f"{self.visitor.account.name} 第 {self.said} 句 {self.rng.randrange(10**9)}"

    def follow(self, answer: Answer) -> Answer:
        return self.visitor.get(answer.location) if answer.status == 302 else answer

    # Actions.

    def report(self) -> None:
        values = {
            "community": str(self.visitor.account.community),
            "place": f"东塔路 {self.rng.randrange(1, 400)} 号",
            "description": f"楼道堆物，{self.words()}",
            "urgency": "normal",
            "anonymous": "1",
            "asked": "1",
            "source": "resident",
        }
        answer = self.visitor.post("/report", values)
        if answer.status != 302:
            raise Fault(f"{self.visitor.account.name} can't report: {answer.status} {errors_in(answer.text)}")
        self.notes.reports[id_in(answer.location)] = values["description"]
        self.follow(answer)

    def look(self) -> None:
        self.visitor.get(self.rng.choice(("/", "/admin/case/", "/admin/case/?is=overdue", "/admin/community/")))

    def remark(self) -> None:
        if case := self.some_case():
            self.step(case, self.rng.choice(REMARKS))

    def work(self) -> None:
        """Take a random step of a case."""
        case = self.some_case()
        if case is None:
            return
        page = self.visitor.get(f"/admin/case/details/?id={case}").text
        offered = re.findall(rf"/admin/case/step/\?id={case}&amp;step=(\w+)", page)
        steps = [s for s in dict.fromkeys(offered) if s not in REMARKS and self.rng.random() < PROBABILITIES.get(s, 1)]
        self.step(case, self.rng.choice(steps) if steps else "note")

    def some_case(self) -> int | None:
        """A case of the first list page, so that users meet at the same cases."""
        state = self.rng.choice(("", "", "&status=reported", "&status=accepted", "&status=handling"))
        ids = re.findall(r"/admin/case/details/\?id=(\d+)", self.visitor.get(f"/admin/case/?sort=-{state}").text)
        return int(self.rng.choice(ids)) if ids else None

    def step(self, case: int, name: str) -> None:
        address = f"/admin/case/step/?id={case}&step={name}"
        form = self.visitor.get(address)
        if form.status != 200 or "csrf_token" not in form.text:
            self.notes.refused += 1
            return
        values, words = self._filled(name, form.text)
        key = (case, name, self.id)
        self.notes.open_steps[key] += 1
        answer = self.visitor.post(address, values)
        self.notes.open_steps[key] -= 1
        if answer.flashed[-1:] == ("success",):
            self.notes.steps[key] += 1
            self.notes.words += [(case, words)] if words else []
        else:
            self.notes.refused += 1
        self.follow(answer)

    def _filled(self, name: str, page: str) -> tuple[dict[str, str], str]:
        """The filled form, and the text that becomes the opinion of the event."""
        values, words = form_values(page), ""
        for text_name in TEXTS:
            if f'name="{text_name}"' in page:
                values[text_name] = self.words()
                words = words or values[text_name]
        days = {"review_on", "joint_on"} & values.keys()
        values |= dict.fromkeys(days, (date.today() + timedelta(days=7)).isoformat())  # noqa: DTZ011 - any day will do
        if name in ("accept", "change_list"):
            values["item"] = str(self.rng.choice(self.knows["checklistitem"]))
        elif name in ("dispatch", "reassign"):
            officer = self.visitor.account.officer
            values["handler"] = str(officer or self.rng.choice(self.knows["officer"]))
        elif name == "refer":
            values |= {"department": str(self.rng.choice(self.knows["department"]))}
            values["document_no"] = f"D{self.id}-{self.rng.randrange(10**9)}"
        elif name in ("reply", "sign", "chase", "joint") and not values.get("referral"):
            referrals = re.findall(r'<option value="(\d+)"', page)
            values["referral"] = self.rng.choice(referrals) if referrals else ""
        elif name == "handle":
            values["outcome"] = "persuasion"
        elif name == "extend":
            values["days"] = "1"
        elif name == "mediate":
            values |= {"party_a": "张三", "party_b": "李四", "kind": "noise"}
        elif name == "merge":
            values["master"] = str(self.some_case() or "")
        # With several texts it depends on the step which becomes the opinion: none is recorded.
        return values, words if sum(f'name="{text_name}"' in page for text_name in TEXTS) == 1 else ""

    def raise_by_one(self, table: str, id_: int, field_name: str, tries: int = 8) -> None:
        """Open a record's form, count a field up, save; who is overtaken looks again."""
        address = f"/admin/{table}/edit/?id={id_}"
        key = (table, id_, field_name)
        for _try in range(tries):
            form = self.visitor.get(address)
            if form.status != 200:
                self.notes.refused += 1
                return
            values = form_values(form.text)
            values[field_name] = increased(values[field_name])
            self.notes.open_edits[key] += 1
            answer = self.visitor.post(address, values)
            self.notes.open_edits[key] -= 1
            if answer.status == 302:
                self.notes.edits[key] += 1
                self.follow(answer)
                return
            if answer.status != 409:
                raise Fault(f"{self.visitor.account.name} can't save {key}: {answer.status} {errors_in(answer.text)}")
            self.notes.conflicts += 1

    def bring_in(
        self,
        prefix: str,
        rows: int,
        number: int,
        stop: Callable[[], bool] = lambda: False,
        before_apply: Callable[[], object] = lambda: None,
    ) -> None:
        """Import a file of `rows` departments with one telephone; a job imports a large file."""
        lines = [f"{prefix}{row:05d},0573-{PHONE + number}" for row in range(rows)]
        data = "\n".join(["部门名称,联系电话", *lines]).encode()
        preview = self.wait(self.visitor.post("/admin/department/import/", {}, (f"{prefix}.csv", data)).location, stop)
        values = dict(re.findall(r'name="(token|digest)" value="([^"]+)"', self.visitor.get(preview).text))
        if len(values) == 2:
            before_apply()
            done = self.wait(self.visitor.post("/admin/department/import/apply/", values).location, stop)
            if "/importbatch/details/" in done:
                self.notes.imports.append((id_in(done), prefix, number))
                self.visitor.get(done)

    def wait(self, address: str, stop: Callable[[], bool]) -> str:
        """Wait for a job and return the address of its result; any other address is returned at once."""
        if not address.startswith("/jobs/"):
            return address
        while not stop():
            state = json.loads(self.visitor.get(address.replace("/jobs/", "/jobs/ajax/")).text)
            if state["ended"]:
                return str(state["go"]) or "/jobs/"
            time.sleep(0.1)
        return "/jobs/"


def increased(text: str) -> str:
    """The text with the number at its end increased by one; " 1" is added to a text without one."""
    match = COUNT.search(text)
    return f"{text[: match.start()]}{int(match[0]) + 1}" if match else f"{text} 1"


def number_in(value: object) -> int:
    """The number at the end of a stored value."""
    match = COUNT.search(str(value))
    return int(match[0]) if match else 0


def id_in(address: str) -> int:
    return int(parse_qs(urlsplit(address).query)["id"][0])


def errors_in(page: str) -> str:
    """The error messages of a page."""
    messages = re.findall(r'<div class="(?:error|note danger)[^"]*"[^>]*>(.*?)</div>', page, re.S)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", "", text) for text in messages))
