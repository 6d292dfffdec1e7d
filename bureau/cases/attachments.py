"""Attachments of a case: adding within a limit, removing with a reason, deleting unused files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bureau.access.roles import OFFICE
from bureau.cases.errors import StepNotAllowed
from models import ENDED, Attachment, AttachmentPhase, Case
from panel.base import UNSCOPED
from panel.i18n import _
from panel.kinds import now
from panel.security.locks import Locked
from panel.security.session import actor_of
from panel.store.files import GRACE_PERIOD, PDF, CheckedFile, Store


def store(instance: str | Path) -> Store:
    """The files of an installation, in its instance folder beside the database."""
    return Store(Path(instance) / "attachments")


def add(
    session: Session,
    store: Store,
    case: Case,
    phase: AttachmentPhase,
    files: Sequence[CheckedFile],
    *,
    most: int,
    by: str = "",
) -> list[Attachment]:
    """Attach files to a case and flush; return the new attachments. Files that the case already has are left out. Files
    are stored before the rows are written, so that every row has its file.

    A PDF always gets the phase DOCUMENT. `by` is who added them, the actor if empty. Raises StepNotAllowed when
    the case would have more than `most` files."""
    stored = select(Attachment.sha256).where(Attachment.case_id == case.id, Attachment.removed_at.is_(None))
    known = set(session.execute(stored).scalars())
    new = {file.sha256: file for file in files if file.sha256 not in known}
    if len(known) + len(new) > most:
        raise StepNotAllowed(
            _("A case has {most} attachments at most; this one has {n} already.", most=most, n=len(known))
        )
    added_by = (by or actor_of(session).name)[:80]
    attachments = []
    for file in new.values():
        store.put(file)
        attachments.append(
            Attachment(
                case_id=case.id,
                phase=AttachmentPhase.DOCUMENT if file.media_type == PDF else phase,
                file_name=file.name,
                media_type=file.media_type,
                size=len(file.data),
                width=file.width,
                height=file.height,
                sha256=file.sha256,
                added_by=added_by,
            )
        )
    session.add_all(attachments)
    try:
        session.flush()
    except Locked as locked:
        raise StepNotAllowed(locked.message) from None
    return attachments


def remove(session: Session, attachment: Attachment, reason: str) -> None:
    """Mark an attachment as removed, with who did it and why, and flush. The row stays.

    clear() deletes the file a day later unless another case has it too, so that a picture of a bystander, attached by
    mistake, doesn't stay on the disk. Raises StepNotAllowed for an attachment removed before, and for one of a case
    that has ended unless the office removes it."""
    if attachment.case.status in ENDED and OFFICE not in actor_of(session).roles:
        raise StepNotAllowed(_("The case has ended: the office alone takes a file off, with a reason."))
    if attachment.removed_at is not None:
        raise StepNotAllowed(
            _("{name} has been taken off by {who} already.", name=attachment.file_name, who=attachment.removed_by)
        )
    attachment.removed_at = now()
    attachment.removed_by = actor_of(session).name[:80]
    attachment.removed_reason = reason
    session.flush()


def clear(session: Session, store: Store) -> int:
    """Delete files without an attachment and files removed more than a day ago; return how many.

    The day's delay lets a running backup find every file that its copy of the database refers to."""
    referenced = select(Attachment.sha256).where(
        or_(Attachment.removed_at.is_(None), Attachment.removed_at > now() - GRACE_PERIOD)
    )
    # Unscoped: files of every case must stay.
    return store.delete_unused(frozenset(session.execute(referenced, execution_options=UNSCOPED).scalars()))
