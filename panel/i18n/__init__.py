"""Text for people: written in English, shown in the reader's language."""

from panel.i18n.text import (
    CATALOGUES,
    DEFAULT_LOCALE,
    LOCALES,
    Message,
    _,
    catalogue,
    current_locale,
    for_the_record,
    in_every_locale,
    n_,
    speaking,
    use_locale,
)

__all__ = [
    "CATALOGUES",
    "DEFAULT_LOCALE",
    "LOCALES",
    "Message",
    "_",
    "catalogue",
    "current_locale",
    "for_the_record",
    "in_every_locale",
    "n_",
    "speaking",
    "use_locale",
]
