"""Lists: filters, search, order and page as statements over a declared model."""
