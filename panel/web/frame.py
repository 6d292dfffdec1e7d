"""What stands round a page: side bar, search, badges and bell."""

from __future__ import annotations

from flask import request, url_for

from panel.i18n import Message, text
from panel.jobs.records import Job
from panel.notify import notices
from panel.notify.records import Notice
from panel.search import listing
from panel.security.policy import Permission
from panel.web.context import current_actor
from panel.web.pages import Frame, MenuGroup, MenuItem
from panel.web.panel import Link, Panel
from panel.web.system import job_pages


def frame(panel: Panel) -> Frame | None:
    """What stands round the page for whoever is logged in."""
    actor = current_actor()
    if actor.user_id is None:
        return None
    readable = [v for v in panel.views.values() if panel.policy.may(actor, Permission.READ, v.model)]
    shown = [link for link in panel.links if link.may()]
    wanted = {v.endpoint: (v.model, v.quick_filters()[v.badge].condition(actor)) for v in readable if v.badge}
    wanted |= {link.endpoint: link.badge(actor) for link in shown if link.badge}
    bell = [(Notice, notices.unread(actor)), (Job, job_pages.unseen())]
    *numbers, unread, unseen = listing.counts(panel.session, [*wanted.values(), *bell])
    badges = dict(zip(wanted, numbers, strict=True))
    groups: dict[Message, MenuGroup] = {}

    def put(group: Message, item: MenuItem) -> None:
        groups.setdefault(group, MenuGroup(group, [])).items.append(item)

    for link in shown:
        if link.first:
            put(link.group, _link_item(link, badges.get(link.endpoint, 0)))
    for view in readable:
        url = url_for(f"{view.endpoint}.index_view")
        active = request.blueprint == view.endpoint
        put(view.group, MenuItem(view.model.__labels__, url, view.icon, active, badges.get(view.endpoint, 0)))
    for link in shown:
        if not link.first:
            put(link.group, _link_item(link, badges.get(link.endpoint, 0)))
    searched = panel.views.get(panel.search_table)
    if searched is None or searched not in readable:
        searched = next((v for v in readable if listing.searchable(v.model)), None)
    return Frame(
        unit=panel.unit(),
        sub=panel.sub(),
        menu=list(groups.values()),
        person=actor.name,
        roles="、".join(str(role.label) for role in panel.policy.roles_of(actor)),
        banner=panel.banner(),
        search_url=url_for(f"{searched.endpoint}.index_view") if searched else None,
        search_hint="、".join(str(f.label) for f in listing.searchable(searched.model)[:4]) if searched else "",
        locale=text.current_locale(),
        locales=text.LOCALES,
        unread=unread,
        unseen=unseen,
    )


def _link_item(link: Link, count: int) -> MenuItem:
    url = url_for(link.endpoint)
    return MenuItem(link.label, url, link.icon, active=request.path == url, count=count)
