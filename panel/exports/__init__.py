"""Exports of tables: requests and their log, rows, templates, and failed rows of imports."""
