"""A member added to a closed list, and the migration that lets it be stored: `python -m tests.choice_visit FOLDER`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from panel import migrations
from panel.i18n.text import _
from panel.kinds import Choices
from schema import words


def add(choices: type[Choices], value: str) -> None:
    """What one line in the class does; an enumeration that is finished takes no more members by itself."""
    member = str.__new__(choices, value)
    member._name_, member._value_ = value.upper(), value
    member.label, member.tone, member.aliases = _("Other"), "", ()
    choices._member_names_.append(member._name_)
    choices._member_map_[member._name_] = member
    choices._value2member_map_[value] = member


def main() -> None:
    add(words.PhraseUse, "notice")
    from admin_app import create_app
    from bureau.upkeep.web.commands import MIGRATIONS
    from models import Phrase
    from panel import schema_state
    from panel.config import Config

    folder = Path(sys.argv[1])
    copied = shutil.copytree(MIGRATIONS, folder / "migrations")
    config = Config(instance=folder, database_url=f"sqlite:///{folder / 'panel.db'}", secret_key="x", password_cost=1)
    app = create_app(config)
    with app.app_context():
        panel = app.extensions["panel"]
        migrations.upgrade(str(copied))
        with panel.db.engine.connect() as connection:
            problem = schema_state.problem(connection, str(copied))
        assert "phrase.ck_phrase_phrase_use" in str(problem), "check names it"
        migrations.write(str(copied), "notice", "9000")
        written = (copied / "versions" / "9000_notice.py").read_text()
        assert "'feedback', 'result', 'reason', 'notice'" in written, written
        migrations.upgrade(str(copied))
        with panel.db.engine.connect() as connection:
            assert schema_state.problem(connection, str(copied)) is None
        with panel.system_session() as session:
            session.add(Phrase(name="通知", use=words.PhraseUse.of("notice"), words="已通知"))


if __name__ == "__main__":
    main()
