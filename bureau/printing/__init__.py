"""How printed workbooks look."""
