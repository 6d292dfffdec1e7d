"""The engine's screens: the only part of it that knows Flask and Flask-Admin."""
