"""A workbook becomes a plan, the plan becomes rows, and rows can be taken back."""
