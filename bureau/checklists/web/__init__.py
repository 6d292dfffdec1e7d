"""The pages of the two lists."""
