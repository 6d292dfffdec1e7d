"""The page of backups, for the administrator: the list with what their verification found, one made now as a job, and
downloads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from bureau.access.roles import ADMINISTRATOR
from bureau.settings import settings
from bureau.upkeep.web import backups
from panel.errors import UserError
from panel.i18n import Message, _
from panel.jobs.worker import Context, enqueue, kind
from panel.kinds import Moment, now, tidy
from panel.security.policy import AccessDenied
from panel.store import disk
from panel.store.backups import copies, trial
from panel.store.backups.errors import BackupError
from panel.store.backups.keeping import RETRY, Entry, Folder
from panel.web.context import current_actor, current_panel
from panel.web.downloads import noting, send_download
from panel.web.features import Route
from panel.web.pages import Banner, Button, Cell, Column, ListPage, Row, Tile
from panel.web.panel import SYSTEM, Link, Panel

#: Free space of a disk below which it is told of, as a part of the database's size too.
GIGABYTE = 1024 * disk.MEGABYTE


def may_open() -> bool:
    return ADMINISTRATOR in current_actor().roles


def page() -> Any:
    if not may_open():
        abort(403)
    folder = backups.folder(current_panel())
    entries = folder.entries()
    shown = ListPage(
        title=_("Backups"),
        sub=_sub(folder),
        columns=[
            Column("made", _("Made at")),
            Column("size", _("Size"), number=True),
            Column("state", _("Verification"), wide=True),
            Column("second", _("Second place"), wide=True),
            Column("file", _("File"), wide=True),
        ],
        rows=[_row(number, entry, folder) for number, entry in enumerate(entries, 1)],
        empty=_("There is no backup yet."),
        buttons=[Button(_("Back up now"), url_for("backups_make"), "archive", primary=True, post=True)],
    )
    return render_template("upkeep/backups.html", page=shown, notes=_notes(folder))


def _sub(folder: Folder) -> Message:
    hour = int(settings.get(current_panel().session, "backup_hour"))
    free = _gigabytes(disk.free(folder.path))
    if hour >= 24:
        words = _("In {folder}. Not made by themselves. Free: {free} GB.", folder=folder.path, free=free)
    else:
        words = _(
            "In {folder}. Made by themselves at {hour}:00, verified at once. Free: {free} GB.",
            folder=folder.path,
            hour=f"{hour:02d}",
            free=free,
        )
    if folder.second is None:
        return words
    if not (free_there := folder.second_free()):
        return words
    free = _gigabytes(free_there)
    return _("{first} Second place: {folder}. Free: {free} GB.", first=words, folder=folder.second, free=free)


def _gigabytes(free: int) -> str:
    return f"{free / GIGABYTE:.1f}"


def _notes(folder: Folder) -> list[Message | str]:
    """What the administrator should do something about."""
    notes: list[Message | str] = []
    if problem := folder.last_failure():
        notes.append(_("The last backup failed: {problem}", problem=problem))
    if tool := copies.tool_problem(current_panel().db.engine):
        notes.append(tool)
    if untried := trial.problem(current_panel().db.engine):
        notes.append(untried)
    if folder.second is None:
        notes.append(_("There is no second place. A backup on the same disk is lost with it: set BACKUP_SECOND."))
    else:
        notes += _second_notes(folder, folder.second)
    if folder.place.key_file is None:
        notes.append(_("Backups aren't encrypted. To encrypt them: set BACKUP_KEY_FILE."))
    return notes


def _second_notes(folder: Folder, second: Path) -> list[Message | str]:
    if lacking := folder.lacking():
        words = _(
            "The second place lacks {n} good backups, the latest of {day}: {problem} "
            "Tried again every {minutes} minutes.",
            n=len(lacking),
            day=Moment().format(lacking[0].made_at.replace(second=0)),
            problem=lacking[0].second_problem or _("They are missing there."),
            minutes=RETRY.seconds // 60,
        )
        return [words]
    if _is_low(folder):
        free = folder.second_free() // disk.MEGABYTE
        return [_("The second place fills up: {free} MB are free in {folder}.", free=free, folder=second)]
    return []


def _is_low(folder: Folder) -> bool:
    """Whether the second place, which an installation has, has hardly room for two more archives as the last one."""
    sizes = [entry.size for entry in folder.entries()[:1]]
    return folder.second_free() < max(disk.LOW_BYTES, 2 * sum(sizes))


def _row(number: int, entry: Entry, folder: Folder) -> Row:
    made = Cell(Moment().format(entry.made_at.replace(second=0)))
    made.below = [str(_("encrypted"))] if entry.encrypted else []
    if entry.good is None:
        state = Cell(str(_("not verified")), tone="")
    elif entry.good:
        state = Cell(str(_("good")), tone="good")
    else:
        state = Cell(str(_("not good")), tone="bad", below=[entry.problem])
    second = Cell(str(_("copied")), tone="good") if entry.second else Cell("—")
    if folder.second is not None and not entry.second:
        second = Cell(str(_("missing")), tone="bad" if entry.good else "warn")
        second.below = [entry.second_problem] if entry.second_problem else []
    file = Cell(entry.name, url=url_for("backups_file", name=entry.name))
    return Row(number, "", [made, Cell(f"{entry.size / disk.MEGABYTE:.1f} MB"), state, second, file])


def make() -> Any:
    if not may_open():
        abort(403)
    params = {"back": url_for("backups")}
    id_ = enqueue(current_panel().session, "backup.make", params, title=_("Back up now"), mark="backup")
    return redirect(url_for("jobs.show", id_=id_))


@kind("backup.make")
def _make(session: Session, context: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Make a backup for the administrator who asked for it."""
    if ADMINISTRATOR not in context.owner.roles:
        raise AccessDenied
    try:
        entry = backups.folder(current_panel()).make(backups.retention(session))
    except BackupError as error:
        raise UserError(error.message) from None
    if not entry.good:
        raise UserError(_("The backup was made, but its verification failed: {problem}", problem=entry.problem))
    return {"url": params["back"], "open": True}


