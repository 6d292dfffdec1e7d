"""The style of printed workbooks."""
