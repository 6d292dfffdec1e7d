"""Uploaded files: their type is detected, pictures are cleaned, and they are stored by their SHA-256 beside the
database.

A picture is decoded, turned upright and encoded again, which removes its metadata, such as position and camera. A file
is completely on disk before a row names it. Equal files are stored once.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from panel.i18n import Message, _
from panel.kinds import now

if TYPE_CHECKING:
    from PIL import Image

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
PICTURES = (JPEG, PNG)
#: Picture formats that are accepted; no other decoder of the library is used.
FORMATS = ("JPEG", "PNG", "WEBP")
#: First bytes of a JPEG and a PNG; a WebP has "RIFF" at 0 and "WEBP" at 8.
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
#: Limit of a picture's pixels, checked before it is decoded. The largest pictures of phones have some 50 million.
MAX_PIXELS = 55_000_000
#: Pixels of the longer side of a stored picture and of its small copy.
LONG_SIDE, SMALL_SIDE = 3200, 320
#: A file that no row names is kept this long after its upload: its row may be about to be saved.
GRACE_PERIOD = timedelta(days=1)
NAME_LENGTH = 120

SMALL = ".small"
_DELETING = ".going"
_NAME = re.compile(r"[0-9a-f]{64}")

#: Pictures are decoded one at a time: two of the largest at once could exhaust the memory of a small machine.
_decoding = Lock()


class FileError(Exception):
    """The file is not accepted; `message` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """An accepted file: the bytes to store with their SHA-256, and for a picture its size in pixels and a small JPEG
    copy."""

    name: str
    media_type: str
    data: bytes
    sha256: str
    width: int | None = None
    height: int | None = None
    small: bytes | None = None


