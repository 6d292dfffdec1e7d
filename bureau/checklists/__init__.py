"""The enforcement list and the service list."""
