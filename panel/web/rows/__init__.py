"""Work in a list: its place on the pages of its records, edits on the row, changes of many, what is taken back."""
