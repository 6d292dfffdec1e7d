"""What is written and drawn from the program: the generated pages, the notices of packages, the pictures."""
