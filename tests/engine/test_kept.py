"""What is made once and shown many times: for the language and the actor that it was made for, and for no other."""

from __future__ import annotations

from sqlalchemy import ColumnElement

from panel.fields import all_fields, field_named, fields
from panel.i18n import _, using_locale
from panel.security.policy import Actor, by_actor
from panel.web.tables.kept import kept
from tests import factories
from tests.factories import MODELS, Stage


class Shout:
    """Stands for a macro."""

    name = "shout of a test"

    def __init__(self) -> None:
        self.called = 0

    def __call__(self, word: str, loud: bool) -> str:
        self.called += 1
        return f"{word}{_('Yes')}{'!' if loud else ''}"


def test_a_part_is_made_once_for_each_language_and_set_of_arguments() -> None:
    macro = Shout()
    for _round in range(3):
        assert kept(macro, "a", True) == "a是!"
        assert kept(macro, "a", False) == "a是"
        with using_locale("en"):
            assert kept(macro, "a", True) == "aYes!"
    assert macro.called == 3


def test_a_sentence_is_escaped_and_in_the_readers_language() -> None:
    assert _("Yes").__html__() == str(_("Yes")) == "是"
    with using_locale("en"):
        assert _("Yes").__html__() == "Yes"
        assert _("<b>").__html__() == "&lt;b&gt;"
        assert str(_("<b>")) == "<b>"


def test_a_condition_of_an_actor_is_another_actors_never() -> None:
    made: list[Actor] = []

    @by_actor
    def own(actor: Actor) -> ColumnElement[bool]:
        made.append(actor)
        return MODELS["case"].id.in_(actor.ids("officer"))

    first = Actor("甲", 1, frozenset({"officer"}), {"officer": frozenset({1})})
    again = Actor("甲", 1, frozenset({"officer"}), {"officer": frozenset({1})})
    others = [
        Actor("甲", 2, first.roles, first.facts),
        Actor("甲", 1, frozenset({"leader"}), first.facts),
        Actor("甲", 1, first.roles, {"officer": frozenset({2})}),
        Actor("甲", 1, first.roles, {"squads": frozenset({1})}),
        Actor("甲", 1, first.roles, first.facts, system=True),
    ]
    assert own(first) is own(again)
    assert len({id(own(actor)) for actor in (first, *others)}) == len(made) == 6


def test_a_field_is_found_by_its_name_and_its_attribute() -> None:
    for model in MODELS.values():
        every = all_fields(model)
        assert every[: len(fields(model))] == fields(model)
        for field in every:
            assert field_named(model, field.name) == next(f for f in every if field.name in (f.name, f.attr))
            assert field_named(model, field.attr) == next(f for f in every if field.attr in (f.name, f.attr))
    assert field_named(MODELS["case"], "no such field") is None


def test_a_form_asks_once_what_is_locked(standing: Stage) -> None:
    case = standing.district.inside["case"]
    with standing.app.app_context():
        engine = standing.panel.db.engine
    browser = standing.browse("office")
    with factories.counted(engine) as sent:
        assert browser.get(f"/admin/case/edit/?id={case}").status_code == 200
    assert sum('CASE WHEN ("case".' in statement for statement in sent) == 1
