"""Figures of the work: declared, counted, grouped."""
