"""The bureau's tables and columns, by subject. models.py exports them all."""
