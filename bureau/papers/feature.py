"""The feature "papers": the file of a case (案卷) as one page to print."""

from bureau.cases.case_feature import CaseFeature
from panel.web.features import Site


def _site() -> Site:
    from bureau.cases.web.sections import CaseSite
    from bureau.papers.web import case_file

    return CaseSite(routes=case_file.ROUTES, buttons=(case_file.button,))


FEATURE = CaseFeature(site=_site, handbook="case-file")
