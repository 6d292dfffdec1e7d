"""Communities, liaisons, officers, assignments: their import, look-up in files, and succession."""
