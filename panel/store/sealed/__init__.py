"""Logs sealed in blocks: each block covers rows of an append-only table and the block before it, by a key that the
database doesn't hold. Rows are sealed afterwards by periodic work, so that no writer waits for another."""
