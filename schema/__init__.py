"""The bureau's tables and columns, by what they are about; models.py names them all."""
