"""The folder of backups: made by schedule, verified, copied to a second place, and rotated.

What is known about each archive stands in `status.json` beside them, so that it is there after a restore too."""

from __future__ import annotations

import json
import logging
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from panel.errors import UserError
from panel.i18n import Message, _, in_default_locale
from panel.kinds import ZONE, now
from panel.store import disk
from panel.store.backups import archive, trial
from panel.store.backups.archive import Place
from panel.store.backups.errors import BackupError, require_room, told
from panel.store.backups.manifest import file_hash

log = logging.getLogger(__name__)

STATUS, LOCK = "status.json", ".lock"
_NAME = re.compile(r"casework-(\d{8}-\d{6})\.zip(\.enc)?")
#: Failed archives are kept for so long, for whoever looks into them.
FAILED_KEPT = timedelta(days=7)
#: Hours after a failure in which the schedule doesn't try again.
PAUSE = timedelta(hours=1)
#: After a failed copy to the second place, and after a try to make up for it, the schedule waits so long.
RETRY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Retention:
    """How many archives are kept: the last of each of so many days, weeks and months."""

    days: int = 14
    weeks: int = 8
    months: int = 12


@dataclass(slots=True)
class Entry:
    """An archive in the folder. `good` is the result of its verification, None before; `problem` says what was wrong.
    `second`: whether its copy is in the second place."""

    name: str
    size: int = 0
    good: bool | None = None
    problem: str = ""
    verified_at: str = ""
    second: bool = False
    second_problem: str = ""

    @property
    def made_at(self) -> datetime:
        """The moment in its name, which is local time."""
        match = _NAME.fullmatch(self.name)
        assert match is not None
        return datetime.strptime(match[1], "%Y%m%d-%H%M%S").replace(tzinfo=ZONE)

    @property
    def encrypted(self) -> bool:
        return self.name.endswith(".enc")


