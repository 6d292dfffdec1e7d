"""Generates pages of docs/ from declarations: `make docs`. A test compares the pages with the declarations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from admin_app import SCREENS, create_app
from bureau.access.roles import ROLES
from bureau.cases import steps as declared_steps
from bureau.figures.figures import FIGURES
from bureau.settings import settings
from models import CaseStatus
from panel.config import Config
from panel.handbook import handbook as books
from panel.i18n import Message, using_locale
from panel.security.policy import Permission
from panel.web.engine_views import ENGINE_VIEWS

DOCS = Path(__file__).resolve().parent
LETTERS = {
    Permission.READ: "R",
    Permission.CHOOSE: "N",
    Permission.CREATE: "A",
    Permission.EDIT: "E",
    Permission.DELETE: "D",
    Permission.EXPORT: "X",
    Permission.EXPORT_CLEAR: "U",
    Permission.IMPORT: "I",
    Permission.REVEAL: "C",
    Permission.SHARE: "V",
}
#: Commands of Flask and Alembic, which are not listed.
OTHERS = {"db", "routes", "run", "shell"}
BEGIN, END = books.BEGIN, books.END


def both(message: Message) -> str:
    """A message in English and Chinese."""
    with using_locale("en"):
        english = str(message)
    with using_locale("zh_Hans_CN"):
        return f"{english} {message}"


def english(message: Message | str) -> str:
    with using_locale("en"):
        return str(message)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def roles() -> str:
    acts = [act for act in LETTERS if any(act in grants for role in ROLES for grants in role.grants.values())]
    legend = ", ".join(f"{LETTERS[act]} {english(act.label)}" for act in acts)
    people = table(
        ["Role", "Called", "What it is for"],
        ([f"`{role.name}`", both(role.label), english(role.description)] for role in ROLES),
    )
    matrix = table(
        ["Table", *(f"`{role.name}`" for role in ROLES)],
        (
            [
                both(model.__label__),
                *("".join(LETTERS[act] for act in acts if act in role.grants.get(model, ())) or "–" for role in ROLES),
            ]
            for model in dict.fromkeys((*(screen.model for screen in SCREENS), *(screen[1] for screen in ENGINE_VIEWS)))
        ),
    )
    everything = " and ".join(f"`{role.name}`" for role in ROLES if role.everything and not role.administrative)
    return f"""# Roles

Generated from `bureau/access/roles.py` by `make docs`; the panel shows the same table under “Who may do what”.

{people}
What no role grants is refused, and rows that no role reaches are not there. {everything} reach every row; an account
with several roles may do what any of them may.

{legend}.

{matrix}"""


def steps() -> str:
    def states(sources: tuple[CaseStatus, ...]) -> str:
        if set(sources) >= set(declared_steps.OPEN):
            return "any" if set(sources) == set(CaseStatus) else "any that is open"
        return ", ".join(f"`{status.value}`" for status in sources)

    rows = []
    arrows: dict[str, None] = {}
    for step in declared_steps.STEPS.values():
        to = " or ".join(f"`{state.value}`" for state in (step.target, *step.others) if state) or "the same"
        allowed = ", ".join(f"`{name}`" for name in sorted(step.roles)) or "the program"
        if step.relation is not declared_steps.Relation.ANY:
            allowed += f" ({step.relation.value})"
        asked = ", ".join(english(f.label) + ("" if f.required else " (if any)") for f in step.asks) or "–"
        rows.append([both(step.label), states(step.sources) or "–", to, allowed, asked])
        for source in step.sources or ():
            for target in (step.target, *step.others) if len(step.sources) <= 3 else ():
                if target:
                    arrows[f"    {source.value} --> {target.value}: {english(step.label)}"] = None
        if not step.sources and step.target:
            arrows[f"    [*] --> {step.target.value}: {english(step.label)}"] = None
    called = table(["State", "Called"], ([f"`{status.value}`", both(status.label)] for status in CaseStatus))
    return f"""# Steps of a case

Generated from the declared steps by `make docs`. The state of a case changes by these steps and in no other way.

