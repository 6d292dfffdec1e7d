"""What people do at the panel, over the wire, and what they note of the answers: reports, steps, edits, imports.

Each act is chosen by a generator of its person's own. A note is made before a form is sent and confirmed when the
answer says that it was saved, so that later each of them can be looked up."""

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

#: Steps that end a case early, or need somebody else's answer first, are taken now and then only; what is left out here
#: by nought wants a judgement rather than words.
RARE = {
    "reject": 0.05, "void": 0.02, "rework": 0.2, "send_back": 0.1, "reassign": 0.3, "refer": 0.3, "reopen": 0.2,
    "merge": 0.05, "extend": 0.2, "suspend": 0.1, "change_list": 0.2, "chase": 0.2, "joint": 0.2, "raise": 0,
    "mediate": 0.2, "session": 0, "end_mediation": 0, "perform": 0, "supervise": 0.2,
}  # fmt: skip
REMARKS = ("note", "urge")
#: An import writes the telephone of every row anew: this, and a number that counts up.
PHONE = 82_000_000
#: Texts that steps ask for.
TEXTS = (
    "reason", "told", "responsible", "note", "request", "reply", "result", "finding", "liaison_content",
    "complainant_content", "text", "opinion", "joint_members", "dispute",
)  # fmt: skip
COUNT = re.compile(r"\d+$")

Step = tuple[int, str, int]
Edited = tuple[str, int, str]


