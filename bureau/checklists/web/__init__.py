"""The two lists on screen."""
