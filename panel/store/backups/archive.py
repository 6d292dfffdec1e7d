"""Archives: a ZIP of the database, each file by its SHA-256, and the sealed manifest; encrypted by setting.

The database is copied first. Every file that its rows name is there for the copy, because a file is stored before its
row and deleted a day after it."""

from __future__ import annotations

import os
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from sqlalchemy import Engine

from panel.i18n import Message, _
from panel.security.keys import fingerprint
from panel.security.transactions import reading
from panel.store.backups import copies, encryption
from panel.store.backups import manifest as manifests
from panel.store.backups.errors import BackupError, require_room, told
from panel.store.backups.manifest import SQLITE, Contents, Manifest
from panel.store.files import SMALL, Store

#: Names inside the archive: of the database, of the manifest and its seals, and the folder of the files.
DATABASE, MANIFEST, SEALS, FILES = "database", "manifest.json", "manifest.seals", "files/"
_FILE = re.compile(rf"{FILES}([0-9a-f]{{64}})({re.escape(SMALL)})?")
_MAGIC = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Place:
    """An installation, as far as backups need it: its database, its files, its keys by name, the folder for scratch
    copies, and the key file of encrypted archives."""

    engine: Engine
    store: Store
    keys: Mapping[str, str]
    folder: Path
    key_file: Path | None = None


def make(place: Place, file: Path) -> int:
    """Write a consistent archive to `file` while others write, and return its size in bytes. Raises BackupError.

    An existing file is replaced only when the new one is complete; a failure leaves nothing behind."""
    if not file.parent.is_dir():
        raise BackupError(_("There is no folder {folder}.", folder=file.parent))
    key = encryption.read_key(place.key_file) if place.key_file else None
    partial = file.with_name(file.name + ".partial")
    with told(file.parent):
        paths = list(place.store.files())
        files = {path.name: path.stat().st_size for path in paths}
        _require_room(place, file.parent, sum(files.values()))
        try:
            with _scratch(place.folder) as folder:
                copy = folder / DATABASE
                with told(place.folder):
                    kind, contents = copies.copy(place.engine, copy)
                    listed = _manifest(place, kind, copy, contents, files).to_bytes()
                with ExitStack() as stack:
                    out = stack.enter_context(partial.open("wb"))
                    partial.chmod(0o600)
                    target = stack.enter_context(encryption.Encrypted(out, key)) if key else out
                    with ZipFile(target, "w") as archive:  # type: ignore[call-overload]
                        archive.write(copy, DATABASE, ZIP_DEFLATED, 3)
                        for path in paths:  # not compressed: pictures are already
                            archive.write(path, FILES + path.name)
                        archive.writestr(MANIFEST, listed, ZIP_DEFLATED)
                        archive.writestr(SEALS, manifests.seal(listed, place.keys))
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
        return file.stat().st_size


