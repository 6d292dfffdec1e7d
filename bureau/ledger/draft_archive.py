"""Old drafts of ledgers that nobody handed up leave the database for a sealed file, a workbook each. The last draft of
each basis stays, from which the next months follow. Ledgers handed up stay for good: the seal of their row covers the
workbook."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, undefer

from models import LedgerDraft
from panel.kinds import today
from panel.security.session import elevated

MANIFEST = "manifest.json"


class NotAsWritten(Exception):  # noqa: N818 - nothing is removed
    """What was read back from an archive isn't what was written."""


def archive(session: Session, folder: Path, before: datetime, key: str) -> str | None:
    """Archive the drafts from before a moment and delete them; the caller commits. Returns the name of the file, None
    if there are none. Raises OSError or NotAsWritten; then every draft stays."""
    old = due(session, before)
    if not old:
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"ledgerdraft-{old[0].id}-{old[-1].id}-{today():%Y%m%d}.zip"
    partial = folder / f".{name}.partial"
    try:
        _write(partial, old, key)
        if not is_whole(partial, key, old):
            raise NotAsWritten(name)
        partial.replace(folder / name)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    with elevated(session):
        for draft in old:
            session.delete(draft)
    session.flush()
    return name


def due(session: Session, before: datetime) -> Sequence[LedgerDraft]:
    """The drafts from before a moment, with their files, in the order of their ids."""
    other = aliased(LedgerDraft)
    last = select(func.max(other.month)).where(other.basis == LedgerDraft.basis).scalar_subquery()
    statement = select(LedgerDraft).where(LedgerDraft.made_at < before, LedgerDraft.month < last)
    return session.execute(statement.order_by(LedgerDraft.id).options(undefer(LedgerDraft.file))).scalars().all()


def is_whole(file: Path, key: str, drafts: Sequence[LedgerDraft]) -> bool:
    """Whether an archive has the seal of its manifest, and these drafts byte by byte."""
    with ZipFile(file) as opened:
        manifest = json.loads(opened.read(MANIFEST))
        listed = {entry["id"]: entry for entry in manifest["drafts"]}
        stored = all(opened.read(_name(draft)) == draft.file for draft in drafts)
    sealed = hmac.compare_digest(manifest["seal"], _seal(manifest["drafts"], key))
    return stored and sealed and [_entry(draft) for draft in drafts] == [listed.get(draft.id) for draft in drafts]


def is_sealed(file: Path, key: str) -> bool:
    """Whether an archive has the seal of its manifest, and every file that stands there."""
    try:
        with ZipFile(file) as opened:
            manifest = json.loads(opened.read(MANIFEST))
            hashes = [hashlib.sha256(opened.read(entry["file"])).hexdigest() for entry in manifest["drafts"]]
        sealed = hmac.compare_digest(str(manifest["seal"]), _seal(manifest["drafts"], key))
        return sealed and hashes == [entry["sha256"] for entry in manifest["drafts"]]
    except (OSError, BadZipFile, ValueError, KeyError, TypeError):
        return False


def _write(file: Path, drafts: Sequence[LedgerDraft], key: str) -> None:
    entries = [_entry(draft) for draft in drafts]
    file.unlink(missing_ok=True)
    with file.open("xb") as out:
        file.chmod(0o600)
        with ZipFile(out, "w", ZIP_STORED) as target:  # workbooks are compressed themselves
            for draft in drafts:
                target.writestr(_name(draft), draft.file)
            target.writestr(MANIFEST, json.dumps({"drafts": entries, "seal": _seal(entries, key)}, ensure_ascii=False))
        out.flush()
        os.fsync(out.fileno())


def _name(draft: LedgerDraft) -> str:
    return f"{draft.id}-{draft.file_name}"


def _entry(draft: LedgerDraft) -> dict[str, Any]:
    return {
        "id": draft.id,
        "month": draft.month,
        "basis": draft.basis.value,
        "rows": draft.rows,
        "digest": draft.digest,
        "file": _name(draft),
        "sha256": hashlib.sha256(draft.file).hexdigest(),
    }


def _seal(entries: Sequence[dict[str, Any]], key: str) -> str:
    """HMAC-SHA256 of the entries under the key of the logs."""
    return hmac.new(key.encode(), json.dumps(entries, ensure_ascii=False).encode(), hashlib.sha256).hexdigest()
