"""The monthly ledger: rows, totals, drafts, submission."""
