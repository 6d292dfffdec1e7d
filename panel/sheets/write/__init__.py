"""Sheets of typed cells as files."""
