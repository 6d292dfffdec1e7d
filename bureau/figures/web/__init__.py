"""Figures on screen, as charts, and as a workbook."""
