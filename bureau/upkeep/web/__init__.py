"""Commands of the installation and its tables."""
