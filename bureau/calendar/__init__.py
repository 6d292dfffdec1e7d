"""Working days, office hours, months, and when something is due."""
