"""Made-up records for tests, a browser that knows forms, and a count of statements."""

from bench.forms import form_values
from tests.factories.browser import PASSWORD, Browser
from tests.factories.clocks import MOMENT, clock
from tests.factories.district import District, account, case, district
from tests.factories.records import another, another_value, demanded, person, typed, value_of, without_rule
from tests.factories.stage import Stage
from tests.factories.statements import counted, memory_session
from tests.factories.tables import BUSINESS, MODELS, ROLE_NAMES, ROLES_BY_NAME, TABLES, granted, pairs, scoped

__all__ = [
    "BUSINESS",
    "MODELS",
    "MOMENT",
    "PASSWORD",
    "ROLES_BY_NAME",
    "ROLE_NAMES",
    "TABLES",
    "Browser",
    "District",
    "Stage",
    "account",
    "another",
    "another_value",
    "case",
    "clock",
    "counted",
    "demanded",
    "district",
    "form_values",
    "granted",
    "memory_session",
    "pairs",
    "person",
    "scoped",
    "typed",
    "value_of",
    "without_rule",
]
