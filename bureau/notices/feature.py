"""Notices of steps and deadlines, and messages to other systems."""

from datetime import timedelta

from bureau.cases.case_feature import CaseFeature
from bureau.menu import SYSTEM
from bureau.notices import arrivals, handover, notices
from panel.i18n import _
from panel.jobs import periodic
from panel.notify import outbox
from panel.web.features import Periodic, Site
from panel.web.panel import Link, Panel


def _send_messages(panel: Panel) -> None:
    periodic.register(panel, "webhook.send", timedelta(minutes=1), outbox.Sender(panel))


def _site() -> Site:
    from bureau.notices.web import webhook

    return Site(
        links=(Link(_("Webhook"), "webhook.index", "plug", SYSTEM, webhook.may_open, rank=53),),
        blueprints=(webhook.blueprint,),
        periodic=(
            Periodic("notices.remind", timedelta(minutes=10), notices.remind),
            Periodic("notices.forget", timedelta(days=1), notices.forget),
        ),
        configure=_send_messages,
    )


FEATURE = CaseFeature(
    handbook="notices",
    listeners=(notices.notify_step,),
    bulk_listeners=(arrivals.notify_many,),
    holdings=handover.HOLDINGS,
    site=_site,
)
