"""Registers on screen, as workbooks, and as a command."""