def download() -> Any:
    """A backup as a download, noted in the export log."""
    if not may_open():
        abort(403)
    folder = backups.folder(current_panel())
    entry = folder.entry(tidy(request.args.get("name")))
    if entry is None:
        abort(404)
    noting("backup")
    return send_download(folder.path / entry.name, entry.name, "application/octet-stream")


def tiles() -> list[Tile]:
    """The tiles of the administrator's home page: days since the last good backup, free space of the disk and of the
    second place."""
    if not may_open():
        return []
    panel = current_panel()
    folder = backups.folder(panel)
    last, limit = folder.last_good(), int(settings.get(panel.session, "backup_alarm_days"))
    free = disk.free(folder.place.folder)
    days = (now() - last.made_at).days if last is not None else 0
    late = last is None or days >= limit
    note = Moment().format(last.made_at.replace(second=0)) if last is not None else ""
    label = _("Days since the last good backup") if last is not None else _("Good backups")
    shown = [
        Tile(label, days, url_for("backups"), "bad" if late else "", note, always=late),
        Tile(
            _("Free space (GB)"),
            free // GIGABYTE,
            url_for("backups"),
            "bad" if free < disk.LOW_BYTES else "",
            always=free < disk.LOW_BYTES,
        ),
    ]
    if folder.second is not None:
        lacking = len(folder.lacking())
        bad = bool(lacking) or _is_low(folder)
        words = _("{n} backups aren't there", n=lacking) if lacking else ""
        count = folder.second_free() // GIGABYTE
        shown.append(
            Tile(_("Second place, free (GB)"), count, url_for("backups"), "bad" if bad else "", words, always=bad)
        )
    return shown


def banners() -> list[Banner]:
    """What stands above every page of the administrator: a disk that fills up."""
    if not may_open():
        return []
    free = disk.free(backups.folder(current_panel()).place.folder)
    if free >= disk.LOW_BYTES:
        return []
    words = _("Only {free} MB are free on the disk of the server.", free=free // disk.MEGABYTE)
    return [Banner(words, _("Backups"), url_for("backups"))]


def install(panel: Panel) -> None:
    with panel.app.app_context():
        if problem := copies.tool_problem(panel.db.engine):
            panel.app.logger.warning("%s", problem)


LINKS = (Link(_("Backups"), "backups", "archive", SYSTEM, may_open),)
ROUTES = (
    Route("/backups", "backups", page),
    Route("/backups", "backups_make", make, methods=("POST",)),
    Route("/backups/file", "backups_file", download, asks="who may open the page of backups"),
)
