"""The page, the workbook and the command of registers."""
