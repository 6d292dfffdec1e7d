"""Communities, liaisons and officers: how files name them and how they succeed each other."""
