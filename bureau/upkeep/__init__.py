"""Operation of the installation: commands, consistency check, retention of imports."""
