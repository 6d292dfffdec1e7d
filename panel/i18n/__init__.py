"""Translation of texts for users."""

from panel.i18n.lists import bracketed, clauses, labelled, listed
from panel.i18n.text import (
    CATALOGUES,
    DEFAULT_LOCALE,
    LOCALES,
    Message,
    _,
    catalogue,
    current_locale,
    in_default_locale,
    in_every_locale,
    n_,
    use_locale,
    using_locale,
)

__all__ = [
    "CATALOGUES",
    "DEFAULT_LOCALE",
    "LOCALES",
    "Message",
    "_",
    "bracketed",
    "catalogue",
    "clauses",
    "current_locale",
    "in_default_locale",
    "in_every_locale",
    "labelled",
    "listed",
    "n_",
    "use_locale",
    "using_locale",
]
