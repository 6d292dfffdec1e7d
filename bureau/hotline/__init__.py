"""The 12345 hotline: its orders come in as cases, and their results go out as a reply file."""