def read(name: str, data: bytes, limit: int) -> CheckedFile:
    """Detect the type of a file by its content, and clean it. `limit` is in bytes. Raises FileError."""
    name = _clean_name(name)
    if not data:
        raise FileError(_("{name}: this file is empty.", name=name))
    if len(data) > limit:
        raise FileError(_("{name}: a file may have {n} MB at most.", name=name, n=limit // 1024 // 1024))
    if data.startswith(b"%PDF-"):
        if b"%%EOF" not in data[-2048:]:
            raise FileError(_("{name}: this PDF is damaged or not whole.", name=name))
        return CheckedFile(_with_extension(name, PDF), PDF, data, sha256(data).hexdigest())
    if not (data.startswith(SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")):
        raise FileError(_("{name}: only pictures (JPEG, PNG, WebP) and PDF are taken.", name=name))
    with _decoding:
        return _picture(name, data)


def _picture(name: str, data: bytes) -> CheckedFile:
    # Imported only when needed, to save start time and memory.
    from PIL import Image, ImageOps  # noqa: PLC0415

    # MAX_PIXELS is checked instead; Pillow's own limit is lower and would warn.
    Image.MAX_IMAGE_PIXELS = None
    damaged = _("{name}: this picture is damaged or not whole.", name=name)
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as source:
            if source.width * source.height > MAX_PIXELS:
                raise FileError(_("{name}: this picture has too many pixels; take it in a lower quality.", name=name))
            media_type = PNG if source.format == "PNG" else JPEG
            # Let the JPEG decoder scale down while decoding.
            source.draft("RGB", (LONG_SIDE, LONG_SIDE))
            source.load()
            picture = _without_metadata(ImageOps.exif_transpose(source))
    except FileError:
        raise
    except Exception as error:  # decoders raise errors of many types for damaged pictures
        raise FileError(damaged) from error
    if media_type == JPEG:
        picture = _on_white(picture)
    picture.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    encoded = _encoded(picture, media_type, 88)
    width, height = picture.size
    small = _on_white(picture)
    small.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS)
    return CheckedFile(
        _with_extension(name, media_type),
        media_type,
        encoded,
        sha256(encoded).hexdigest(),
        width,
        height,
        small=_encoded(small, JPEG, 80),
    )


def _without_metadata(picture: Image.Image) -> Image.Image:
    """The pixels without any metadata."""
    transparent = "A" in picture.getbands() or "transparency" in picture.info
    bare = picture.convert("RGBA" if transparent else "RGB")
    bare.info = {}
    return bare


def _on_white(picture: Image.Image) -> Image.Image:
    """A copy with transparency replaced by white."""
    if picture.mode != "RGBA":
        return picture.copy()
    from PIL import Image  # noqa: PLC0415

    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def _encoded(picture: Image.Image, media_type: str, quality: int) -> bytes:
    buffer = BytesIO()
    if media_type == PNG:
        picture.save(buffer, "PNG")
    else:
        picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _with_extension(name: str, media_type: str) -> str:
    """The name with an extension that fits the type."""
    ends = {JPEG: (".jpg", ".jpeg"), PNG: (".png",), PDF: (".pdf",)}[media_type]
    return name if name.lower().endswith(ends) else name[: NAME_LENGTH - len(ends[0])] + ends[0]


def _clean_name(name: str) -> str:
    """The name without folders and unprintable characters, cut to NAME_LENGTH with its extension kept."""
    name = re.split(r"[\\/]", name)[-1]
    name = "".join(c for c in name if c.isprintable()).strip(" .") or "file"
    stem, dot, extension = name.rpartition(".")
    if len(name) > NAME_LENGTH:
        name = (
            stem[: NAME_LENGTH - len(extension) - 1] + dot + extension
            if dot and len(extension) < 10
            else name[:NAME_LENGTH]
        )
    return name


class Store:
    """The folder of stored files: `ab/ab12…` by SHA-256 (`digest`), with the small copy of a picture beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str, *, small: bool = False) -> Path:
        if not _NAME.fullmatch(digest):
            raise ValueError("no SHA-256")
        return self.folder / digest[:2] / (digest + SMALL if small else digest)

    def put(self, file: CheckedFile) -> None:
        """Store a file. If it is stored already, its grace period begins again."""
        if file.small is not None:
            self.write(self.path(file.sha256, small=True), file.small)
        self.write(self.path(file.sha256), file.data)

    def write(self, path: Path, data: bytes) -> None:
        """Write a file at a path() of this store. It appears there only when it is complete; only this account can read
        it."""
        for folder in (self.folder, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            if path.stat().st_size == len(data):
                os.utime(path)
                return
        except FileNotFoundError:
            pass  # new, or being deleted by another process
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix="new-")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            Path(partial).replace(path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def digests(self) -> Iterator[str]:
        """The digest of every stored file, sorted."""
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            if _NAME.fullmatch(path.name):
                yield path.name

    def files(self) -> Iterator[Path]:
        """The paths of all files and small copies, without those being written or deleted."""
        for digest in self.digests():
            yield self.path(digest)
            if (small := self.path(digest, small=True)).exists():
                yield small

    def verify(self, digest: str) -> bool | None:
        """Whether the content of a file matches its digest; None if there is no file."""
        hashed = sha256()
        try:
            with self.path(digest).open("rb") as file:
                while block := file.read(1 << 20):
                    hashed.update(block)
        except FileNotFoundError:
            return None
        return hashed.hexdigest() == digest

    def delete_unused(self, used: Collection[str], before: datetime | None = None) -> int:
        """Delete the files whose digest is not in `used` and that were last stored before `before` (by default
        GRACE_PERIOD ago). Returns their number, without small copies.

        A file is first renamed and its time checked again, so that one that is stored again meanwhile is kept."""
        limit = (before or now() - GRACE_PERIOD).timestamp()
        deleted = 0
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            if path.name.endswith(_DELETING):  # left by a deletion that was interrupted
                original = path.with_name(path.name.removesuffix(_DELETING))
                if not original.exists():
                    path.replace(original)
                path = original  # noqa: PLW2901
            digest = path.name.removesuffix(SMALL)
            if digest in used:
                continue
            aside = path.with_name(path.name + _DELETING)
            try:
                if path.stat().st_mtime > limit:
                    continue
                path.replace(aside)
                if aside.stat().st_mtime > limit:
                    aside.replace(path)
                    continue
                aside.unlink()
            except FileNotFoundError:
                continue  # another process deletes it too
            deleted += not path.name.endswith(SMALL)
        return deleted


def _sync_folder(folder: Path) -> None:
    """Sync the folder's entries to disk, where the system supports it."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
