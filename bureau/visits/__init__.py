"""The Monday visits to communities, and the survey."""
