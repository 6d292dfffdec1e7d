"""The home page and what stands round every page."""
