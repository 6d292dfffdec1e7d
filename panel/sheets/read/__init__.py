"""Reading of files as sheets of plain cells, in a separate process."""
