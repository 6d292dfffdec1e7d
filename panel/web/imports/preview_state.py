"""What the address of a preview carries, and what is kept for it: the upload and the plans made of it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import abort, current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.utils import secure_filename

from panel.errors import UserError
from panel.i18n import Message, _, current_locale
from panel.imports import preview_store
from panel.imports.batches import File
from panel.imports.plans import Options, Plan
from panel.imports.preview_store import StoredPlan
from panel.web.context import current_actor, current_panel

#: An upload waits so long for its confirmation, then it is thrown away.
KEEP_HOURS = 24
#: A file of more rows is planned and written by a job.
LARGE = 2_000
#: What a preview's state holds beside choices that change the plan.
BESIDE = frozenset({"file", "name", "table", "user", "rows", "good"})


def folder() -> Path:
    """Where uploads wait; they hold personal data, nobody else on the machine reads them."""
    found = Path(current_app.instance_path) / "imports"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def keep(data: bytes) -> str:
    """Put an upload aside and return its name; old ones go."""
    limit = time.time() - KEEP_HOURS * 3600
    for old in folder().iterdir():
        with suppress(OSError):
            if old.stat().st_mtime < limit:
                old.unlink()
    name = secrets.token_hex(16)
    (folder() / name).write_bytes(data)
    return name


def drop(name: str) -> None:
    """Throw an upload away, with the plans made of it."""
    for old in folder().glob(f"{secure_filename(name)}*"):
        old.unlink(missing_ok=True)


def key_of(state: Mapping[str, Any]) -> str:
    """What a kept plan is called beside its upload: by what was chosen of it, and by the reader's language."""
    chosen = {name: value for name, value in state.items() if value and name not in BESIDE}
    return sha256(json.dumps([chosen, current_locale()], sort_keys=True).encode()).hexdigest()[:20]


def kept_path(state: Mapping[str, Any]) -> Path:
    return folder() / secure_filename(f"{state['file']}.{key_of(state)}.plan")


def kept(state: Mapping[str, Any]) -> StoredPlan | None:
    """The plan that this preview shows, if it has been made."""
    return preview_store.load(kept_path(state))


def keep_plan(state: Mapping[str, Any], made: Plan) -> StoredPlan:
    """Put a plan down for its preview, masked for this person."""
    hidden = current_panel().policy.sees_masked(current_actor(), made.model)
    return preview_store.save(made, kept_path(state), hidden=hidden)


def since(before: StoredPlan | None, made: Plan, *, here: bool = True) -> Message:
    """What has changed since this preview was shown; the new plan is shown right `here`, or at the preview."""
    rows = preview_store.changed_rows(before, made)
    ending = _("Nothing was written; this is the plan as of now.")
    if not here:
        ending = _("Nothing was written; the preview shows the plan as of now.")
    if not rows:
        return _("The data has changed since the preview. {ending}", ending=ending)
    numbers = "、".join(str(number) for number in rows[:20])
    return _(
        "The data has changed since the preview, so that {n} rows would now do something else: {rows}. {ending}",
        n=len(rows),
        rows=numbers if len(rows) <= 20 else f"{numbers} …",
        ending=ending,
    )


def serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="import")


def pack(state: Mapping[str, Any]) -> str:
    """The state of a preview as the address carries it: signed, and of use to this person alone."""
    return str(serializer().dumps({**state, "user": current_actor().user_id}))


def unpack(token: str | None, table: str) -> dict[str, Any]:
    """The state of a preview; 404 for one that is foreign, forged or too old."""
    try:
        state = serializer().loads(token or "", max_age=KEEP_HOURS * 3600)
    except BadData:
        abort(404)
    if state.get("user") != current_actor().user_id or state.get("table") != table:
        abort(404)
    return dict(state)


def options_of(state: Mapping[str, Any]) -> Options:
    return Options(
        create_missing=bool(state.get("create")),
        good_rows=bool(state.get("good")),
        skip_existing=bool(state.get("skip")),
        replace=state.get("replace") or {},
        meanings=state.get("map"),
        clear=bool(state.get("clear")),
    )


def is_large(state: Mapping[str, Any]) -> bool:
    return int(state.get("rows", 0)) > LARGE


def upload(state: Mapping[str, Any]) -> File:
    """The file that a preview is of."""
    path = folder() / secure_filename(str(state["file"]))
    if not path.is_file():
        raise UserError(_("The upload is gone: it was imported, or waited too long. Choose the file again."))
    return File(str(state["name"]), path.read_bytes())
