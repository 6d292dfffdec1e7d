"""Find the table in a file: its header, what its columns mean, and its rows of data."""