{table(["Step", "From", "To", "Who", "What must be filled in"], rows)}
```mermaid
stateDiagram-v2
{chr(10).join(arrows)}
```

Steps that are possible in many states, such as voiding, are left out of the picture.

{called}"""


def commands() -> str:
    """Every command with its options, read from the commands themselves."""
    with TemporaryDirectory() as folder:
        config = Config(instance=Path(folder), database_url="sqlite://", secret_key="of no worth", password_cost=1)  # noqa: S106
        app = create_app(config)
    parts = []
    for name in app.cli.list_commands(context := click.Context(app.cli)):
        command = app.cli.get_command(context, name)
        if command and name not in OTHERS:
            inner = getattr(command, "commands", {"": command})
            parts += [_command(f"{name} {sub}".strip(), subcommand) for sub, subcommand in sorted(inner.items())]
    return _between("commands.md", "\n\n".join(parts))


def _command(name: str, command: click.Command) -> str:
    context = click.Context(command)
    usage = " ".join((p.name or "").upper() for p in command.params if isinstance(p, click.Argument))
    options = [p for p in command.params if isinstance(p, click.Option)]
    lines = [f"### `{' '.join(filter(None, (name, usage)))}`", "", click.unstyle(command.help or "").strip()]
    for option in options:
        written = " ".join(filter(None, (", ".join(option.opts), "" if option.is_flag else _value(option, context))))
        lines += [
            *([""] if option is options[0] else []),
            f"- `{written}` {option.help or ''}{_default(option)}".rstrip(),
        ]
    return "\n".join(lines)


def _value(option: click.Option, context: click.Context) -> str:
    return str(option.make_metavar(context))


def _default(option: click.Option) -> str:
    return f" Default: {option.default}." if option.show_default else ""


def configuration() -> str:
    rows = []
    for declared in settings.DECLARED.values():
        if declared.editable:
            default = declared.default
            shown = ("on" if default else "off") if isinstance(default, bool) else declared.kind.format(default)
            rows.append([both(declared.label), f"`{shown}`" if shown else "empty", english(declared.help)])
    return _between("configuration.md", table(["Setting", "Default", "What it does"], rows).rstrip())


def figures() -> str:
    rows = ([both(figure.label), english(figure.formula)] for figure in FIGURES.values())
    return f"""# Figures

Generated from `bureau/figures/figures.py` by `make docs`; the page of figures shows them beside the numbers.

{table(["Figure", "Definition"], rows)}
- A period is from one day to another, both included, in the office's zone. Without anything to divide by, “—”.
- Records count as they stand now: a case that was closed after the period is closed. The monthly ledger tells how they
  stood when the month ended, so that the two may differ for a month that is over.
- A case counts as reworked when it was sent back by whoever verified it, or from the feedback as not solved. A deadline
  moved to the day by which an agreement is performed is no extension.
- Closures within a period are read from events where a case was reopened: it counts in every month in which it was
  closed, and once in a longer period.
- Handling is the one that stands: of a case that was sent back or reopened, the last.
- A case belongs to the squad and the street of its community; visits belong to no list and no item.
- Repeats are looked for inside one's own area. The window for repeats, the limit to feed back and the office hours are
  settings.
- Old ledgers are left out of feedback, satisfaction and repeats; their time of handling is that of closing.
"""


def handbook() -> str:
    """The handbook with its table of contents."""
    name = "handbook.zh-CN.md"
    return _between(name, books.contents(books.read((DOCS / name).read_text())))


def _between(page: str, text: str) -> str:
    """The page with the text between its two marks replaced."""
    before, _mark, rest = (DOCS / page).read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}"


#: The generated pages with the functions that give their text.
PAGES: dict[str, Callable[[], str]] = {
    "roles.md": roles,
    "steps.md": steps,
    "figures.md": figures,
    "commands.md": commands,
    "configuration.md": configuration,
    "handbook.zh-CN.md": handbook,
}


def main() -> None:
    for name, generate in PAGES.items():
        (DOCS / name).write_text(generate())


if __name__ == "__main__":
    main()
