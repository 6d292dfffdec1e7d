"""Backups: archives of the database and its files, made while others write, verified, kept and restored."""
