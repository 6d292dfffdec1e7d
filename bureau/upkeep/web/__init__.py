"""Commands on the installation and its tables."""
