"""Writing and keeping: the bulk writer, database errors in words, files, backup."""
