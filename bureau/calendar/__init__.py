"""Working days, periods and deadlines."""
