"""The page of the file of a case."""
