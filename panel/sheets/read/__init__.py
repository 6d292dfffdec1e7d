"""Any workbook file as sheets of plain cells, opened in a process of its own."""
