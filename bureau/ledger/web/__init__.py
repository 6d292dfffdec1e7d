"""The monthly ledger on screen, as a workbook, and as a command."""
