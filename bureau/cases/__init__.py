"""A case from report to feedback: steps, deadlines, repeats, imports."""
