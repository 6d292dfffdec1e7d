"""Accounts, their roles, and the logs on screen."""
