"""Drawn pictures for a few demo cases."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from bureau.cases import attachments
from models import AttachmentPhase, Case, CaseStatus
from panel.store import files
from panel.store.files import Store
from seed import sample_cases

CASES = 10
SIZE = (840, 630)
#: Colours of the boxes on the pavement before handling.
CLUTTER = ("#b5651d", "#7a8450", "#46627f", "#9c4a3c")


def attach(session: Session, store: Store) -> int:
    """Attach a picture to the newest cases and the sample cases, a second one to handled cases, and return how many."""
    newest = select(Case.id).where(Case.status != CaseStatus.VOIDED).order_by(Case.id.desc()).limit(CASES)
    chosen = select(Case).where(or_(Case.id.in_(newest), Case.place.in_(sample_cases.PLACES))).order_by(Case.id.desc())
    count = 0
    for n, case in enumerate(session.execute(chosen.options(joinedload(Case.handler))).scalars().all()):
        phases = [AttachmentPhase.BEFORE, *([AttachmentPhase.AFTER] if case.handled_at else [])]
        for phase in phases:
            name = f"{case.case_no}-{phase.label}.jpg"
            checked = files.read(name, draw(case.case_no, phase, n), 1 << 20)
            by = case.handler.name if case.handler is not None else "演示"
            count += len(attachments.add(session, store, case, phase, [checked], most=20, by=by))
    session.flush()
    return count


def draw(caption: str, phase: AttachmentPhase, seed: int) -> bytes:
    """Draw a wall and a pavement with boxes, as JPEG."""
    width, height = SIZE
    picture = Image.new("RGB", SIZE, "#cfdbe6")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, height * 2 // 3, width, height), fill="#a9adb0")
    pen.rectangle((80 + seed * 9 % 60, 160, width - 120, height * 2 // 3), fill="#e6dccb", outline="#8d8578", width=4)
    for k in range(4):
        pen.rectangle((150 + k * 170, 230, 250 + k * 170, 330), fill="#6f8ba3")
    if phase is AttachmentPhase.BEFORE:
        for k, colour in enumerate(CLUTTER):
            left = 120 + k * 180 + seed * 13 % 50
            pen.rectangle((left, 430 + k * 17, left + 120, 560 + k * 9), fill=colour)
    font = ImageFont.load_default(34)
    pen.rectangle((0, height - 60, width, height), fill="#16243a")
    pen.text((24, height - 50), caption, fill="white", font=font)
    out = BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()
