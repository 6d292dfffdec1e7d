"""Storage: bulk writes, messages for database errors, uploaded files, backup."""
