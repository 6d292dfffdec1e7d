"""The page and the document of the month in words."""
