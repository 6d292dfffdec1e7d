"""Undo of an import: what it would take back, why some rows stay, and the doing of it."""
