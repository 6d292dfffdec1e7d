"""Imports: a workbook becomes a plan, the plan is written as a batch, and a batch can be undone."""
