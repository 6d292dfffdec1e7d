"""Orders of the 12345 hotline."""

from bureau.cases.case_feature import CaseFeature
from bureau.hotline import order_import, steps
from bureau.menu import WORK
from models import HotlineOrder
from panel.web.features import Screen, Site


def _site() -> Site:
    from bureau.hotline.web import order_view, reply_page

    return Site(views={HotlineOrder: order_view.HotlineOrderView}, routes=reply_page.ROUTES)


FEATURE = CaseFeature(
    handbook="hotline",
    screens=(Screen(HotlineOrder, WORK, "phone", rank=13),),
    steps=(steps.SENT_BACK,),
    listeners=(steps.note_signing,),
    rules={"hotlineorder": order_import.OrderRules},
    site=_site,
)
