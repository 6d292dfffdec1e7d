"""Running the installation: consistency, imports, retention."""
