"""Rows of old imports leave the database for a file: JSON lines, the last one with the digest of those before it under
the key of the logs. Their batches stay."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import os
import zlib
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, delete, select

from panel.imports.records import ImportBatch, ImportRow
from panel.kinds import today
from panel.security.keys import keys_of
from panel.security.policy import table_of
from panel.security.session import may_write

#: What is left of a row: cells and earlier values are gone by then or go now.
KEPT = ("id", "batch_id", "sheet", "number", "outcome", "record_id", "reason", "version")


def archive(engine: Engine, folder: Path, before: datetime) -> str | None:
    """Archive the rows of the imports from before a moment; the name of the file, None if there are none."""
    row, batch = table_of(ImportRow), table_of(ImportBatch)
    old = select(batch.c.id).where(batch.c.at < before)
    statement = select(*(row.c[name] for name in KEPT)).where(row.c.batch_id.in_(old)).order_by(row.c.id)
    with engine.connect() as connection:
        rows = connection.execute(statement).mappings().all()
    if not rows:
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"importrow-{rows[0]['id']}-{rows[-1]['id']}-{today():%Y%m%d}.jsonl.gz"
    partial, digest = folder / f".{name}.partial", hmac.new(keys_of(engine).log.encode(), digestmod=hashlib.sha256)
    with gzip.open(partial, "wt", encoding="utf-8") as out:
        for values in rows:
            line = json.dumps(dict(values), ensure_ascii=False) + "\n"
            digest.update(line.encode())
            out.write(line)
        out.write(json.dumps({"seal": digest.hexdigest()}) + "\n")
    partial.chmod(0o600)
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(folder / name)
    with may_write(), engine.begin() as connection:
        connection.execute(delete(row).where(row.c.batch_id.in_(old), row.c.id <= rows[-1]["id"]))
    return name


def is_sealed(file: Path, key: str) -> bool:
    """Whether a file has the digest of its rows under the key of the logs."""
    digest, last = hmac.new(key.encode(), digestmod=hashlib.sha256), b""
    try:
        with gzip.open(file) as lines:
            for line in lines:
                digest.update(last)
                last = line
        return hmac.compare_digest(str(json.loads(last)["seal"]), digest.hexdigest())
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        return False
