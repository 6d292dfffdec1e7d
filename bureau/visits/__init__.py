"""The Monday visits: planned, held, missed, and the survey."""
