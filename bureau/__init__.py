"""The product: a folder for each kind of work that the bureau does."""