@dataclass
class Notes:
    """What one person was told is saved, and what they asked for without an answer."""

    #: Descriptions by case id.
    reports: dict[int, str] = field(default_factory=dict)
    #: Taken, by case, step and person.
    steps: Counter[Step] = field(default_factory=Counter)
    #: Case and what was written with a step.
    words: list[tuple[int, str]] = field(default_factory=list)
    #: Raised by one, by table, record and field.
    edits: Counter[Edited] = field(default_factory=Counter)
    #: Batch and number by the prefix of the rows' names.
    imports: list[tuple[int, str, int]] = field(default_factory=list)
    #: Sent, no answer yet: of steps and edits at most one each.
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
    """Somebody at work."""

    visitor: Visitor
    rng: random.Random
    knows: Mapping[str, list[int]]
    notes: Notes = field(default_factory=Notes)
    #: What makes this person's words different from everybody's.
    said: int = 0

    @property
    def id(self) -> int:
        return self.visitor.account.id

    def words(self) -> str:
        self.said += 1
        return f"{self.visitor.account.name} 第 {self.said} 句 {self.rng.randrange(10**9)}"

    def follow(self, answer: Answer) -> Answer:
        return self.visitor.get(answer.location) if answer.status == 302 else answer

    # Acts.

    def report(self) -> None:
        given = {
            "community": str(self.visitor.account.community),
            "place": f"东塔路 {self.rng.randrange(1, 400)} 号",
            "description": f"楼道堆物，{self.words()}",
            "urgency": "normal",
            "anonymous": "1",
            "asked": "1",
            "source": "resident",
        }
        answer = self.visitor.post("/report", given)
        if answer.status != 302:
            raise Fault(f"{self.visitor.account.name} can't report: {answer.status} {complaints(answer.text)}")
        self.notes.reports[id_in(answer.location)] = given["description"]
        self.follow(answer)

    def look(self) -> None:
        self.visitor.get(self.rng.choice(("/", "/admin/case/", "/admin/case/?is=overdue", "/admin/community/")))

    def remark(self) -> None:
        if case := self.some_case():
            self.step(case, self.rng.choice(REMARKS))

    def work(self) -> None:
        """Take a step of some case that offers one."""
        case = self.some_case()
        if case is None:
            return
        page = self.visitor.get(f"/admin/case/details/?id={case}").text
        offered = re.findall(rf"/admin/case/step/\?id={case}&amp;step=(\w+)", page)
        steps = [s for s in dict.fromkeys(offered) if s not in REMARKS and self.rng.random() < RARE.get(s, 1)]
        self.step(case, self.rng.choice(steps) if steps else "note")

    def some_case(self) -> int | None:
        """One of those that everybody sees first: people meet at the same cases."""
        state = self.rng.choice(("", "", "&status=reported", "&status=accepted", "&status=handling"))
        found = re.findall(r"/admin/case/details/\?id=(\d+)", self.visitor.get(f"/admin/case/?sort=-{state}").text)
        return int(self.rng.choice(found)) if found else None

    def step(self, case: int, name: str) -> None:
        address = f"/admin/case/step/?id={case}&step={name}"
        form = self.visitor.get(address)
        if form.status != 200 or "csrf_token" not in form.text:
            self.notes.refused += 1
            return
        given, said = self._filled(name, form.text)
        key = (case, name, self.id)
        self.notes.open_steps[key] += 1
        answer = self.visitor.post(address, given)
        self.notes.open_steps[key] -= 1
        if answer.told[-1:] == ("success",):
            self.notes.steps[key] += 1
            self.notes.words += [(case, said)] if said else []
        else:
            self.notes.refused += 1
        self.follow(answer)

    def _filled(self, name: str, page: str) -> tuple[dict[str, str], str]:
        """The form filled in, and the words that the event then holds."""
        given, said = form_values(page), ""
        for asked in TEXTS:
            if f'name="{asked}"' in page:
                given[asked] = self.words()
                said = said or given[asked]
        days = {"review_on", "joint_on"} & given.keys()
        given |= dict.fromkeys(days, (date.today() + timedelta(days=7)).isoformat())  # noqa: DTZ011 - any day will do
        if name in ("accept", "change_list"):
            given["item"] = str(self.rng.choice(self.knows["checklistitem"]))
        elif name in ("dispatch", "reassign"):
            own = self.visitor.account.officer
            given["handler"] = str(own or self.rng.choice(self.knows["officer"]))
        elif name == "refer":
            given |= {"department": str(self.rng.choice(self.knows["department"]))}
            given["document_no"] = f"D{self.id}-{self.rng.randrange(10**9)}"
        elif name in ("reply", "sign", "chase", "joint") and not given.get("referral"):
            open_ones = re.findall(r'<option value="(\d+)"', page)
            given["referral"] = self.rng.choice(open_ones) if open_ones else ""
        elif name == "handle":
            given["outcome"] = "persuasion"
        elif name == "extend":
            given["days"] = "1"
        elif name == "mediate":
            given |= {"party_a": "张三", "party_b": "李四", "kind": "noise"}
        elif name == "merge":
            given["master"] = str(self.some_case() or "")
        # A form with more than one text: which of them is the event's opinion is the step's affair.
        return given, said if sum(f'name="{asked}"' in page for asked in TEXTS) == 1 else ""

    def raise_by_one(self, table: str, id_: int, field_name: str, tries: int = 8) -> None:
        """Open a record's form, count a field up, save; who is overtaken looks again."""
        address = f"/admin/{table}/edit/?id={id_}"
        key = (table, id_, field_name)
        for _try in range(tries):
            form = self.visitor.get(address)
            if form.status != 200:
                self.notes.refused += 1
                return
            given = form_values(form.text)
            given[field_name] = counted_up(given[field_name])
            self.notes.open_edits[key] += 1
            answer = self.visitor.post(address, given)
            self.notes.open_edits[key] -= 1
            if answer.status == 302:
                self.notes.edits[key] += 1
                self.follow(answer)
                return
            if answer.status != 409:
                raise Fault(f"{self.visitor.account.name} can't save {key}: {answer.status} {complaints(answer.text)}")
            self.notes.conflicts += 1

    def bring_in(
        self,
        prefix: str,
        rows: int,
        number: int,
        over: Callable[[], bool] = lambda: False,
        about_to: Callable[[], object] = lambda: None,
    ) -> None:
        """Import a file of so many departments, all with the same telephone; a large one is done by a job."""
        lines = [f"{prefix}{row:05d},0573-{PHONE + number}" for row in range(rows)]
        data = "\n".join(["部门名称,联系电话", *lines]).encode()
        preview = self.wait(self.visitor.post("/admin/department/import/", {}, (f"{prefix}.csv", data)).location, over)
        values = dict(re.findall(r'name="(token|digest)" value="([^"]+)"', self.visitor.get(preview).text))
        if len(values) == 2:
            about_to()
            done = self.wait(self.visitor.post("/admin/department/import/apply/", values).location, over)
            if "/importbatch/details/" in done:
                self.notes.imports.append((id_in(done), prefix, number))
                self.visitor.get(done)

    def wait(self, address: str, over: Callable[[], bool]) -> str:
        """Where a job leads to once it has ended; an address that is no job's is where it leads."""
        if not address.startswith("/jobs/"):
            return address
        while not over():
            told = json.loads(self.visitor.get(address.replace("/jobs/", "/jobs/ajax/")).text)
            if told["ended"]:
                return str(told["go"]) or "/jobs/"
            time.sleep(0.1)
        return "/jobs/"


def counted_up(text: str) -> str:
    """The text with the number at its end one higher; a text without one gets its first."""
    found = COUNT.search(text)
    return f"{text[: found.start()]}{int(found[0]) + 1}" if found else f"{text} 1"


def count_in(value: object) -> int:
    """The number at the end of a stored value."""
    found = COUNT.search(str(value))
    return int(found[0]) if found else 0


def id_in(address: str) -> int:
    return int(parse_qs(urlsplit(address).query)["id"][0])


def complaints(page: str) -> str:
    """What a page says is wrong."""
    found = re.findall(r'<div class="(?:error|note danger)[^"]*"[^>]*>(.*?)</div>', page, re.S)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", "", text) for text in found))