class Folder:
    """The backups of an installation in a folder, with copies in a second one."""

    def __init__(self, place: Place, path: Path, second: Path | None = None) -> None:
        self.place, self.path, self.second = place, path, second

    def entries(self) -> list[Entry]:
        """The archives in the folder, the latest first."""
        known = self._known()
        found = []
        for file in self.path.glob("casework-*") if self.path.is_dir() else ():
            if _NAME.fullmatch(file.name):
                entry = known.get(file.name, Entry(file.name))
                entry.size = file.stat().st_size
                entry.second = self._is_copied(entry)
                found.append(entry)
        return sorted(found, key=lambda entry: entry.name, reverse=True)

    def entry(self, name: str) -> Entry | None:
        return next((entry for entry in self.entries() if entry.name == name), None)

    def last_good(self) -> Entry | None:
        return next((entry for entry in self.entries() if entry.good), None)

    def _is_copied(self, entry: Entry) -> bool:
        """Whether the second place has a copy; as it was last known while that place isn't there."""
        if self.second is None:
            return False
        try:
            copy = self.second / entry.name
            return copy.stat().st_size == entry.size if self.second.is_dir() else entry.second
        except OSError:
            return False

    def lacking(self) -> list[Entry]:
        """The good archives that the second place lacks, the latest first."""
        return [entry for entry in self.entries() if entry.good and not entry.second] if self.second else []

    def copies_due(self) -> bool:
        """Whether the schedule asks for copies: an archive lacks its own, and none was tried within RETRY."""
        tried_at = str(self._read().get("copied_at", ""))
        return not (tried_at and datetime.fromisoformat(tried_at) > now() - RETRY) and bool(self.lacking())

    def copy_lacking(self, retention: Retention) -> list[Entry]:
        """Copy what the second place lacks, the latest first, until a copy fails; return what is still lacking. Raises
        UserError while a backup is made."""
        with self._locked():
            for entry in self.lacking():
                self._copy(entry)
                self._store(entry)
                if not entry.second:
                    break
            self._rotate(retention)
            return self.lacking()

    def last_failure(self) -> str:
        """What the last attempt failed at; "" if it succeeded."""
        return str(self._read().get("failure", ""))

    def make(self, retention: Retention) -> Entry:
        """Make an archive, verify it by unpacking it into a scratch folder, copy it to the second place, and delete old
        ones. Raises BackupError if it can't be made; one that turns out to be bad is kept and told of."""
        with self._locked():
            try:
                entry = self._make()
            except BackupError as error:
                self._note_failure(str(in_default_locale(error.message)))
                raise
            self._rotate(retention)
            return entry

    def _make(self) -> Entry:
        with told(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        ending = ".zip.enc" if self.place.key_file else ".zip"
        file = self.path / f"casework-{now().astimezone(ZONE):%Y%m%d-%H%M%S}{ending}"
        size = archive.make(self.place, file)
        entry = Entry(file.name, size)
        self._verify(entry)
        self._copy(entry)
        self._store(entry)
        self._note_failure("" if entry.good else entry.problem)
        return entry

    def verify(self, name: str) -> Entry:
        """Verify an archive again. Raises BackupError if there is none of this name."""
        entry = self.entry(name)
        if entry is None:
            raise BackupError(_("There is no file {file}.", file=name))
        self._verify(entry)
        self._store(entry)
        return entry

    def _verify(self, entry: Entry) -> None:
        entry.verified_at = now().isoformat(timespec="seconds")
        try:
            with archive.unpacked(self.place, self.path / entry.name) as content:
                trial.restore(self.place.engine, content)
            entry.good, entry.problem = True, ""
        except BackupError as error:
            entry.good, entry.problem = False, str(in_default_locale(error.message))
            log.error("the backup %s is not good: %s", entry.name, entry.problem)

    def _copy(self, entry: Entry) -> None:
        """Copy an archive to the second place. What fails there is noted, and doesn't make the backup fail."""
        if self.second is None:
            return
        self._write({**self._read(), "copied_at": now().isoformat(timespec="seconds")})
        source, target = self.path / entry.name, self.second / entry.name
        partial = target.with_name(target.name + ".partial")
        try:
            with told(self.second):
                if not self.second.is_dir():
                    raise BackupError(_("There is no folder {folder}.", folder=self.second))
                require_room(self.second, entry.size)
                shutil.copyfile(source, partial)
                partial.chmod(0o600)
                if file_hash(partial) != file_hash(source):
                    raise BackupError(_("{file} is another one than what was copied.", file=partial))
                partial.replace(target)
            entry.second, entry.second_problem = True, ""
        except BackupError as error:
            entry.second, entry.second_problem = False, str(in_default_locale(error.message))
            log.error("the backup %s isn't in the second place: %s", entry.name, entry.second_problem)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def second_free(self) -> int:
        """Free bytes of the second place; 0 if it isn't there. Asked only where there is one."""
        assert self.second is not None
        try:
            return disk.free(self.second) if self.second.is_dir() else 0
        except OSError:
            return 0

    def due(self, hour: int) -> bool:
        """Whether the schedule asks for a backup: none was made since it was `hour` o'clock last, and none failed
        within PAUSE. Hour 24 never comes."""
        if hour >= 24:
            return False
        moment = now().astimezone(ZONE)
        last = moment.replace(hour=hour, minute=0, second=0, microsecond=0)
        last -= timedelta(days=last > moment)
        failed_at = str(self._read().get("failed_at", ""))
        if failed_at and datetime.fromisoformat(failed_at) > now() - PAUSE:
            return False
        return not any(entry.made_at >= last for entry in self.entries())

    def _rotate(self, retention: Retention) -> None:
        kept = to_keep(self.entries(), retention)
        for folder in (self.path, self.second):
            try:
                for file in folder.glob("casework-*") if folder is not None and folder.is_dir() else ():
                    if _NAME.fullmatch(file.name) and file.name not in kept:
                        file.unlink(missing_ok=True)
            except OSError:  # the backup that was just made is no worse
                log.exception("old backups stay in %s", folder)

    # The file of the status.

    def _read(self) -> dict[str, object]:
        try:
            return dict(json.loads((self.path / STATUS).read_text()))
        except (OSError, ValueError):
            return {}

    def _known(self) -> dict[str, Entry]:
        stored = self._read().get("entries")
        return {name: Entry(**values) for name, values in stored.items()} if isinstance(stored, dict) else {}

    def _write(self, status: dict[str, object]) -> None:
        partial = self.path / (STATUS + ".partial")
        with told(self.path):
            partial.write_text(json.dumps(status, ensure_ascii=False))
            partial.replace(self.path / STATUS)

    def _store(self, entry: Entry) -> None:
        present = {found.name: asdict(found) for found in self.entries()}
        self._write({**self._read(), "entries": {**present, entry.name: asdict(entry)}})

    def _note_failure(self, problem: str) -> None:
        try:
            failed_at = now().isoformat(timespec="seconds") if problem else ""
            self._write({**self._read(), "failure": problem, "failed_at": failed_at})
        except BackupError:
            log.error("the failure of a backup can't be noted: %s", problem)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One backup at a time, of all processes; the system gives the lock back when the process ends. Raises
        UserError while another runs."""
        with told(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.place.folder / "backups.lock", timeout=0, isolation_level=None)) as lock:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                raise UserError(_("Another backup is being made.")) from None
            yield


def to_keep(entries: Iterable[Entry], retention: Retention) -> set[str]:
    """The names of the archives to keep: the last good one of each of so many days, weeks and months that have any;
    those that aren't verified or failed for FAILED_KEPT; and always the last good one."""
    entries = sorted(entries, key=lambda entry: entry.name, reverse=True)
    good = [entry for entry in entries if entry.good]
    kept = {entry.name for entry in entries if not entry.good and entry.made_at > now() - FAILED_KEPT}
    kept |= {entry.name for entry in good[:1]}
    for most, form in ((retention.days, "%Y-%m-%d"), (retention.weeks, "%G-%V"), (retention.months, "%Y-%m")):
        last_of: dict[str, str] = {}
        for entry in good:
            last_of.setdefault(entry.made_at.strftime(form), entry.name)
        kept |= set(list(last_of.values())[:most])
    return kept


def tool_note(problem: Message | None) -> None:
    """Log what is wrong with PostgreSQL's tools, at the start of a server."""
    if problem is not None:
        log.warning("%s", in_default_locale(problem))
