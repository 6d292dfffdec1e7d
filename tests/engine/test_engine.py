"""That panel/ is an engine: it makes a panel of a schema it never saw, and takes up a column declared once.

The proofs run in processes of their own: there is one Base with one metadata."""

from __future__ import annotations

from pathlib import Path

from tests.engine.visits import visit


def test_a_panel_of_another_schema_works(tmp_path: Path) -> None:
    """Every page, file, import and migration of a record shop of fifteen tables."""
    visit("tests.foreign_visit", tmp_path)


def test_rows_of_a_record_are_edited_in_its_form(tmp_path: Path) -> None:
    """The lines of a purchase and of a sale: rights, scope, two editors, errors by row, what it costs."""
    visit("tests.foreign_rows", tmp_path)


def test_records_may_refer_to_their_own_table_and_to_themselves(tmp_path: Path) -> None:
    visit("tests.foreign_tree", tmp_path / "tree.db")


def test_what_the_engine_can_not_serve_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Every sentence of the check."""
    visit("tests.foreign_faults", tmp_path)


def test_rights_of_another_panel_hold(tmp_path: Path) -> None:
    """Roles that exclude each other, and an import by somebody who may not read batches."""
    visit("tests.foreign_rights", tmp_path)


def test_a_new_choice_is_noticed_and_its_migration_written(tmp_path: Path) -> None:
    visit("tests.choice_visit", tmp_path)


def test_a_new_column_is_one_line(tmp_path: Path) -> None:
    visit("tests.lowcode_visit", tmp_path)
