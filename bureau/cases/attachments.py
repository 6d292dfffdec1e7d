"""Pictures and papers of a case: how many it may have, who takes one off, and which files may go."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bureau.cases.errors import StepNotAllowed
from models import Attachment, AttachmentPhase, Case
from panel.i18n import _
from panel.kinds import now
from panel.security.session import actor_of
from panel.store.files import KEPT, PDF, CheckedFile, Store


def add(
    session: Session, store: Store, case: Case, phase: AttachmentPhase, files: Sequence[CheckedFile], *, most: int
) -> list[Attachment]:
    """Attach files to a case and flush; one that the case has already is left out. The files are on the disk before
    the rows are written, so that no row ever names a file that isn't there.

    A PDF is a document whatever the phase. Raises NotAllowed with a sentence when the case would have more than
    `most`."""
    living = select(Attachment.sha256).where(Attachment.case_id == case.id, Attachment.removed_at.is_(None))
    known = set(session.execute(living).scalars())
    fresh = {one.sha256: one for one in files if one.sha256 not in known}
    if len(known) + len(fresh) > most:
        raise StepNotAllowed(
            _("A case has {most} attachments at most; this one has {n} already.", most=most, n=len(known))
        )
    actor = actor_of(session)
    made = []
    for one in fresh.values():
        store.put(one)
        made.append(
            Attachment(
                case_id=case.id,
                phase=AttachmentPhase.DOCUMENT if one.media_type == PDF else phase,
                file_name=one.name,
                media_type=one.media_type,
                size=len(one.data),
                width=one.width,
                height=one.height,
                sha256=one.sha256,
                added_by=actor.name[:80],
            )
        )
    session.add_all(made)
    session.flush()
    return made


def remove(session: Session, attachment: Attachment, reason: str) -> None:
    """Take a file off its case and flush. The row stays and tells who did it and why: nothing vanishes without a
    trace. The file itself goes a day later, unless another case has it too: what shows a bystander's face by mistake
    must not lie about for ever."""
    if attachment.removed_at is not None:
        raise StepNotAllowed(
            _("{name} has been taken off by {who} already.", name=attachment.file_name, who=attachment.removed_by)
        )
    attachment.removed_at = now()
    attachment.removed_by = actor_of(session).name[:80]
    attachment.removed_reason = reason
    session.flush()


def clear(session: Session, store: Store) -> int:
    """Delete the files that no attachment names, and those taken off more than a day ago; how many. A backup that is
    being taken finds every file that its copy of the database names."""
    kept = select(Attachment.sha256).where(or_(Attachment.removed_at.is_(None), Attachment.removed_at > now() - KEPT))
    # The system's own work: what anybody's case has must stay.
    return store.clear(frozenset(session.execute(kept, execution_options={"unscoped": True}).scalars()))
