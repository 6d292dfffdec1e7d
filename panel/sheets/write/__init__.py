"""Writing of sheets of typed cells as .xlsx and CSV."""