def _require_room(place: Place, folder: Path, files: int) -> None:
    """Raise BackupError unless there is room for the scratch copy of the database and for the archive."""
    database, spare = _size(place.engine), 1 << 20
    require_room(place.folder, database + spare)
    same = place.folder.stat().st_dev == folder.stat().st_dev
    require_room(folder, database // 3 + files + (database if same else 0) + spare)


def _manifest(place: Place, kind: str, copy: Path, contents: Contents, files: dict[str, int]) -> Manifest:
    version, counts, heads = contents
    keys = {name: fingerprint(key) for name, key in place.keys.items() if key}
    return Manifest(kind, version, manifests.file_hash(copy), copy.stat().st_size, counts, heads, files, keys)


def _size(engine: Engine) -> int:
    """Bytes of the database, of PostgreSQL as the server says."""
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        return file.stat().st_size if file.exists() else 0
    with reading(), engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder that only this account can read, deleted at the end."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".backup-") as name:
        yield Path(name)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An archive in a scratch folder, compared with its manifest: the database, and the files as a Store. `manifest` is
    None for an archive of an earlier version, or for a copy of a database alone."""

    database: Path
    store: Store
    manifest: Manifest | None


@contextmanager
def unpacked(place: Place, file: Path, *, unsealed: bool = False) -> Iterator[Unpacked]:
    """Unpack an archive beside the installation and compare it with its manifest. Raises BackupError for what is
    damaged, was changed, or isn't sealed by a key of this installation, unless `unsealed`. The scratch folder is
    deleted at the end."""
    if not file.is_file():
        raise BackupError(_("There is no file {file}.", file=file))
    with told(place.folder), _scratch(place.folder) as folder:
        archive = _decrypted(place, file, folder)
        with archive.open("rb") as start:
            magic = start.read(len(_MAGIC))
        store = Store(folder / "files")
        if magic == _MAGIC:
            if not unsealed:
                raise BackupError(_unsealed(file))
            yield Unpacked(_sound(file, archive), store, None)
            return
        try:
            with ZipFile(archive) as opened:
                manifest = _read_manifest(place, opened, file, unsealed=unsealed)
                require_room(place.folder, sum(info.file_size for info in opened.infolist()) + (1 << 20))
                database = _extract(opened, file, folder, store, manifest)
        except (BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
            raise BackupError(_damaged(file)) from error
        if manifest is None or manifest.kind == SQLITE:
            _sound(file, database)
        if manifest is not None and manifest.kind == SQLITE:
            with copies.opened(database) as connection:
                if found := manifests.difference(manifest, connection):
                    raise BackupError(_changed(file, found))
        yield Unpacked(database, store, manifest)


def _decrypted(place: Place, file: Path, folder: Path) -> Path:
    if not encryption.is_encrypted(file):
        return file
    if place.key_file is None:
        raise BackupError(
            _("{file} is encrypted. Name the key file of the backups: BACKUP_KEY_FILE, or --key-file.", file=file)
        )
    target = folder / "decrypted"
    encryption.decrypt(file, target, encryption.read_key(place.key_file))
    return target


def _read_manifest(place: Place, archive: ZipFile, file: Path, *, unsealed: bool) -> Manifest | None:
    names = archive.namelist()
    known = (DATABASE, MANIFEST, SEALS)
    if DATABASE not in names or not all(name in known or _FILE.fullmatch(name) for name in names):
        raise BackupError(_damaged(file))
    if MANIFEST not in names:
        if not unsealed:
            raise BackupError(_unsealed(file))
        return None
    data = archive.read(MANIFEST)
    fits = manifests.is_sealed(data, archive.read(SEALS) if SEALS in names else b"", place.keys)
    if fits is None and not unsealed:
        raise BackupError(
            _(
                "{file} was made under another key. Put the key files of that installation into {folder} first, in "
                "place of those there. Only if they are lost: restore --unsealed, which can't tell whether the archive "
                "was changed.",
                file=file,
                folder=place.folder,
            )
        )
    if fits is False:
        raise BackupError(_changed(file, _("its list of contents was changed")))
    return Manifest.read(data)


def _extract(archive: ZipFile, file: Path, folder: Path, store: Store, manifest: Manifest | None) -> Path:
    """Unpack database and files, comparing each with its hash and the list."""
    database = Path(archive.extract(DATABASE, folder))
    if manifest is not None and manifests.file_hash(database) != manifest.sha256:
        raise BackupError(_changed(file, _("its database is another one")))
    names = [match for name in archive.namelist() if (match := _FILE.fullmatch(name))]
    if manifest is not None and (missing := manifest.files.keys() - {name[0].removeprefix(FILES) for name in names}):
        raise BackupError(_changed(file, _("{n} files of attachments are missing", n=len(missing))))
    for match in names:
        path = store.path(match[1], small=match[2] is not None)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with archive.open(match[0]) as source, path.open("wb") as out:
            while block := source.read(1 << 20):
                out.write(block)
        size = manifest.files.get(path.name) if manifest is not None else path.stat().st_size
        if size != path.stat().st_size or (match[2] is None and not store.verify(match[1])):
            raise BackupError(_changed(file, _("the file of an attachment is another one")))
    return database


def _sound(file: Path, database: Path) -> Path:
    with database.open("rb") as start:
        if start.read(len(_MAGIC)) != _MAGIC:
            return database  # made by pg_dump of an earlier version
    if not copies.is_sound(database):
        raise BackupError(_damaged(file))
    return database


def _damaged(file: Path) -> Message:
    return _("{file} is damaged or no backup of this panel.", file=file)


def _changed(file: Path, what: Message) -> Message:
    return _("{file} isn't as it was made: {what}. Nothing was restored. Take another backup.", file=file, what=what)


def _unsealed(file: Path) -> Message:
    return _(
        "{file} has no sealed list of contents: it was made by an earlier version of the program, or was changed. If "
        "you know where it comes from: restore --unsealed.",
        file=file,
    )
