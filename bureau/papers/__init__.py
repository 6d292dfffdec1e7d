"""The file of a case as papers to print."""
