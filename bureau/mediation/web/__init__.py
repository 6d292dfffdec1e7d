"""Measurements and mediations on screen and on paper."""
