"""Notices inside the panel and messages to other systems."""
