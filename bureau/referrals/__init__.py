"""What another department is asked to do."""
