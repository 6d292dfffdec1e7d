"""The tests; their processes import this before anything of the program."""

import gc

# An application is hundreds of thousands of objects that live as long as the run. Looking through them after every few
# hundred new ones took an eighth of the suite's time, and of that of an import.
gc.set_threshold(100_000, 50, 100)
