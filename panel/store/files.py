"""Files that people hand in: told by what they hold, cleaned, and kept by their own SHA-256 beside the database.

A picture is opened, turned upright and written anew, so that nothing of it stays but what one sees: position, camera
and remarks are gone. A file is whole on the disk before any row names it, and the same file twice is one.
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
#: What is opened as a picture; every other decoder stays shut.
FORMATS = ("JPEG", "PNG", "WEBP")
#: How a JPEG and a PNG begin; a WebP is told apart by two words.
HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
#: A picture's pixels as told by its head, before any is read. A telephone's largest has some fifty million.
MAX_PIXELS = 55_000_000
#: A kept picture's longer side, and that of its small copy.
LONG_SIDE, SMALL_SIDE = 3200, 320
#: A file that nothing names is kept so long: whoever handed it in may be about to save.
GRACE_PERIOD = timedelta(days=1)
NAME_LENGTH = 120

SMALL = ".small"
_GOING = ".going"
_NAME = re.compile(r"[0-9a-f]{64}")

#: One picture is taken apart at a time: two of the largest at once would fill a small machine's memory.
_opening = Lock()


class FileError(Exception):
    """The file is not taken; `message` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that may be kept: what will be written, and for a picture its measures and its small copy."""

    name: str
    media_type: str
    data: bytes
    sha256: str
    width: int | None = None
    height: int | None = None
    small: bytes | None = None


def read(name: str, data: bytes, limit: int) -> CheckedFile:
    """Tell what a file is by what it holds, and clean it. Raises FileError with a sentence for the user."""
    name = _plain(name)
    if not data:
        raise FileError(_("{name}: this file is empty.", name=name))
    if len(data) > limit:
        raise FileError(_("{name}: a file may have {n} MB at most.", name=name, n=limit // 1024 // 1024))
    if data.startswith(b"%PDF-"):
        if b"%%EOF" not in data[-2048:]:
            raise FileError(_("{name}: this PDF is damaged or not whole.", name=name))
        return CheckedFile(_called(name, PDF), PDF, data, sha256(data).hexdigest())
    if not (data.startswith(HEADS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")):
        raise FileError(_("{name}: only pictures (JPEG, PNG, WebP) and PDF are taken.", name=name))
    with _opening:
        return _picture(name, data)


def _picture(name: str, data: bytes) -> CheckedFile:
    # Loaded where a picture comes in: commands and workers that see none start sooner and stay smaller.
    from PIL import Image, ImageOps  # noqa: PLC0415

    # Our own limit is checked before a pixel is read; Pillow's would warn of what we allow.
    Image.MAX_IMAGE_PIXELS = None
    damaged = _("{name}: this picture is damaged or not whole.", name=name)
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise FileError(_("{name}: this picture has too many pixels; take it in a lower quality.", name=name))
            media_type = PNG if opened.format == "PNG" else JPEG
            # A JPEG's decoder leaves out what would be scaled away afterwards.
            opened.draft("RGB", (LONG_SIDE, LONG_SIDE))
            opened.load()
            picture = _bare(ImageOps.exif_transpose(opened))
    except FileError:
        raise
    except Exception as error:  # whatever a decoder stumbles over, the picture is what is wrong
        raise FileError(damaged) from error
    if media_type == JPEG:
        picture = _opaque(picture)
    picture.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    kept = _written(picture, media_type, 88)
    width, height = picture.size
    small = _opaque(picture)
    small.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS)
    return CheckedFile(
        _called(name, media_type),
        media_type,
        kept,
        sha256(kept).hexdigest(),
        width,
        height,
        small=_written(small, JPEG, 80),
    )


def _bare(picture: Image.Image) -> Image.Image:
    """The pixels alone: no remark, position or profile of the file goes with them."""
    see_through = "A" in picture.getbands() or "transparency" in picture.info
    bare = picture.convert("RGBA" if see_through else "RGB")
    bare.info = {}
    return bare


def _opaque(picture: Image.Image) -> Image.Image:
    """On white, where one could see through it; always a copy."""
    if picture.mode != "RGBA":
        return picture.copy()
    from PIL import Image  # noqa: PLC0415

    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def _written(picture: Image.Image, media_type: str, quality: int) -> bytes:
    out = BytesIO()
    if media_type == PNG:
        picture.save(out, "PNG")
    else:
        picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _called(name: str, media_type: str) -> str:
    """The name with an end that says what the file is, whatever it was called."""
    ends = {JPEG: (".jpg", ".jpeg"), PNG: (".png",), PDF: (".pdf",)}[media_type]
    return name if name.lower().endswith(ends) else name[: NAME_LENGTH - len(ends[0])] + ends[0]


def _plain(name: str) -> str:
    """The file's own name without folders and what doesn't print; its end stays when it is cut."""
    name = re.split(r"[\\/]", name)[-1]
    name = "".join(c for c in name if c.isprintable()).strip(" .") or "file"
    stem, dot, end = name.rpartition(".")
    if len(name) > NAME_LENGTH:
        name = stem[: NAME_LENGTH - len(end) - 1] + dot + end if dot and len(end) < 10 else name[:NAME_LENGTH]
    return name


class Store:
    """The folder of the files, by their SHA-256: `ab/ab12…`, a picture's small copy beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str, *, small: bool = False) -> Path:
        if not _NAME.fullmatch(digest):
            raise ValueError("no SHA-256")
        return self.folder / digest[:2] / (digest + SMALL if small else digest)

    def put(self, handed: CheckedFile) -> None:
        """Write a file, whole or not at all; one that is there already is only kept for another while."""
        if handed.small is not None:
            self.write(self.path(handed.sha256, small=True), handed.small)
        self.write(self.path(handed.sha256), handed.data)

    def write(self, path: Path, data: bytes) -> None:
        """Put one file at a path() of this store, whole or not at all; readable for this account alone."""
        for folder in (self.folder, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            if path.stat().st_size == len(data):
                os.utime(path)
                return
        except FileNotFoundError:
            pass  # also when it is being cleared away this very moment
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
        _settle(path.parent)

    def digests(self) -> Iterator[str]:
        """Every file that is kept, small copies aside, in order."""
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            if _NAME.fullmatch(path.name):
                yield path.name

    def files(self) -> Iterator[Path]:
        """Every file with its small copy, for a backup; what is being written or cleared away is left out."""
        for digest in self.digests():
            yield self.path(digest)
            if (small := self.path(digest, small=True)).exists():
                yield small

    def verify(self, digest: str) -> bool | None:
        """Whether the file is what its name says; None when there is none."""
        hashed = sha256()
        try:
            with self.path(digest).open("rb") as file:
                while block := file.read(1 << 20):
                    hashed.update(block)
        except FileNotFoundError:
            return None
        return hashed.hexdigest() == digest

    def clear(self, named: Collection[str], before: datetime | None = None) -> int:
        """Delete files that none of `named` is and that nobody has handed in since `before` (a day ago); how many.

        A file is moved aside and looked at once more before it goes: one that is handed in again meanwhile stays."""
        limit = (before or now() - GRACE_PERIOD).timestamp()
        gone = 0
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            if path.name.endswith(_GOING):  # left by a clearing that was cut off
                whole = path.with_name(path.name.removesuffix(_GOING))
                if not whole.exists():
                    path.replace(whole)
                path = whole  # noqa: PLW2901
            digest = path.name.removesuffix(SMALL)
            if digest in named:
                continue
            aside = path.with_name(path.name + _GOING)
            try:
                if path.stat().st_mtime > limit:
                    continue
                path.replace(aside)
                if aside.stat().st_mtime > limit:
                    aside.replace(path)
                    continue
                aside.unlink()
            except FileNotFoundError:
                continue  # another process clears away as well
            gone += not path.name.endswith(SMALL)
        return gone


def _settle(folder: Path) -> None:
    """Have the folder's new entry on the disk as well, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
