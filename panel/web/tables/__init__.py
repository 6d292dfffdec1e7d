"""The parts of the pages of a table: filters, columns, saved views."""
