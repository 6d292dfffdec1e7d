"""The state of a preview: its signed form in addresses, and the stored upload with its plans."""

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
from panel.i18n import Message, _, current_locale, listed
from panel.imports import preview_store
from panel.imports.batches import File
from panel.imports.plans import Options, Plan
from panel.imports.stored_plan import StoredPlan, load
from panel.web.context import current_actor, current_panel

#: Hours that an upload waits for its confirmation before it is deleted.
KEEP_HOURS = 24
#: Files with more rows are planned by jobs, and imports of more are undone by them.
LARGE = 2_000
#: Files with more rows are written by jobs: a request holds the write lock while it plans, about 2 ms for a row.
WRITTEN_AT_ONCE = 500
#: Characters of a state in an address; servers and browsers cut addresses off at some thousand.
LONGEST_STATE = 1_200
#: Keys of the state that don't change the plan.
NOT_IN_PLAN = frozenset({"file", "name", "table", "user", "rows", "good"})


def folder() -> Path:
    """The folder of uploads. Only this account can read it, since they hold personal data."""
    path = Path(current_app.instance_path) / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def store_upload(data: bytes) -> str:
    """Store an upload and return its name. Expired ones are deleted."""
    limit = time.time() - KEEP_HOURS * 3600
    for old in folder().iterdir():
        with suppress(OSError):
            if old.stat().st_mtime < limit:
                old.unlink()
    name = secrets.token_hex(16)
    (folder() / name).write_bytes(data)
    return name


def delete_upload(name: str) -> None:
    """Delete an upload and its plans."""
    for old in folder().glob(f"{secure_filename(name)}*"):
        old.unlink(missing_ok=True)


def delete_plans(name: str) -> None:
    """Delete the plans of an upload, because they would be other ones now."""
    for old in folder().glob(f"{secure_filename(name)}.*.plan"):
        old.unlink(missing_ok=True)


def plan_key(state: Mapping[str, Any]) -> str:
    """The key of a stored plan: a hash of the choices that change it and the reader's language."""
    choices = {name: value for name, value in state.items() if value and name not in NOT_IN_PLAN}
    return sha256(json.dumps([choices, current_locale()], sort_keys=True).encode()).hexdigest()[:20]


def plan_path(state: Mapping[str, Any]) -> Path:
    return folder() / secure_filename(f"{state['file']}.{plan_key(state)}.plan")


def stored_plan(state: Mapping[str, Any]) -> StoredPlan | None:
    """The stored plan of a preview; None if there is none yet."""
    return load(plan_path(state))


def store_plan(state: Mapping[str, Any], plan: Plan) -> StoredPlan:
    """Store a plan for its preview, masked for the actor."""
    hidden = current_panel().policy.sees_masked(current_actor(), plan.model)
    return preview_store.save(plan, plan_path(state), hidden=hidden)


def change_message(before: StoredPlan | None, plan: Plan, *, here: bool = True) -> Message:
    """The message that the data has changed since a preview was shown. `here`: the response itself shows the new
    plan."""
    rows = preview_store.changed_rows(before, plan)
    ending = _("Nothing was written; this is the plan as of now.")
    if not here:
        ending = _("Nothing was written; the preview shows the plan as of now.")
    if not rows:
        return _("The data has changed since the preview. {ending}", ending=ending)
    numbers = listed(rows[:20])
    return _(
        "The data has changed since the preview, so that {n} rows would now do something else: {rows}. {ending}",
        n=len(rows),
        rows=numbers if len(rows) <= 20 else f"{numbers} …",
        ending=ending,
    )


def serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="import")


def pack(state: Mapping[str, Any]) -> str:
    """The state as a token for addresses, signed and valid for the actor alone.

    A state with many answers would be too long for an address: it is stored beside the upload, under its hash."""
    text = json.dumps(state, sort_keys=True)
    if len(text) > LONGEST_STATE:
        kept = sha256(text.encode()).hexdigest()[:32]
        if not (path := _kept(state["file"], kept)).exists():
            path.write_text(text)
        state = {**{name: state[name] for name in ("file", "name", "table")}, "kept": kept}
    return str(serializer().dumps({**state, "user": current_actor().user_id}))


def _kept(file: object, kept: object) -> Path:
    """Where a long state is stored; deleted with the upload."""
    return folder() / secure_filename(f"{file}.{kept}.state")


def unpack(token: str | None, table: str) -> dict[str, Any]:
    """The state in a token. Answers 404 if it is forged, expired, or of another account or table."""
    try:
        state = serializer().loads(token or "", max_age=KEEP_HOURS * 3600)
    except BadData:
        abort(404)
    if state.get("user") != current_actor().user_id or state.get("table") != table:
        abort(404)
    # A stored state goes with its upload, which upload() then says is gone.
    if "kept" in state and (path := _kept(state["file"], state["kept"])).is_file():
        return {**json.loads(path.read_text()), "user": state["user"]}
    return dict(state)


def answers_of(state: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """A copy of the answers of one kind, by column, place or table and then by word, column or name, to be changed."""
    return {key: dict(answers) for key, answers in (state.get(name) or {}).items()}


def options_of(state: Mapping[str, Any]) -> Options:
    return Options(
        create_missing=bool(state.get("create")),
        good_rows=bool(state.get("good", True)),
        skip_existing=bool(state.get("skip")),
        replace=state.get("replace") or {},
        clear=bool(state.get("clear")),
        cells=state.get("cells") or {},
        adding=state.get("adding") or {},
        confirmed=frozenset(state.get("confirmed") or ()),
        columns=state.get("columns") or {},
        header_row=state.get("header_row"),
        taken=frozenset(state.get("taken") or ()),
    )


def is_large(state: Mapping[str, Any]) -> bool:
    return int(state.get("rows", 0)) > LARGE


def is_written_by_job(state: Mapping[str, Any]) -> bool:
    return int(state.get("rows", 0)) > min(WRITTEN_AT_ONCE, LARGE)


def upload(state: Mapping[str, Any]) -> File:
    """The file of a preview. Raises UserError if it is deleted."""
    path = folder() / secure_filename(str(state["file"]))
    if not path.is_file():
        raise UserError(_("The upload is gone: it was imported, or waited too long. Choose the file again."))
    return File(str(state["name"]), path.read_bytes())
