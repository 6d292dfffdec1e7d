"""Data classes for templates. Their values are translated and masked already; a template decides only the layout."""

from panel.web.pages.frame import Frame, MenuGroup, MenuItem
from panel.web.pages.home import HomePage, SetupStep, Tile
from panel.web.pages.imports import (
    Choice,
    ColumnsPage,
    PreviewCell,
    PreviewPage,
    PreviewRow,
    UndoPage,
    UndoRow,
    UploadPage,
)
from panel.web.pages.jobs import JobPage
from panel.web.pages.parts import (
    Button,
    Cell,
    Change,
    Chip,
    Column,
    Group,
    HistoryItem,
    Input,
    Page,
    Pager,
    Related,
    Row,
    Words,
)
from panel.web.pages.records import ChildRow, ChildTable, ConfirmPage, DetailsPage, FormPage, ListPage

__all__ = [
    "Button",
    "Cell",
    "Change",
    "ChildRow",
    "ChildTable",
    "Chip",
    "Choice",
    "Column",
    "ColumnsPage",
    "ConfirmPage",
    "DetailsPage",
    "FormPage",
    "Frame",
    "Group",
    "HistoryItem",
    "HomePage",
    "Input",
    "JobPage",
    "ListPage",
    "MenuGroup",
    "MenuItem",
    "Page",
    "Pager",
    "PreviewCell",
    "PreviewPage",
    "PreviewRow",
    "Related",
    "Row",
    "SetupStep",
    "Tile",
    "UndoPage",
    "UndoRow",
    "UploadPage",
    "Words",
]
